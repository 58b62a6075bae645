//! What git knows about a project.

use std::process::{Command, Output};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use crate::base::{Epoch, GIT_ELSEWHERE};

/// A git work tree.
#[derive(Debug, Clone)]
pub(super) struct Git {
    top: Utf8PathBuf,
}

/// The commit a project is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its full name.
    pub id: String,
    /// When it was committed.
    pub time: Epoch,
}

impl Git {
    /// The work tree `folder` is in, if it is in one.
    ///
    /// # Errors
    /// When there is a `.git` but git cannot be asked: a project in git is never mistaken for a plain folder.
    pub(super) fn find(folder: &Utf8Path) -> Result<Option<Self>, Error> {
        if !folder.ancestors().any(|above| above.join(".git").exists()) {
            return Ok(None);
        }
        let output = run(folder, &["rev-parse", "--show-toplevel"])?;
        let top = Utf8PathBuf::from(text(folder, &output)?.trim_end_matches('\n'));
        Ok(Some(Self { top }))
    }

    pub(super) fn top(&self) -> &Utf8Path {
        &self.top
    }

    /// The current commit; `None` before the first one.
    pub(super) fn commit(&self) -> Result<Option<Commit>, Error> {
        let arguments = ["log", "-1", "--format=%H %ct"];
        let Ok(output) = run(&self.top, &arguments) else { return Ok(None) };
        let line = text(&self.top, &output)?;
        let commit = line.trim().split_once(' ').and_then(|(id, seconds)| {
            Some(Commit { id: id.to_owned(), time: Epoch::from_seconds(seconds.parse().ok()?) })
        });
        Ok(commit)
    }

    /// The files below `folder` that git tracks, relative to it, submodules included.
    pub(super) fn tracked(&self, folder: &Utf8Path) -> Result<Vec<String>, Error> {
        names(folder, &["ls-files", "-z", "--cached", "--recurse-submodules"])
    }

    /// The files below `folder` that git neither tracks nor ignores.
    pub(super) fn untracked(&self, folder: &Utf8Path) -> Result<Vec<String>, Error> {
        names(folder, &["ls-files", "-z", "--others", "--exclude-standard"])
    }

    /// The tracked files below `folder` that differ from the commit.
    pub(super) fn changed(&self, folder: &Utf8Path) -> Result<Vec<String>, Error> {
        let arguments = ["status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=none", "."];
        let output = run(folder, &arguments)?;
        let lines = text(folder, &output)?;
        // `XY name`, relative to the top; a renamed file's old name follows as an entry of its own.
        let mut changed = Vec::new();
        let mut entries = lines.split('\0').filter(|line| line.len() > 3);
        while let Some(entry) = entries.next() {
            changed.push(entry[3..].to_owned());
            if entry.starts_with(['R', 'C']) {
                entries.next();
            }
        }
        Ok(changed)
    }
}

fn names(folder: &Utf8Path, arguments: &[&str]) -> Result<Vec<String>, Error> {
    let output = run(folder, arguments)?;
    let list = text(folder, &output)?;
    Ok(list.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn run(folder: &Utf8Path, arguments: &[&str]) -> Result<Output, Error> {
    let failed = |reason: String| Error::Git { folder: folder.to_owned(), reason };
    let mut command = Command::new("git");
    // No pager, no colour, and no locks taken by a mere question.
    command.args(["-c", "core.quotepath=off", "--no-optional-locks", "-C", folder.as_str()]).args(arguments);
    // Inside a hook they name another repository than the folder's own. Messages are looked at, so in English.
    command.env("LC_ALL", "C");
    for name in GIT_ELSEWHERE {
        command.env_remove(name);
    }
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(said.trim().lines().next().unwrap_or("it failed without a word").to_owned()));
    }
    Ok(output)
}

fn text(folder: &Utf8Path, output: &Output) -> Result<String, Error> {
    let reason = "it lists a file whose name is not UTF-8".to_owned();
    String::from_utf8(output.stdout.clone()).map_err(|_| Error::Git { folder: folder.to_owned(), reason })
}
