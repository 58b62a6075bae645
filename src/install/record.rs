//! What an installation writes down about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use std::time::Duration;

use camino::Utf8Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::attempts::Seen;
use super::error::Error;
use super::input::Input;
use crate::base::{
    Fingerprint, IoContext, LinkMode, RelPath, Sha256, create_dir_all, files_below, fingerprint_file, granting,
    is_empty_dir, link_file, look_at, write_atomic,
};
use crate::recipes::SharedPlace;

/// The format written and read here.
const FORMAT: u32 = 1;

/// `.hardtack/state.json`: what is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct State {
    /// Version of this format.
    pub format: u32,
    /// What was installed; none for a project that was never bundled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// The parts, in order of installation.
    pub parts: Vec<String>,
    /// The project's files, links and empty folders as they were installed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub project: BTreeMap<RelPath, ProjectEntry>,
    /// Parts it should have and has not, for they could not be built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What builds that failed left at the destination, where it could not be built aside. It is nobody's, unless a part
    /// makes it again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub strays: BTreeSet<RelPath>,
    /// Parts it uses that the installations of this machine share, and where they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<String, SharedPlace>,
    /// It was built in the place of the generation before, which could not be used meanwhile.
    #[serde(default, skip_serializing_if = "is_false")]
    pub downtime: bool,
    /// The level of isolation its parts were built at.
    pub level: String,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// The release that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest of the bundle's manifest.
    pub manifest: Sha256,
}

/// What a project has at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectEntry {
    /// A file, with its digest.
    File(Sha256),
    /// A symbolic link, with its target.
    Symlink(String),
    /// An empty folder.
    Folder,
}

/// `.hardtack/records/<part>.json`: what a part was made from and what it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartRecord {
    /// Version of this format.
    pub format: u32,
    /// The part.
    pub name: String,
    /// Its recipe.
    pub recipe: String,
    /// Where its files are, below the destination.
    pub location: RelPath,
    /// Digest of everything that went into it.
    pub input: Sha256,
    /// The same, thing by thing.
    #[serde(default)]
    pub made_of: Input,
    /// The level of isolation it was built at.
    pub level: String,
    /// How long its build took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Duration>,
    /// What was seen of its build's way to the network.
    #[serde(flatten)]
    pub seen: Seen,
    /// Files of the project's folder that its commands name and its build made or changed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub outputs: BTreeSet<String>,
    /// Static libraries that times and owners were taken out of, below its location.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub timeless: BTreeSet<RelPath>,
    /// What was made beside its location while it was built, by its paths below the destination. Where the destination is
    /// the project itself, only files that its options name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<RelPath, ProjectEntry>,
    /// Its files and links, below its location.
    pub files: BTreeMap<RelPath, InstalledFile>,
    /// Its empty folders.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub folders: BTreeSet<RelPath>,
}

/// One installed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InstalledFile {
    /// A file with its mode, length and digest.
    File {
        /// Permission bits.
        mode: u32,
        /// Bytes.
        size: u64,
        /// Digest of its bytes.
        sha256: Sha256,
    },
    /// A symbolic link.
    Symlink {
        /// Its target.
        target: String,
    },
}

impl InstalledFile {
    /// The file or link at a path; none where nothing or something else is.
    fn at(full: &Utf8Path) -> Result<Option<Self>, Error> {
        let Some(metadata) = look_at(full).at("inspect", full)? else { return Ok(None) };
        Ok(if metadata.is_symlink() {
            let target = fs::read_link(full).at("read link", full)?;
            Some(Self::Symlink { target: target.to_string_lossy().into_owned() })
        } else if metadata.is_file() {
            let mode = metadata.permissions().mode() & 0o7777;
            let fingerprint = fingerprint_any_mode(full, metadata.permissions())?;
            Some(Self::File { mode, size: fingerprint.size, sha256: fingerprint.sha256 })
        } else {
            None
        })
    }
}

impl ProjectEntry {
    /// Whether just this is at a path.
    pub(super) fn is_at(&self, full: &Utf8Path) -> Result<bool, Error> {
        let Some(metadata) = look_at(full).at("inspect", full)? else { return Ok(false) };
        Ok(match self {
            Self::Folder => metadata.is_dir() && is_empty_dir(full)?,
            Self::Symlink(target) => {
                metadata.is_symlink() && fs::read_link(full).at("read link", full)?.as_os_str() == target.as_str()
            }
            Self::File(sha256) => {
                metadata.is_file() && fingerprint_any_mode(full, metadata.permissions())?.sha256 == *sha256
            }
        })
    }

    /// The file, link or empty folder at a path; none where nothing or something else is.
    pub(super) fn at(full: &Utf8Path) -> Result<Option<Self>, Error> {
        Ok(match InstalledFile::at(full)? {
            Some(InstalledFile::File { sha256, .. }) => Some(Self::File(sha256)),
            Some(InstalledFile::Symlink { target }) => Some(Self::Symlink(target)),
            None => (full.is_dir() && is_empty_dir(full)?).then_some(Self::Folder),
        })
    }

    /// Makes `to` what `from` is, if that is this; whether it was.
    pub(super) fn link_from(&self, from: &Utf8Path, to: &Utf8Path, mode: LinkMode) -> Result<bool, Error> {
        if !self.is_at(from)? {
            return Ok(false);
        }
        create_dir_all(to.parent().unwrap_or(to))?;
        match self {
            Self::Folder => create_dir_all(to)?,
            Self::Symlink(target) => std::os::unix::fs::symlink(target, to).at("create link", to)?,
            Self::File(_) => drop(link_file(from, to, mode)?),
        }
        Ok(true)
    }
}

