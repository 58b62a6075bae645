//! Gzip members (RFC 1952).

use std::io;

use flate2::{Compress, Compression, FlushCompress, Status};

/// Fixed for good: another level would change every bundle's bytes. The next one takes a third longer and gains half a
/// percent.
const LEVEL: u32 = 5;
/// No name, no time, "unknown" system.
pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The flag for an extra field.
const FEXTRA: u8 = 4;
/// Most bytes a stored block can hold.
pub(super) const BLOCK: usize = u16::MAX as usize;

pub(super) fn compressor() -> Compress {
    Compress::new(Compression::new(LEVEL), false)
}

/// Appends a whole member with `content`.
pub(super) fn deflate(compress: &mut Compress, content: &[u8], member: &mut Vec<u8>) -> io::Result<()> {
    compress.reset();
    member.extend_from_slice(&HEADER);
    // What does not get smaller gets a little longer: a header for each stored block.
    member.reserve(content.len() + content.len() / 1000 + 64);
    let mut at = 0;
    loop {
        let before = compress.total_in();
        let status = compress.compress_vec(&content[at..], member, FlushCompress::Finish)?;
        at += (compress.total_in() - before) as usize;
        match status {
            Status::StreamEnd => break,
            _ => member.reserve(64 << 10),
        }
    }
    member.extend_from_slice(&trailer(crc32fast::hash(content), content.len() as u64));
    Ok(())
}

/// What ends a member: the CRC-32 of its content, and that one's length modulo 2^32.
pub(super) fn trailer(crc: u32, content_length: u64) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes[4..].copy_from_slice(&(content_length as u32).to_le_bytes());
    bytes
}

pub(super) fn stored_block_header(length: u16, last: bool) -> [u8; 5] {
    let [a, b] = length.to_le_bytes();
    let [c, d] = (!length).to_le_bytes();
    [u8::from(last), a, b, c, d]
}

/// A header up to the data of a subfield of its extra field (section 2.3.1.1).
///
/// # Panics
/// If so much data does not fit.
pub(super) fn header_with(id: [u8; 2], data: usize) -> Vec<u8> {
    let length = |data: usize| u16::try_from(data).expect("an extra field is short").to_le_bytes();
    let mut header = HEADER.to_vec();
    header[3] = FEXTRA;
    header.extend(length(data + 4));
    header.extend(id);
    header.extend(length(data));
    header
}
