//! A gzip stream made of members with known places, so that a reader can start in the middle.
//!
//! The format is RFC 1952's: any gzip tool reads the members one after another as one stream. Text is deflated in
//! members of one MiB; a large file that is compressed already gets a member of its own, in stored blocks.

use std::io::{self, Write};

use flate2::{Compress, Compression, FlushCompress, Status};

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

/// A member of stored blocks under construction.
struct Stored {
    /// Bytes of the file still to come.
    left: u64,
    /// The block being filled: blocks are full whatever pieces the file is written in.
    block: Vec<u8>,
    length: u64,
    content_length: u64,
    content: crc32fast::Hasher,
    raw: crc32fast::Hasher,
}

/// Most bytes a stored block can hold.
const BLOCK: usize = u16::MAX as usize;

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
        self.stored = Some(Stored {
            left: size,
            block: Vec::with_capacity(BLOCK),
            length: 0,
            content_length: size,
            content: crc32fast::Hasher::new(),
            raw: crc32fast::Hasher::new(),
        });
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

    /// Fills the current block; the last one of the file closes the member.
    fn write_stored(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(stored) = &mut self.stored else { return Ok(0) };
        let room = BLOCK - stored.block.len();
        let count = bytes.len().min(room).min(usize::try_from(stored.left).unwrap_or(room));
        stored.block.extend_from_slice(&bytes[..count]);
        stored.content.update(&bytes[..count]);
        stored.left -= count as u64;
        let last = stored.left == 0;
        if last || stored.block.len() == BLOCK {
            let mut block = std::mem::take(&mut stored.block);
            self.put_stored(&stored_block_header(block.len() as u16, last))?;
            self.put_stored(&block)?;
            block.clear();
            if let Some(stored) = &mut self.stored {
                stored.block = block;
            }
        }
        if last {
            self.close_stored()?;
        }
        Ok(count)
    }

    fn close_stored(&mut self) -> io::Result<()> {
        let Some(stored) = &self.stored else { return Ok(()) };
        // RFC 1952: the CRC, and the length modulo 2^32.
        let trailer = [stored.content.clone().finalize(), stored.content_length as u32].map(u32::to_le_bytes);
        self.put_stored(&trailer.concat())?;
        if let Some(stored) = self.stored.take() {
            self.record(stored.length, stored.content_length, stored.raw.finalize());
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
    use std::io::Read;

    use super::super::gzip_read::MemberReader;
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
        // In pieces of odd lengths, as a file is read.
        random.chunks(7919).for_each(|piece| writer.write_all(piece).expect("writes"));
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
