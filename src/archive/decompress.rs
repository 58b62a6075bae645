//! The decompressors, each behind `Read`.
//!
//! All of them check their format's own checksums, provided the stream is read to its end; callers therefore drain
//! what they open.

use std::fs::File;
use std::io::{self, BufReader, Read};

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, one member or several.
    Gzip,
    /// The .xz format.
    Xz,
    /// bzip2.
    Bzip2,
    /// The .lz format.
    Lzip,
    /// RFC 8878.
    Zstd,
}

/// More memory than any real .xz or .lz file needs to be unpacked (`xz -9` takes 65 MiB), in KiB.
const MEMORY_LIMIT: u32 = 1 << 20;

/// The uncompressed bytes of `file`.
pub(super) fn decompressed(file: File, compression: Compression) -> io::Result<Box<dyn Read>> {
    let file = BufReader::with_capacity(128 * 1024, file);
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, MEMORY_LIMIT)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Compression::Lzip => Box::new(lzma_rust2::LzipReader::new(file)),
        Compression::Zstd => Box::new(ZstdFrames { file, frame: None }),
    })
}

/// A .zst file is a row of frames; the decoder reads one.
struct ZstdFrames {
    file: BufReader<File>,
    frame: Option<Box<ruzstd::decoding::FrameDecoder>>,
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Nothing read into nothing would pass for a frame's end.
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let frame = match &mut self.frame {
                Some(frame) => frame,
                None => {
                    if io::BufRead::fill_buf(&mut self.file)?.is_empty() {
                        return Ok(0);
                    }
                    let mut frame = Box::new(ruzstd::decoding::FrameDecoder::new());
                    frame.init(&mut self.file).map_err(io::Error::other)?;
                    self.frame.insert(frame)
                }
            };
            while frame.can_collect() == 0 && !frame.is_finished() {
                let step = ruzstd::decoding::BlockDecodingStrategy::UptoBytes(buffer.len());
                frame.decode_blocks(&mut self.file, step).map_err(io::Error::other)?;
            }
            match frame.read(buffer)? {
                0 if frame.is_finished() => {
                    let (found, computed) = (frame.get_checksum_from_data(), frame.get_calculated_checksum());
                    if found.is_some() && found != computed {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "wrong checksum"));
                    }
                    self.frame = None;
                }
                count => return Ok(count),
            }
        }
    }
}
