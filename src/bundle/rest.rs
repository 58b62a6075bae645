//! Bundles that have not all their files: those since an older bundle, and volumes.
//!
//! Each is whole in itself: it has the manifest of the whole, and what it has is checked like any bundle's. What it has not
//! is found by digest, in the older bundle or in the other volumes, and then is the same as if it had never been apart.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::layout::is_installer;
use super::manifest::{EntryRecord, Manifest, RecordKind};
use super::settings::bad_name;
use super::write::{Item, Pack, Written, write_items};
use crate::base::{RelPath, Sha256};

/// What a volume has beside its files, at most, in bytes: members' headers, the trailer.
const SLACK: u64 = 64 << 10;
/// Header, and those before it of a long name, in bytes.
const HEADERS: u64 = 2048;

/// Where the files are that a bundle has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// In an older bundle.
    Since {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Digest of its manifest.
        manifest: Sha256,
    },
    /// In the other volumes.
    Volumes {
        /// Which volume it is, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
}

/// More volumes nobody carries.
const MOST_VOLUMES: usize = 9999;

impl Rest {
    /// Whether it can be what hardtack wrote.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Since { name, version, .. } => [name, version].iter().all(|text| bad_name(text).is_none()),
            Self::Volumes { number, of } => (1..=*of).contains(number) && *of <= MOST_VOLUMES,
        }
    }
}

impl std::fmt::Display for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Since { name, version, .. } => write!(f, "what is new since {name} {version}"),
            Self::Volumes { number, of } => write!(f, "volume {number} of {of}"),
        }
    }
}

/// Writes a bundle of what an older one has not; otherwise as [`write()`](super::write()).
///
/// # Errors
/// As [`write()`](super::write()).
pub fn write_since(pack: &Pack<'_>, older: &Manifest, output: &Utf8Path) -> Result<Written, Error> {
    let had: BTreeSet<Sha256> = older.entries.values().filter_map(EntryRecord::sha256).collect();
    let all = pack.items();
    let records = records(&all)?;
    // What a cache may have in its place; all else is small, and nowhere else to be had.
    let blobs = pack.blobs();
    let is_blob = |path: &RelPath| blobs.contains(path) || is_installer(path);
    let is_new = |path: &RelPath| !is_blob(path) || records[path].sha256().is_none_or(|sha256| !had.contains(&sha256));
    let items = all.into_iter().filter(|(path, _)| is_new(path)).collect();
    let (name, version) = (older.name.clone(), older.version.clone());
    let rest = Rest::Since { name, version, manifest: Sha256::of(older.to_text()) };
    write_items(pack, &items, Some((&records, rest)), output)
}

/// Writes a bundle in volumes of at most `size` bytes. What starts the installation is in the first.
///
/// # Errors
/// As [`write()`](super::write()), and [`Error::NoVolume`] where a file is larger than a volume.
pub fn write_volumes(pack: &Pack<'_>, size: u64, output: &Utf8Path) -> Result<Vec<Written>, Error> {
    let mut left = pack.items();
    let records = records(&left)?;
    // The manifest and what goes with it are in every volume, compressed; here they are counted as they are.
    let tail = pack.manifest(records.clone()).to_text().len() as u64 * 2;
    let room = size.saturating_sub(tail + SLACK + size / 500);
    let mut order: Vec<&RelPath> = records.keys().collect();
    order.sort_by_key(|path| (!super::layout::is_own(path), *path));
    let mut volumes: Vec<(u64, BTreeSet<&RelPath>)> = Vec::new();
    for path in order {
        let needs = HEADERS + records[path].size();
        if needs > room {
            return Err(Error::NoVolume { path: path.clone(), size: records[path].size(), room });
        }
        match volumes.iter_mut().find(|(used, _)| used + needs <= room) {
            Some((used, volume)) => {
                *used += needs;
                volume.insert(path);
            }
            None => volumes.push((needs, BTreeSet::from([path]))),
        }
    }
    let of = volumes.len();
    let mut written = Vec::new();
    for (index, (_, paths)) in volumes.iter().enumerate() {
        let items = paths.iter().filter_map(|path| left.remove_entry(*path)).collect();
        let number = index + 1;
        let rest = (of > 1).then_some((&records, Rest::Volumes { number, of }));
        let path = if of > 1 { volume(output, number, of) } else { output.to_owned() };
        written.push(write_items(pack, &items, rest, &path)?);
    }
    Ok(written)
}

/// What the manifest will say of files, before they are packed.
fn records(items: &BTreeMap<RelPath, Item<'_>>) -> Result<BTreeMap<RelPath, EntryRecord>, Error> {
    items.iter().map(|(path, item)| Ok((path.clone(), item.look()?))).collect()
}

/// The name of a volume: `app-1.0.vol1of3.tar.gz` for `app-1.0.tar.gz`.
fn volume(output: &Utf8Path, number: usize, of: usize) -> Utf8PathBuf {
    let name = output.file_name().unwrap_or_default();
    let ending =
        [".tar.gz", ".tar.zst", ".tgz", ".tar"].into_iter().find(|ending| name.ends_with(ending)).unwrap_or("");
    let stem = name.strip_suffix(ending).unwrap_or(name);
    output.with_file_name(format!("{stem}.vol{number}of{of}{ending}"))
}

/// The other volumes, beside one of them.
pub(super) fn others(path: &Utf8Path, number: usize, of: usize) -> Vec<(usize, Utf8PathBuf)> {
    let name = path.file_name().unwrap_or_default();
    let own = format!(".vol{number}of{of}");
    // One that was given another name does not say how the others are called.
    let of = if name.contains(&own) { of } else { 0 };
    let others = (1..=of).filter(|other| *other != number);
    others.map(|other| (other, path.with_file_name(name.replacen(&own, &format!(".vol{other}of{of}"), 1)))).collect()
}

impl EntryRecord {
    /// The digest of a file.
    pub(super) fn sha256(&self) -> Option<Sha256> {
        match &self.kind {
            RecordKind::File { sha256, .. } => Some(*sha256),
            RecordKind::Symlink { .. } | RecordKind::Folder => None,
        }
    }
}
