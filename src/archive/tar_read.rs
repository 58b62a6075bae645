//! Reading tar, header by header: v7, ustar, PAX and GNU.
//!
//! Headers are taken apart here, and not by a library, because an unpacker has to decide itself what happens when a
//! header and its extension disagree: that is how files are smuggled past checks. Formats: POSIX.1-2017 `pax`, and the
//! GNU tar manual, "Basic Tar Format".

use std::io::Read;

use super::entry::{Entry, EntryKind, show};
use super::error::Refusal;
use super::limits::Limits;
use super::plan::clean_name;

const BLOCK: usize = 512;

/// A reader over the entries of a tar stream.
pub(super) struct TarReader<'a> {
    stream: &'a mut dyn Read,
    offset: u64,
    limits: Limits,
    /// Bytes of the current entry not read yet, and the padding after them.
    left: u64,
    padding: u64,
    /// What a global header says to people.
    global_comment: Option<Vec<u8>>,
    /// What the header of the current entry says to people.
    comment: Option<Vec<u8>>,
}

/// Broken off by the stream, or refused.
#[derive(Debug)]
pub(super) enum Stop {
    Io(std::io::Error),
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A file of an archive that is held in memory: its name and its content.
pub type SmallFile = (Vec<u8>, Vec<u8>);

/// The files of a small tar stream, held in memory, by name. End-of-archive blocks may be missing.
///
/// # Errors
/// The first thing that is wrong; entries that are no files are.
pub fn read_small_tar(bytes: &[u8]) -> Result<Vec<SmallFile>, Refusal> {
    let mut stream = bytes.chain(&[0; 2 * BLOCK][..]);
    let mut reader = TarReader::new(&mut stream, Limits::default());
    let refused = |stop| match stop {
        Stop::Refused(refusal) => refusal,
        // Reading from memory fails only where the content ends too early.
        Stop::Io(_) => Refusal::Truncated,
    };
    let mut files = Vec::new();
    while let Some(entry) = reader.next().map_err(refused)? {
        if entry.kind != EntryKind::File {
            return Err(Refusal::Unsupported { name: show(&entry.path), feature: "a link or folder" });
        }
        let mut content = Vec::new();
        (&mut reader).take(entry.size).read_to_end(&mut content).map_err(|error| refused(Stop::Io(error)))?;
        files.push((entry.path, content));
    }
    Ok(files)
}

/// What extension headers say about the entry after them.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<i64>,
    comment: Option<Vec<u8>>,
}

/// Whether a block's checksum field is right; old writers summed signed bytes.
pub(super) fn checksum_holds(block: &[u8; BLOCK]) -> bool {
    let Ok(Some(wanted)) = number(&block[148..156]) else { return false };
    let byte = |index: usize| if (148..156).contains(&index) { b' ' } else { block[index] };
    let unsigned: u64 = (0..BLOCK).map(|index| u64::from(byte(index))).sum();
    let signed: i64 = (0..BLOCK).map(|index| i64::from(byte(index) as i8)).sum();
    wanted == unsigned || i64::try_from(wanted) == Ok(signed)
}

impl<'a> TarReader<'a> {
    pub(super) fn new(stream: &'a mut dyn Read, limits: Limits) -> Self {
        Self { stream, offset: 0, limits, left: 0, padding: 0, global_comment: None, comment: None }
    }

    /// The comment on all entries, as far as they were read.
    pub(super) fn global_comment(&self) -> Option<&[u8]> {
        self.global_comment.as_deref()
    }

    /// The comment on the current entry.
    pub(super) fn comment(&self) -> Option<&[u8]> {
        self.comment.as_deref()
    }

