//! The decompressors, each behind `Read`.
//!
//! All of them check their format's own checksums, provided the stream is read to its end; callers therefore drain
//! what they open.

use std::fs::File;
use std::io::{self, BufReader, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use super::super::error::Refusal;

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
    /// The .lzma format, which has no magic and no checksum.
    Lzma,
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
        Compression::Gzip => Box::new(GzipStreams { member: None, file: Some(file) }),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, MEMORY_LIMIT)),
        Compression::Bzip2 => Box::new(BzipStreams { stream: None, file: Some(file), streams: 0, bytes: 0 }),
        Compression::Lzip => Box::new(lzma_rust2::LzipReader::new(file)),
        Compression::Lzma => {
            let mut stream = lzma_rust2::LzmaReader::new_mem_limit(file, MEMORY_LIMIT, None)?;
            // Without a checksum, how the stream ends is all that can be checked.
            stream.set_relaxed_end_condition(false);
            Box::new(LzmaStream { stream: Some(stream) })
        }
        Compression::Zstd => Box::new(ZstdFrames { file, frame: None }),
    })
}

/// A .gz file is a row of members, after which zeros may follow as tapes leave them (the gzip manual, "Tapes").
struct GzipStreams {
    member: Option<flate2::bufread::GzDecoder<BufReader<File>>>,
    /// Between two members.
    file: Option<BufReader<File>>,
}

impl Read for GzipStreams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(mut file) = self.file.take() {
                if ends_in_zeros(&mut file)? {
                    self.file = Some(file);
                    return Ok(0);
                }
                self.member = Some(flate2::bufread::GzDecoder::new(file));
            }
            let Some(member) = &mut self.member else { return Ok(0) };
            match member.read(buffer)? {
                0 => self.file = self.member.take().map(flate2::bufread::GzDecoder::into_inner),
                count => return Ok(count),
            }
        }
    }
}

/// A .bz2 file is a row of streams. Each takes a while to begin, so that many that hold little would take for ever.
struct BzipStreams {
    stream: Option<bzip2::bufread::BzDecoder<BufReader<File>>>,
    /// Between two streams.
    file: Option<BufReader<File>>,
    streams: u64,
    bytes: u64,
}

impl BzipStreams {
    /// Parallel compressors make one for each 900 kB.
    const BYTES_EACH: u64 = 10_000;
    /// So many may be smaller.
    const SMALL: u64 = 256;
}

impl Read for BzipStreams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(mut file) = self.file.take() {
                if io::BufRead::fill_buf(&mut file)?.is_empty() {
                    return Ok(0);
                }
                self.streams += 1;
                let limit = Self::SMALL + self.bytes / Self::BYTES_EACH;
                if self.streams > limit {
                    return Err(Refusal::Limit { what: "more bzip2 streams for its length", limit }.into());
                }
                self.stream = Some(bzip2::bufread::BzDecoder::new(file));
            }
            let Some(stream) = &mut self.stream else { return Ok(0) };
            match stream.read(buffer)? {
                0 => self.file = self.stream.take().map(bzip2::bufread::BzDecoder::into_inner),
                count => {
                    self.bytes += count as u64;
                    return Ok(count);
                }
            }
        }
    }
}

/// Whether nothing but zeros is left; then they are read.
fn ends_in_zeros(file: &mut impl io::BufRead) -> io::Result<bool> {
    if file.fill_buf()?.first().is_some_and(|byte| *byte != 0) {
        return Ok(false);
    }
    loop {
        let bytes = file.fill_buf()?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(trailing());
        }
        match bytes.len() {
            0 => return Ok(true),
            count => file.consume(count),
        }
    }
}

fn trailing() -> io::Error {
    Refusal::TrailingData.into()
}

/// A .lzma file is one stream, and says nothing of what may follow.
struct LzmaStream {
    stream: Option<lzma_rust2::LzmaReader<BufReader<File>>>,
}

impl Read for LzmaStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(stream) = &mut self.stream else { return Ok(0) };
        let count = stream.read(buffer)?;
        if count == 0
            && !buffer.is_empty()
            && let Some(stream) = self.stream.take()
        {
            let (mut file, ahead) = stream.into_parts();
            if !ahead.is_empty() || !io::BufRead::fill_buf(&mut file)?.is_empty() {
                return Err(trailing());
            }
        }
        Ok(count)
    }
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
                    match frame.init(&mut self.file) {
                        Ok(()) => self.frame.insert(frame),
                        // A frame for other programs (RFC 8878, section 3.1.2).
                        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                            length,
                            ..
                        })) => {
                            let skipped = io::copy(&mut (&mut self.file).take(length.into()), &mut io::sink())?;
                            if skipped != u64::from(length) {
                                return Err(Refusal::Truncated.into());
                            }
                            continue;
                        }
                        Err(error) => return Err(io::Error::other(error)),
                    }
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
