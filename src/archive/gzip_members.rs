//! A gzip stream made of members with known places, so that a reader can start in the middle.
//!
//! The format is RFC 1952's: any gzip tool reads the members one after another as one stream. Text is deflated in
//! members of one MiB; a large file that is compressed already gets a member of its own, in stored blocks.

use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

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
        let member = member_with_extra(&content, &[], Compression::new(LEVEL))?;
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

/// A whole gzip member with `content`, deflated at `level`, and an extra field if `extra` is not empty.
///
/// # Errors
/// None in practice: writing goes to memory.
pub fn member_with_extra(content: &[u8], extra: &[u8], level: Compression) -> io::Result<Vec<u8>> {
    let mut member = HEADER.to_vec();
    if !extra.is_empty() {
        member[3] = FEXTRA;
        let length = u16::try_from(extra.len()).map_err(io::Error::other)?;
        member.extend(length.to_le_bytes());
        member.extend(extra);
    }
    let mut encoder = flate2::write::DeflateEncoder::new(member, level);
    encoder.write_all(content)?;
    let mut member = encoder.finish()?;
    member.extend(crc32fast::hash(content).to_le_bytes());
    member.extend((content.len() as u32).to_le_bytes());
    Ok(member)
}

/// The content of one member as [`GzipMembers`] writes it.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the member does not start with the one header we write, does not inflate to
/// `content_length` bytes, has a wrong CRC or anything after its end.
pub fn inflate_member(member: &[u8], content_length: u64) -> io::Result<Vec<u8>> {
    let bad = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    let body = member.strip_prefix(&HEADER).ok_or_else(|| bad("an unexpected gzip header"))?;
    let body_length = body.len().checked_sub(8).ok_or_else(|| bad("a gzip member that is cut short"))?;
    let (deflated, trailer) = body.split_at(body_length);
    let length = usize::try_from(content_length).map_err(io::Error::other)?;
    // One byte of room too many, so that content longer than announced shows.
    let mut content = Vec::with_capacity(length + 1);
    let mut inflate = Decompress::new(false);
    let status = inflate.decompress_vec(deflated, &mut content, FlushDecompress::Finish).map_err(io::Error::other)?;
    let consumed = inflate.total_in() == deflated.len() as u64;
    if status != Status::StreamEnd || content.len() != length || !consumed {
        return Err(bad("a gzip member of another length"));
    }
    let wanted = [crc32fast::hash(&content).to_le_bytes(), (length as u32).to_le_bytes()].concat();
    if trailer != wanted {
        return Err(bad("a gzip member with a wrong trailer"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

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
            apart.extend(inflate_member(bytes, member.content_length).expect("inflates"));
        }
        assert!(apart == whole);
        // The stored member costs its blocks' headers and nothing else.
        assert_eq!(members[3].length - members[3].content_length, 18 + 5 * 4);
    }

    #[test]
    fn a_changed_byte_in_a_member_shows() {
        let member = member_with_extra(&b"abc".repeat(100), &[], Compression::new(6)).expect("writes");
        for index in 0..member.len() {
            let mut changed = member.clone();
            changed[index] ^= 1;
            let crc_differs = crc32fast::hash(&changed) != crc32fast::hash(&member);
            assert!(crc_differs, "byte {index}");
        }
        assert!(inflate_member(&member, 299).is_err());
        assert!(inflate_member(&member, 301).is_err());
        assert!(inflate_member(&member[..member.len() - 1], 300).is_err());
    }
}
