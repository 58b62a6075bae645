//! What can go wrong with a cache.

use std::io;

use camino::Utf8PathBuf;

use crate::base::{Mismatch, PathError, SourceKey};

/// An error with a cache.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// A newer hardtack made the cache.
    #[error("cache `{path}` has format {found}, this hardtack knows format {known}")]
    Newer {
        /// The cache.
        path: Utf8PathBuf,
        /// The format found there.
        found: String,
        /// The newest format known here.
        known: u32,
    },
    /// Bytes that are not what the config or the lock promises.
    #[error("`{key}` is not what was expected: {mismatch}")]
    WrongDigest {
        /// The source.
        key: SourceKey,
        /// The digests.
        mismatch: Mismatch,
    },
    /// Others use the cache and do not come to an end.
    #[error("cache `{path}` is in use{}", by(.holders))]
    Busy {
        /// The cache.
        path: Utf8PathBuf,
        /// They, in their own words.
        holders: Vec<String>,
    },
    /// Another process has begun to download a source and gets nothing any more.
    #[error("another process has begun to download `{key}` and does not go on; it holds `{path}`")]
    Stuck {
        /// The source.
        key: SourceKey,
        /// Its lock file.
        path: Utf8PathBuf,
    },
    /// The file system has no locks, so nobody can know who uses the cache.
    #[error("`{path}` is on a file system without locks: nobody can tell whether the cache is in use")]
    NoLocks {
        /// The cache.
        path: Utf8PathBuf,
    },
    /// A ledger file that is no ledger file.
    #[error("ledger entry `{path}` is damaged: {reason}")]
    Ledger {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// Whether nothing can be written where it would have to be.
    pub fn is_unwritable(&self) -> bool {
        let Self::Io(error) = self else { return false };
        matches!(error.source.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
    }
}

fn by(holders: &[String]) -> String {
    if holders.is_empty() { String::new() } else { format!(": {}", holders.join("; ")) }
}
