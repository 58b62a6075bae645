//! Why an archive cannot be read.

use camino::Utf8PathBuf;

use crate::base::PathError;

/// An error with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// The bytes belong to no format known here.
    #[error(
        "`{archive}` is not an archive: it is neither zip nor tar, bare or compressed with gzip, xz, bzip2, lzip, lzma or zstd"
    )]
    NotAnArchive {
        /// The file.
        archive: Utf8PathBuf,
    },
    /// The compressed stream is broken or cut short.
    #[error("`{archive}` is damaged: {reason}")]
    Damaged {
        /// The file.
        archive: Utf8PathBuf,
        /// What the decompressor says.
        reason: String,
    },
    /// The archive holds something that is never unpacked.
    #[error("refused to unpack `{archive}`: {refusal}")]
    Refused {
        /// The file.
        archive: Utf8PathBuf,
        /// What it holds.
        refusal: Refusal,
    },
}

/// What makes an archive unfit for unpacking. Names are shown with control characters escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A name with `..`.
    #[error("entry `{0}` climbs out with `..`")]
    Traversal(String),
    /// A name that starts at the root.
    #[error("entry `{0}` has an absolute path")]
    Absolute(String),
    /// A name that is empty, or holds NUL or control characters.
    #[error("entry `{0}` has a name that is empty or holds control characters")]
    BadName(String),
    /// A name longer than file systems take.
    #[error("entry `{0}` has a name that is too long")]
    LongName(String),
    /// A device, a fifo or something stranger.
    #[error("entry `{name}` is a {kind}")]
    Special {
        /// The entry.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// Two entries for one path.
    #[error("entry `{0}` is there twice")]
    Duplicate(String),
    /// An entry below something that is no folder.
    #[error("entry `{name}` lies below `{parent}`, which is a {kind}")]
    ThroughNonFolder {
        /// The entry.
        name: String,
        /// The file or link above it.
        parent: String,
        /// `file` or `link`.
        kind: &'static str,
    },
    /// A symbolic link to a place outside the archive.
    #[error("link `{name}` leads out of the archive, to `{target}`")]
    LinkLeaves {
        /// The entry.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// A hard link to something that is no earlier file of the archive.
    #[error("hard link `{name}` is to `{target}`, which is no file that comes before it")]
    HardLinkTarget {
        /// The entry.
        name: String,
        /// What it names.
        target: String,
    },
    /// A header whose checksum does not match.
    #[error("the header at byte {offset} has a wrong checksum")]
    HeaderChecksum {
        /// Offset in the uncompressed archive.
        offset: u64,
    },
    /// A header that contradicts itself or its extension.
    #[error("the header at byte {offset} is malformed: {reason}")]
    Header {
        /// Offset in the uncompressed archive.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A sparse file whose map makes no sense.
    #[error("it has a sparse file whose map does not fit it")]
    SparseMap,
    /// A name that the file system here takes for another one's.
    #[error(
        "entries `{name}` and `{other}` are one to the file system here, which folds the case of letters or accents"
    )]
    Collision {
        /// The one.
        name: String,
        /// The other.
        other: String,
    },
    /// A zip whose directory and entries contradict each other.
    #[error("entry `{name}` of the zip: {reason}")]
    Zip {
        /// The entry.
        name: String,
        /// What does not fit.
        reason: &'static str,
    },
    /// A zip whose directory makes no sense.
    #[error("the directory of the zip: {0}")]
    ZipDirectory(&'static str),
    /// A feature no source was ever seen to need.
    #[error("entry `{name}` needs {feature}, which is not supported")]
    Unsupported {
        /// The entry.
        name: String,
        /// The feature.
        feature: &'static str,
    },
    /// The archive ends in the middle.
    #[error("it is cut short")]
    Truncated,
    /// Bytes after the end.
    #[error("it has data after its end")]
    TrailingData,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// More than the limits allow.
    #[error("it has {what} than the limit of {limit}")]
    Limit {
        /// Such as `more entries`.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}
