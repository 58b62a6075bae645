//! One cache folder: opened, and made ready to be written.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::folders;
use super::layout::{FORMAT, Layout, ViewLayout};
use crate::base::{IoContext, LinkMode, read_to_string, write_atomic};

/// Whose cache it is, which decides what a file without a digest is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKind {
    /// The user's, shared by all projects: files of other programs answer only requests with a digest.
    Shared,
    /// A project's `download-cache`: files in it are the project's own.
    Project,
}

/// How a cache is used.
#[derive(Debug, Clone, Copy)]
pub struct CacheOptions {
    /// Whose it is.
    pub kind: CacheKind,
    /// The layouts written beside the store.
    pub views: ViewLayout,
    /// How their files are made.
    pub link_mode: LinkMode,
    /// The time now.
    pub now: jiff::Timestamp,
}

/// What of a cache may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// All of it, for reading and writing.
    Full,
    /// It is read and never written.
    Read,
    /// Only the layouts of other programs are read: the store is of a format to come.
    Views,
}

/// A cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    pub(super) layout: Layout,
    pub(super) kind: CacheKind,
    pub(super) views: ViewLayout,
    pub(super) link_mode: LinkMode,
    pub(super) now: jiff::Timestamp,
    access: Access,
}

impl Cache {
    /// The cache at `root`. Nothing is written before something is kept.
    ///
    /// # Errors
    /// [`Error::Newer`] when the folder's format is not known here.
    pub fn open(root: &Utf8Path, options: CacheOptions) -> Result<Self, Error> {
        Self::with_access(root, options, Access::Full)
    }

    /// The same, never written to.
    ///
    /// # Errors
    /// As [`Cache::open`].
    pub fn open_to_read(root: &Utf8Path, options: CacheOptions) -> Result<Self, Error> {
        Self::with_access(root, options, Access::Read)
    }

    /// What other programs' layouts have in the cache at `root`, whatever its own format is. Never written to.
    pub fn open_views(root: &Utf8Path, options: CacheOptions) -> Self {
        Self::new(root, options, Access::Views)
    }

    fn with_access(root: &Utf8Path, options: CacheOptions, access: Access) -> Result<Self, Error> {
        let cache = Self::new(root, options, access);
        let path = cache.layout.format();
        if path.is_file() {
            let found = read_to_string(&path)?.trim().to_owned();
            // An empty one was cut short by a crash; it is written again.
            if found.is_empty() {
                return Ok(cache);
            }
            if found != FORMAT.to_string() {
                return Err(Error::Newer { path: root.to_owned(), found, known: FORMAT });
            }
        }
        Ok(cache)
    }

    fn new(root: &Utf8Path, options: CacheOptions, access: Access) -> Self {
        let CacheOptions { kind, views, link_mode, now } = options;
        Self { layout: Layout { root: root.to_owned() }, kind, views, link_mode, now, access }
    }

    /// The cache's folder.
    pub fn root(&self) -> &Utf8Path {
        &self.layout.root
    }

    /// Whose cache it is.
    pub fn kind(&self) -> CacheKind {
        self.kind
    }

    /// Whether anything may be written to it.
    pub fn writable(&self) -> bool {
        self.access == Access::Full
    }

    /// Whether its store and ledger can be read.
    pub(super) fn understood(&self) -> bool {
        self.access != Access::Views
    }

    /// Makes the folders that everything else lies in.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        folders::make(&self.layout, &self.layout.partial())?;
        let format = self.layout.format();
        if format.metadata().map_or(0, |data| data.len()) == 0 {
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

    /// Moves a changed blob out of the way; returns where it is now, or `None` where nothing can be moved.
    pub(super) fn quarantine(&self, blob: &Utf8Path) -> Result<Option<Utf8PathBuf>, Error> {
        if !self.writable() {
            return Ok(None);
        }
        let folder = self.layout.quarantine();
        let moved = folders::make(&self.layout, &folder).and_then(|()| {
            let name = blob.file_name().unwrap_or_default();
            let numbered = (0..).map(|number| if number == 0 { name.to_owned() } else { format!("{name}-{number}") });
            let free = numbered.map(|name| folder.join(name)).find(|path| path.symlink_metadata().is_err());
            // There is always a number that no file has.
            let target = free.unwrap_or_else(|| folder.join(name));
            fs::rename(blob, &target).at("move aside", blob)?;
            Ok(target)
        });
        match moved {
            Ok(target) => Ok(Some(target)),
            Err(error) if error.is_unwritable() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
