//! Writing bundles that have not all their files: those since an older bundle, and volumes.
//!
//! Each is whole in itself: it has the manifest of the whole, and what it has is checked like any bundle's. What it has not
//! is found by digest, in the older bundle or in the other volumes, and then is the same as if it had never been apart.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::layout::{is_installer, is_own};
use super::manifest::{EntryRecord, Manifest};
use super::rest::Rest;
use super::write::{Item, Pack, Written, write_items};
use crate::base::{RelPath, Sha256};

/// What a volume has beside its files, at most, in bytes: members' headers, the trailer.
const SLACK: u64 = 64 << 10;
/// Header, and those before it of a long name, in bytes.
const HEADERS: u64 = 2048;

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
    order.sort_by_key(|path| (!is_own(path), *path));
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
