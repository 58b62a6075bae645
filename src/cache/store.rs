//! One cache: blobs by their SHA-256, the ledger over them, and the views beside them.

use std::fs;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::NamedTempFile;

use super::error::Error;
use super::event::Event;
use super::layout::{FORMAT, Layout, ViewLayout};
use super::ledger::Record;
use super::views;
use crate::base::{
    FileLock, Fingerprint, Hasher, IoContext, LockMode, Mismatch, Sha256, SourceKey, View, Wanted, create_dir_all,
    fingerprint_file, publish, read_to_string, write_atomic,
};

/// Whose cache it is, which decides what a file without a digest is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKind {
    /// The user's, shared by all projects: files of other programs answer only requests with a digest.
    Shared,
    /// A project's `download-cache`: files in it are the project's own.
    Project,
}

/// A cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    pub(super) layout: Layout,
    kind: CacheKind,
    views: ViewLayout,
    now: jiff::Timestamp,
}

/// A source that is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The blob. Read-only; never to be written or moved.
    pub path: Utf8PathBuf,
    /// Its digests, taken just now.
    pub fingerprint: Fingerprint,
}

/// The outcome of a lookup.
#[derive(Debug)]
pub struct Lookup {
    /// The source, if it is there.
    pub hit: Option<Hit>,
    /// Files that stand where the source should, and are something else.
    pub wrong: Vec<Wrong>,
}

/// A file that is not what its source must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The file.
    pub path: Utf8PathBuf,
    /// How it differs.
    pub mismatch: Mismatch,
}

/// What a server said about a file, for asking again later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retrieved {
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

/// What a file of another program turned out to be.
pub enum Found {
    /// Taken over.
    Adopted(Hit),
    /// Left alone.
    Left,
}

/// A file being written into the cache; it vanishes unless it is [kept](Cache::keep).
pub struct Staged {
    file: NamedTempFile,
    hasher: Hasher,
}

