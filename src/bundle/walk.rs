//! Going through a bundle's entries on all cores. Members that hold whole entries are read apart from one another; each
//! byte is compared with what the manifest says must be there.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::Utf8Path;

use super::error::Error;
use super::manifest::{EntryRecord, Manifest, RecordKind};
use crate::archive::{Encoding, Member, MemberReader, TarEntry, TarKind, encode_entry, padding};
use crate::base::{HashingReader, PathError, RelPath, in_parallel};

/// What a check of a whole bundle came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Entries that were checked.
    pub entries: usize,
    /// Bytes of their content.
    pub bytes: u64,
}

/// Told of each entry with its content, from several threads and in no order.
pub(super) type Visit<'v> = dyn Fn(&RelPath, &EntryRecord, &mut dyn Read) -> Result<(), Stop> + Sync + 'v;

/// Why a walk ended early.
pub(super) enum Stop {
    /// The bundle's bytes cannot be read.
    Content(io::Error),
    /// They can, and are wrong.
    Different(String),
    /// What is unpacked cannot be written.
    Target(io::Error),
}

/// A member with other bytes than the index says.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct MemberDamage {
    offset: u64,
    reason: String,
}

impl Stop {
    fn into_error(self, path: &Utf8Path, entry: &RelPath) -> Error {
        let damaged = |reason| Error::Damaged { path: path.to_owned(), entry: entry.to_string(), reason };
        match self {
            Self::Different(reason) => damaged(reason),
            Self::Target(source) => Error::Io(PathError { action: "unpack", path: entry.as_str().into(), source }),
            Self::Content(error) if error.raw_os_error().is_some() => {
                Error::Io(PathError { action: "read", path: path.to_owned(), source: error })
            }
            Self::Content(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<MemberDamage>()) {
                Some(MemberDamage { offset, reason }) => {
                    Error::Framing { path: path.to_owned(), offset: *offset, reason: reason.clone() }
                }
                None => damaged(error.to_string()),
            },
        }
    }
}

/// An open bundle.
pub(super) struct Walk<'w> {
    pub(super) path: &'w Utf8Path,
    pub(super) file: &'w File,
    pub(super) encoding: Encoding,
    pub(super) manifest: &'w Manifest,
    pub(super) members: &'w [Member],
    pub(super) threads: usize,
    /// Entries of the manifest that are elsewhere.
    pub(super) lacks: &'w BTreeSet<RelPath>,
    /// Only these, and what cannot be read without them, are visited.
    pub(super) only: Option<&'w BTreeSet<&'w RelPath>>,
}

/// An entry, and where its parts are in the tar stream.
struct Placed<'w> {
    path: &'w RelPath,
    entry: &'w EntryRecord,
    header: Vec<u8>,
    start: u64,
    content: u64,
    size: u64,
    end: u64,
}

/// Members that are read one after another: no entry's content goes on in the next unit.
struct Unit<'w> {
    members: &'w [Member],
    start: u64,
    end: u64,
}

impl<'w> Walk<'w> {
    /// Visits every entry and checks every byte.
    ///
    /// # Errors
    /// Of several, that of the earliest byte.
    pub(super) fn run(&self, visit: &Visit<'_>) -> Result<Checked, Error> {
        let placed = self.placed();
        let mut units = self.units(&placed)?;
        if let Some(only) = self.only {
            let wanted: Vec<&Placed<'_>> = placed.iter().filter(|placed| only.contains(placed.path)).collect();
            units.retain(|unit| {
                let first = wanted.partition_point(|placed| placed.end <= unit.start);
                wanted.get(first).is_some_and(|placed| placed.start < unit.end)
            });
        }
        // What takes longest is begun first, so that nobody waits for it at the end.
        units.sort_by_key(|unit| std::cmp::Reverse(unit.end - unit.start));
        let ended = AtomicBool::new(false);
        let failed = in_parallel(&units, self.threads, |unit| {
            if ended.load(Ordering::Relaxed) {
                return None;
            }
            let (at, stop) = self.unit(unit, &placed, visit).err()?;
            // Where nothing can be written, nothing more is tried.
            ended.fetch_or(matches!(stop, Stop::Target(_)), Ordering::Relaxed);
            let entry = placed[at.min(placed.len() - 1)].path;
            Some((unit.start, stop.into_error(self.path, entry)))
        });
        match failed.into_iter().flatten().min_by_key(|(start, _)| *start) {
            Some((_, error)) => Err(error),
            None => {
                let bytes = placed.iter().map(|placed| placed.size).sum();
                Ok(Checked { entries: placed.len(), bytes })
            }
        }
    }

