//! Repositories whose commits are the same in every run.

use std::path::PathBuf;
use std::process::Command;

use crate::support::Scene;

/// A repository in a scene.
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    pub fn new(scene: &Scene, path: &str, options: &[&str]) -> Self {
        let folder = scene.path(path);
        std::fs::create_dir_all(&folder).expect("makes a folder");
        let repository = Self { folder };
        repository.git(&[&["init", "--quiet", "--initial-branch=main"], options].concat());
        repository
    }

    /// Runs git in it; returns what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "protocol.file.allow=always", "-c", "core.autocrlf=false"]).args(arguments);
        command.current_dir(&self.folder).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@host.example");
            command.env(format!("GIT_{who}_DATE"), "2001-09-09T01:46:40Z");
        }
        let output = command.output().expect("git runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Puts an object into it, as it is; returns its name.
    pub fn object(&self, kind: &str, content: &[u8]) -> String {
        use std::io::Write;
        let mut command = Command::new("git");
        command.args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"]).current_dir(&self.folder);
        let mut child = command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("git runs");
        child.stdin.take().expect("a pipe").write_all(content).expect("writes");
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// A commit of a tree that git itself would not write: mode, name and object of each entry; `main` is moved there.
    pub fn raw_commit(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut tree = Vec::new();
        for (mode, name, id) in entries {
            tree.extend(format!("{mode} {name}\0").bytes());
            tree.extend((0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("hex")));
        }
        let tree = self.object("tree", &tree);
        let text = format!("tree {tree}\nauthor A <a> 1 +0000\ncommitter A <a> 1000000000 +0000\n\nraw\n");
        let commit = self.object("commit", text.as_bytes());
        self.git(&["update-ref", "refs/heads/main", &commit]);
        commit
    }

    /// Writes a file and commits all there is; returns the commit.
    pub fn commit(&self, path: &str, text: &str) -> String {
        let full = self.folder.join(path);
        std::fs::create_dir_all(full.parent().expect("a folder")).expect("makes a folder");
        std::fs::write(full, text).expect("writes");
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", path]);
        self.git(&["rev-parse", "HEAD"])
    }
}