impl Staged {
    /// Where it is until it is kept.
    pub fn path(&self) -> &Utf8Path {
        // It was made in a folder whose path is UTF-8, under a name of letters.
        Utf8Path::from_path(self.file.path()).expect("a temporary file's name is ASCII")
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Cache {
    /// The cache at `root`. Nothing is written before something is kept. `now` is the time `cache.ini` files get.
    ///
    /// # Errors
    /// [`Error::Newer`] when the folder's format is not known here.
    pub fn open(root: &Utf8Path, kind: CacheKind, views: ViewLayout, now: jiff::Timestamp) -> Result<Self, Error> {
        let layout = Layout { root: root.to_owned() };
        let path = layout.format();
        if path.is_file() {
            let found = read_to_string(&path)?.trim().to_owned();
            if found != FORMAT.to_string() {
                return Err(Error::Newer { path: root.to_owned(), found, known: FORMAT });
            }
        }
        Ok(Self { layout, kind, views, now })
    }

    /// The cache's folder.
    pub fn root(&self) -> &Utf8Path {
        &self.layout.root
    }

    /// Whose cache it is.
    pub fn kind(&self) -> CacheKind {
        self.kind
    }

    /// Looks for a source and hashes what is found, so that a hit is what it claims to be at this moment.
    ///
    /// # Errors
    /// When a file of the cache cannot be read.
    pub fn lookup(&self, wanted: &Wanted, observe: &mut dyn FnMut(Event)) -> Result<Lookup, Error> {
        observe(Event::Searching { cache: self.searched(wanted) });
        let mut lookup = Lookup { hit: None, wrong: Vec::new() };
        let mut wanted = wanted.clone();
        if let Some(sha256) = self.named_blob(&wanted)? {
            if let Some(hit) = self.blob(&sha256, &wanted, observe)? {
                observe(Event::Using { path: self.shown_path(&wanted, &hit.path) });
                lookup.hit = Some(hit);
                return Ok(lookup);
            }
            // The source was seen with these bytes; others under its name are a change, not an answer, unless a digest
            // speaks for them.
            if !wanted.expected.is_some() {
                wanted.expected.sha256 = Some(sha256);
            }
        }
        let wanted = &wanted;
        for path in views::candidates(&self.layout, wanted)? {
            match self.adopt(&path, wanted, &mut lookup.wrong, observe)? {
                Found::Adopted(hit) => {
                    observe(Event::Using { path });
                    lookup.hit = Some(hit);
                    return Ok(lookup);
                }
                Found::Left => {}
            }
        }
        let key = match &wanted.view {
            Some(View::Cmmi(url)) => self.layout.modern_view(url),
            Some(View::Root(url)) => self.layout.root_view(url),
            None => self.layout.record(&wanted.key),
        };
        observe(Event::NotFound { file: wanted.file_name.clone(), key });
        Ok(lookup)
    }

    /// The folder that another program would look into.
    fn searched(&self, wanted: &Wanted) -> Utf8PathBuf {
        match wanted.view {
            Some(View::Root(_)) => self.layout.root.clone(),
            _ => self.layout.cmmi(),
        }
    }

    /// The blob that may answer: the one with the wanted SHA-256, else the one the ledger names.
    fn named_blob(&self, wanted: &Wanted) -> Result<Option<Sha256>, Error> {
        if wanted.expected.sha256.is_some() {
            return Ok(wanted.expected.sha256);
        }
        let path = self.layout.record(&wanted.key);
        let record = match Record::read(&path, &wanted.key) {
            // A ledger entry can be made anew from the blob's source, so a damaged one counts as none.
            Err(Error::Ledger { .. }) => None,
            other => other?,
        };
        let usable = |record: &Record| !record.foreign || self.kind == CacheKind::Project || wanted.expected.is_some();
        Ok(record.filter(usable).map(|record| record.sha256))
    }

    fn blob(&self, sha256: &Sha256, wanted: &Wanted, observe: &mut dyn FnMut(Event)) -> Result<Option<Hit>, Error> {
        let path = self.layout.blob(sha256);
        if !path.is_file() {
            return Ok(None);
        }
        let fingerprint = fingerprint_file(&path)?;
        if fingerprint.sha256 != *sha256 {
            observe(Event::Quarantined { path: self.quarantine(&path)? });
            return Ok(None);
        }
        match wanted.expected.check(&fingerprint) {
            Ok(()) => Ok(Some(Hit { path, fingerprint })),
            Err(mismatch) => {
                observe(Event::Ignored { path, reason: mismatch.to_string() });
                Ok(None)
            }
        }
    }

    /// The cache for this process alone; waits until no other one writes.
    pub(super) fn lock_all(&self) -> Result<FileLock, Error> {
        self.prepare()?;
        Ok(FileLock::acquire(&self.layout.lock(), LockMode::Exclusive, || ())?)
    }

    /// Moves a changed blob out of the way; returns where it is now.
    pub(super) fn quarantine(&self, blob: &Utf8Path) -> Result<Utf8PathBuf, Error> {
        let folder = self.layout.quarantine();
        create_dir_all(&folder)?;
        let target = folder.join(blob.file_name().unwrap_or_default());
        fs::rename(blob, &target).at("move aside", blob)?;
        Ok(target)
    }

    /// Takes over a file that another program left in one of its layouts, by copy, if it can be trusted.
    fn adopt(
        &self,
        path: &Utf8Path,
        wanted: &Wanted,
        wrong: &mut Vec<Wrong>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Found, Error> {
        if !wanted.expected.is_some() && self.kind == CacheKind::Shared {
            let reason = "no digest says that it is the right file".to_owned();
            observe(Event::Ignored { path: path.to_owned(), reason });
            return Ok(Found::Left);
        }
        let fingerprint = fingerprint_file(path)?;
        if let Err(mismatch) = wanted.expected.check(&fingerprint) {
            observe(Event::Ignored { path: path.to_owned(), reason: mismatch.to_string() });
            wrong.push(Wrong { path: path.to_owned(), mismatch });
            return Ok(Found::Left);
        }
        match self.take_over(path, wanted) {
            Ok(hit) => {
                observe(Event::Adopted { path: path.to_owned() });
                Ok(Found::Adopted(hit))
            }
            // A cache on read-only media still serves.
            Err(Error::Io(error)) if read_only(&error.source) => {
                Ok(Found::Adopted(Hit { path: path.to_owned(), fingerprint }))
            }
            Err(error) => Err(error),
        }
    }

    fn take_over(&self, path: &Utf8Path, wanted: &Wanted) -> Result<Hit, Error> {
        let mut staged = self.stage()?;
        let mut file = fs::File::open(path).at("open", path)?;
        io::copy(&mut file, &mut staged).at("read", path)?;
        self.publish(staged, wanted, Retrieved::default(), true)
    }

    /// Opens a file to be filled and then [kept](Cache::keep).
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn stage(&self) -> Result<Staged, Error> {
        self.prepare()?;
        let folder = self.layout.partial();
        let file = NamedTempFile::new_in(&folder).at("create a file in", &folder)?;
        Ok(Staged { file, hasher: Hasher::default() })
    }

    /// Makes a staged file the answer to a source, if it has the digests it must have.
    ///
    /// # Errors
    /// [`Error::WrongDigest`]; or when the cache cannot be written.
    pub fn keep(
        &self,
        staged: Staged,
        wanted: &Wanted,
        retrieved: Retrieved,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Hit, Error> {
        let hit = self.publish(staged, wanted, retrieved, false)?;
        let path = self.shown_path(wanted, &hit.path);
        observe(Event::Stored { source: wanted.key.to_string(), path });
        Ok(hit)
    }

    /// Copies a file of this machine into the cache. It is never linked: its owner may go on writing to it.
    ///
    /// # Errors
    /// As [`Cache::keep`], and when the file cannot be read.
    pub fn import(&self, path: &Utf8Path, wanted: &Wanted, observe: &mut dyn FnMut(Event)) -> Result<Hit, Error> {
        let mut file = fs::File::open(path).at("open", path)?;
        let mut staged = self.stage()?;
        io::copy(&mut file, &mut staged).at("read", path)?;
        self.keep(staged, wanted, Retrieved::default(), observe)
    }

    fn publish(&self, staged: Staged, wanted: &Wanted, retrieved: Retrieved, foreign: bool) -> Result<Hit, Error> {
        let Staged { file, hasher } = staged;
        let fingerprint = hasher.finish();
        let wrong = |mismatch| Error::WrongDigest { key: wanted.key.clone(), mismatch };
        wanted.expected.check(&fingerprint).map_err(wrong)?;
        let _shared = FileLock::acquire(&self.layout.lock(), LockMode::Shared, || ())?;
        let path = self.layout.blob(&fingerprint.sha256);
        // Also over a blob that is there: nobody has looked whether it is still whole.
        create_dir_all(path.parent().unwrap_or(&path))?;
        publish(file, &path, 0o444)?;
        let record_path = self.layout.record(&wanted.key);
        // A blob that healed from its own view is no stranger's.
        let known = Record::read(&record_path, &wanted.key).ok().flatten();
        let known = known.is_some_and(|record| !record.foreign && record.sha256 == fingerprint.sha256);
        let record = Record {
            format: FORMAT,
            key: wanted.key.clone(),
            sha256: fingerprint.sha256,
            md5: fingerprint.md5,
            size: fingerprint.size,
            foreign: foreign && !known,
            etag: retrieved.etag,
            last_modified: retrieved.last_modified,
        };
        record.write(&record_path)?;
        // What was taken over lies in a view already, and is not ours to replace.
        if !foreign {
            views::write(&self.layout, self.views, wanted, &path, self.now)?;
        }
        Ok(Hit { path, fingerprint })
    }

    /// Writes the layouts asked for where one of them lacks a source that was found, as for one that is fetched. A cache
    /// that cannot be written is as good without.
    ///
    /// # Errors
    /// When a view cannot be written for another reason.
    pub fn show(&self, wanted: &Wanted, hit: &Hit) -> Result<(), Error> {
        if views::complete(&self.layout, self.views, wanted) {
            return Ok(());
        }
        let written = (|| {
            let _shared = FileLock::acquire(&self.layout.lock(), LockMode::Shared, || ())?;
            views::write(&self.layout, self.views, wanted, &hit.path, self.now)
        })();
        match written {
            Err(Error::Io(error)) if read_only(&error.source) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Waits until no other process works on the same source.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn lock(&self, key: &SourceKey, observe: &mut dyn FnMut(Event)) -> Result<FileLock, Error> {
        self.prepare()?;
        let path = self.layout.key_lock(key);
        create_dir_all(path.parent().unwrap_or(&path))?;
        let waiting = || observe(Event::Waiting { source: key.to_string() });
        Ok(FileLock::acquire(&path, LockMode::Exclusive, waiting)?)
    }

    fn prepare(&self) -> Result<(), Error> {
        create_dir_all(&self.layout.partial())?;
        let format = self.layout.format();
        if !format.is_file() {
            write_atomic(&format, format!("{FORMAT}\n").as_bytes(), 0o644)?;
        }
        let tag = self.layout.tag();
        if self.kind == CacheKind::Shared && !tag.is_file() {
            // Backup programs leave out folders with this file; the first line is fixed by the convention.
            let text = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache made by hardtack.\n";
            write_atomic(&tag, text.as_bytes(), 0o644)?;
        }
        Ok(())
    }

    /// The path a person knows the source by: its view, else the blob.
    fn shown_path(&self, wanted: &Wanted, blob: &Utf8Path) -> Utf8PathBuf {
        let view = wanted.view.as_ref().map(|view| match (view, self.views) {
            (View::Root(url), _) => self.layout.root_view(url),
            (View::Cmmi(url), ViewLayout::Classic) => self.layout.classic_view(url, &wanted.file_name),
            (View::Cmmi(url), _) => self.layout.modern_view(url),
        });
        view.filter(|path| path.exists()).unwrap_or_else(|| blob.to_owned())
    }
}

fn read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests;
