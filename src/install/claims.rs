//! What parts are known to have made beside their locations, on its way from one generation to the next.
//!
//! A part's record names those files. They come along where the part is kept, go with it, and are put in place like files of
//! the project: what the site changed stays the site's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::beside::paths_below;
use super::destination::Destination;
use super::error::Error;
use super::image::Image;
use super::moves::make_folder;
use super::record::{self, PartRecord, ProjectEntry, State};
use crate::base::{IoContext, LinkMode, RelPath};
use crate::recipes::Plan;

/// Files, links and empty folders beside locations.
pub(super) type Beside = BTreeMap<RelPath, ProjectEntry>;

/// Brings what a whole part made beside its location into the new tree; whether all of it is there. Copied: the next build
/// may write to it, while the destination's own is in use.
pub(super) fn bring(destination: &Destination, part: &PartRecord, image: &Image) -> Result<bool, Error> {
    let (tree, root) = (destination.next_tree(), destination.root());
    let mut whole = true;
    for (path, entry) in part.beside.iter().filter(|(path, _)| !image.files.contains_key(*path)) {
        let to = tree.join(path);
        if entry.is_at(&to)? {
            continue;
        }
        let mut found = false;
        for place in [destination.waiting_beside(), root.to_owned()] {
            found = found || entry.link_from(&place.join(path), &to, LinkMode::Reflink)?;
        }
        whole &= found;
    }
    Ok(whole)
}

/// Takes what builds made at the destination itself into the new tree, but for what changes over with a top folder.
/// `foreign` is the site's there, empty folders among it.
pub(super) fn gather(
    destination: &Destination,
    plan: &Plan,
    placed: &Image,
    foreign: &BTreeSet<RelPath>,
) -> Result<(), Error> {
    let (tree, root, tops) = (destination.next_tree(), destination.root(), plan.top_folders());
    for (part, _) in plan.placed() {
        let record = destination.own.next_record(&part.name)?;
        for (path, entry) in record.into_iter().flat_map(|record| record.beside) {
            let (from, to) = (root.join(&path), tree.join(&path));
            let moves_anyway = tops.contains(path.first()) || placed.files.contains_key(&path);
            if moves_anyway || from.symlink_metadata().is_err() {
                continue;
            }
            match entry {
                ProjectEntry::Folder => make_folder(&from, &to)?,
                ProjectEntry::File(_) | ProjectEntry::Symlink(_) => {
                    make_folder(from.parent().unwrap_or(&from), to.parent().unwrap_or(&to))?;
                    fs::rename(&from, &to).at("move", &from)?;
                }
            }
            // What it was in must not stand where the release before has something else.
            let below: &Utf8Path = path.as_ref();
            for folder in below.ancestors().filter(|folder| *folder != "") {
                let is_foreign = RelPath::new(folder.as_str()).is_ok_and(|folder| foreign.contains(&folder));
                let is_folder = root.join(folder).symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
                if is_foreign || is_folder && fs::remove_dir(root.join(folder)).is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// What stands at the destination where builds will write, of the generation before or the site's: it is taken away while
/// they do, and so is neither overwritten nor taken for theirs.
pub(super) fn displaced(
    destination: &Destination,
    plan: &Plan,
    ready: &BTreeSet<String>,
    placed: &Image,
) -> Result<BTreeSet<RelPath>, Error> {
    let mut paths = BTreeSet::new();
    for part in plan.parts.iter().filter(|part| !ready.contains(&part.name)) {
        paths.extend(part.writes.iter().cloned());
        let record = destination.own.record(&part.name)?;
        paths.extend(record.into_iter().flat_map(|record| record.beside.into_keys()));
    }
    let tops = plan.top_folders();
    paths.retain(|path| {
        let full = destination.root().join(path);
        let is_file = full.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir());
        is_file && !tops.contains(path.first()) && !placed.files.contains_key(path) && has_way(destination.root(), path)
    });
    Ok(paths)
}

/// Whether all above a path are folders, and no links to some.
pub(super) fn has_way(root: &Utf8Path, path: &RelPath) -> bool {
    let path: &Utf8Path = path.as_ref();
    let mut above = path.ancestors().skip(1).filter(|above| *above != "");
    above.all(|above| root.join(above).symlink_metadata().is_ok_and(|metadata| metadata.is_dir()))
}

/// Writes down for each of these parts what of its own is there now that all builds have ended, and returns all of it.
pub(super) fn settle(destination: &Destination, parts: &[String], project: &Image) -> Result<Beside, Error> {
    let (tree, root) = (destination.next_tree(), destination.root());
    let mut all = Beside::new();
    for part in parts {
        let Some(mut record) = destination.own.next_record(part)? else { continue };
        let mut beside = Beside::new();
        for (path, entry) in record.beside.iter().filter(|(path, _)| !project.files.contains_key(*path)) {
            match ProjectEntry::at(&tree.join(path))? {
                Some(there) => drop(beside.insert(path.clone(), there)),
                // The site changed it: it goes with the part when it is again what it was.
                None if root.join(path).symlink_metadata().is_ok() => drop(beside.insert(path.clone(), entry.clone())),
                None => {}
            }
        }
        all.extend(beside.clone());
        if beside != record.beside {
            record.beside = beside;
            destination.write_next_record(&record)?;
        }
    }
    Ok(all)
}

/// `next/foreign.json`: what is the site's at a destination where a generation is built in its place.
#[derive(Serialize, Deserialize)]
struct Foreign {
    format: u32,
    paths: BTreeSet<RelPath>,
}

/// Files at the destination that are in no record. What builds that failed left there is none of them: another may make it
/// its own.
pub(super) fn foreign(
    destination: &Destination,
    current: Option<&State>,
    hidden: &BTreeSet<RelPath>,
) -> Result<BTreeSet<RelPath>, Error> {
    let note = destination.own.path("next/foreign.json");
    if let Some(Foreign { paths, .. }) = record::read(&note)? {
        return Ok(paths);
    }
    let own = |state: &State| Ok::<_, Error>(all_beside(state, &destination.own.records(state)?));
    let installed = current.map(own).transpose()?.unwrap_or_default();
    let mut paths = paths_below(destination.root(), hidden)?;
    paths.retain(|path| !installed.contains_key(path) && !current.is_some_and(|state| state.strays.contains(path)));
    record::write(&note, &Foreign { format: 1, paths: paths.clone() })?;
    Ok(paths)
}

/// What a generation has beside the locations of its parts: the project's files, and what builds made.
pub(super) fn all_beside(state: &State, records: &[PartRecord]) -> Beside {
    let made = records.iter().flat_map(|record| &record.beside);
    state.project.iter().chain(made).map(|(path, entry)| (path.clone(), entry.clone())).collect()
}
