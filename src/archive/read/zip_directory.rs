//! The directory at the end of a zip, compared with what stands before each entry (APPNOTE.TXT 6.3.10).
//!
//! A zip says everything twice, and programs differ in what they believe. Here both must agree, and every byte of the
//! file must belong to an entry, the directory or the record at the end.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::super::error::Refusal;
use super::Stop;
use super::entry::show;

const END: [u8; 4] = *b"PK\x05\x06";
const END_LENGTH: usize = 22;
const LARGE_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LARGE_LOCATOR_LENGTH: usize = 20;
const LARGE_END: [u8; 4] = *b"PK\x06\x06";
const LARGE_END_LENGTH: usize = 56;
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const CENTRAL_LENGTH: usize = 46;
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Extra field: sizes and offsets of 64 bits.
const ZIP64: u16 = 1;
/// Extra field: the name in UTF-8.
const UNICODE_PATH: u16 = 0x7075;
/// Flag bits: encrypted, sizes after the data, patched, strongly encrypted, masked headers.
const ENCRYPTED: u16 = 1;
const DESCRIBED: u16 = 1 << 3;
const PATCHED: u16 = 1 << 5;
const STRONG: u16 = 1 << 6 | 1 << 13;
/// More bytes than the directory of any source has.
const MAX_DIRECTORY: u64 = 256 << 20;

/// What the directory says of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    name: Vec<u8>,
    /// The name once more, in UTF-8.
    unicode: Option<Vec<u8>>,
    flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl Listed {
    /// What it is called.
    pub(super) fn name(&self) -> &[u8] {
        self.unicode.as_ref().unwrap_or(&self.name)
    }
}

/// Checks the whole directory of a zip against its entries; returns what it says of each.
pub(super) fn check(file: &File, most: u64) -> Result<Vec<Listed>, Stop> {
    let length = file.metadata()?.len();
    let (end, count, start, size) = end_record(file, length)?;
    let bad = |reason| Stop::from(Refusal::ZipDirectory(reason));
    if start.checked_add(size) != Some(end) {
        return Err(bad("it does not lie where the record at the end says"));
    }
    if size > MAX_DIRECTORY {
        return Err(Refusal::Limit { what: "a longer zip directory", limit: MAX_DIRECTORY }.into());
    }
    if count > most {
        return Err(Refusal::Limit { what: "more entries", limit: most }.into());
    }
    let directory = read(file, start, size as usize)?;
    let entries = listed(&directory)?;
    if entries.len() as u64 != count {
        return Err(bad("it has another number of entries than the record at the end says"));
    }
    let mut placed: Vec<&Listed> = entries.iter().collect();
    placed.sort_by_key(|entry| entry.offset);
    let mut at = 0;
    for entry in placed {
        if entry.offset != at {
            return Err(zip(entry, "it overlaps another one, or there is something before it that is listed nowhere"));
        }
        at = check_local(file, entry)?;
    }
    if at != start {
        return Err(bad("there is something before it that it does not list"));
    }
    Ok(entries)
}

pub(super) fn zip(entry: &Listed, reason: &'static str) -> Stop {
    Refusal::Zip { name: show(entry.name()), reason }.into()
}

