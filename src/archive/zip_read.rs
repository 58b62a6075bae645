//! Reading zip through the `zip` crate.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::entry::{Entry, EntryKind, show};
use super::error::Refusal;
use super::plan::clean_name;
use super::tar_read::Stop;

/// Longer link targets than any system takes.
const MAX_TARGET: u64 = 4096;

/// Calls `visit` with each entry and its content.
pub(super) fn each(file: File, visit: &mut dyn FnMut(&Entry, &mut dyn Read) -> Result<(), Stop>) -> Result<(), Stop> {
    let listed = listed_entries(&file).map_err(Stop::Io)?;
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
    // Of two entries with one name the crate shows the last, other programs the first.
    if listed.is_some_and(|listed| listed != archive.len() as u64) {
        return Err(Refusal::Duplicates.into());
    }
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(broken)?;
        let raw = member.name_raw().to_vec();
        let path = clean_name(&raw)?;
        if member.encrypted() {
            return Err(Refusal::Unsupported { name: show(&path), feature: "a password" }.into());
        }
        let unix_mode = member.unix_mode();
        let is_folder = raw.ends_with(b"/");
        let mode = unix_mode.unwrap_or(if is_folder { 0o755 } else { 0o644 });
        let kind = match mode & 0o170000 {
            0o120000 => {
                if member.size() > MAX_TARGET {
                    return Err(Refusal::LongName(show(&path)).into());
                }
                let mut target = Vec::new();
                member.read_to_end(&mut target).map_err(Stop::Io)?;
                EntryKind::Symlink(target)
            }
            0o040000 | 0 | 0o100000 if is_folder => EntryKind::Folder,
            0o100000 | 0 => EntryKind::File,
            0o020000 | 0o060000 => return Err(Refusal::Special { name: show(&path), kind: "device" }.into()),
            _ => return Err(Refusal::Special { name: show(&path), kind: "special file" }.into()),
        };
        let size = if kind == EntryKind::File { member.size() } else { 0 };
        let mtime = member.last_modified().map_or(0, seconds);
        let entry = Entry { path, kind, mode: mode & 0o7777, mtime, size };
        visit(&entry, &mut member)?;
    }
    Ok(())
}

/// The number of entries that the record at the end promises (APPNOTE.TXT 4.3.14 and 4.3.16); `None` without one.
fn listed_entries(mut file: &File) -> io::Result<Option<u64>> {
    /// The record without its comment, which is at most 65,535 bytes long, and the locator before it.
    const LENGTH: u64 = 22 + 0xffff + 20;
    let end = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(end.saturating_sub(LENGTH)))?;
    let mut tail = Vec::new();
    file.take(LENGTH).read_to_end(&mut tail)?;
    file.rewind()?;
    let Some(at) = tail.windows(4).rposition(|window| window == b"PK\x05\x06") else { return Ok(None) };
    let number =
        |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b)));
    let count = number(tail.get(at + 10..at + 12));
    let locator =
        at.checked_sub(20).and_then(|start| tail.get(start..at)).filter(|bytes| bytes.starts_with(b"PK\x06\x07"));
    let Some(record) = number(locator.and_then(|bytes| bytes.get(8..16))).filter(|_| count == Some(0xffff)) else {
        return Ok(count);
    };
    let mut large = [0; 40];
    file.seek(SeekFrom::Start(record))?;
    file.read_exact(&mut large)?;
    file.rewind()?;
    Ok(number(large.get(32..40)))
}

fn broken(error: zip::result::ZipError) -> Stop {
    Stop::Io(std::io::Error::other(error))
}

/// DOS times carry no zone; they are taken as UTC.
fn seconds(time: zip::DateTime) -> i64 {
    let date = jiff::civil::DateTime::new(
        time.year() as i16,
        time.month() as i8,
        time.day() as i8,
        time.hour() as i8,
        time.minute() as i8,
        time.second() as i8,
        0,
    );
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC));
    zoned.map_or(0, |zoned| zoned.timestamp().as_second())
}
