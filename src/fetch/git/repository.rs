//! A repository's objects, fetched into a folder: of one commit alone where the server gives it, else of all there are.

use std::fs;
use std::time::Instant;

use camino::Utf8PathBuf;

use super::super::attempts::{Attempts, Failed};
use super::super::error::{Error, GitFailure};
use super::first_id;
use super::objects::Objects;
use super::program::Git;
use crate::base::{ObjectFormat, ObjectId, Repository};

/// All branches and tags.
const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// A repository, and the folder that gets its objects.
pub(super) struct Clone<'c> {
    attempts: &'c Attempts<'c>,
    repository: &'c Repository,
    git: Git<'c>,
    folder: Utf8PathBuf,
}

impl<'c> Clone<'c> {
    /// Nothing is done yet.
    pub(super) fn new(attempts: &'c Attempts<'c>, repository: &'c Repository, folder: Utf8PathBuf) -> Self {
        Self { attempts, repository, git: Git::new(attempts.client(), repository), folder }
    }

    pub(super) fn git(&self) -> &Git<'c> {
        &self.git
    }

    pub(super) fn folder(&self) -> &Utf8PathBuf {
        &self.folder
    }

    /// The commit that a tag or a branch names, a tag first; `None` where the name may be that of a commit.
    pub(super) fn named(&self, name: &str) -> Result<Option<ObjectId>, Error> {
        let patterns = match name {
            "HEAD" => vec![name.to_owned()],
            full if full.starts_with("refs/") => vec![format!("{full}^{{}}"), full.to_owned()],
            _ => vec![format!("refs/tags/{name}^{{}}"), format!("refs/tags/{name}"), format!("refs/heads/{name}")],
        };
        let output = self.persist(|clone, deadline| {
            let mut command = clone.git.connecting(&clone.folder);
            command.args(["ls-remote", "--quiet", "--", &clone.git.address()]).args(&patterns);
            clone.git.run(command, deadline)
        })?;
        let text = String::from_utf8_lossy(&output);
        let of = |pattern: &String| {
            let line = text.lines().find(|line| line.split('\t').nth(1) == Some(pattern))?;
            first_id(line)
        };
        match patterns.iter().find_map(of) {
            Some(id) => Ok(Some(id)),
            None if may_be_commit(name) => Ok(None),
            None => Err(Error::Revision { url: self.git.url(), revision: name.to_owned() }),
        }
    }

    /// Fetches what a commit needs.
    pub(super) fn fetch(&self, id: &ObjectId) -> Result<(), Error> {
        self.make(id.format())?;
        let name = id.to_string();
        match self.pull(&["--depth=1"], &[&name]) {
            Err(Error::Git { kind: GitFailure::NoSuchCommit, .. }) => {}
            other => return other,
        }
        // Some servers give only what a branch or a tag names.
        self.make(id.format())?;
        self.pull(&[], &EVERYTHING)?;
        match self.commit(&name)? {
            Some(found) if found == *id => Ok(()),
            _ => Err(Error::Revision { url: self.git.url(), revision: name }),
        }
    }

    /// The commit that the first digits of its name, or a description by a tag, mean: only all commits together tell.
    pub(super) fn described(&self, name: &str) -> Result<ObjectId, Error> {
        // Its own head tells how the repository names things.
        let format = self.named("HEAD").ok().flatten().map_or(ObjectFormat::Sha1, |id| id.format());
        self.make(format)?;
        self.pull(&[], &EVERYTHING)?;
        self.commit(name)?.ok_or_else(|| Error::Revision { url: self.git.url(), revision: name.to_owned() })
    }

    /// Starts reading objects.
    pub(super) fn objects(&self) -> Result<Objects, Error> {
        let mut command = self.git.inside(&self.folder);
        command.args(["cat-file", "--batch"]).stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        Objects::new(self.git.start(command)?, self.git.url())
    }

    fn commit(&self, name: &str) -> Result<Option<ObjectId>, Error> {
        let mut command = self.git.inside(&self.folder);
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")]);
        match self.git.run(command, None) {
            Ok(output) => Ok(first_id(&String::from_utf8_lossy(&output))),
            Err(Error::Git { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn make(&self, format: ObjectFormat) -> Result<(), Error> {
        let stored = |source| Error::Store { url: self.git.url(), source };
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(stored)?;
        }
        fs::create_dir_all(&self.folder).map_err(stored)?;
        let mut command = self.git.inside(&self.folder);
        command.args(["-c", "init.defaultObjectFormat=sha1", "init", "--quiet", "--bare", "--template="]);
        command.env_remove("GIT_DEFAULT_HASH");
        // Said only where it must be: older ones do not know the word.
        if format != ObjectFormat::Sha1 {
            command.arg(format!("--object-format={}", format.name()));
        }
        self.git.run(command, None).map(drop)
    }

    fn pull(&self, options: &[&str], wanted: &[&str]) -> Result<(), Error> {
        self.persist(|clone, deadline| {
            let mut command = clone.git.connecting(&clone.folder);
            command.args(["fetch", "--progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]);
            command.args(options).args(["--", &clone.git.address()]).args(wanted);
            clone.git.run(command, deadline).map(drop)
        })
    }

    /// Does something with the repository's server, as often as it takes.
    fn persist<T>(&self, attempt: impl Fn(&Self, Option<Instant>) -> Result<T, Error>) -> Result<T, Error> {
        match self.repository.host() {
            Some(host) => self.attempts.persist(&self.git.url(), &host, |deadline| {
                attempt(self, deadline).map_err(|error| Failed { error, advanced: false })
            }),
            None => attempt(self, None),
        }
    }
}

/// Whether a name may be the first digits of a commit's, alone or after `-g` in a description.
fn may_be_commit(name: &str) -> bool {
    let digits = name.rsplit_once("-g").map_or(name, |(_, digits)| digits);
    (4..64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
