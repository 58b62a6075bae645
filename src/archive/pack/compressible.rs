//! Whether it is worth it to compress a file.

use flate2::{Compress, Compression, FlushCompress, Status};

/// Bytes of a file that decide.
pub(super) const HEAD: usize = 64 << 10;
/// Smaller files are not worth a member of their own.
pub(super) const MIN_STORED: u64 = 64 << 10;

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

#[cfg(test)]
mod tests {
    use super::*;

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
