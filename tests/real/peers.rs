//! The peers, and a folder to meet them in.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where things that are worth keeping between runs lie.
pub fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real");
    std::fs::create_dir_all(&folder).expect("makes a folder");
    folder.join(name)
}

/// A script of `tests/real/tools`.
pub fn tool(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/tools").join(name))
}

/// Says loudly that a test could not be run; written past the harness, which hides the words of tests that pass.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr().lock(), "skipped: {why}");
}

/// Whether a program is here.
pub fn have(program: &str) -> bool {
    let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let found = folders.iter().any(|folder| Path::new(folder).join(program).is_file());
    if !found {
        skipped(&format!("{program} is not here"));
    }
    found
}

/// An empty folder, gone afterwards.
pub struct Scene {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Scene {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("hardtack-real-").tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a real path");
        std::fs::create_dir(root.join("home")).expect("a home");
        Self { _folder: folder, root }
    }

    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes folders");
        std::fs::write(path, text).expect("writes");
    }

    /// A program with a pinned environment, run in the scene's folder.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.root).env_clear().env("HOME", self.path("home"));
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }

    pub fn hardtack(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_hardtack")).args(arguments).output().expect("hardtack starts")
    }
}

/// Standard output of a run that must have gone well.
#[track_caller]
pub fn succeeded(output: Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n--- stdout\n{out}\n--- stderr\n{err}", output.status);
    out.into_owned()
}

/// Debian's nginx, serving a folder until dropped.
pub struct Nginx {
    folder: PathBuf,
    port: String,
}

impl Nginx {
    pub fn start(scene: &Scene, root: &Path) -> Self {
        Self::with(scene, root, "nginx", &[])
    }

    /// The same in a folder of this name, with more said in variables of the script.
    pub fn with(scene: &Scene, root: &Path, name: &str, variables: &[(&str, &str)]) -> Self {
        let folder = scene.path(name);
        let mut script = tool("nginx.sh");
        script.arg(root).arg(&folder).envs(variables.iter().copied());
        Self { port: succeeded(script.output().expect("the script starts")).trim().to_owned(), folder }
    }

    /// What is said of the requests so far, a line each.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("logs/access.log")).unwrap_or_default()
    }

    pub fn url(&self, file: &str) -> String {
        format!("http://127.0.0.1:{}/{file}", self.port)
    }

    /// The number of requests so far.
    pub fn requests(&self) -> usize {
        self.log().lines().count()
    }

    pub fn stop(self) {}
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let stopped = tool("nginx.sh").arg("stop").arg(&self.folder).status();
        assert!(stopped.is_ok_and(|status| status.success()), "nginx stops");
    }
}