    /// The next entry. After the last one, checks that nothing but zeros follows, to the end of the stream.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, Stop> {
        let mut extensions = Extensions::default();
        let mut extended = false;
        loop {
            self.skip_rest()?;
            let offset = self.offset;
            let malformed = |reason| Stop::from(Refusal::Header { offset, reason });
            let Some(block) = self.block()? else {
                return Err(Refusal::Truncated.into());
            };
            if block.iter().all(|byte| *byte == 0) {
                if extended {
                    return Err(malformed("an extension header with nothing after it"));
                }
                self.expect_zeros()?;
                return Ok(None);
            }
            if !checksum_holds(&block) {
                return Err(Refusal::HeaderChecksum { offset }.into());
            }
            let size = number(&block[124..136]).map_err(&malformed)?.unwrap_or(0);
            match block[156] {
                b'x' => {
                    if extended && extensions.path.is_some() {
                        return Err(malformed("a PAX header after a GNU long name"));
                    }
                    let records = self.extension(size)?;
                    pax(&records, &mut extensions).map_err(&malformed)?;
                    extended = true;
                }
                b'g' => {
                    let records = self.extension(size)?;
                    let mut global = Extensions::default();
                    pax(&records, &mut global).map_err(&malformed)?;
                    if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                        return Err(malformed("a global header that renames or resizes entries"));
                    }
                    self.global_comment = global.comment.or(self.global_comment.take());
                }
                kind @ (b'L' | b'K') => {
                    let mut name = self.extension(size)?;
                    if name.last() == Some(&0) {
                        name.pop();
                    }
                    let slot = if kind == b'L' { &mut extensions.path } else { &mut extensions.link };
                    if slot.replace(name).is_some() {
                        return Err(malformed("two names for one entry"));
                    }
                    extended = true;
                }
                kind => return self.entry(&block, kind, size, extensions, offset).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        block: &[u8; BLOCK],
        kind: u8,
        size: u64,
        extensions: Extensions,
        offset: u64,
    ) -> Result<Entry, Stop> {
        let malformed = |reason| Stop::from(Refusal::Header { offset, reason });
        let raw = match extensions.path {
            Some(path) => path,
            None => header_name(block),
        };
        let size = match extensions.size {
            // A size that fits its field must say the same in both places.
            Some(real) if real != size && real < 1 << 33 => {
                return Err(malformed("its size differs from that of its PAX header"));
            }
            Some(real) => real,
            None => size,
        };
        let link = extensions.link.unwrap_or_else(|| until_nul(&block[157..257]).to_vec());
        let folder_by_name = raw.ends_with(b"/");
        let path = clean_name(&raw)?;
        let special = |kind| Stop::from(Refusal::Special { name: show(&path), kind });
        let unsupported = |feature| Stop::from(Refusal::Unsupported { name: show(&path), feature });
        let kind = match kind {
            // Before POSIX, a folder was a file whose name ends in a slash.
            b'0' | 0 | b'7' if folder_by_name && size == 0 => EntryKind::Folder,
            b'0' | 0 | b'7' => EntryKind::File,
            b'1' => EntryKind::HardLink(clean_name(&link)?),
            b'2' => EntryKind::Symlink(link),
            b'3' => return Err(special("character device")),
            b'4' => return Err(special("block device")),
            b'5' => EntryKind::Folder,
            b'6' => return Err(special("fifo")),
            b'S' => return Err(unsupported("GNU sparse files")),
            b'D' | b'M' | b'V' | b'N' => return Err(unsupported("GNU incremental or multi-volume archives")),
            _ => return Err(unsupported("an unknown type of entry")),
        };
        let mode = number(&block[100..108]).map_err(&malformed)?.unwrap_or(0o644) as u32 & 0o7777;
        let mtime = match extensions.mtime {
            Some(mtime) => mtime,
            None => number(&block[136..148]).map_err(&malformed)?.unwrap_or(0) as i64,
        };
        // Hard links may carry the size of the file they name, but no content follows them.
        let size = if kind == EntryKind::File { size } else { 0 };
        self.comment = extensions.comment;
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        Ok(Entry { path, kind, mode, mtime, size })
    }

