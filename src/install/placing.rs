//! How a new generation and what is at the destination become one: what moves, what stays, what comes along.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::Utf8Path;

use super::destination::Destination;
use super::error::Error;
use super::event::Event;
use super::moves::Change;
use super::record::State;
use crate::base::{IoContext, RelPath, Sha256, clone_file, create_dir_all, files_below, fingerprint_file};
use crate::recipes::Plan;

/// The project's files, where a bundle brings them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// The files and links of the new tree that are the project's, with the digests of files.
    pub files: BTreeMap<RelPath, Option<Sha256>>,
}

/// What changes at the destination when the new generation takes over.
pub(super) struct Placing {
    /// Top folders with parts: they change over as a whole.
    pub(super) tops: BTreeSet<RelPath>,
    /// Everything that moves, the top folders first.
    pub(super) changes: Vec<Change>,
    /// The digests of the project's files, to remember them by.
    pub(super) project: BTreeMap<RelPath, Sha256>,
    /// Project files in the top folders that were changed at the site.
    changed_in_tops: Vec<RelPath>,
}

impl Placing {
    /// Looks at the destination and decides. A project file that was changed at the site stays, and the new one goes
    /// beside it; one that the new release no longer has goes, unless it was changed.
    pub(super) fn new(
        destination: &Destination,
        plan: &Plan,
        image: Option<&Image>,
        current: Option<&State>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Self, Error> {
        let tops = tops(destination, plan, current)?;
        let changes = tops.iter().map(|top| Change::Put { from: top.clone(), to: top.clone() }).collect();
        let mut placing = Self { tops, changes, project: BTreeMap::new(), changed_in_tops: Vec::new() };
        if let Some(image) = image {
            placing.place_project(destination, image, current, observe)?;
        }
        Ok(placing)
    }

    fn place_project(
        &mut self,
        destination: &Destination,
        image: &Image,
        current: Option<&State>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let installed = current.map(|state| &state.project);
        for (path, sha256) in &image.files {
            self.project.extend(sha256.map(|sha256| (path.clone(), sha256)));
            let here = destination.root().join(path);
            let expected = [installed.and_then(|files| files.get(path)).copied(), *sha256];
            let changed = changed(&here, &expected)?;
            let beside = beside(path);
            if changed {
                observe(Event::KeptChanged { path: here, new: destination.root().join(&beside) });
            }
            match (self.moves_with_top(path), changed) {
                (true, true) => self.changed_in_tops.push(path.clone()),
                (true, false) => {}
                (false, true) => self.changes.push(Change::Put { from: path.clone(), to: beside }),
                (false, false) => self.changes.push(Change::Put { from: path.clone(), to: path.clone() }),
            }
        }
        let gone = installed.into_iter().flatten().filter(|(path, _)| !image.files.contains_key(*path));
        for (path, sha256) in gone {
            let here = destination.root().join(path);
            if here.is_file() && !self.moves_with_top(path) && !changed(&here, &[Some(*sha256)])? {
                self.changes.push(Change::TakeAway { path: path.clone() });
            }
        }
        Ok(())
    }

    fn moves_with_top(&self, path: &RelPath) -> bool {
        self.tops.iter().any(|top| top.as_str() == path.first())
    }

    /// Copies into the new tree what is in the top folders and in no record: nobody but its owner may remove it.
    pub(super) fn carry_unknown(&self, destination: &Destination, current: Option<&State>) -> Result<(), Error> {
        let (dest, tree) = (destination.root(), destination.next_tree());
        for path in &self.changed_in_tops {
            let new = tree.join(path);
            fs::rename(&new, tree.join(beside(path))).at("move aside", &new)?;
            carry(dest, &tree, path)?;
        }
        let mut known: BTreeSet<RelPath> = current.iter().flat_map(|state| state.project.keys().cloned()).collect();
        for part in current.iter().flat_map(|state| &state.parts) {
            if let Some(record) = destination.record(part)? {
                known.extend(record.files.keys().map(|path| record.location.join(path)));
            }
        }
        for top in &self.tops {
            let folder = dest.join(top);
            if !folder.is_dir() {
                continue;
            }
            for below in files_below(&folder)? {
                let Ok(below) = RelPath::new(below.as_str()) else { continue };
                let path = top.join(&below);
                if !known.contains(&path) {
                    carry(dest, &tree, &path)?;
                }
            }
        }
        Ok(())
    }
}

/// The top folders of the new plan's parts, and of those that are installed.
fn tops(destination: &Destination, plan: &Plan, current: Option<&State>) -> Result<BTreeSet<RelPath>, Error> {
    let mut names = plan.top_folders();
    for part in current.iter().flat_map(|state| &state.parts) {
        names.extend(destination.record(part)?.map(|record| record.location.first().to_owned()));
    }
    Ok(names.into_iter().filter_map(|name| RelPath::new(name).ok()).collect())
}

/// Where the new version of a file goes that was changed at the site.
fn beside(path: &RelPath) -> RelPath {
    RelPath::new(format!("{path}.hardtack-new")).expect("a longer last name keeps a path a path")
}

/// Whether a file is there and has none of these digests.
fn changed(path: &Utf8Path, known: &[Option<Sha256>]) -> Result<bool, Error> {
    if !path.is_file() {
        return Ok(false);
    }
    let found = fingerprint_file(path)?.sha256;
    Ok(!known.contains(&Some(found)))
}

fn carry(from: &Utf8Path, to: &Utf8Path, path: &RelPath) -> Result<(), Error> {
    let (source, target) = (from.join(path), to.join(path));
    // What the new generation brings itself wins.
    if target.symlink_metadata().is_ok() {
        return Ok(());
    }
    create_dir_all(target.parent().unwrap_or(&target))?;
    let metadata = fs::symlink_metadata(&source).at("inspect", &source)?;
    if metadata.is_symlink() {
        let link = fs::read_link(&source).at("read link", &source)?;
        std::os::unix::fs::symlink(link, &target).at("create link", &target)?;
    } else if metadata.is_file() {
        clone_file(&source, &target)?;
    }
    Ok(())
}
