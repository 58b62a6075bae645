//! What can go wrong with a cache.

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
    /// A ledger file that is no ledger file.
    #[error("ledger entry `{path}` is damaged: {reason}")]
    Ledger {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: String,
    },
}
