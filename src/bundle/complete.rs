//! Completing an unpacked bundle that had not all its files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::layout::is_installer;
use super::manifest::{EntryRecord, RecordKind};
use super::read::Bundle;
use super::rest::{Rest, others};
use super::unpacked::UnpackedBundle;
use super::walk::Stop;
use crate::archive::{Tree, finish};
use crate::base::{HashingReader, IoContext, RelPath, Sha256};

/// Where files of a bundle may be found that it has not itself.
pub enum Base {
    /// Another bundle, or another volume.
    File(Box<Bundle>),
    /// An unpacked bundle.
    Folder(Box<UnpackedBundle>),
    /// A folder in which files are named by their digests, as the store of a cache has them.
    Store(Utf8PathBuf),
}

/// Files that are wanted, by their digests.
type Wanted<'m> = BTreeMap<Sha256, Vec<(&'m RelPath, &'m EntryRecord)>>;

impl Bundle {
    /// The other volumes that lie beside this one.
    pub fn volumes_beside(&self) -> Vec<Utf8PathBuf> {
        let Some(Rest::Volumes { number, of }) = self.rest() else { return Vec::new() };
        let others = others(self.path(), *number, *of).into_iter().map(|(_, path)| path);
        others.filter(|path| path.is_file()).collect()
    }

    /// Brings what the bundle, unpacked to `folder`, has not itself. Every byte is checked.
    ///
    /// # Errors
    /// [`Error::Lacks`] with all that none of them has.
    pub fn complete(&self, folder: &Utf8Path, bases: &[Base], threads: usize) -> Result<usize, Error> {
        let Some(rest) = self.rest() else { return Ok(0) };
        let tree = Tree::open(folder).at("open", folder)?;
        let mut wanted = Wanted::new();
        let mut brought = 0;
        for (path, entry) in self.manifest().entries.iter().filter(|(path, _)| self.lacks(path)) {
            let name = path.as_str().as_bytes();
            match &entry.kind {
                RecordKind::File { sha256, .. } => wanted.entry(*sha256).or_default().push((path, entry)),
                RecordKind::Symlink { target } => tree.symlink(name, target.as_bytes()).at("unpack to", folder)?,
                RecordKind::Folder => drop(tree.folder(name).at("unpack to", folder)?),
            }
        }
        let mtime = i64::try_from(self.manifest().epoch.seconds()).unwrap_or(i64::MAX);
        let put = |content: &mut dyn io::Read, places: &[(&RelPath, &EntryRecord)]| -> Result<(), Stop> {
            let (first, others) = places.split_first().ok_or_else(|| Stop::Different("nobody wants it".to_owned()))?;
            let mut file = tree.file(first.0.as_str().as_bytes()).map_err(Stop::Target)?;
            super::read::copy(content, &mut file)?;
            finish(&file, first.1.mode, mtime).map_err(Stop::Target)?;
            for (path, entry) in others {
                let mut copy = tree.file(path.as_str().as_bytes()).map_err(Stop::Target)?;
                let mut from = std::fs::File::open(folder.join(first.0)).map_err(Stop::Target)?;
                io::copy(&mut from, &mut copy).map_err(Stop::Target)?;
                finish(&copy, entry.mode, mtime).map_err(Stop::Target)?;
            }
            Ok(())
        };
        for base in bases {
            for sha256 in base.give(&wanted, threads, &put)? {
                brought += wanted.remove(&sha256).map_or(0, |places| places.len());
            }
        }
        // Who installs has an installer.
        wanted.retain(|_, places| places.iter().any(|(path, _)| !is_installer(path)));
        if wanted.is_empty() {
            return Ok(brought);
        }
        let lacking = wanted.into_values().flatten().map(|(path, _)| path);
        Err(Error::Lacks { path: self.path().to_owned(), rest: rest.clone(), lacking: self.in_words(lacking, bases) })
    }

