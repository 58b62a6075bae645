//! Reading members one by one.

use std::io::{self, BufReader, Read};

use ruzstd::decoding::StreamingDecoder;

use super::{Encoding, Member};

/// Reads the content of one member and checks that its bytes in the file are those that were written.
pub struct MemberReader<R: Read> {
    content: Content<BufReader<CrcReader<io::Take<R>>>>,
    member: Member,
    left: u64,
}

/// What a member holds.
enum Content<R: Read> {
    Gzip(Box<flate2::bufread::GzDecoder<R>>),
    Zstd(Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>),
    Plain(R),
}

/// A reader that takes the CRC-32 of what passes through it.
struct CrcReader<R> {
    inner: R,
    crc: crc32fast::Hasher,
}

impl<R: Read> Read for CrcReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}

impl<R: io::BufRead> Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(stream) => stream.read(buffer),
            Self::Zstd(stream) => stream.read(buffer),
            Self::Plain(stream) => stream.read(buffer),
        }
    }

    fn into_raw(self) -> R {
        match self {
            Self::Gzip(stream) => stream.into_inner(),
            Self::Zstd(stream) => stream.into_inner(),
            Self::Plain(stream) => stream,
        }
    }
}

impl<R: Read> MemberReader<R> {
    /// Starts on `file`, which stands at the member's first byte.
    ///
    /// # Errors
    /// When the member cannot be read, or does not start as one does.
    pub fn new(file: R, encoding: Encoding, member: Member) -> io::Result<Self> {
        let raw = CrcReader { inner: file.take(member.length), crc: crc32fast::Hasher::new() };
        let raw = BufReader::with_capacity(128 * 1024, raw);
        let content = match encoding {
            Encoding::Gzip => Content::Gzip(Box::new(flate2::bufread::GzDecoder::new(raw))),
            Encoding::Zstd => Content::Zstd(Box::new(StreamingDecoder::new(raw).map_err(io::Error::other)?)),
            Encoding::Plain => Content::Plain(raw),
        };
        Ok(Self { content, member, left: member.content_length })
    }

    /// Checks what is left to check when all content was read.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when the member has other bytes than its record says.
    pub fn finish(mut self) -> io::Result<()> {
        let bad = |reason: &'static str| io::Error::new(io::ErrorKind::InvalidData, reason);
        if self.left != 0 || self.content.read(&mut [0])? != 0 {
            return Err(bad("a member of another length"));
        }
        let mut raw = self.content.into_raw();
        if io::copy(&mut raw, &mut io::sink())? != 0 {
            return Err(bad("data after the end of a member"));
        }
        match raw.into_inner().crc.finalize() == self.member.crc {
            true => Ok(()),
            false => Err(bad("a member with other bytes than were written")),
        }
    }
}

impl<R: Read> Read for MemberReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = self.left.min(buffer.len() as u64) as usize;
        let count = self.content.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// What members hold that follow one another, up to so many bytes.
///
/// # Errors
/// When they are damaged.
pub fn decode_members(encoding: Encoding, mut members: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    match encoding {
        Encoding::Gzip => {
            flate2::bufread::MultiGzDecoder::new(members).take(most).read_to_end(&mut content)?;
        }
        Encoding::Zstd => {
            while !members.is_empty() {
                let frame = StreamingDecoder::new(&mut members).map_err(io::Error::other)?;
                frame.take(most - content.len() as u64).read_to_end(&mut content)?;
            }
        }
        Encoding::Plain => content.extend_from_slice(members),
    }
    Ok(content)
}