/// Where the directory ends, how many entries it has, where it starts and how long it is.
fn end_record(file: &File, length: u64) -> Result<(u64, u64, u64, u64), Stop> {
    let bad = |reason| Stop::from(Refusal::ZipDirectory(reason));
    let tail_length = length.min((END_LENGTH + 0xffff) as u64);
    let tail_start = length - tail_length;
    let tail = read(file, tail_start, tail_length as usize)?;
    let records: Vec<usize> = (0..tail.len().saturating_sub(END_LENGTH - 1))
        .filter(|at| tail[*at..].starts_with(&END))
        .filter(|at| *at + END_LENGTH + usize::from(u16_at(&tail, at + 20)) == tail.len())
        .collect();
    let at = match records.as_slice() {
        [] => return Err(bad("the record at the end is missing, or something follows it")),
        [at] => *at,
        _ => return Err(bad("there are two records at the end")),
    };
    let record = &tail[at..];
    // Some programs take the last one they find, wherever that says it ends.
    if record[END_LENGTH..].windows(END.len()).any(|window| window == END) {
        return Err(bad("there are two records at the end"));
    }
    if u16_at(record, 4) != 0 || u16_at(record, 6) != 0 || u16_at(record, 8) != u16_at(record, 10) {
        return Err(bad("the zip is split over several files"));
    }
    let (count, size, start) = (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16));
    let end = tail_start + at as u64;
    let locator = end.checked_sub(LARGE_LOCATOR_LENGTH as u64);
    let locator = locator.map(|at| Ok::<_, Stop>((at, read(file, at, LARGE_LOCATOR_LENGTH)?))).transpose()?;
    let Some((locator_at, locator)) = locator.filter(|(_, locator)| locator.starts_with(&LARGE_LOCATOR)) else {
        if count == u16::MAX || size == u32::MAX || start == u32::MAX {
            return Err(bad("the record at the end leads to another one, which is missing"));
        }
        return Ok((end, count.into(), start.into(), size.into()));
    };
    let large_at = u64_at(&locator, 8);
    if large_at.checked_add(LARGE_END_LENGTH as u64) != Some(locator_at) {
        return Err(bad("the large record at the end does not lie where it should"));
    }
    let large = read(file, large_at, LARGE_END_LENGTH)?;
    let (large_count, large_size, large_start) = (u64_at(&large, 32), u64_at(&large, 40), u64_at(&large, 48));
    let agree = |small: u64, marker: u64, large: u64| small == marker || small == large;
    let agrees = large.starts_with(&LARGE_END)
        && agree(count.into(), u16::MAX.into(), large_count)
        && agree(size.into(), u32::MAX.into(), large_size)
        && agree(start.into(), u32::MAX.into(), large_start);
    match agrees {
        true => Ok((large_at, large_count, large_start, large_size)),
        false => Err(bad("its two records at the end contradict each other")),
    }
}

fn listed(mut directory: &[u8]) -> Result<Vec<Listed>, Stop> {
    let bad = |reason| Stop::from(Refusal::ZipDirectory(reason));
    let mut entries = Vec::new();
    while !directory.is_empty() {
        if directory.len() < CENTRAL_LENGTH || !directory.starts_with(&CENTRAL) {
            return Err(bad("it has something else between its entries"));
        }
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(directory, at)));
        let end = CENTRAL_LENGTH + lengths.iter().sum::<usize>();
        let Some(rest) = directory.get(CENTRAL_LENGTH..end) else { return Err(bad("it is cut short")) };
        let (name, rest) = rest.split_at(lengths[0]);
        let mut entry = Listed {
            name: name.to_vec(),
            unicode: None,
            flags: u16_at(directory, 8),
            method: u16_at(directory, 10),
            crc: u32_at(directory, 16),
            compressed: u32_at(directory, 20).into(),
            size: u32_at(directory, 24).into(),
            offset: u32_at(directory, 42).into(),
        };
        extra(&rest[..lengths[1]], &mut entry)?;
        entries.push(entry);
        directory = &directory[end..];
    }
    Ok(entries)
}

/// Takes what extra fields say: sizes that have no room elsewhere, and the name once more.
fn extra(mut fields: &[u8], entry: &mut Listed) -> Result<(), Stop> {
    while fields.len() >= 4 {
        let (kind, length) = (u16_at(fields, 0), usize::from(u16_at(fields, 2)));
        let Some(field) = fields.get(4..4 + length) else { return Err(zip(entry, "an extra field is cut short")) };
        match kind {
            ZIP64 => {
                let mut numbers = field.chunks_exact(8).map(|number| u64_at(number, 0));
                for value in [&mut entry.size, &mut entry.compressed, &mut entry.offset] {
                    if *value == u64::from(u32::MAX) {
                        *value = numbers.next().unwrap_or(*value);
                    }
                }
            }
            UNICODE_PATH => match spelling(field, &entry.name) {
                Some(unicode) if entry.unicode.as_deref().is_none_or(|other| other == unicode) => {
                    entry.unicode = Some(unicode.to_vec());
                }
                _ => return Err(zip(entry, "an extra field gives it another name")),
            },
            _ => {}
        }
        fields = &fields[4 + length..];
    }
    Ok(())
}