    /// What is missing, as people look for it: volumes by their numbers, sources by their names, else files.
    fn in_words<'m>(&self, missing: impl Iterator<Item = &'m RelPath>, bases: &[Base]) -> Vec<String> {
        if let Some(Rest::Volumes { number, of }) = self.rest() {
            let there: BTreeSet<usize> = bases.iter().filter_map(Base::number).collect();
            let absent = others(self.path(), *number, *of).into_iter().filter(|(number, _)| !there.contains(number));
            let names = absent
                .map(|(number, path)| format!("volume {number} of {of}, `{}`", path.file_name().unwrap_or_default()));
            let names: Vec<String> = names.collect();
            if !names.is_empty() {
                return names;
            }
        }
        let named = missing.map(|path| {
            let source = self.manifest().sources.iter().find(|source| source.path == *path);
            source.map_or_else(
                || format!("file `{path}`"),
                |source| format!("source `{}` of {}", source.key, source.parts.join(", ")),
            )
        });
        named.collect()
    }
}

/// Puts what is read where it is wanted.
type Put<'p> = dyn Fn(&mut dyn io::Read, &[(&RelPath, &EntryRecord)]) -> Result<(), Stop> + Sync + 'p;

impl Base {
    /// The number of a volume.
    fn number(&self) -> Option<usize> {
        match self {
            Self::File(bundle) => match bundle.rest()? {
                Rest::Volumes { number, .. } => Some(*number),
                Rest::Since { .. } => None,
            },
            Self::Folder(_) | Self::Store(_) => None,
        }
    }

    /// Puts what there is of the wanted files; their digests.
    fn give(&self, wanted: &Wanted<'_>, threads: usize, put: &Put<'_>) -> Result<Vec<Sha256>, Error> {
        match self {
            Self::File(bundle) => {
                let entries = bundle.manifest().entries.iter().filter(|(path, _)| !bundle.lacks(path));
                let mut paths: BTreeMap<Sha256, &RelPath> = BTreeMap::new();
                for (path, entry) in entries {
                    if let Some(sha256) = entry.sha256().filter(|sha256| wanted.contains_key(sha256)) {
                        paths.entry(sha256).or_insert(path);
                    }
                }
                let only: BTreeSet<&RelPath> = paths.values().copied().collect();
                bundle.visit(threads, &only, &|path, entry, content| match entry.sha256() {
                    Some(sha256) if only.contains(path) => put(content, &wanted[&sha256]),
                    _ => Ok(()),
                })?;
                Ok(paths.into_keys().collect())
            }
            Self::Folder(bundle) => {
                let mut given = BTreeSet::new();
                for (path, entry) in &bundle.manifest().entries {
                    let Some(sha256) = entry.sha256().filter(|sha256| wanted.contains_key(sha256)) else { continue };
                    if !given.contains(&sha256)
                        && from_file(&bundle.folder().join(path), sha256, &wanted[&sha256], put)?
                    {
                        given.insert(sha256);
                    }
                }
                Ok(given.into_iter().collect())
            }
            Self::Store(folder) => {
                let mut given = Vec::new();
                for (sha256, places) in wanted {
                    let hex = sha256.to_string();
                    if from_file(&folder.join(&hex[..2]).join(&hex), *sha256, places, put)? {
                        given.push(*sha256);
                    }
                }
                Ok(given)
            }
        }
    }
}

/// Puts a file if it is there and has this digest; whether it did.
fn from_file(
    path: &Utf8Path,
    sha256: Sha256,
    places: &[(&RelPath, &EntryRecord)],
    put: &Put<'_>,
) -> Result<bool, Error> {
    if !path.is_file() || crate::base::sha256_file(path)? != sha256 {
        return Ok(false);
    }
    // Once more on the way: what is written is what was looked at.
    let mut hashing = HashingReader::new(std::fs::File::open(path).at("open", path)?);
    match put(&mut hashing, places) {
        Ok(()) if hashing.drain().at("read", path)?.0 == sha256 => Ok(true),
        Ok(()) => {
            let reason = "it changed while it was copied".to_owned();
            Err(Error::Damaged { path: path.to_owned(), entry: places[0].0.to_string(), reason })
        }
        Err(Stop::Content(source) | Stop::Target(source)) => Err(source).at("copy", path).map_err(Error::Io),
        Err(Stop::Different(reason)) => Err(Error::Damaged { path: path.to_owned(), entry: String::new(), reason }),
    }
}