    /// The content of an extension header, which is small.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Stop> {
        if size > self.limits.extension_size {
            let limit = self.limits.extension_size;
            return Err(Refusal::Limit { what: "a longer extension header", limit }.into());
        }
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        let mut content = vec![0; size as usize];
        self.read_exact(&mut content)?;
        Ok(content)
    }

    fn skip_rest(&mut self) -> Result<(), Stop> {
        let mut rest = self.left + self.padding;
        self.left = 0;
        self.padding = 0;
        let mut buffer = [0; 8192];
        while rest > 0 {
            let wanted = rest.min(buffer.len() as u64) as usize;
            match self.stream.read(&mut buffer[..wanted]).map_err(Stop::Io)? {
                0 => return Err(Refusal::Truncated.into()),
                count => {
                    rest -= count as u64;
                    self.offset += count as u64;
                }
            }
        }
        Ok(())
    }

    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Stop> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.stream.read(&mut block[filled..]).map_err(Stop::Io)? {
                0 => return Ok(None),
                count => filled += count,
            }
        }
        self.offset += BLOCK as u64;
        Ok(Some(block))
    }

    fn expect_zeros(&mut self) -> Result<(), Stop> {
        let mut buffer = [0; 8192];
        loop {
            match self.stream.read(&mut buffer).map_err(Stop::Io)? {
                0 => return Ok(()),
                count if buffer[..count].iter().all(|byte| *byte == 0) => {}
                _ => return Err(Refusal::TrailingData.into()),
            }
        }
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), Stop> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]).map_err(Stop::Io)? {
                0 => return Err(Refusal::Truncated.into()),
                count => filled += count,
            }
        }
        Ok(())
    }
}

/// The content of the current entry.
impl Read for TarReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wanted = self.left.min(buffer.len() as u64) as usize;
        let count = self.stream.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the archive is cut short"));
        }
        self.left -= count as u64;
        self.offset += count as u64;
        Ok(count)
    }
}

fn header_name(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(&block[..100]);
    // The prefix field exists only in POSIX headers; GNU keeps other things there.
    let prefix = if &block[257..263] == b"ustar\0" { until_nul(&block[345..500]) } else { &[] };
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}

fn until_nul(field: &[u8]) -> &[u8] {
    &field[..field.iter().position(|byte| *byte == 0).unwrap_or(field.len())]
}

/// A number field: octal text, or base 256 where the first bit is set. `None` for an empty field.
fn number(field: &[u8]) -> Result<Option<u64>, &'static str> {
    if field[0] & 0x80 != 0 {
        if field[0] & 0x40 != 0 {
            return Err("a negative number");
        }
        let digits = std::iter::once(field[0] & 0x3f).chain(field[1..].iter().copied());
        let value = digits.fold(0u128, |value, digit| (value << 8 | u128::from(digit)) & (u128::MAX >> 16));
        return match u64::try_from(value) {
            Ok(value) if value < 1 << 62 => Ok(Some(value)),
            _ => Err("a number out of range"),
        };
    }
    let text = until_nul(field);
    let text = text.trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    let mut value: u64 = 0;
    for digit in text {
        if !(b'0'..=b'7').contains(digit) {
            return Err("a number that is not octal");
        }
        value = value
            .checked_mul(8)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')))
            .ok_or("a number out of range")?;
    }
    Ok(Some(value))
}

/// `length key=value\n` records.
fn pax(mut records: &[u8], extensions: &mut Extensions) -> Result<(), &'static str> {
    const BAD: &str = "a PAX record that does not fit its length";
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ').ok_or(BAD)?;
        let digits = std::str::from_utf8(&records[..space]).map_err(|_| BAD)?;
        let length: usize = digits.parse().map_err(|_| BAD)?;
        if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
            return Err(BAD);
        }
        let record = &records[space + 1..length - 1];
        let equals = record.iter().position(|byte| *byte == b'=').ok_or(BAD)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        let text = || std::str::from_utf8(value).map_err(|_| "a PAX number that is no number");
        match key {
            b"path" | b"linkpath" => {
                if value.contains(&0) {
                    return Err("a PAX name with a NUL");
                }
                let slot = if key == b"path" { &mut extensions.path } else { &mut extensions.link };
                if slot.replace(value.to_vec()).is_some() {
                    return Err("two names for one entry");
                }
            }
            b"size" => {
                let size = text()?.parse().map_err(|_| "a PAX size that is no number")?;
                if extensions.size.replace(size).is_some() {
                    return Err("two sizes for one entry");
                }
            }
            b"mtime" => {
                let seconds = text()?.split('.').next().unwrap_or_default();
                extensions.mtime = Some(seconds.parse().map_err(|_| "a PAX time that is no number")?);
            }
            b"comment" => extensions.comment = Some(value.to_vec()),
            _ if key.starts_with(b"GNU.sparse.") => return Err("a sparse file, which is not supported"),
            _ => {}
        }
        records = &records[length..];
    }
    Ok(())
}
