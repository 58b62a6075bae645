//! What a cache does, told step by step; the walk of the original's log can be followed in it.

use camino::Utf8PathBuf;

use crate::base::LinkMode;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A cache is looked into.
    Searching {
        /// The folder.
        cache: Utf8PathBuf,
    },
    /// A source is not there.
    NotFound {
        /// The file's name.
        file: String,
        /// The path it would have.
        key: Utf8PathBuf,
    },
    /// A source was put into the cache.
    Stored {
        /// The source, without credentials.
        source: String,
        /// Its path.
        path: Utf8PathBuf,
    },
    /// A source was found.
    Using {
        /// Its path.
        path: Utf8PathBuf,
    },
    /// A file that another program put there was taken over.
    Adopted {
        /// The file.
        path: Utf8PathBuf,
    },
    /// A file was left alone, since it is not what the source must be.
    Ignored {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        reason: String,
    },
    /// A blob that had changed was put aside.
    Quarantined {
        /// Where it is now.
        path: Utf8PathBuf,
    },
    /// A layout was asked for in which the source cannot be.
    LeftOut {
        /// The file that would be there, or the source.
        path: Utf8PathBuf,
        /// Why it is not.
        reason: String,
    },
    /// A file could not be made the way that was asked for.
    Copied {
        /// The file.
        path: Utf8PathBuf,
        /// What was asked for.
        instead_of: LinkMode,
    },
    /// Others use the cache in a way that cannot be shared.
    WaitingForCache {
        /// They, in their own words.
        holders: Vec<String>,
    },
    /// Another process works on the same source.
    Waiting {
        /// The source.
        source: String,
    },
}
