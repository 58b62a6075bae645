//! Reading caches that others have filled: what is in a folder, and which URL it is said to be of.
//!
//! Nothing is believed here. What is found is copied and hashed when it is [imported](super::Cache::import), and its
//! word for its URL counts only where a digest agrees or the user says so.

mod apk;
mod buildout;
mod own;
mod tatin;

use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::views::{Unfit, pack_tatin};
use crate::base::{IoContext, PathError, RelPath, Sha256, SourceKey, Validators, open_file, read_limited};

/// More than any note beside a file has, in bytes.
const LONGEST_NOTE: u64 = 64 << 10;

/// A file that somebody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// What it is said to be.
    pub key: SourceKey,
    /// Its URL, where it is known.
    pub url: Option<String>,
    /// Where its bytes are.
    pub bytes: ForeignBytes,
    /// What its server is said to have said of it.
    pub version: Validators,
    /// The digest it is said to have.
    pub sha256: Option<Sha256>,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignBytes {
    /// In one file.
    File(Utf8PathBuf),
    /// In several, one after another.
    Parts(Vec<Utf8PathBuf>),
    /// Unpacked by Tatin.
    Tatin(Utf8PathBuf),
}

/// What a folder has.
#[derive(Debug, Default)]
pub struct ForeignCache {
    /// Files that may be imported.
    pub files: Vec<Foreign>,
    /// What cannot, and why.
    pub left: Vec<(Utf8PathBuf, String)>,
}

impl ForeignCache {
    /// Looks through a folder that may be a cache of hardtack, buildout, apk tools or Tatin, or several of them in one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn scan(folder: &Utf8Path) -> Result<Self, Error> {
        let mut cache = Self::default();
        if own::is_one(folder) {
            own::scan(folder, &mut cache)?;
            return Ok(cache);
        }
        buildout::scan(folder, &mut cache)?;
        apk::scan(folder, &mut cache)?;
        tatin::scan(folder, &mut cache)?;
        Ok(cache)
    }

    fn leave(&mut self, path: Utf8PathBuf, reason: &str) {
        self.left.push((path, reason.to_owned()));
    }

    fn take(&mut self, url: &str, bytes: ForeignBytes, version: Validators) {
        let key = SourceKey::url(url);
        if !key.is_sound() {
            return self.leave(url.escape_debug().to_string().into(), "it is no URL of a source");
        }
        self.files.push(Foreign { key, url: Some(url.to_owned()), bytes, version, sha256: None });
    }
}

impl ForeignBytes {
    /// Writes the bytes to `sink`.
    pub(super) fn copy_to(&self, sink: &mut dyn Write) -> Result<(), Unfit> {
        let mut copy = |path: &Utf8Path| -> Result<(), PathError> {
            let mut file = open_file(path)?;
            io::copy(&mut file, sink).at("read", path).map(drop)
        };
        match self {
            Self::File(path) => copy(path)?,
            Self::Parts(paths) => paths.iter().try_for_each(|path| copy(path))?,
            Self::Tatin(folder) => {
                let temporary = tempfile::tempdir().at("create a folder for", folder)?;
                let no_text = || Unfit::NoPlace("the folder for temporary files has no name in UTF-8".to_owned());
                let packed = Utf8Path::from_path(temporary.path()).ok_or_else(no_text)?.join("package.zip");
                pack_tatin(folder, &packed)?;
                copy(&packed)?;
            }
        }
        Ok(())
    }
}

/// The entries of a folder, sorted by name; none where there is no such folder.
fn entries(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, PathError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in folder.read_dir().at("read folder", folder)? {
        let path = entry.at("read folder", folder)?.path();
        // Nothing that any of these programs writes has a name that is no text.
        paths.extend(Utf8PathBuf::from_path_buf(path).ok());
    }
    paths.sort();
    Ok(paths)
}

/// The file at a path that may be a link, if it stays below `root`.
fn file_below(root: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let real = path.canonicalize_utf8().ok()?;
    RelPath::below(&root.canonicalize_utf8().ok()?, &real)?;
    real.is_file().then_some(real)
}

/// The folder at a path, if it is one and no link to one.
fn is_plain_folder(path: &Utf8Path) -> bool {
    path.symlink_metadata().is_ok_and(|data| data.is_dir())
}

/// The text of a small file below `root`.
fn small_text(root: &Utf8Path, path: &Utf8Path) -> Option<String> {
    String::from_utf8(read_limited(&file_below(root, path)?, LONGEST_NOTE).ok()?).ok()
}

/// The name of a path; empty for none.
fn name(path: &Utf8Path) -> &str {
    path.file_name().unwrap_or_default()
}
