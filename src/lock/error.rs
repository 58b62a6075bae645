//! What can be wrong with a lock file.

use camino::Utf8PathBuf;

use crate::base::{PathError, SourceKey};

/// An error with a lock file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Not a lock file.
    #[error("lock file `{path}` is malformed: {reason}")]
    Malformed {
        /// The file.
        path: Utf8PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A newer hardtack wrote it.
    #[error("lock file `{path}` has format {found}, this hardtack knows format {known}")]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// A request makes no sense.
    #[error("`{path}` is no request of a site: {reason}")]
    Request {
        /// The file.
        path: Utf8PathBuf,
        /// Why not.
        reason: String,
    },
    /// `--locked`, and the lock does not fit the config.
    #[error("lock file `{path}` does not fit the config: {}", changes.join("; "))]
    Outdated {
        /// The file.
        path: Utf8PathBuf,
        /// What would change.
        changes: Vec<String>,
    },
    /// Config and lock promise different bytes.
    #[error("the config gives `{key}` the {algorithm} {declared}, the lock file {locked}")]
    Contradiction {
        /// The source.
        key: SourceKey,
        /// `SHA-256` or `MD5`.
        algorithm: &'static str,
        /// The digest in the config.
        declared: String,
        /// The digest in the lock.
        locked: String,
    },
}
