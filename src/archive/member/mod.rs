//! Members: pieces of a packed tar that are whole in themselves, so that they can be made and read apart from one another,
//! while any tool of the format reads them one after another as a single stream.
//!
//! In gzip they are members (RFC 1952), in zstd frames (RFC 8878); a tar that is not compressed is cut in the same places.

mod closing;
mod encoder;
mod gzip;
mod read;
mod stored;
mod zstd;

pub use closing::Closing;
pub use encoder::encoded_members;
pub(super) use encoder::{CHUNK, Encoder};
pub use read::{MemberReader, decode_members};
pub(super) use stored::Stored;

/// How a tar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// `.tar.gz`, which any machine can open.
    #[default]
    Gzip,
    /// `.tar.zst`, which is smaller and made faster.
    Zstd,
    /// `.tar`.
    Plain,
}

impl Encoding {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Gzip, Self::Zstd, Self::Plain];

    /// How the names of such files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Gzip => ".tar.gz",
            Self::Zstd => ".tar.zst",
            Self::Plain => ".tar",
        }
    }

    /// What a file's name says it is.
    pub fn of_name(name: &str) -> Option<Self> {
        let endings =
            [(Self::Gzip, &[".tar.gz", ".tgz"][..]), (Self::Zstd, &[".tar.zst", ".tzst"]), (Self::Plain, &[".tar"])];
        let fits = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        endings.into_iter().find(|(_, endings)| fits(endings)).map(|(encoding, _)| encoding)
    }
}

/// Where a member lies, in the file and in the stream it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Its length in the file.
    pub length: u64,
    /// Offset of its content in the uncompressed stream.
    pub content_offset: u64,
    /// Length of its content.
    pub content_length: u64,
    /// CRC-32 of its bytes in the file.
    pub crc: u32,
}

#[cfg(test)]
pub(super) mod tests;