/// The Unicode name of an extra field (APPNOTE.TXT 4.6.9), if it is that of the header in other letters: each byte beyond
/// ASCII of an old code page stands for one character, and everything else is the same.
fn spelling<'f>(field: &'f [u8], name: &[u8]) -> Option<&'f [u8]> {
    let (crc, unicode) = field.strip_prefix(&[1])?.split_at_checked(4)?;
    let text = std::str::from_utf8(unicode).ok()?;
    let plain = |c: char| if c.is_ascii() { c } else { '\u{fffd}' };
    let old = name.iter().map(|byte| plain(char::from(*byte)));
    let same = unicode == name || u32_at(crc, 0) == crc32fast::hash(name) && text.chars().map(plain).eq(old);
    same.then_some(unicode)
}

/// Compares an entry with the header before its data; returns where what follows starts.
fn check_local(file: &File, entry: &Listed) -> Result<u64, Stop> {
    let header = read(file, entry.offset, LOCAL_LENGTH)?;
    if !header.starts_with(&LOCAL) {
        return Err(zip(entry, "its header is not where the directory says"));
    }
    let (name, more) = (usize::from(u16_at(&header, 26)), usize::from(u16_at(&header, 28)));
    let rest = read(file, entry.offset + LOCAL_LENGTH as u64, name + more)?;
    let mut local = Listed {
        name: rest[..name].to_vec(),
        unicode: None,
        flags: u16_at(&header, 6),
        method: u16_at(&header, 8),
        crc: u32_at(&header, 14),
        compressed: u32_at(&header, 18).into(),
        size: u32_at(&header, 22).into(),
        offset: entry.offset,
    };
    extra(&rest[name..], &mut local)?;
    let other_letters = matches!((&local.unicode, &entry.unicode), (Some(local), Some(listed)) if local != listed);
    if local.name != entry.name || other_letters {
        return Err(zip(entry, "its header gives it another name than the directory"));
    }
    if (local.flags | entry.flags) & (ENCRYPTED | STRONG) != 0 {
        return Err(Refusal::Unsupported { name: show(entry.name()), feature: "a password" }.into());
    }
    if (local.flags | entry.flags) & PATCHED != 0 {
        return Err(Refusal::Unsupported { name: show(entry.name()), feature: "patched data" }.into());
    }
    if local.method != entry.method || local.flags & DESCRIBED != entry.flags & DESCRIBED {
        return Err(zip(entry, "its header and the directory differ in how it is stored"));
    }
    let described = local.flags & DESCRIBED != 0;
    let differs = |local: u64, listed: u64| local != listed && !(described && local == 0);
    if differs(local.crc.into(), entry.crc.into())
        || differs(local.compressed, entry.compressed)
        || differs(local.size, entry.size)
    {
        return Err(zip(entry, "its header and the directory differ in size or checksum"));
    }
    if entry.name().ends_with(b"/") && entry.size != 0 {
        return Err(zip(entry, "it is a folder with data"));
    }
    let data = entry.offset + (LOCAL_LENGTH + name + more) as u64;
    let end = data.checked_add(entry.compressed).ok_or_else(|| zip(entry, "its size makes no sense"))?;
    if described { check_descriptor(file, entry, end) } else { Ok(end) }
}

/// Compares an entry with what stands after its data: with or without a signature, with sizes of 32 or 64 bits.
fn check_descriptor(file: &File, entry: &Listed, at: u64) -> Result<u64, Stop> {
    let mut bytes = [0; 24];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], at + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    for signature in [4, 0] {
        if signature == 4 && !bytes.starts_with(&DESCRIPTOR) {
            continue;
        }
        let rest = &bytes[signature..];
        let small = u64::from(u32_at(rest, 4)) == entry.compressed && u64::from(u32_at(rest, 8)) == entry.size;
        let fits = u32_at(rest, 0) == entry.crc;
        let length = signature + 12;
        // What follows is the next header, which a number of 64 bits would swallow.
        if fits && small && filled >= length && bytes.get(length..length + 2).is_none_or(|next| next == b"PK") {
            return Ok(at + length as u64);
        }
        let large = rest.len() >= 20 && u64_at(rest, 4) == entry.compressed && u64_at(rest, 12) == entry.size;
        if fits && large && filled >= signature + 20 {
            return Ok(at + (signature + 20) as u64);
        }
    }
    Err(zip(entry, "what stands after its data is not what the directory says"))
}

fn read(file: &File, at: u64, length: usize) -> Result<Vec<u8>, Stop> {
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, at) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(Refusal::ZipDirectory("it leads out of the file").into())
        }
        other => other.map(|()| bytes).map_err(Stop::from),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes[at..].first_chunk().copied().map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().copied().map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().copied().map_or(0, u64::from_le_bytes)
}
