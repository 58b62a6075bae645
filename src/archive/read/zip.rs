//! Reading zip through the `zip` crate, once its directory was found to agree with its entries.

use std::fs::File;
use std::io::Read;

use super::super::error::Refusal;
use super::entry::{Entry, EntryKind, show};
use super::plan::clean_name;
use super::zip_directory;
use super::{Entries, Stop, Visit};

/// Longer link targets than any system takes.
const MAX_TARGET: u64 = 4096;

/// A zip whose directory was checked.
pub(super) struct Zip {
    archive: zip::ZipArchive<File>,
}

impl Zip {
    pub(super) fn open(file: File) -> Result<Self, Stop> {
        let count = zip_directory::check(&file)?;
        let archive = zip::ZipArchive::new(file).map_err(broken)?;
        // Of two entries with one name the crate shows the last, other programs the first.
        if archive.len() as u64 != count {
            return Err(Refusal::ZipDirectory("several entries have one name").into());
        }
        Ok(Self { archive })
    }
}

impl Entries for Zip {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Stop> {
        for index in 0..self.archive.len() {
            let mut member = self.archive.by_index(index).map_err(broken)?;
            let raw = member.name_raw().to_vec();
            let path = clean_name(&raw)?;
            // The format knows no other separator (APPNOTE.TXT 4.4.17), and some programs take this for one.
            if raw.contains(&b'\\') {
                return Err(Refusal::BadName(show(&raw)).into());
            }
            let unix_mode = member.unix_mode();
            let is_folder = raw.ends_with(b"/");
            let mode = unix_mode.unwrap_or(if is_folder { 0o755 } else { 0o644 });
            let kind = match mode & 0o170000 {
                0o120000 if !is_folder => {
                    if member.size() > MAX_TARGET {
                        return Err(Refusal::LongName(show(&path)).into());
                    }
                    let mut target = Vec::new();
                    member.read_to_end(&mut target)?;
                    EntryKind::Symlink(target)
                }
                0o040000 | 0 | 0o100000 if is_folder => EntryKind::Folder,
                0o100000 | 0 if !is_folder => EntryKind::File,
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
