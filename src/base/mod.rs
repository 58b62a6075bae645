//! Words the whole crate is written in: digests, paths, URLs, spans, time, files on disk.
//!
//! Layer 0. Nothing here knows what a config, a cache or a bundle is, nothing prints, and nothing reads the
//! environment.

mod digest;
mod distribution;
mod file;
mod filelock;
mod git;
mod key;
mod link;
mod object;
mod parallel;
mod path;
mod replica;
mod span;
mod time;
mod transfer;
mod url;

pub use digest::{
    Digest, DigestError, Fingerprint, Hasher, HashingReader, HashingWriter, Md5, Sha1, Sha256, fingerprint_file,
    sha256_file,
};
pub use distribution::{Distribution, Distributions, Role};
pub use file::{
    IoContext, PathError, TEMPORARY, create_dir_all, empty_folders_below, files_below, granting, is_empty_dir, look_at,
    only_folder, open_file, publish, publish_file, read_limited, read_to_string, remove_tree, sync_dir, write_atomic,
};
pub use filelock::{FileLock, LockMode};
pub use git::{GIT_ELSEWHERE, GIT_PREFIX, GitSource, GitSourceError, Repository, Revision};
pub use key::{Class, Expected, Mismatch, SourceKey, View, Wanted};
pub use link::{link_stays_below, link_stays_below_within};
pub use object::{ObjectFormat, ObjectHasher, ObjectId};
pub use parallel::in_parallel;
pub use path::{RelPath, RelPathError, normalize, relative_to};
pub use replica::{LinkMode, clone_file, link_file, replace_file};
pub use span::{Place, SourceFile};
pub use time::{Epoch, EpochError};
pub use transfer::{Answer, Begun, Checkout, Head, KnownVersion, Sink, Validators};
pub use url::{SourceUrl, UrlError, mask, redact, redact_all};
