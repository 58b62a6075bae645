//! Archives: strict reading of what strangers made, deterministic writing of our own.
//!
//! Layer 1. Reading trusts nothing: all headers of an archive are read and checked before its first byte is written
//! ([`unpack`]). Writing depends on its input alone: no clock, owner or folder order gets in ([`pack`]). Nothing here knows what a bundle or a source is.

mod apk;
mod error;
mod git;
mod member;
mod pack;
mod pick;
mod read;
mod tar_write;
mod tree;
mod unpack;

pub use apk::{ApkParts, ApkProblem, apk_data, read_apk, read_range};
pub use error::{Error, Refusal};
pub use git::{CommitObject, GitTarWriter, GitTree, GitTreeError, check_git_tar};
pub use member::{Closing, Encoding, Member, MemberReader, decode_members, encoded_members};
pub use pack::{PackContent, PackError, PackItem, Packed, pack};
pub use pick::pick;
pub use read::{
    Compression, Container, Entry, EntryKind, Format, LimitError, Limits, Links, SmallFile, content_digest, detect,
    read_small_tar,
};
pub use tar_write::{BLOCK, TarEntry, TarKind, TarWriter, encode_entry, padding};
pub use tree::{Tree, finish};
pub use unpack::{Unpack, Unpacked, examine, unpack};