impl State {
    pub(super) fn new(release: Option<Release>, parts: Vec<String>, level: &str) -> Self {
        let (project, missing, strays, shared, downtime) = Default::default();
        Self { format: FORMAT, release, parts, project, missing, strays, shared, downtime, level: level.to_owned() }
    }

    /// Whether another generation would be this one again.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let of = |state: &Self| {
            (
                state.release.clone(),
                state.parts.clone(),
                state.shared.clone(),
                state.missing.clone(),
                state.level.clone(),
            )
        };
        of(self) == of(other) && self.project == other.project
    }
}

impl PartRecord {
    /// Lists what a part put into `folder`.
    pub(super) fn take(
        name: &str,
        recipe: &str,
        location: &RelPath,
        made_of: Input,
        level: &str,
        folder: &Utf8Path,
    ) -> Result<Self, Error> {
        let (mut files, mut folders) = (BTreeMap::new(), BTreeSet::new());
        for path in files_below(folder)? {
            let full = folder.join(&path);
            let path = RelPath::new(path.as_str()).map_err(io::Error::other).at("list", &full)?;
            let Some(file) = InstalledFile::at(&full)? else { continue };
            files.insert(path, file);
        }
        for path in crate::base::empty_folders_below(folder)? {
            folders.extend(RelPath::new(path.as_str()));
        }
        let (name, recipe, location) = (name.to_owned(), recipe.to_owned(), location.clone());
        Ok(Self {
            format: FORMAT,
            name,
            recipe,
            location,
            input: made_of.digest(),
            made_of,
            level: level.to_owned(),
            took: None,
            seen: Seen::default(),
            outputs: BTreeSet::new(),
            timeless: BTreeSet::new(),
            beside: BTreeMap::new(),
            files,
            folders,
        })
    }

    /// Its files and links, by their paths below the folder that its location is below.
    pub fn paths(&self) -> impl Iterator<Item = RelPath> {
        self.files.keys().map(|path| self.location.join(path))
    }

    /// Whether every file is still in `folder`, of its length. Content is not read.
    pub(super) fn is_whole_in(&self, folder: &Utf8Path) -> bool {
        folder.is_dir()
            && self.files.iter().all(|(path, file)| {
                let metadata = fs::symlink_metadata(folder.join(path));
                metadata.is_ok_and(|metadata| match file {
                    InstalledFile::File { size, .. } => metadata.is_file() && metadata.len() == *size,
                    InstalledFile::Symlink { .. } => metadata.is_symlink(),
                })
            })
    }

    /// The files and links in `folder` that are not what the record says, in content, mode or target.
    pub(super) fn changed_in(&self, folder: &Utf8Path) -> Result<Vec<RelPath>, Error> {
        let mut changed = Vec::new();
        for (path, file) in &self.files {
            if InstalledFile::at(&folder.join(path))?.as_ref() != Some(file) {
                changed.push(path.clone());
            }
        }
        Ok(changed)
    }

    /// Makes `to` a folder with the part's files and nothing else, sharing their bytes with those in `from`.
    pub(super) fn link_into(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), Error> {
        create_dir_all(to)?;
        let mut folders: BTreeSet<&Utf8Path> = BTreeSet::from([Utf8Path::new("")]);
        for path in self.files.keys().chain(&self.folders) {
            let utf8: &Utf8Path = path.as_ref();
            folders.extend(utf8.ancestors().skip(1));
        }
        folders.extend(self.folders.iter().map(AsRef::as_ref));
        folders.iter().try_for_each(|folder| create_dir_all(&to.join(folder)))?;
        for (path, file) in &self.files {
            let (source, target) = (from.join(path), to.join(path));
            match file {
                InstalledFile::File { .. } => drop(link_file(&source, &target, LinkMode::Auto)?),
                InstalledFile::Symlink { .. } => {
                    let link = fs::read_link(&source).at("read link", &source)?;
                    std::os::unix::fs::symlink(link, &target).at("create link", &target)?;
                }
            }
        }
        // Modes last and deepest first: some folders cannot be written to.
        for folder in folders.iter().rev() {
            let (source, target) = (from.join(folder), to.join(folder));
            if let Ok(metadata) = fs::metadata(&source) {
                fs::set_permissions(&target, metadata.permissions()).at("set the mode of", &target)?;
            }
        }
        Ok(())
    }
}

/// The fingerprint of a file that its owner may read or not: builds install some that only root should.
fn fingerprint_any_mode(path: &Utf8Path, permissions: fs::Permissions) -> Result<Fingerprint, Error> {
    Ok(granting(path, permissions, 0o400, || fingerprint_file(path)).at("set the mode of", path)??)
}

/// Reads a JSON file of ours; `None` if it is not there.
pub(super) fn read<T: DeserializeOwned>(path: &Utf8Path) -> Result<Option<T>, Error> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).at("read", path).map_err(Error::Io),
    };
    let damaged = |error: serde_json::Error| Error::State { path: path.to_owned(), reason: error.to_string() };
    let found = serde_json::from_slice::<Version>(&text).map_err(damaged)?.format;
    if found > FORMAT {
        return Err(Error::Newer { path: path.to_owned(), found });
    }
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

/// Writes a JSON file of ours.
pub(super) fn write<T: Serialize>(path: &Utf8Path, value: &T) -> Result<(), Error> {
    let reason = |error: serde_json::Error| Error::State { path: path.to_owned(), reason: error.to_string() };
    let mut text = serde_json::to_vec_pretty(value).map_err(reason)?;
    text.push(b'\n');
    Ok(write_atomic(path, &text, 0o644)?)
}
