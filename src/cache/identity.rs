//! What only this machine knows of a source: times, and which file on its disk was found whole.
//!
//! It speeds things up and tells how old something is; no bytes are trusted because of it that are used for anything.

use std::fs::{Metadata, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::base::{Sha256, TEMPORARY, read_limited};

/// More than any of them has, in bytes.
const LONGEST: u64 = 4096;
/// How often it is written down that a source is used.
const USED_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What only this machine knows of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// When its bytes came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retrieved: Option<Timestamp>,
    /// When the server last said that they are the current ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) validated: Option<Timestamp>,
    /// When they were last asked for, give or take a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) used: Option<Timestamp>,
    /// The file that was whole when it was last hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) whole: Option<WholeFile>,
}

/// A file as the system saw it when its digest was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WholeFile {
    pub(super) sha256: Sha256,
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl WholeFile {
    pub(super) fn new(sha256: Sha256, data: &Metadata) -> Self {
        Self {
            sha256,
            device: data.dev(),
            inode: data.ino(),
            size: data.len(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        }
    }
}

impl Identity {
    /// What is written at `path`; nothing where that cannot be read, since it can be found out again.
    pub(super) fn read(path: &Utf8Path) -> Self {
        read_limited(path, LONGEST).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Writes it down, if that can be done. Without a flush: losing it costs one look more.
    pub(super) fn write(&self, path: &Utf8Path) {
        let written = || -> std::io::Result<()> {
            let folder = path.parent().unwrap_or(path);
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.as_file().set_permissions(Permissions::from_mode(0o644))?;
            file.persist(path)?;
            Ok(())
        };
        let _ = written();
    }

    /// Whether the file with this metadata is the one that was found whole.
    pub(super) fn knows(&self, sha256: &Sha256, data: &Metadata) -> bool {
        self.whole == Some(WholeFile::new(*sha256, data))
    }

    /// Notes that the source is used; `false` where that is noted already.
    pub(super) fn touch(&mut self, now: Timestamp) -> bool {
        // A time to come was written by a clock that was wrong.
        let fresh = self.used.is_some_and(|used| used <= now && now.duration_since(used) < USED_EVERY);
        if !fresh {
            self.used = Some(now);
        }
        !fresh
    }

    /// How long ago the server last spoke for the bytes; `None` where no clock can tell.
    pub(super) fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        let since = now.duration_since(self.validated?);
        Some(since).filter(|age| !age.is_negative())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_makes_the_age_unknown_and_the_use_new() {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_hours(30));
        let mut identity = Identity { validated: Some(later), used: Some(later), ..Identity::default() };
        assert_eq!(identity.age(now), None);
        assert_eq!(identity.age(later), Some(SignedDuration::ZERO));
        assert!(identity.touch(now) && !identity.touch(now) && identity.touch(later));
    }
}
