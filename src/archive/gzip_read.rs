//! Reading the members of a gzip stream one by one.

use std::io::{self, BufReader, Read};

use super::gzip_write::Member;

/// Reads the content of one member and checks that its bytes in the file are those that were written.
pub struct MemberReader<R> {
    inflate: flate2::bufread::GzDecoder<BufReader<CrcReader<io::Take<R>>>>,
    member: Member,
    left: u64,
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

impl<R: Read> MemberReader<R> {
    /// Starts on `file`, which stands at the member's first byte.
    pub fn new(file: R, member: Member) -> Self {
        let raw = CrcReader { inner: file.take(member.length), crc: crc32fast::Hasher::new() };
        let inflate = flate2::bufread::GzDecoder::new(BufReader::with_capacity(128 * 1024, raw));
        Self { inflate, member, left: member.content_length }
    }

    /// Checks what is left to check when all content was read, and gives the file back.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when the member has other bytes than its record says.
    pub fn finish(mut self) -> io::Result<R> {
        let bad = |reason: &'static str| io::Error::new(io::ErrorKind::InvalidData, reason);
        if self.left != 0 || self.inflate.read(&mut [0])? != 0 {
            return Err(bad("a gzip member of another length"));
        }
        let mut raw = self.inflate.into_inner();
        if io::copy(&mut raw, &mut io::sink())? != 0 {
            return Err(bad("data after the end of a gzip member"));
        }
        let raw = raw.into_inner();
        if raw.crc.finalize() != self.member.crc {
            return Err(bad("a gzip member with other bytes than were written"));
        }
        Ok(raw.inner.into_inner())
    }
}

impl<R: Read> Read for MemberReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = self.left.min(buffer.len() as u64) as usize;
        let count = self.inflate.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}
