//! A folder to work in, a pinned environment, and the built program.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::server::Server;

/// A scene: an empty folder that is gone afterwards.
pub struct Scene {
    _folder: tempfile::TempDir,
    root: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Scene {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("hardtack-test-").tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a real path");
        let scene = Self { _folder: folder, environment: BTreeMap::new(), root };
        std::fs::create_dir(scene.path("home")).expect("a home");
        // What is killed leaves its folder, and whoever may run in a scene may make one.
        std::fs::create_dir(scene.path("tmp")).expect("a folder");
        let mode = std::fs::Permissions::from_mode(0o1777);
        std::fs::set_permissions(scene.path("tmp"), mode).expect("sets the mode");
        scene
    }

    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file, making folders.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes folders");
        std::fs::write(&path, text).expect("writes");
        path
    }

    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.path(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// Sets a variable for all runs from here on.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// The program with a pinned environment, run in the scene's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hardtack"));
        command.args(arguments).current_dir(&self.root).env_clear();
        command.env("HOME", self.path("home")).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("COLUMNS", "100").env("TMPDIR", self.path("tmp"));
        // What is to be tried again says so.
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("HARDTACK_RETRIES", "0");
        command.envs(&self.environment);
        command
    }

    /// hardtack as another program starts it, which takes its command after `words`.
    pub fn under(&self, program: &str, words: &[&str], arguments: &[&str]) -> Command {
        let own = self.command(arguments);
        let mut command = Command::new(program);
        command.args(words).arg(own.get_program()).args(own.get_args());
        command.current_dir(self.path("")).env_clear();
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(&self.root, arguments, self.command(arguments).output().expect("the program starts"))
    }

    /// The same for one who may not do everything: where root runs the tests, somebody else, who gets the scene's folder.
    pub fn without_privileges(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        if rustix::process::geteuid().is_root() {
            let nobody = 65534;
            for folder in [&self.root, &self.path("home")] {
                std::os::unix::fs::chown(folder, Some(nobody), Some(nobody)).expect("changes the owner");
            }
            std::os::unix::process::CommandExt::uid(&mut command, nobody);
        }
        command
    }

    /// Runs with words separated by blanks.
    pub fn hardtack(&self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// A project in `folder` with the given parts, and the common header.
    pub fn project(&self, folder: &str, parts: &str, sections: &str) {
        let header = format!("[buildout]\nparts = {parts}\n\n[hardtack]\nname = app\nversion = 1.0\n\n");
        self.write(&format!("{folder}/buildout.cfg"), format!("{header}{sections}"));
    }

    /// A project `app` with one part, `foo`, whose source the server has; returns the source's URL.
    pub fn foo_project(&self, server: &Server) -> String {
        let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
        self.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
        url
    }

    /// All files below a folder, sorted, links and their targets included.
    pub fn tree(&self, folder: &str) -> Vec<String> {
        let root = self.path(folder);
        let mut found = Vec::new();
        for entry in walkdir::WalkDir::new(&root).min_depth(1).sort_by_file_name() {
            let entry = entry.expect("can be read");
            if !entry.file_type().is_dir() {
                found.push(entry.path().strip_prefix(&root).expect("below").display().to_string());
            }
        }
        found
    }
}

/// A finished run.
pub struct Ran {
    line: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn new(root: &Path, arguments: &[&str], output: Output) -> Self {
        let text =
            |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8").replace(root.to_str().expect("UTF-8"), "[SCENE]");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { line: arguments.join(" "), code: output.status.code(), stdout, stderr }
    }

    /// Checks the exit status.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let Self { line, stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "hardtack {line}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Checks that stderr has all of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "hardtack {}: no {part:?} in\n{}", self.line, self.stderr);
        }
        self
    }

    /// Checks that stderr has none of these.
    #[track_caller]
    pub fn never_says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(!self.stderr.contains(part), "hardtack {}: {part:?} in\n{}", self.line, self.stderr);
        }
        self
    }
}

/// A file in an archive.
pub struct Member<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub executable: bool,
}

/// A tar.gz of text files.
pub fn archive(members: &[Member<'_>]) -> Vec<u8> {
    let gzip = flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::new(6));
    let mut builder = tar::Builder::new(gzip);
    for member in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(member.text.len() as u64);
        header.set_mode(if member.executable { 0o755 } else { 0o644 });
        header.set_mtime(1_000_000_000);
        builder.append_data(&mut header, member.path, member.text.as_bytes()).expect("appends");
    }
    builder.into_inner().and_then(|gzip| gzip.finish()).expect("finishes")
}

/// An archive of so many bytes that are in no order, so that they cannot be made fewer.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    let bytes: Vec<u8> = (0..size).map(|_| next()).collect();
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "data-1.0/data", bytes.as_slice()).expect("appends");
    builder.into_inner().expect("finishes")
}

/// A configure script that writes a Makefile; `make install` puts a script there that prints name, version and prefix.
const CONFIGURE: &str = r#"#!/bin/sh
prefix=/usr/local
for a; do case $a in --prefix=*) prefix=${a#--prefix=} ;; esac; done
cat >Makefile <<MK
all: prog
prog: prog.in
	sed 's|@prefix@|$prefix|' prog.in >prog
install: all
	mkdir -p $prefix/bin
	cp prog $prefix/bin/NAME
	chmod 755 $prefix/bin/NAME
MK
"#;

/// The source of a small program, `NAME`, that prints `NAME VERSION at PREFIX`.
pub fn source(name: &str, version: &str) -> Vec<u8> {
    let folder = format!("{name}-{version}");
    let program = format!("#!/bin/sh\necho {name} {version} at @prefix@\n");
    let configure = CONFIGURE.replace("NAME", name);
    archive(&[
        Member { path: &format!("{folder}/configure"), text: &configure, executable: true },
        Member { path: &format!("{folder}/prog.in"), text: &program, executable: false },
    ])
}

/// The source of a package whose makefile is given and whose configure does nothing.
pub fn source_with_makefile(makefile: &str) -> Vec<u8> {
    archive(&[
        Member { path: "p-1/configure", text: "#!/bin/sh\nexit 0\n", executable: true },
        Member { path: "p-1/Makefile", text: makefile, executable: false },
    ])
}

/// The standard output of an installed program.
pub fn output_of(program: &Path) -> String {
    let output = Command::new(program).output().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("sets the mode");
}

/// Says loudly that a test could not be run for want of something.
pub fn skipped(why: &str) {
    use std::io::Write;
    // Written to the descriptor itself, past the test harness, which shows nothing of tests that pass.
    let _ = writeln!(std::io::stderr().lock(), "skipped: {why}");
}
