//! Zstandard frames (RFC 8878).

use std::io;

use ::zstd::bulk::Compressor;
use ::zstd::zstd_safe;

/// Fixed for good, as any other would change a bundle's bytes: what `zstd` takes by itself.
const LEVEL: i32 = 3;
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Magic of a frame that decoders skip (section 3.1.2).
const SKIPPED: [u8; 4] = 0x184d_2a50_u32.to_le_bytes();
/// The content's length in eight bytes, and a checksum at the end (section 3.1.1.1.1).
const DESCRIPTOR: u8 = 3 << 6 | 1 << 2;
/// A window of 128 KiB: the smallest that allows the largest blocks (section 3.1.1.1.2).
const WINDOW: u8 = 7 << 3;
/// Most bytes of a block.
pub(super) const BLOCK: usize = 128 << 10;

/// A compressor whose frames tell their length and have a checksum.
pub(super) fn compressor() -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}

/// Appends a whole frame with `content`.
pub(super) fn compress(compressor: &mut Compressor<'_>, content: &[u8], frame: &mut Vec<u8>) -> io::Result<()> {
    frame.reserve(zstd_safe::compress_bound(content.len()));
    compressor.compress_to_buffer(content, frame)?;
    Ok(())
}

/// What begins a frame of blocks that are not compressed.
pub(super) fn header(content_length: u64) -> Vec<u8> {
    [&MAGIC[..], &[DESCRIPTOR, WINDOW], &content_length.to_le_bytes()].concat()
}

/// The header of a raw block (section 3.1.1.2).
pub(super) fn raw_block_header(length: usize, last: bool) -> [u8; 3] {
    let [a, b, c, _] = ((length as u32) << 3 | u32::from(last)).to_le_bytes();
    [a, b, c]
}

/// What ends a frame: the low four bytes of the content's XXH64.
pub(super) fn trailer(xxh64: u64) -> [u8; 4] {
    (xxh64 as u32).to_le_bytes()
}

/// The header of a frame that decoders skip.
///
/// # Panics
/// If `data` is more than 4 GiB.
pub(super) fn skipped_header(data: usize) -> Vec<u8> {
    let length = u32::try_from(data).expect("a note is short");
    [SKIPPED, length.to_le_bytes()].concat()
}
