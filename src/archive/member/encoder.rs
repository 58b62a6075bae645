//! Making whole members of what is at hand.

use std::io;

use super::{Encoding, gzip, zstd};

/// Most uncompressed bytes of a member that is compressed.
pub(in super::super) const CHUNK: u64 = 1 << 20;

/// Makes members, with one compressor for all.
pub(in super::super) enum Encoder {
    Gzip(flate2::Compress),
    Zstd(::zstd::bulk::Compressor<'static>),
    Plain,
}

impl Encoder {
    pub(in super::super) fn new(encoding: Encoding) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Gzip => Self::Gzip(gzip::compressor()),
            Encoding::Zstd => Self::Zstd(zstd::compressor()?),
            Encoding::Plain => Self::Plain,
        })
    }

    /// A whole member with `content`, in a buffer that may have held another, and the CRC-32 of its bytes.
    pub(in super::super) fn member(&mut self, content: &[u8], mut member: Vec<u8>) -> io::Result<(Vec<u8>, u32)> {
        member.clear();
        match self {
            Self::Gzip(compress) => gzip::deflate(compress, content, &mut member)?,
            Self::Zstd(compressor) => zstd::compress(compressor, content, &mut member)?,
            Self::Plain => member.extend_from_slice(content),
        }
        let crc = crc32fast::hash(&member);
        Ok((member, crc))
    }
}

/// Bytes as members, none of which holds more than others do.
///
/// # Errors
/// When the compressor fails.
pub fn encoded_members(encoding: Encoding, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(encoding)?;
    let members = content.chunks(CHUNK as usize).map(|chunk| Ok(encoder.member(chunk, Vec::new())?.0));
    Ok(members.collect::<io::Result<Vec<_>>>()?.concat())
}
