//! What a file is, by its content; names lie.

use std::fs::File;
use std::io::{Read, Seek};

use camino::Utf8Path;

use super::decompress::{Compression, decompressed};
use super::error::Error;
use crate::base::IoContext;

/// How files are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// v7, ustar, PAX or GNU tar.
    Tar,
    /// Zip.
    Zip,
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
    let mut inner = [0; 512];
    let is_tar = if compression == Compression::None {
        is_tar(head)
    } else {
        file.rewind().at("read", path)?;
        let damaged = |error: std::io::Error| Error::Damaged { archive: path.to_owned(), reason: error.to_string() };
        let length = fill(&mut decompressed(file, compression).map_err(damaged)?, &mut inner).map_err(damaged)?;
        is_tar(&inner[..length])
    };
    Ok(is_tar.then_some(Format { compression, container: Container::Tar }))
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
    found.map_or(Compression::None, |(_, compression)| *compression)
}

/// A tar header is known by its checksum: v7 has no magic. An archive of zero blocks alone is an empty tar.
fn is_tar(head: &[u8]) -> bool {
    let Ok(block) = <&[u8; 512]>::try_from(head) else { return false };
    block.iter().all(|byte| *byte == 0) || super::tar_read::checksum_holds(block)
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
