//! Reading tar, header by header: v7, ustar, PAX and GNU.
//!
//! Headers are taken apart here, and not by a library, because an unpacker has to decide itself what happens when a
//! header and its extension disagree: that is how files are smuggled past checks. Formats: POSIX.1-2017 `pax`, and the
//! GNU tar manual, "Basic Tar Format".

use std::io::Read;

use super::super::error::Refusal;
use super::entry::{Entry, EntryKind, show};
use super::limits::Limits;
use super::pax::{self, Extensions};
use super::plan::clean_name;
use super::sparse::{Holes, Map, Next, Numbers, leading_map};
use super::{Entries, Stop, Visit};

const BLOCK: usize = 512;

/// A reader over the entries of a tar stream.
pub(in crate::archive) struct TarReader<'a> {
    stream: &'a mut dyn Read,
    offset: u64,
    limits: Limits,
    /// Bytes of the current entry not read yet, and the padding after them.
    left: u64,
    padding: u64,
    /// The holes of the current entry, if it is a sparse file.
    holes: Option<Holes>,
    /// What a global header says to people.
    global_comment: Option<Vec<u8>>,
    /// What the header of the current entry says to people.
    comment: Option<Vec<u8>>,
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

/// Whether a block's checksum field is right; old writers summed signed bytes.
pub(super) fn checksum_holds(block: &[u8; BLOCK]) -> bool {
    let Ok(Some(wanted)) = number(&block[148..156]) else { return false };
    let byte = |index: usize| if (148..156).contains(&index) { b' ' } else { block[index] };
    let unsigned: u64 = (0..BLOCK).map(|index| u64::from(byte(index))).sum();
    let signed: i64 = (0..BLOCK).map(|index| i64::from(byte(index) as i8)).sum();
    wanted == unsigned || i64::try_from(wanted) == Ok(signed)
}

/// Why a map in headers is none.
enum OldMap {
    Malformed(&'static str),
    Stop(Stop),
}

impl OldMap {
    fn or_else(self, malformed: &dyn Fn(&'static str) -> Stop) -> Stop {
        match self {
            Self::Malformed(reason) => malformed(reason),
            Self::Stop(stop) => stop,
        }
    }
}

impl From<&'static str> for OldMap {
    fn from(reason: &'static str) -> Self {
        Self::Malformed(reason)
    }
}

impl From<Stop> for OldMap {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl<'a> TarReader<'a> {
    pub(in crate::archive) fn new(stream: &'a mut dyn Read, limits: Limits) -> Self {
        Self { stream, offset: 0, limits, left: 0, padding: 0, holes: None, global_comment: None, comment: None }
    }

    /// The comment on all entries, as far as they were read.
    pub(in crate::archive) fn global_comment(&self) -> Option<&[u8]> {
        self.global_comment.as_deref()
    }

    /// The comment on the current entry.
    pub(in crate::archive) fn comment(&self) -> Option<&[u8]> {
        self.comment.as_deref()
    }

