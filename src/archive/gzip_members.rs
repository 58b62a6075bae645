//! A gzip stream made of members with known places, so that a reader can start in the middle.
//!
//! The format is RFC 1952's: any gzip tool reads the members one after another as one stream. Text is deflated in
//! members of one MiB; a large file that is compressed already gets a member of its own, in stored blocks.

use std::io::{self, BufReader, Read, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Uncompressed bytes of a deflated member.
const CHUNK: usize = 1 << 20;
/// Smaller files are not worth a member of their own.
const MIN_STORED: u64 = 64 << 10;
/// Fixed for good: another level would change every bundle's bytes.
const LEVEL: u32 = 6;
/// No name, no time, "unknown" system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
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

/// Writes a stream as members.
pub struct GzipMembers<W> {
    file: W,
    pending: Vec<u8>,
    members: Vec<Member>,
    offset: u64,
    content_offset: u64,
    /// Bytes of a stored file still to come; they bypass the buffer.
    stored: Option<Stored>,
}

struct Stored {
    left: u64,
    length: u64,
    content: Crc,
    raw: Crc,
}

impl<W: Write> GzipMembers<W> {
    /// Starts on `file`.
    pub fn new(file: W) -> Self {
        Self { file, pending: Vec::new(), members: Vec::new(), offset: 0, content_offset: 0, stored: None }
    }

    /// Announces a file of `size` bytes that starts with `head` (its first 64 KiB). If it would not get smaller, the
    /// next `size` bytes become a member of stored blocks.
    pub fn announce(&mut self, size: u64, head: &[u8]) -> io::Result<()> {
        if size < MIN_STORED || compressible(head) {
            return Ok(());
        }
        self.flush_pending()?;
        let stored = Stored { left: size, length: 0, content: Crc::new(), raw: Crc::new() };
        self.stored = Some(stored);
        self.put_stored(&HEADER)
    }

    /// Ends the current member, so that what follows starts a new one.
    pub fn cut(&mut self) -> io::Result<()> {
        self.flush_pending()
    }

    /// The members written so far.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Bytes written to the file so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of the uncompressed stream so far.
    pub fn content_offset(&self) -> u64 {
        self.content_offset + self.pending.len() as u64
    }

    /// Writes a finished member as it is.
    pub fn append_raw(&mut self, member: &[u8]) -> io::Result<()> {
        self.flush_pending()?;
        self.file.write_all(member)?;
        self.offset += member.len() as u64;
        Ok(())
    }

    /// The file underneath, after the last member.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush_pending()?;
        self.file.flush()?;
        Ok(self.file)
    }

    fn flush_pending(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let content = std::mem::take(&mut self.pending);
        let member = deflated_member(&content)?;
        self.file.write_all(&member)?;
        self.record(member.len() as u64, content.len() as u64, crc32fast::hash(&member));
        self.pending = content;
        self.pending.clear();
        Ok(())
    }

    fn record(&mut self, length: u64, content_length: u64, crc: u32) {
        let (offset, content_offset) = (self.offset, self.content_offset);
        self.members.push(Member { offset, length, content_offset, content_length, crc });
        self.offset += length;
        self.content_offset += content_length;
    }

    fn put_stored(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(stored) = &mut self.stored {
            stored.raw.update(bytes);
            stored.length += bytes.len() as u64;
        }
        self.file.write_all(bytes)
    }

    /// One stored block of at most 65535 bytes; the last one of the file closes the member.
    fn write_stored(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(stored) = &mut self.stored else { return Ok(0) };
        let count = bytes.len().min(usize::from(u16::MAX)).min(stored.left as usize);
        let block = &bytes[..count];
        stored.content.update(block);
        stored.left -= count as u64;
        let last = stored.left == 0;
        self.put_stored(&stored_block_header(count as u16, last))?;
        self.put_stored(block)?;
        if last {
            self.close_stored()?;
        }
        Ok(count)
    }

    fn close_stored(&mut self) -> io::Result<()> {
        let Some(stored) = &self.stored else { return Ok(()) };
        let (sum, amount) = (stored.content.sum(), stored.content.amount());
        self.put_stored(&sum.to_le_bytes())?;
        self.put_stored(&amount.to_le_bytes())?;
        if let Some(stored) = self.stored.take() {
            // The CRC's own counter has 32 bits; the member's length has more.
            let blocks = stored.length - HEADER.len() as u64 - 8;
            let full = blocks / (5 + u64::from(u16::MAX));
            let rest = blocks % (5 + u64::from(u16::MAX));
            let content = full * u64::from(u16::MAX) + rest.saturating_sub(5);
            self.record(stored.length, content, stored.raw.sum());
        }
        Ok(())
    }
}

