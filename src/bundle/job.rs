//! One source that is wanted: what is known of it, what its bytes must be, and what the lock says of them.

use std::fs::File;
use std::io::Read;

use camino::Utf8Path;

use super::failure::FailureCause;
use super::order::{Collect, LockUse};
use crate::archive::{
    Container, Error as ArchiveError, Format, GitTree, GitTreeError, Limits, Links, Refusal, Unpack, check_git_tar,
    detect, examine,
};
use crate::base::{Expected, IoContext, ObjectId, Sha256, Wanted, fingerprint_file};
use crate::cache::Hit;
use crate::lock::Locked;
use crate::recipes::{Origin, Source};

/// A source that is wanted.
pub(super) struct Job<'p> {
    pub(super) source: &'p Source,
    pub(super) parts: Vec<&'p str>,
    pub(super) wanted: Wanted,
    /// What the config says of its bytes, without the lock.
    pub(super) declared: Expected,
    /// The commit it must be of: by its revision, or by the lock.
    pub(super) commit: Option<ObjectId>,
    /// How strictly parts unpack it, if any does.
    pub(super) unpacked: Option<Strictness>,
    /// The cache is asked before the network although it may change.
    pub(super) prefer_cache: bool,
}

/// How an archive is unpacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strictness {
    pub(super) links: Links,
    pub(super) limits: Limits,
}

pub(super) struct Got {
    pub(super) hit: Hit,
    pub(super) downloaded: bool,
    /// What it is, if it is the tar of a commit.
    pub(super) git: Option<GitTree>,
    /// What was found where it was read to its end as a part will unpack it.
    pub(super) examined: Option<Examined>,
}

/// What reading an archive to its end told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Examined {
    /// The digest of its content, where that is compressed as a whole.
    content: Option<Sha256>,
}

impl Job<'_> {
    /// The parts that want it.
    pub(super) fn parts(&self) -> Vec<String> {
        self.parts.iter().map(|part| (*part).to_owned()).collect()
    }

    /// Fails where a part could not unpack the file, or where it is not the commit that is asked for. Gives what it is,
    /// if it is the tar of a commit.
    pub(super) fn check(&self, path: &Utf8Path) -> Result<Option<GitTree>, FailureCause> {
        match &self.source.origin {
            Origin::Git { git, .. } => check_commit(path, self.commit, git.submodules).map(Some),
            _ if self.unpacked.is_some() => check_archive(path).map(|()| None),
            _ => Ok(None),
        }
    }

    /// Reads what a part will unpack to its end: what ends early, or would be refused, is told here and not at the site.
    /// It must have been [checked](Self::check).
    pub(super) fn examine(&self, path: &Utf8Path) -> Result<Examined, FailureCause> {
        let Some(Strictness { links, limits }) = self.unpacked else { return Ok(Examined::default()) };
        let content = examine(&Unpack { links, limits, ..Unpack::new(path) }).map_err(|error| match error {
            ArchiveError::Io(error) => error.into(),
            ArchiveError::NotAnArchive { .. } => FailureCause::NotAnArchive { starts: None },
            ArchiveError::Damaged { reason, .. } => FailureCause::DamagedArchive(reason),
            // Cut short, which is nothing anybody meant.
            ArchiveError::Refused { refusal: refusal @ Refusal::Truncated, .. } => {
                FailureCause::DamagedArchive(refusal.to_string())
            }
            ArchiveError::Refused { refusal, .. } => FailureCause::Refused(refusal),
        })?;
        Ok(Examined { content })
    }

    /// What a lock says of the source. An archive is examined when its bytes are locked first; the digest of its content
    /// stays.
    ///
    /// # Errors
    /// When it is no archive that could be unpacked.
    pub(super) fn locked(&self, got: &Got, known: Option<&Locked>) -> Result<Locked, FailureCause> {
        let hit = &got.hit;
        let fingerprint = &hit.fingerprint;
        let content = match known.filter(|known| known.sha256 == fingerprint.sha256) {
            Some(known) => known.content,
            None => got.examined.map_or_else(|| self.examine(&hit.path), Ok)?.content,
        };
        let kind = match &self.source.origin {
            Origin::Git { .. } => "git",
            Origin::Remote(_) => "remote",
            Origin::Project(_) | Origin::Outside { .. } => "file",
        };
        Ok(Locked {
            url: self.wanted.key.clone(),
            kind: kind.to_owned(),
            commit: got.git.as_ref().map(|git| git.commit),
            tree: got.git.as_ref().map(|git| git.tree),
            sha256: fingerprint.sha256,
            content,
            size: fingerprint.size,
            md5: self.declared.md5,
            parts: self.parts(),
        })
    }

    /// Whether a hit still is the source. A file of this machine may have changed since it was cached; where no digest
    /// says which bytes are wanted, those that are there now are.
    pub(super) fn is_current(&self, hit: &Hit) -> bool {
        let Origin::Outside { path, .. } = &self.source.origin else { return true };
        let now = || fingerprint_file(path).map(|fingerprint| fingerprint.sha256);
        self.wanted.expected.is_some() || !path.is_file() || now().is_ok_and(|sha256| sha256 == hit.fingerprint.sha256)
    }
}

/// Whether a file is an archive at all: servers answer with pages that say what went wrong, too.
pub(super) fn check_archive(path: &Utf8Path) -> Result<(), FailureCause> {
    match detect(path) {
        Ok(None) | Err(ArchiveError::Damaged { .. }) => {}
        Ok(Some(Format { container: Container::Single, .. })) => return Err(FailureCause::SingleFile),
        // What cannot be read is told where it is read.
        Ok(Some(_)) | Err(_) => return Ok(()),
    }
    let mut head = [0; 24];
    let length = File::open(path).and_then(|mut file| file.read(&mut head)).at("read", path)?;
    let line = head[..length].split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let text = std::str::from_utf8(line).ok().filter(|line| !line.is_empty() && !line.contains(char::is_control));
    Err(FailureCause::NotAnArchive { starts: text.map(str::to_owned) })
}

/// Fails where a file is not the tar of a commit, or not of the one that is asked for.
fn check_commit(path: &Utf8Path, wanted: Option<ObjectId>, submodules: bool) -> Result<GitTree, FailureCause> {
    let found = check_git_tar(path).map_err(|error| match error {
        GitTreeError::Io(error) => FailureCause::from(error),
        other => FailureCause::NotTheCommit(other.to_string()),
    })?;
    if found.left_out == submodules && found.has_submodules {
        let what = if submodules { "has not" } else { "has" };
        return Err(FailureCause::NotTheCommit(format!("`{path}` {what} the commit's submodules")));
    }
    match wanted.filter(|wanted| *wanted != found.commit) {
        Some(wanted) => {
            Err(FailureCause::NotTheCommit(format!("`{path}` is commit {}, wanted is {wanted}", found.commit)))
        }
        None => Ok(found),
    }
}

/// The commit that a source must be of, if anything says so already.
pub(super) fn named_commit(source: &Source, order: &Collect<'_>) -> Option<ObjectId> {
    let Origin::Git { git, key } = &source.origin else { return None };
    let locked = || match order.lock_use {
        LockUse::Honour => order.lock.get(key).and_then(|locked| locked.commit),
        LockUse::Update => None,
    };
    git.revision.commit().copied().or_else(locked)
}
