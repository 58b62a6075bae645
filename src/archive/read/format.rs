//! What a file is, by its content; names lie.

use std::fs::File;
use std::io::{Read, Seek};

use camino::Utf8Path;

use super::super::error::Error;
use super::decompress::{Compression, decompressed};
use crate::base::IoContext;

/// How files are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// v7, ustar, PAX or GNU tar.
    Tar,
    /// Zip.
    Zip,
    /// None: one file was compressed.
    Single,
}

/// An archive's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The outer layer.
    pub compression: Compression,
    /// The inner one.
    pub container: Container,
}

/// Finds the format of the archive at `path`; `None` when it is no archive.
///
/// # Errors
/// When the file cannot be read, or is compressed and broken from the start.
pub fn detect(path: &Utf8Path) -> Result<Option<Format>, Error> {
    let mut file = File::open(path).at("open", path)?;
    let mut head = [0; 512];
    let length = fill(&mut file, &mut head).at("read", path)?;
    let head = &head[..length];
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Some(Format { compression: Compression::None, container: Container::Zip }));
    }
    let compression = compression(head);
    let tar = Some(Format { compression, container: Container::Tar });
    if compression == Compression::None {
        return Ok(tar.filter(|_| is_tar(head)));
    }
    let mut inner = [0; 512];
    file.rewind().at("read", path)?;
    let damaged = |error: std::io::Error| Error::Damaged { archive: path.to_owned(), reason: error.to_string() };
    let begun = decompressed(file, compression).and_then(|mut stream| fill(&mut stream, &mut inner));
    match begun {
        Ok(length) if is_tar(&inner[..length]) => Ok(tar),
        // Its name is no proof, and bytes that start so are common.
        _ if compression == Compression::Lzma => Ok(None),
        Ok(_) => Ok(Some(Format { compression, container: Container::Single })),
        Err(error) => Err(damaged(error)),
    }
}

fn compression(head: &[u8]) -> Compression {
    let magics: [(&[u8], Compression); 5] = [
        (b"\x1f\x8b", Compression::Gzip),
        (b"\xfd7zXZ\0", Compression::Xz),
        (b"BZh", Compression::Bzip2),
        (b"LZIP", Compression::Lzip),
        (b"\x28\xb5\x2f\xfd", Compression::Zstd),
    ];
    let found = magics.iter().find(|(magic, _)| head.starts_with(magic));
    match found {
        Some((_, compression)) => *compression,
        // A frame for other programs may come first (RFC 8878, section 3.1.2).
        None if matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) => Compression::Zstd,
        None if is_lzma(head) => Compression::Lzma,
        None => Compression::None,
    }
}

/// Whether a header makes sense as one of .lzma (lzma-file-format.txt): properties, the size of a dictionary that an
/// encoder would choose, and a length that is unknown or below 256 GiB.
fn is_lzma(head: &[u8]) -> bool {
    let Some((properties, rest)) = head.split_first() else { return false };
    let (Some(dictionary), Some(length)) = (rest.first_chunk::<4>(), rest.get(4..12)) else { return false };
    let dictionary = u32::from_le_bytes(*dictionary);
    let length = length.iter().rev().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    let chosen = dictionary.is_power_of_two() || (dictionary / 3).is_power_of_two() && dictionary.is_multiple_of(3);
    *properties < 225 && chosen && dictionary >= 4096 && (length == u64::MAX || length < 1 << 38)
}

/// A tar header is known by its checksum: v7 has no magic. An archive of zero blocks alone is an empty tar.
fn is_tar(head: &[u8]) -> bool {
    let Ok(block) = <&[u8; 512]>::try_from(head) else { return false };
    block.iter().all(|byte| *byte == 0) || super::tar::checksum_holds(block)
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
