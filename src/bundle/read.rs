//! Reading a bundle. Nothing in it is believed before it is checked.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::framing::{Index, NoTrailer, TRAILER, Trailer, VERSION_AT};
use super::layout::{INDEX, MANIFEST, SUMS};
use super::manifest::{EntryRecord, FORMAT, Manifest, ManifestProblem, RecordKind};
use super::write::tail_content;
use crate::archive::{Member, MemberReader, TarEntry, TarKind, Tree, encode_entry, finish, padding, read_small_tar};
use crate::base::{HashingReader, IoContext, RelPath, Sha256, create_dir_all};

/// A tail larger than this lists more files than any project has.
const MAX_TAIL: u64 = 1 << 30;

/// A bundle file whose end was read and found whole.
#[derive(Debug)]
pub struct Bundle {
    path: Utf8PathBuf,
    file: File,
    manifest: Manifest,
    members: Vec<Member>,
}

/// What a check of a whole bundle came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Entries that were checked.
    pub entries: usize,
    /// Bytes of their content.
    pub bytes: u64,
}

impl Bundle {
    /// Opens the bundle at `path` and checks its end: trailer, manifest, index and sums.
    ///
    /// # Errors
    /// [`Error::NotABundle`], [`Error::Framing`], [`Error::Newer`], [`Error::Manifest`].
    pub fn open(path: &Utf8Path) -> Result<Self, Error> {
        let mut file = File::open(path).at("open", path)?;
        let length = file.metadata().at("inspect", path)?.len();
        let not_a_bundle = |reason| Error::NotABundle { path: path.to_owned(), reason };
        let framing =
            |offset, reason: &str| Error::Framing { path: path.to_owned(), offset, reason: reason.to_owned() };

        let start = length.checked_sub(TRAILER as u64).ok_or_else(|| not_a_bundle("it is too short"))?;
        let mut bytes = [0; TRAILER];
        file.seek(SeekFrom::Start(start)).at("read", path)?;
        file.read_exact(&mut bytes).at("read", path)?;
        let (trailer, version) = match Trailer::parse(&bytes) {
            Ok(trailer) => (trailer, None),
            Err(NoTrailer::Version(found, trailer)) => (trailer, Some(found)),
            Err(NoTrailer::Absent) => return Err(not_a_bundle("its last part is missing")),
            Err(NoTrailer::Changed(at)) => {
                return Err(framing(start + at as u64, "the trailer has another byte here"));
            }
        };
        let tail_length = start.checked_sub(trailer.tail_offset).filter(|length| *length <= MAX_TAIL);
        let tail_length = tail_length.ok_or_else(|| framing(start, "the trailer points outside the file"))?;
        let mut tail = vec![0; tail_length as usize];
        file.seek(SeekFrom::Start(trailer.tail_offset)).at("read", path)?;
        file.read_exact(&mut tail).at("read", path)?;
        let whole = Sha256::of(&tail) == trailer.tail_sha256;
        match version {
            // With all else as this version has it, the number is what was damaged.
            Some(_) if whole => return Err(framing(start + VERSION_AT as u64, "the trailer has another version")),
            Some(found) => {
                return Err(Error::Newer { path: path.to_owned(), found: found.into(), known: FORMAT });
            }
            None if whole => {}
            None => {
                return Err(framing(trailer.tail_offset, "the manifest and the index after it have another SHA-256"));
            }
        }

        let malformed = |reason: String| Error::Manifest { path: path.to_owned(), reason };
        let mut content = Vec::new();
        let inflate = flate2::bufread::MultiGzDecoder::new(&*tail);
        inflate.take(MAX_TAIL).read_to_end(&mut content).map_err(|error| malformed(error.to_string()))?;
        let files = read_small_tar(&content).map_err(|refusal| malformed(refusal.to_string()))?;
        let [(_, manifest_text), (_, index_text), _] = files.as_slice() else {
            return Err(malformed(format!("there are {} files after the last entry, not three", files.len())));
        };
        let manifest = Manifest::parse(manifest_text).map_err(|problem| match problem {
            ManifestProblem::Malformed(reason) => malformed(reason),
            ManifestProblem::Newer(found) => Error::Newer { path: path.to_owned(), found, known: FORMAT },
        })?;
        if content != tail_content(&manifest, manifest_text, index_text) {
            return Err(malformed(format!("`{MANIFEST}`, `{INDEX}` and `{SUMS}` do not belong together")));
        }
        let index: Index = serde_json::from_slice(index_text).map_err(|error| malformed(error.to_string()))?;
        let members = index.members(&trailer).ok_or_else(|| framing(start, "the trailer and the index disagree"))?;
        Ok(Self { path: path.to_owned(), file, manifest, members })
    }

    /// The bundle's file.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// What the bundle says it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Checks every byte of the file.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the entry that differs, or [`Error::Framing`] with the place.
    pub fn verify(&mut self) -> Result<Checked, Error> {
        self.walk(&mut |_, _, content| io::copy(content, &mut io::sink()).map(|_| ()).map_err(Stop::Content))
    }

