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