    /// Where the entries must be, one after another.
    fn placed(&self) -> Vec<Placed<'w>> {
        let root = self.manifest.root();
        let mut start = 0;
        let there = self.manifest.entries.iter().filter(|(path, _)| !self.lacks.contains(*path));
        let entries = there.map(|(path, entry)| {
            let (kind, size) = match &entry.kind {
                RecordKind::File { size, .. } => (TarKind::File(*size), *size),
                RecordKind::Symlink { target } => (TarKind::Symlink(target), 0),
                RecordKind::Folder => (TarKind::Folder, 0),
            };
            let full = format!("{root}/{path}");
            let header = encode_entry(&TarEntry { path: &full, kind, mode: entry.mode, mtime: self.manifest.epoch });
            let content = start + header.len() as u64;
            let end = content.saturating_add(size).saturating_add(padding(size) as u64);
            let placed = Placed { path, entry, header, start, content, size, end };
            start = end;
            placed
        });
        entries.collect()
    }

    fn units(&self, placed: &[Placed<'_>]) -> Result<Vec<Unit<'w>>, Error> {
        let mut edges: Vec<u64> = placed
            .iter()
            .flat_map(|placed| [placed.start, placed.content, placed.content + placed.size, placed.end])
            .collect();
        edges.dedup();
        let framing = |offset, reason: &str| {
            let reason = reason.to_owned();
            Err(Error::Framing { path: self.path.to_owned(), offset, reason })
        };
        let wanted = placed.last().map_or(0, |placed| placed.end);
        let (mut units, mut first, mut start) = (Vec::new(), 0, 0);
        for (index, member) in self.members.iter().enumerate() {
            let end = member.content_offset + member.content_length;
            if end > wanted {
                return framing(member.offset, "there are entries the manifest does not list");
            }
            if edges.binary_search(&end).is_ok() {
                units.push(Unit { members: &self.members[first..=index], start, end });
                (first, start) = (index + 1, end);
            }
        }
        match start == wanted {
            true => Ok(units),
            false => {
                framing(self.members.last().map_or(0, |last| last.offset), "its members end before its entries do")
            }
        }
    }

    /// Reads a unit; what is wrong is told with the number of the entry.
    fn unit(&self, unit: &Unit<'_>, placed: &[Placed<'_>], visit: &Visit<'_>) -> Result<(), (usize, Stop)> {
        let mut stream = Stream { file: self.file, encoding: self.encoding, members: unit.members.iter(), open: None };
        let inside = |at: u64| unit.start <= at && at < unit.end;
        let mut index = placed.partition_point(|placed| placed.end <= unit.start);
        while let Some(entry) = placed.get(index).filter(|entry| entry.start < unit.end) {
            entry.check(&mut stream, &inside, visit).map_err(|stop| (index, stop))?;
            index += 1;
        }
        // Only who reads on learns whether the last member is whole.
        match stream.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err((index, Stop::Different("there is more than the manifest says".to_owned()))),
            Err(error) => Err((index.saturating_sub(1), Stop::Content(error))),
        }
    }
}

impl Placed<'_> {
    /// Checks those parts of the entry that are inside.
    fn check(&self, stream: &mut dyn Read, inside: &dyn Fn(u64) -> bool, visit: &Visit<'_>) -> Result<(), Stop> {
        let has_header = inside(self.start);
        if has_header {
            expect(stream, &self.header, "its header differs from what the manifest says")?;
        }
        if self.size == 0 && has_header || self.size > 0 && inside(self.content) {
            let mut content = HashingReader::new(stream.take(self.size));
            visit(self.path, self.entry, &mut content)?;
            let (sha256, read) = content.drain().map_err(Stop::Content)?;
            if let RecordKind::File { sha256: wanted, .. } = &self.entry.kind
                && (sha256 != *wanted || read != self.size)
            {
                return Err(Stop::Different(format!("its SHA-256 is {sha256}, the manifest says {wanted}")));
            }
        }
        match padding(self.size) {
            0 => Ok(()),
            count if inside(self.content + self.size) => {
                expect(stream, &vec![0; count], "the padding after it is not empty")
            }
            _ => Ok(()),
        }
    }
}

fn expect(stream: &mut dyn Read, wanted: &[u8], reason: &str) -> Result<(), Stop> {
    let mut found = vec![0; wanted.len()];
    stream.read_exact(&mut found).map_err(Stop::Content)?;
    if found == wanted { Ok(()) } else { Err(Stop::Different(reason.to_owned())) }
}

/// A part of the tar stream, member by member.
struct Stream<'f> {
    file: &'f File,
    encoding: Encoding,
    members: std::slice::Iter<'f, Member>,
    open: Option<(MemberReader<At<'f>>, u64)>,
}

/// A file from a place on, which others read too.
struct At<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some((reader, _)) = &mut self.open else {
                let Some(member) = self.members.next() else { return Ok(0) };
                let at = At { file: self.file, offset: member.offset };
                self.open = Some((MemberReader::new(at, self.encoding, *member)?, member.offset));
                continue;
            };
            match reader.read(buffer)? {
                0 => {
                    let Some((reader, offset)) = self.open.take() else { return Ok(0) };
                    reader.finish().map_err(|error| match error.raw_os_error() {
                        Some(_) => error,
                        None => io::Error::other(MemberDamage { offset, reason: error.to_string() }),
                    })?;
                }
                count => return Ok(count),
            }
        }
    }
}