    /// Unpacks all entries into the folder `target`, which must be new or empty, checking every byte on the way.
    ///
    /// # Errors
    /// As [`Bundle::verify`]; what was unpacked until then stays and is not to be used.
    pub fn unpack(&mut self, target: &Utf8Path) -> Result<Checked, Error> {
        create_dir_all(target)?;
        let tree = Tree::open(target).at("open", target)?;
        let mtime = i64::try_from(self.manifest.epoch.seconds()).unwrap_or(i64::MAX);
        let tail = [(MANIFEST, self.manifest.to_text())];
        let checked = self.walk(&mut |path, entry, content| {
            let name = path.as_str().as_bytes();
            match &entry.kind {
                RecordKind::Folder => tree.folder(name).map(|_| ()).map_err(Stop::Target),
                RecordKind::Symlink { target } => tree.symlink(name, target.as_bytes()).map_err(Stop::Target),
                RecordKind::File { .. } => {
                    let mut file = tree.file(name).map_err(Stop::Target)?;
                    copy(content, &mut file)?;
                    finish(&file, entry.mode, mtime).map_err(Stop::Target)
                }
            }
        })?;
        for (path, text) in tail {
            crate::base::write_atomic(&target.join(path), &text, 0o644)?;
        }
        Ok(checked)
    }

    fn walk(&mut self, visit: &mut Visit<'_>) -> Result<Checked, Error> {
        self.file.rewind().at("read", &self.path)?;
        let mut stream = Stream { file: Some(&mut self.file), members: self.members.iter(), open: None };
        let root = self.manifest.root();
        let mut checked = Checked { entries: 0, bytes: 0 };
        for (path, entry) in &self.manifest.entries {
            let outcome = check_entry(&mut stream, &root, &self.manifest, path, entry, visit);
            outcome.map_err(|stop| stop.into_error(&self.path, path))?;
            checked.entries += 1;
            if let RecordKind::File { size, .. } = entry.kind {
                checked.bytes += size;
            }
        }
        let rest = stream.read(&mut [0]);
        match rest {
            Ok(0) => Ok(checked),
            Ok(_) => {
                let offset = stream.open.as_ref().map_or(0, |(_, member)| member.offset);
                let reason = "there are entries the manifest does not list".to_owned();
                Err(Error::Framing { path: self.path.clone(), offset, reason })
            }
            Err(error) => match self.manifest.entries.keys().next_back() {
                Some(last) => Err(Stop::Content(error).into_error(&self.path, last)),
                None => Err(error).at("read", &self.path).map_err(Error::Io),
            },
        }
    }
}

type Visit<'a> = dyn FnMut(&RelPath, &EntryRecord, &mut dyn Read) -> Result<(), Stop> + 'a;

/// Why a walk ended early.
enum Stop {
    /// The bundle's bytes cannot be read.
    Content(io::Error),
    /// They can, and are wrong.
    Different(String),
    /// What is unpacked cannot be written.
    Target(io::Error),
}

/// A gzip member with other bytes than the index says.
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
            Self::Target(source) => {
                Error::Io(crate::base::PathError { action: "unpack", path: entry.as_str().into(), source })
            }
            Self::Content(error) if error.raw_os_error().is_some() => {
                Error::Io(crate::base::PathError { action: "read", path: path.to_owned(), source: error })
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

fn check_entry(
    stream: &mut dyn Read,
    root: &str,
    manifest: &Manifest,
    path: &RelPath,
    entry: &EntryRecord,
    visit: &mut Visit<'_>,
) -> Result<(), Stop> {
    let full = format!("{root}/{path}");
    let (kind, size, wanted) = match &entry.kind {
        RecordKind::File { size, sha256 } => (TarKind::File(*size), *size, Some(*sha256)),
        RecordKind::Symlink { target } => (TarKind::Symlink(target), 0, None),
        RecordKind::Folder => (TarKind::Folder, 0, None),
    };
    let header = encode_entry(&TarEntry { path: &full, kind, mode: entry.mode, mtime: manifest.epoch });
    expect(stream, &header, "its header differs from what the manifest says")?;
    let mut content = HashingReader::new(stream.take(size));
    visit(path, entry, &mut content)?;
    let (sha256, read) = content.drain().map_err(Stop::Content)?;
    if let Some(wanted) = wanted
        && (sha256 != wanted || read != size)
    {
        return Err(Stop::Different(format!("its SHA-256 is {sha256}, the manifest says {wanted}")));
    }
    expect(stream, &vec![0; padding(size)], "the padding after it is not empty")
}

fn expect(stream: &mut dyn Read, wanted: &[u8], reason: &str) -> Result<(), Stop> {
    let mut found = vec![0; wanted.len()];
    stream.read_exact(&mut found).map_err(Stop::Content)?;
    if found == wanted { Ok(()) } else { Err(Stop::Different(reason.to_owned())) }
}

/// Copies so that reading and writing errors stay apart.
fn copy(from: &mut dyn Read, to: &mut File) -> Result<(), Stop> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match from.read(&mut buffer).map_err(Stop::Content)? {
            0 => return Ok(()),
            count => io::Write::write_all(to, &buffer[..count]).map_err(Stop::Target)?,
        }
    }
}

/// The tar stream, member by member.
struct Stream<'f> {
    file: Option<&'f mut File>,
    members: std::slice::Iter<'f, Member>,
    open: Option<(MemberReader<&'f mut File>, Member)>,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.open.is_none() {
                let (Some(member), Some(file)) = (self.members.next(), self.file.take()) else { return Ok(0) };
                self.open = Some((MemberReader::new(file, *member), *member));
            }
            let Some((reader, _)) = &mut self.open else { return Ok(0) };
            match reader.read(buffer)? {
                0 => {
                    let Some((reader, member)) = self.open.take() else { return Ok(0) };
                    let finished = reader.finish().map_err(|error| match error.raw_os_error() {
                        Some(_) => error,
                        None => io::Error::other(MemberDamage { offset: member.offset, reason: error.to_string() }),
                    });
                    self.file = Some(finished?);
                }
                count => return Ok(count),
            }
        }
    }
}
