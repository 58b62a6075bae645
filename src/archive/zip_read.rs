//! Reading zip through the `zip` crate.

use std::fs::File;
use std::io::Read;

use super::entry::{Entry, EntryKind, show};
use super::error::Refusal;
use super::plan::clean_name;
use super::tar_read::Stop;

/// Longer link targets than any system takes.
const MAX_TARGET: u64 = 4096;

/// Calls `visit` with each entry and its content.
pub(super) fn each(file: File, visit: &mut dyn FnMut(&Entry, &mut dyn Read) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
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
