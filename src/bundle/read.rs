//! Reading a bundle. Nothing in it is believed before it is checked.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::framing::{Found, Index, NoTrailer, Trailer};
use super::layout::{INDEX, MANIFEST, SUMS};
use super::manifest::{EntryRecord, FORMAT, Manifest, ManifestProblem, RecordKind};
use super::rest::Rest;
use super::walk::{Checked, Stop, Visit, Walk};
use super::write::tail_content;
use crate::archive::{Encoding, Member, Tree, decode_members, finish, read_small_tar};
use crate::base::{IoContext, RelPath, Sha256, create_dir_all};

/// A tail larger than this lists more files than any project has.
const MAX_TAIL: u64 = 1 << 30;
/// A file of the bundle's own that is larger is none that hardtack wrote.
const MAX_SMALL: u64 = 16 << 20;

/// A bundle file whose end was read and found whole.
#[derive(Debug)]
pub struct Bundle {
    path: Utf8PathBuf,
    file: File,
    encoding: Encoding,
    manifest: Manifest,
    members: Vec<Member>,
    /// Entries of the manifest that it has not, and where they are.
    lacks: BTreeSet<RelPath>,
    rest: Option<Rest>,
    sums: Vec<u8>,
}

impl Bundle {
    /// Opens the bundle at `path` and checks its end: trailer, manifest, index and sums.
    ///
    /// # Errors
    /// [`Error::NotABundle`], [`Error::Framing`], [`Error::Newer`], [`Error::Manifest`].
    pub fn open(path: &Utf8Path) -> Result<Self, Error> {
        let file = File::open(path).at("open", path)?;
        let not_a_bundle = |reason| Error::NotABundle { path: path.to_owned(), reason };
        let framing =
            |offset, reason: &str| Error::Framing { path: path.to_owned(), offset, reason: reason.to_owned() };

        let Found { encoding, start, trailer } = Trailer::read(&file).at("read", path)?;
        let (trailer, version) = match trailer {
            Ok(trailer) => (trailer, None),
            Err(NoTrailer::Version { found, at, trailer }) => (trailer, Some((found, at))),
            Err(NoTrailer::Absent) => return Err(not_a_bundle("its last part is missing")),
            Err(NoTrailer::Changed(at)) => {
                return Err(framing(start + at as u64, "the trailer has another byte here"));
            }
        };
        let tail_length = start.checked_sub(trailer.tail_offset).filter(|length| *length <= MAX_TAIL);
        let tail_length = tail_length.ok_or_else(|| framing(start, "the trailer points outside the file"))?;
        let mut tail = vec![0; tail_length as usize];
        file.read_exact_at(&mut tail, trailer.tail_offset).at("read", path)?;
        let whole = Sha256::of(&tail) == trailer.tail_sha256;
        match version {
            // With all else as this version has it, the number is what was damaged.
            Some((_, at)) if whole => return Err(framing(start + at as u64, "the trailer has another version")),
            Some((found, _)) => {
                return Err(Error::Newer { path: path.to_owned(), found: found.into(), known: FORMAT });
            }
            None if whole => {}
            None => {
                return Err(framing(trailer.tail_offset, "the manifest and the index after it have another SHA-256"));
            }
        }

        let malformed = |reason: String| Error::Manifest { path: path.to_owned(), reason };
        let content = decode_members(encoding, &tail, MAX_TAIL).map_err(|error| malformed(error.to_string()))?;
        let files = read_small_tar(&content).map_err(|refusal| malformed(refusal.to_string()))?;
        let [(_, manifest_text), (_, index_text), (_, sums)] = files.as_slice() else {
            return Err(malformed(format!("there are {} files after the last entry, not three", files.len())));
        };
        let manifest = Manifest::parse(manifest_text).map_err(|problem| match problem {
            ManifestProblem::Malformed(reason) => malformed(reason),
            ManifestProblem::Newer(found) => Error::Newer { path: path.to_owned(), found, known: FORMAT },
        })?;
        let index: Index = serde_json::from_slice(index_text).map_err(|error| malformed(error.to_string()))?;
        if content != tail_content(&manifest, manifest_text, index_text, index.rest.is_none()) {
            return Err(malformed(format!("`{MANIFEST}`, `{INDEX}` and `{SUMS}` do not belong together")));
        }
        let members = index.members(&trailer).ok_or_else(|| framing(start, "the trailer and the index disagree"))?;
        if index.rest.as_ref().is_some_and(|rest| !rest.is_sound()) {
            return Err(malformed("the index says of no bundle and no volume where the rest is".to_owned()));
        }
        let has: BTreeSet<&RelPath> = index.entries.iter().map(|(path, _)| path).collect();
        let lacks: BTreeSet<RelPath> = manifest.entries.keys().filter(|path| !has.contains(path)).cloned().collect();
        if has.len() + lacks.len() != manifest.entries.len() || index.rest.is_none() && !lacks.is_empty() {
            return Err(malformed("the index has other entries than the manifest".to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            encoding,
            manifest,
            members,
            lacks,
            rest: index.rest,
            sums: sums.clone(),
        })
    }

    /// The bundle's file.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Where the files are that it has not itself; none for a bundle that has all of them.
    pub fn rest(&self) -> Option<&Rest> {
        self.rest.as_ref()
    }

    /// Its `SHA256SUMS`.
    pub fn sums(&self) -> &[u8] {
        &self.sums
    }

    /// Whether an entry of its manifest is not in the file.
    pub(super) fn lacks(&self, path: &RelPath) -> bool {
        self.lacks.contains(path)
    }

    /// How the bundle is compressed.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What the bundle says it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of one small file in the bundle, checked; none where it has no such file.
    ///
    /// # Errors
    /// As [`Bundle::verify`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let wanted = self.manifest.entries.keys().find(|entry| entry.as_str() == path);
        let Some(wanted) = wanted else { return Ok(None) };
        let size = self.manifest.entries.get(wanted).map_or(0, EntryRecord::size);
        if size > MAX_SMALL {
            let reason = format!("it has {size} bytes, and no such file has more than {MAX_SMALL}");
            return Err(Error::Damaged { path: self.path.clone(), entry: wanted.to_string(), reason });
        }
        let found = Mutex::new(None);
        self.visit(1, &BTreeSet::from([wanted]), &|path, _, content| {
            if path != wanted {
                return io::copy(content, &mut io::sink()).map(|_| ()).map_err(Stop::Content);
            }
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(Stop::Content)?;
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
            Ok(())
        })?;
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks every byte of the file, on so many threads.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the entry that differs, or [`Error::Framing`] with the place.
    pub fn verify(&self, threads: usize) -> Result<Checked, Error> {
        self.walk(threads, None, &|_, _, content| io::copy(content, &mut io::sink()).map(|_| ()).map_err(Stop::Content))
    }

    /// Unpacks all entries into the folder `target`, which must be new or empty, checking every byte on the way.
    ///
    /// # Errors
    /// As [`Bundle::verify`]; what was unpacked until then stays and is not to be used.
    pub fn unpack(&self, target: &Utf8Path, threads: usize) -> Result<Checked, Error> {
        create_dir_all(target)?;
        let tree = Tree::open(target).at("open", target)?;
        let mtime = i64::try_from(self.manifest.epoch.seconds()).unwrap_or(i64::MAX);
        let checked = self.walk(threads, None, &|path, entry, content| {
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
        crate::base::write_atomic(&target.join(MANIFEST), &self.manifest.to_text(), 0o644)?;
        Ok(checked)
    }

    /// Visits these entries, and what cannot be read without them.
    pub(super) fn visit(&self, threads: usize, only: &BTreeSet<&RelPath>, visit: &Visit<'_>) -> Result<Checked, Error> {
        self.walk(threads, Some(only), visit)
    }

    fn walk(&self, threads: usize, only: Option<&BTreeSet<&RelPath>>, visit: &Visit<'_>) -> Result<Checked, Error> {
        let Self { path, file, encoding, manifest, members, lacks, .. } = self;
        Walk { path, file, encoding: *encoding, manifest, members, lacks, threads, only }.run(visit)
    }
}

/// Copies so that reading and writing errors stay apart.
pub(super) fn copy(from: &mut dyn Read, to: &mut File) -> Result<(), Stop> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match from.read(&mut buffer).map_err(Stop::Content)? {
            0 => return Ok(()),
            count => io::Write::write_all(to, &buffer[..count]).map_err(Stop::Target)?,
        }
    }
}
