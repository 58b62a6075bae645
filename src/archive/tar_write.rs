//! Writing tar so that the same files always give the same bytes.
//!
//! Headers are ustar with owner 0:0 and no names; a PAX header comes before an entry only where its name, its link
//! target or its size does not fit. What is written depends on the entry alone.

use std::io::{self, Read, Write};

use crate::base::Epoch;

/// Size of a tar block.
pub const BLOCK: u64 = 512;

/// Largest size that the twelve octal digits of a ustar header hold.
const MAX_OCTAL: u64 = 0o77777777777;

/// An entry to be written.
#[derive(Debug, Clone, Copy)]
pub struct TarEntry<'a> {
    /// Path, with `/` between names and none at the end.
    pub path: &'a str,
    /// File, folder or link.
    pub kind: TarKind<'a>,
    /// Permission bits.
    pub mode: u32,
    /// Modification time.
    pub mtime: Epoch,
}

/// What an entry to be written is.
#[derive(Debug, Clone, Copy)]
pub enum TarKind<'a> {
    /// A file of so many bytes.
    File(u64),
    /// A folder.
    Folder,
    /// A symbolic link to a target.
    Symlink(&'a str),
}

/// All header blocks of an entry, its PAX header included.
pub fn encode_entry(entry: &TarEntry<'_>) -> Vec<u8> {
    encode_commented(entry, None)
}

/// The same with a comment, which those who unpack it pass over (POSIX.1-2017, `pax`, keyword `comment`).
pub(super) fn encode_commented(entry: &TarEntry<'_>, comment: Option<&[u8]>) -> Vec<u8> {
    let (kind, size, target) = match entry.kind {
        TarKind::File(size) => (tar::EntryType::Regular, size, ""),
        TarKind::Folder => (tar::EntryType::Directory, 0, ""),
        TarKind::Symlink(target) => (tar::EntryType::Symlink, 0, target),
    };
    let slash = if matches!(entry.kind, TarKind::Folder) { "/" } else { "" };
    let path = format!("{}{slash}", entry.path);
    let mut header = base_header(entry.mode, entry.mtime);
    header.set_entry_type(kind);
    header.set_size(if size > MAX_OCTAL { 0 } else { size });
    let mut records = comment.map(|comment| record("comment", comment)).unwrap_or_default();
    if header.set_path(&path).is_err() {
        records.extend(record("path", path.as_bytes()));
        set_raw_name(&mut header, &path);
    }
    if !target.is_empty() && header.set_link_name_literal(target).is_err() {
        records.extend(record("linkpath", target.as_bytes()));
    }
    if size > MAX_OCTAL {
        records.extend(record("size", size.to_string().as_bytes()));
    }
    header.set_cksum();
    let mut blocks = Vec::new();
    if !records.is_empty() {
        blocks = extension(tar::EntryType::XHeader, "PaxHeader", &records, entry.mtime);
    }
    blocks.extend_from_slice(header.as_bytes());
    blocks
}

/// A comment on all entries, as the first header of an archive.
pub(super) fn encode_global_comment(comment: &str, mtime: Epoch) -> Vec<u8> {
    let records = record("comment", comment.as_bytes());
    extension(tar::EntryType::XGlobalHeader, "pax_global_header", &records, mtime)
}

/// A PAX header and its records.
fn extension(kind: tar::EntryType, name: &str, records: &[u8], mtime: Epoch) -> Vec<u8> {
    let length = records.len() as u64;
    let mut header = base_header(0o644, mtime);
    header.set_entry_type(kind);
    header.set_size(length);
    set_raw_name(&mut header, name);
    header.set_cksum();
    let mut blocks = header.as_bytes().to_vec();
    blocks.extend_from_slice(records);
    blocks.resize(blocks.len() + padding(length), 0);
    blocks
}

/// Zero bytes needed after `size` bytes of content to fill the last block.
pub fn padding(size: u64) -> usize {
    ((BLOCK - size % BLOCK) % BLOCK) as usize
}

fn base_header(mode: u32, mtime: Epoch) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime.seconds());
    header
}

/// The name for readers that know no PAX: the first hundred bytes, cut between characters.
fn set_raw_name(header: &mut tar::Header, name: &str) {
    let mut end = name.len().min(100);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let field = &mut header.as_old_mut().name;
    field.fill(0);
    field[..end].copy_from_slice(&name.as_bytes()[..end]);
}

/// `length key=value\n`, where the length counts its own digits.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// Writes entries to a stream, counting bytes.
pub struct TarWriter<W> {
    stream: W,
    offset: u64,
}

impl<W: Write> TarWriter<W> {
    /// Starts an archive on `stream`.
    pub fn new(stream: W) -> Self {
        Self { stream, offset: 0 }
    }

    /// Where the next header will stand.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The stream underneath.
    pub fn stream(&mut self) -> &mut W {
        &mut self.stream
    }

    /// Writes an entry; a file's content is read from `content`.
    ///
    /// # Errors
    /// Those of reading and writing, and [`io::ErrorKind::UnexpectedEof`] when `content` has another length than the
    /// entry says.
    pub fn append(&mut self, entry: &TarEntry<'_>, content: &mut dyn Read) -> io::Result<()> {
        self.append_with(entry, content, |_| Ok(()))
    }

    /// As [`TarWriter::append`], with something to be done to the stream between header and content.
    ///
    /// # Errors
    /// As [`TarWriter::append`], and those of `between`.
    pub fn append_with(
        &mut self,
        entry: &TarEntry<'_>,
        content: &mut dyn Read,
        between: impl FnOnce(&mut W) -> io::Result<()>,
    ) -> io::Result<()> {
        let blocks = encode_entry(entry);
        self.put(&blocks)?;
        between(&mut self.stream)?;
        let TarKind::File(size) = entry.kind else { return Ok(()) };
        let count = io::copy(&mut content.take(size), &mut self.stream)?;
        if count != size || content.read(&mut [0])? != 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file changed while it was read"));
        }
        self.offset += count;
        self.put(&vec![0; padding(size)])
    }

    /// Gives the stream back; end-of-archive blocks are the caller's to write.
    pub fn into_stream(self) -> W {
        self.stream
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        self.stream.write_all(bytes)
    }
}