impl<W: Write> Write for GzipMembers<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stored.is_some() {
            return self.write_stored(bytes);
        }
        let count = bytes.len().min(CHUNK - self.pending.len());
        self.pending.extend_from_slice(&bytes[..count]);
        if self.pending.len() == CHUNK {
            self.flush_pending()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether deflating the first bytes of a file makes them at least a twentieth smaller.
fn compressible(head: &[u8]) -> bool {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut output = Vec::with_capacity(head.len() - head.len() / 20);
    let status = compress.compress_vec(head, &mut output, FlushCompress::Finish);
    matches!(status, Ok(Status::StreamEnd))
}

fn stored_block_header(length: u16, last: bool) -> [u8; 5] {
    let [a, b] = length.to_le_bytes();
    let [c, d] = (!length).to_le_bytes();
    [u8::from(last), a, b, c, d]
}

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
    member.extend(crc32fast::hash(content).to_le_bytes());
    member.extend(u32::from(content_length).to_le_bytes());
    member
}

/// A whole gzip member with `content`, deflated.
fn deflated_member(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::DeflateEncoder::new(HEADER.to_vec(), Compression::new(LEVEL));
    encoder.write_all(content)?;
    let mut member = encoder.finish()?;
    member.extend(crc32fast::hash(content).to_le_bytes());
    member.extend((content.len() as u32).to_le_bytes());
    Ok(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u64;
        let step = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        };
        std::iter::repeat_with(step).take(length).collect()
    }

    #[test]
    fn members_are_one_gzip_stream_and_can_be_read_apart() {
        let mut writer = GzipMembers::new(Vec::new());
        let text = b"hello ".repeat(400_000);
        let random = noise(200_000);
        writer.write_all(&text).expect("writes");
        writer.announce(random.len() as u64, &random[..65536]).expect("writes");
        writer.write_all(&random).expect("writes");
        writer.write_all(b"end").expect("writes");
        writer.cut().expect("writes");
        let members = writer.members().to_vec();
        let file = writer.finish().expect("writes");

        let mut whole = Vec::new();
        flate2::read::MultiGzDecoder::new(&*file).read_to_end(&mut whole).expect("reads");
        assert!(whole == [&text[..], &random, b"end"].concat());
        assert_eq!(members.len(), 5);
        let mut apart = Vec::new();
        for member in &members {
            assert_eq!(member.content_offset, apart.len() as u64);
            let bytes = &file[member.offset as usize..][..member.length as usize];
            assert_eq!(crc32fast::hash(bytes), member.crc);
            let mut reader = MemberReader::new(bytes, *member);
            reader.read_to_end(&mut apart).expect("inflates");
            reader.finish().expect("is whole");
        }
        assert!(apart == whole);
        // The stored member costs its blocks' headers and nothing else.
        assert_eq!(members[3].length - members[3].content_length, 18 + 5 * 4);
    }

    #[test]
    fn a_changed_byte_in_a_member_shows_and_so_does_another_length() {
        let content = b"abc".repeat(100);
        let bytes = deflated_member(&content).expect("writes");
        let (length, content_length, crc) = (bytes.len() as u64, 300, crc32fast::hash(&bytes));
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
    fn a_stored_member_has_a_fixed_length() {
        let member = stored_member(&[0; 1024], b"HT\x01\x00x");
        assert_eq!(member.len(), 10 + 2 + 5 + 5 + 1024 + 8);
        let mut content = Vec::new();
        flate2::read::GzDecoder::new(&*member).read_to_end(&mut content).expect("reads");
        assert_eq!(content, [0; 1024]);
    }
}
