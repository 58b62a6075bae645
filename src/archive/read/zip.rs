//! Reading zip through the `zip` crate, once its directory was found to agree with its entries.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::super::error::Refusal;
use super::entry::{Entry, EntryKind, show};
use super::plan::clean_name;
use super::zip_directory::{self, Listed, zip};
use super::{Entries, Limits, Stop, Visit};

/// How entries are stored (APPNOTE.TXT 4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// A zip whose directory was checked.
pub(super) struct Zip {
    archive: zip::ZipArchive<File>,
    listed: Vec<Listed>,
}

impl Zip {
    pub(super) fn open(file: File, limits: Limits) -> Result<Self, Stop> {
        let listed = zip_directory::check(&file, limits.entries)?;
        let archive = zip::ZipArchive::new(file).map_err(broken)?;
        // Of two entries with one name the crate shows the last, other programs the first.
        if archive.len() != listed.len() {
            return Err(Refusal::ZipDirectory("several entries have one name").into());
        }
        Ok(Self { archive, listed })
    }
}

impl Entries for Zip {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Stop> {
        for (index, listed) in self.listed.iter().enumerate() {
            let member = self.archive.by_index_raw(index).map_err(broken)?;
            // What was checked is what is read.
            let same = (member.name_raw(), member.header_start(), member.crc32())
                == (listed.name(), listed.offset, listed.crc)
                && (member.compressed_size(), member.size()) == (listed.compressed, listed.size);
            if !same {
                return Err(zip(listed, "it is read otherwise than the directory says"));
            }
            let raw = listed.name();
            let path = clean_name(raw)?;
            // The format knows no other separator (APPNOTE.TXT 4.4.17), and some programs take this for one.
            if raw.contains(&b'\\') {
                return Err(Refusal::BadName(show(raw)).into());
            }
            let unix_mode = member.unix_mode();
            let is_folder = raw.ends_with(b"/");
            let mode = unix_mode.unwrap_or(if is_folder { 0o755 } else { 0o644 });
            let mtime = member.last_modified().map_or(0, seconds);
            let mut content = Content::new(member, listed)?;
            let kind = match mode & 0o170000 {
                0o120000 if !is_folder => {
                    if listed.size > Limits::LINK_TARGET {
                        return Err(Refusal::LongName(show(&path)).into());
                    }
                    let mut target = Vec::new();
                    content.read_to_end(&mut target)?;
                    EntryKind::Symlink(target)
                }
                0o040000 | 0 | 0o100000 if is_folder => EntryKind::Folder,
                0o100000 | 0 if !is_folder => EntryKind::File,
                0o020000 | 0o060000 => return Err(Refusal::Special { name: show(&path), kind: "device" }.into()),
                _ => return Err(Refusal::Special { name: show(&path), kind: "special file" }.into()),
            };
            let size = if kind == EntryKind::File { listed.size } else { 0 };
            visit(&Entry { path, kind, mode: mode & 0o7777, mtime, size }, &mut content)?;
        }
        Ok(())
    }
}

/// The content of an entry. Where it ends, its length and its checksum must be those that were promised, and nothing may
/// be left of what is stored.
struct Content<'c, R: Read> {
    stream: Stream<R>,
    listed: &'c Listed,
    crc: crc32fast::Hasher,
    read: u64,
}

enum Stream<R: Read> {
    Stored(BufReader<R>),
    Deflated(flate2::bufread::DeflateDecoder<BufReader<R>>),
}

impl<'c, R: Read> Content<'c, R> {
    fn new(raw: R, listed: &'c Listed) -> Result<Self, Stop> {
        let raw = BufReader::with_capacity(64 << 10, raw);
        let stream = match listed.method {
            STORED => Stream::Stored(raw),
            DEFLATED => Stream::Deflated(flate2::bufread::DeflateDecoder::new(raw)),
            _ => {
                let feature = "another compression than deflate";
                return Err(Refusal::Unsupported { name: show(listed.name()), feature }.into());
            }
        };
        Ok(Self { stream, listed, crc: crc32fast::Hasher::new(), read: 0 })
    }

    fn end(&mut self) -> io::Result<()> {
        let refuse = |reason| Err(Refusal::Zip { name: show(self.listed.name()), reason }.into());
        if self.read != self.listed.size || self.crc.clone().finalize() != self.listed.crc {
            return refuse("its content has another length or checksum than the directory says");
        }
        let rest = match &mut self.stream {
            Stream::Stored(raw) => raw,
            Stream::Deflated(stream) => stream.get_mut(),
        };
        match rest.fill_buf()?.is_empty() {
            true => Ok(()),
            false => refuse("there is something after its content that belongs to nothing"),
        }
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = match &mut self.stream {
            Stream::Stored(raw) => raw.read(buffer)?,
            Stream::Deflated(stream) => stream.read(buffer)?,
        };
        self.crc.update(&buffer[..count]);
        self.read += count as u64;
        // What is longer than promised is not read on.
        if count == 0 || self.read > self.listed.size {
            self.end()?;
        }
        Ok(count)
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
