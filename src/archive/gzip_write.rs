//! Gzip members (RFC 1952), each whole in itself: any gzip tool reads those of a file as one stream.

use std::io;

use flate2::{Compress, Compression, FlushCompress, Status};

/// Most uncompressed bytes of a deflated member.
pub(super) const CHUNK: u64 = 1 << 20;
/// Smaller files are not worth a member of their own.
pub(super) const MIN_STORED: u64 = 64 << 10;
/// Fixed for good: another level would change every bundle's bytes. The next one takes a third longer and gains half a
/// percent.
const LEVEL: u32 = 5;
/// No name, no time, "unknown" system.
pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The flag for an extra field.
const FEXTRA: u8 = 4;

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

/// Most bytes a stored block can hold.
pub(super) const BLOCK: usize = u16::MAX as usize;

/// Bytes that end a member.
pub(super) const TRAILER: usize = 8;
/// Bytes of a stored block's header.
pub(super) const BLOCK_HEADER: usize = 5;

/// Makes deflated members, with one compressor for all.
pub(super) struct Deflater {
    compress: Compress,
}

impl Deflater {
    pub(super) fn new() -> Self {
        Self { compress: Compress::new(Compression::new(LEVEL), false) }
    }

    /// A whole member with `content`, in a buffer that may have held another, and the CRC-32 of its bytes.
    pub(super) fn member(&mut self, content: &[u8], mut member: Vec<u8>) -> io::Result<(Vec<u8>, u32)> {
        self.compress.reset();
        member.clear();
        member.extend_from_slice(&HEADER);
        // What does not get smaller gets a little longer: a header for each stored block.
        member.reserve(content.len() + content.len() / 1000 + 64);
        let mut at = 0;
        loop {
            let before = self.compress.total_in();
            let status = self.compress.compress_vec(&content[at..], &mut member, FlushCompress::Finish)?;
            at += (self.compress.total_in() - before) as usize;
            match status {
                Status::StreamEnd => break,
                _ => member.reserve(64 << 10),
            }
        }
        member.extend_from_slice(&trailer(crc32fast::hash(content), content.len() as u64));
        let crc = crc32fast::hash(&member);
        Ok((member, crc))
    }
}

/// What ends a member: the CRC-32 of its content, and that one's length modulo 2^32.
pub(super) fn trailer(crc: u32, content_length: u64) -> [u8; TRAILER] {
    let mut bytes = [0; TRAILER];
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes[4..].copy_from_slice(&(content_length as u32).to_le_bytes());
    bytes
}

/// What files start with that are compressed already, or are archives of what is.
const MAGICS: [&[u8]; 12] = [
    b"\x1f\x8b",
    b"\xfd7zXZ\0",
    b"BZh",
    b"LZIP",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x9d",
    b"wOF2",
    b"OggS",
];

/// Whether a file that starts so would not get smaller: by what it starts with, else by a trial.
pub(super) fn looks_compressed(head: &[u8]) -> bool {
    MAGICS.iter().any(|magic| head.starts_with(magic)) || !compressible(head)
}

/// Whether deflating the first bytes of a file makes them at least a twentieth smaller.
fn compressible(head: &[u8]) -> bool {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut output = Vec::with_capacity(head.len() - head.len() / 20);
    let status = compress.compress_vec(head, &mut output, FlushCompress::Finish);
    matches!(status, Ok(Status::StreamEnd))
}

pub(super) fn stored_block_header(length: u16, last: bool) -> [u8; BLOCK_HEADER] {
    let [a, b] = length.to_le_bytes();
    let [c, d] = (!length).to_le_bytes();
    [u8::from(last), a, b, c, d]
}

/// A member of stored blocks with an extra field: its length depends on those of `content` and `extra` alone.
///
/// # Panics
/// If `content` or `extra` is longer than 65535 bytes.
pub fn stored_member(content: &[u8], extra: &[u8]) -> Vec<u8> {
    let extra_length = u16::try_from(extra.len()).expect("an extra field is short");
    let content_length = u16::try_from(content.len()).expect("a stored member is one block");
    let mut member = HEADER.to_vec();
    member[3] = FEXTRA;
    member.extend(extra_length.to_le_bytes());
    member.extend(extra);
    member.extend(stored_block_header(content_length, true));
    member.extend(content);
    member.extend(trailer(crc32fast::hash(content), content_length.into()));
    member
}

/// Bytes as deflated members, none of which holds more than others do.
///
/// # Errors
/// When the compressor fails.
pub fn deflated_members(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut deflater = Deflater::new();
    let members = content.chunks(CHUNK as usize).map(|chunk| Ok(deflater.member(chunk, Vec::new())?.0));
    Ok(members.collect::<io::Result<Vec<_>>>()?.concat())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::gzip_read::MemberReader;
    use super::*;

    #[test]
    fn a_changed_byte_in_a_member_shows_and_so_does_another_length() {
        let content = b"abc".repeat(100);
        let (bytes, crc) = Deflater::new().member(&content, Vec::new()).expect("deflates");
        let (length, content_length) = (bytes.len() as u64, 300);
        let member = Member { offset: 0, length, content_offset: 0, content_length, crc };
        let read = |bytes: &[u8], member: Member| {
            let mut reader = MemberReader::new(bytes, member);
            let mut content = Vec::new();
            reader.read_to_end(&mut content)?;
            reader.finish().map(|_| content)
        };
        assert!(read(&bytes, member).is_ok_and(|read| read == content));
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(read(&changed, member).is_err(), "byte {index}");
        }
        assert!(read(&bytes, Member { content_length: 299, ..member }).is_err());
        assert!(read(&bytes, Member { content_length: 301, ..member }).is_err());
        assert!(read(&bytes[..bytes.len() - 1], member).is_err());
    }

    #[test]
    fn members_follow_one_another_as_one_stream() {
        let content = b"hello ".repeat(400_000);
        let members = deflated_members(&content).expect("deflates");
        let mut whole = Vec::new();
        flate2::read::MultiGzDecoder::new(&*members).read_to_end(&mut whole).expect("reads");
        assert!(whole == content);
    }

    #[test]
    fn a_stored_member_has_a_fixed_length() {
        let member = stored_member(&[0; 1024], b"HT\x01\x00x");
        assert_eq!(member.len(), 10 + 2 + 5 + 5 + 1024 + 8);
        let mut content = Vec::new();
        flate2::read::GzDecoder::new(&*member).read_to_end(&mut content).expect("reads");
        assert_eq!(content, [0; 1024]);
    }

    #[test]
    fn what_is_compressed_is_known_by_magic_or_by_trial() {
        let mut state = 1u64;
        let mut step = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        };
        let noise: Vec<u8> = (0..20_000).map(|_| step()).collect();
        assert!(looks_compressed(b"\x1f\x8b and then text"));
        assert!(looks_compressed(&noise));
        assert!(!looks_compressed(&b"text ".repeat(4000)));
    }
}