    /// The next entry. After the last one, checks that nothing but zeros follows, to the end of the stream.
    pub(in crate::archive) fn next(&mut self) -> Result<Option<Entry>, Stop> {
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
                    let records = self.extension(size)?;
                    pax::read(&records, &mut extensions).map_err(&malformed)?;
                    extended = true;
                }
                b'g' => {
                    let records = self.extension(size)?;
                    let mut global = Extensions::default();
                    pax::read(&records, &mut global).map_err(&malformed)?;
                    let sparse = global.sparse.is_some() || global.sparse.name.is_some();
                    if global.path.is_some() || global.link.is_some() || global.size.is_some() || sparse {
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
        let Extensions { path, link, size: real, mtime, comment, sparse } = extensions;
        if sparse.is_some() && !matches!(kind, b'0' | 0) || sparse.name.is_some() && !sparse.is_some() {
            return Err(malformed("a sparse file that is none"));
        }
        // The name in the header of a sparse file is that of a stand-in.
        let raw = sparse.name.clone().or(path).unwrap_or_else(|| header_name(block));
        let size = match real {
            // A size that fits its field must say the same in both places.
            Some(real) if real != size && real < 1 << 33 => {
                return Err(malformed("its size differs from that of its PAX header"));
            }
            Some(real) => real,
            None => size,
        };
        let link = link.unwrap_or_else(|| until_nul(&block[157..257]).to_vec());
        let folder_by_name = raw.ends_with(b"/");
        let path = clean_name(&raw)?;
        let special = |kind| Stop::from(Refusal::Special { name: show(&path), kind });
        let unsupported = |feature| Stop::from(Refusal::Unsupported { name: show(&path), feature });
        let old_sparse = kind == b'S';
        let kind = match kind {
            // Before POSIX, a folder was a file whose name ends in a slash.
            b'0' | 0 | b'7' if folder_by_name && size == 0 => EntryKind::Folder,
            b'0' | 0 | b'7' if folder_by_name => return Err(malformed("a folder with data")),
            b'2' if size != 0 => return Err(malformed("a link with data")),
            b'0' | 0 | b'7' | b'S' => EntryKind::File,
            b'1' => EntryKind::HardLink(clean_name(&link)?),
            b'2' => EntryKind::Symlink(link),
            b'3' => return Err(special("character device")),
            b'4' => return Err(special("block device")),
            b'5' => EntryKind::Folder,
            b'6' => return Err(special("fifo")),
            b'D' | b'M' | b'V' | b'N' => return Err(unsupported("GNU incremental or multi-volume archives")),
            _ => return Err(unsupported("an unknown type of entry")),
        };
        let mode = number(&block[100..108]).map_err(&malformed)?.unwrap_or(0o644) as u32 & 0o7777;
        let mtime = match mtime {
            Some(mtime) => mtime,
            None => time(&block[136..148]).map_err(&malformed)?,
        };
        // Hard links may carry the size of the file they name, but no content follows them.
        let size = if kind == EntryKind::File { size } else { 0 };
        self.comment = comment;
        let map = match old_sparse {
            true => Some(self.old_map(block, size).map_err(|reason| reason.or_else(&malformed))?),
            false if sparse.is_some() => None,
            false => {
                self.expect_content(size);
                return Ok(Entry { path, kind, mode, mtime, size });
            }
        };
        self.expect_content(size);
        let map = match (map, sparse.version) {
            (Some(map), _) => map,
            (None, Some(1)) if sparse.map.is_some() => return Err(malformed("two maps for one sparse file")),
            (None, Some(1)) => {
                let limit = self.limits.extension_size;
                let (numbers, read) = leading_map(self, BLOCK as u64, limit)?;
                let stored = size.checked_sub(read).ok_or(Refusal::SparseMap)?;
                Map::new(&numbers, sparse.real_size.ok_or(Refusal::SparseMap)?, stored).map_err(&malformed)?
            }
            (None, None | Some(0)) => {
                let numbers = sparse.map.unwrap_or_default();
                Map::new(&numbers, sparse.real_size.ok_or(Refusal::SparseMap)?, size).map_err(&malformed)?
            }
            (None, Some(_)) => return Err(unsupported("a sparse file of an unknown kind")),
        };
        let size = map.size();
        self.holes = Some(Holes::new(map));
        Ok(Entry { path, kind, mode, mtime, size })
    }

    /// So many bytes are stored of the entry, and then zeros up to a whole block.
    fn expect_content(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// The map in the header of a sparse file as old GNU tar writes it, and in the blocks after it.
    fn old_map(&mut self, block: &[u8; BLOCK], stored: u64) -> Result<Map, OldMap> {
        let size = number(&block[483..495])?.unwrap_or(0);
        let mut numbers = Numbers::new();
        let take = |field: &[u8], numbers: &mut Numbers| -> Result<(), &'static str> {
            for pair in field.chunks_exact(24) {
                if let (Some(offset), Some(length)) = (number(&pair[..12])?, number(&pair[12..])?) {
                    numbers.extend([offset, length]);
                }
            }
            Ok(())
        };
        take(&block[386..482], &mut numbers)?;
        let mut extended = block[482] != 0;
        while extended {
            let more = self.block()?.ok_or(Refusal::Truncated).map_err(Stop::from)?;
            take(&more[..504], &mut numbers)?;
            extended = more[504] != 0;
            if numbers.len() as u64 * 12 > self.limits.extension_size {
                let limit = self.limits.extension_size;
                return Err(Stop::from(Refusal::Limit { what: "a longer map of a sparse file", limit }).into());
            }
        }
        Ok(Map::new(&numbers, size, stored)?)
    }

    /// The content of an extension header, which is small.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Stop> {
        if size > self.limits.extension_size {
            let limit = self.limits.extension_size;
            return Err(Refusal::Limit { what: "a longer extension header", limit }.into());
        }
        self.expect_content(size);
        let mut content = vec![0; size as usize];
        self.read_exact(&mut content)?;
        Ok(content)
    }

    fn skip_rest(&mut self) -> Result<(), Stop> {
        self.holes = None;
        let mut rest = self.left + self.padding;
        self.left = 0;
        self.padding = 0;
        let mut buffer = [0; 8192];
        while rest > 0 {
            let wanted = rest.min(buffer.len() as u64) as usize;
            match self.stream.read(&mut buffer[..wanted])? {
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
            match self.stream.read(&mut block[filled..])? {
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
            match self.stream.read(&mut buffer)? {
                0 => return Ok(()),
                count if buffer[..count].iter().all(|byte| *byte == 0) => {}
                _ => return Err(Refusal::TrailingData.into()),
            }
        }
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), Stop> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => return Err(Refusal::Truncated.into()),
                count => filled += count,
            }
        }
        Ok(())
    }
}

impl Entries for TarReader<'_> {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Stop> {
        while let Some(entry) = self.next()? {
            visit(&entry, self)?;
        }
        Ok(())
    }
}

impl TarReader<'_> {
    fn read_stored(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wanted = self.left.min(buffer.len() as u64) as usize;
        let count = self.stream.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(Refusal::Truncated.into());
        }
        self.left -= count as u64;
        self.offset += count as u64;
        Ok(count)
    }
}

/// The content of the current entry.
impl Read for TarReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(holes) = &mut self.holes else { return self.read_stored(buffer) };
        match holes.next(buffer) {
            Next::Hole(count) => Ok(count),
            Next::Stored(most) => {
                let count = self.read_stored(&mut buffer[..most])?;
                if let Some(holes) = &mut self.holes {
                    holes.advance(count);
                }
                Ok(count)
            }
        }
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

/// A time field: a number, which may be negative in base 256.
fn time(field: &[u8]) -> Result<i64, &'static str> {
    if field[0] == 0xff {
        let low = field.last_chunk::<8>().copied().unwrap_or_default();
        let is_small = field[..field.len() - 8].iter().all(|byte| *byte == 0xff) && low[0] & 0x80 != 0;
        return if is_small { Ok(i64::from_be_bytes(low)) } else { Err("a time out of range") };
    }
    Ok(number(field)?.unwrap_or(0) as i64)
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
