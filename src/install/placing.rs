//! How a new generation and what is at the destination become one: what moves, what stays, what comes along.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use camino::Utf8Path;

use super::claims::{all_beside, has_way};
use super::destination::Destination;
use super::error::Error;
use super::event::Event;
use super::image::Image;
use super::moves::{Aim, Change, Moves};
use super::record::{PartRecord, ProjectEntry, State};
use crate::base::{IoContext, RelPath, create_dir_all, look_at, remove_tree};

/// What changes at the destination when the new generation takes over.
pub(super) struct Placing<'a> {
    destination: &'a Destination,
    image: &'a Image,
    /// The records of the parts that are installed.
    records: Vec<PartRecord>,
    /// What the installed release brought, or its builds made.
    installed: BTreeMap<RelPath, ProjectEntry>,
    /// Files of the parts that are installed; they change over with their top folders.
    of_parts: BTreeSet<RelPath>,
    /// Top folders with parts: they change over as a whole.
    pub(super) tops: BTreeSet<RelPath>,
    /// Files of the installed release that go.
    gone: BTreeSet<RelPath>,
    /// Files that were changed at the site and stay; the new ones go beside them.
    kept: BTreeSet<RelPath>,
    /// Files that were changed at the site and stay, while the release brings what it brought before.
    kept_alone: BTreeSet<RelPath>,
    /// What moves when the generation is put in place, before anything is brought back.
    pub(super) changes: Vec<Change>,
}

impl<'a> Placing<'a> {
    /// Looks at the destination and decides. Nothing is changed yet.
    ///
    /// # Errors
    /// [`Error::Blocked`] where something of the site's stands in the way.
    pub(super) fn new(
        destination: &'a Destination,
        tops: BTreeSet<String>,
        image: &'a Image,
        current: Option<&State>,
    ) -> Result<Self, Error> {
        let records = current.map(|state| destination.own.records(state)).transpose()?.unwrap_or_default();
        let installed = current.map(|state| all_beside(state, &records)).unwrap_or_default();
        let of_parts = records.iter().flat_map(PartRecord::paths).collect();
        let tops = tops.into_iter().chain(records.iter().map(|record| record.location.first().to_owned()));
        let tops = tops.filter_map(|name| RelPath::new(name).ok()).collect();
        let (gone, kept, kept_alone, changes) = Default::default();
        let mut placing =
            Self { destination, image, records, installed, of_parts, tops, gone, kept, kept_alone, changes };
        placing.decide_gone()?;
        for top in placing.tops.clone() {
            placing.check_way(&top)?;
            if placing.look(&top)?.is_some_and(|metadata| !metadata.is_dir()) && !placing.gone.contains(&top) {
                return Err(placing.blocked(&top, &top));
            }
        }
        let gone = placing.gone.iter().map(|path| Change::TakeAway { path: path.clone() });
        let tops = placing.tops.iter().map(|top| Change::Put { from: top.clone(), to: top.clone() });
        placing.changes = gone.chain(tops).collect();
        for (path, entry) in &image.files {
            placing.place(path, entry)?;
        }
        Ok(placing)
    }

    /// Says which files stay though the release brings others.
    pub(super) fn tell(&self, observe: &mut dyn FnMut(Event)) {
        for path in &self.kept {
            let root = self.destination.root();
            observe(Event::KeptChanged { path: root.join(path), new: root.join(beside(path)) });
        }
    }

    fn decide_gone(&mut self) -> Result<(), Error> {
        for (path, entry) in &self.installed {
            if !self.still_wanted(path, entry) && !self.in_top(path) && self.holds(path, entry)? {
                self.gone.insert(path.clone());
            }
        }
        Ok(())
    }

    /// Whether the release has something of the same kind at the path: a file cannot change places with an empty folder.
    fn still_wanted(&self, path: &RelPath, entry: &ProjectEntry) -> bool {
        let new = self.image.files.get(path);
        new.is_some_and(|new| (*new == ProjectEntry::Folder) == (*entry == ProjectEntry::Folder))
    }

    fn place(&mut self, path: &RelPath, entry: &ProjectEntry) -> Result<(), Error> {
        let utf8: &Utf8Path = path.as_ref();
        let above_goes = utf8.ancestors().skip(1).any(|above| self.gone.iter().any(|gone| gone.as_str() == above));
        // Through a link that goes, what is there is somewhere else.
        let here = if above_goes { None } else { self.look(path)? };
        if *entry == ProjectEntry::Folder {
            let stands = here.is_some_and(|metadata| !metadata.is_dir()) && !self.gone.contains(path);
            return if stands && !self.in_top(path) { Err(self.blocked(path, path)) } else { self.check_way(path) };
        }
        let ours = match (&here, self.installed.get(path)) {
            (None, _) => true,
            // Exchanged for the file, if nothing of the site's is in it.
            (Some(metadata), _) if metadata.is_dir() => self.all_gone_below(path)?,
            (Some(_), Some(installed)) if self.holds(path, installed)? => true,
            (Some(_), None) if self.of_parts.contains(path) => true,
            (Some(_), _) => self.holds(path, entry)?,
        };
        if self.image.stays.contains(path) && !self.in_top(path) && self.holds(path, entry)? {
            return Ok(());
        }
        if !ours && self.installed.get(path) == Some(entry) {
            self.kept_alone.insert(path.clone());
            return Ok(());
        }
        if !ours {
            self.kept.insert(path.clone());
        }
        if !self.in_top(path) {
            self.check_way(path)?;
            let to = if ours { path.clone() } else { beside(path) };
            self.changes.push(Change::Put { from: path.clone(), to });
        }
        Ok(())
    }

    /// No file and no link may stand where a folder above `path` is needed, unless it goes.
    fn check_way(&self, path: &RelPath) -> Result<(), Error> {
        let utf8: &Utf8Path = path.as_ref();
        let above: Vec<&Utf8Path> = utf8.ancestors().skip(1).filter(|above| *above != "").collect();
        for above in above.into_iter().rev() {
            let Ok(above) = RelPath::new(above.as_str()) else { continue };
            if self.gone.contains(&above) {
                return Ok(());
            }
            if self.look(&above)?.is_some_and(|metadata| !metadata.is_dir()) {
                return Err(self.blocked(path, &above));
            }
        }
        Ok(())
    }

    fn blocked(&self, path: &RelPath, by: &RelPath) -> Error {
        let root = self.destination.root();
        Error::Blocked { path: root.join(path), by: root.join(by) }
    }

    fn look(&self, path: &RelPath) -> Result<Option<Metadata>, Error> {
        let full = self.destination.root().join(path);
        Ok(look_at(&full).at("inspect", &full)?)
    }

    /// Whether the destination has just this at `path`: in its own folders, not in some that the site put a link to.
    fn holds(&self, path: &RelPath, entry: &ProjectEntry) -> Result<bool, Error> {
        Ok(has_way(self.destination.root(), path) && entry.is_at(&self.destination.root().join(path))?)
    }

    /// Whether a folder will hold nothing once everything that goes has gone.
    fn all_gone_below(&self, path: &RelPath) -> Result<bool, Error> {
        let folder = self.destination.root().join(path);
        for below in crate::base::files_below(&folder)? {
            let full = RelPath::new(below.as_str()).map(|below| path.join(&below));
            let Ok(full) = full else { return Ok(false) };
            let goes_with_top = self.in_top(&full)
                && !self.image.files.contains_key(&full)
                && self.installed.get(&full).is_some_and(|entry| self.holds(&full, entry).unwrap_or(false));
            if !goes_with_top && !self.gone.contains(&full) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn in_top(&self, path: &RelPath) -> bool {
        self.tops.iter().any(|top| top.as_str() == path.first())
    }

    /// What moves before builds that work at the destination: all, or where parts are built aside, all but these. What is
    /// `displaced` is taken away for as long.
    pub(super) fn before_builds(&self, displaced: BTreeSet<RelPath>, aside: bool) -> Vec<Change> {
        let wanted = |change: &&Change| match change {
            Change::Put { to, .. } => !aside || !self.in_top(to),
            _ => !aside,
        };
        let changes: Vec<Change> = self.changes.iter().filter(wanted).cloned().collect();
        let goes = |path: &RelPath| {
            changes.iter().any(|change| matches!(change, Change::TakeAway { path: gone } if gone == path))
        };
        let displaced = displaced.into_iter().filter(|path| !goes(path)).map(|path| Change::TakeAway { path });
        displaced.chain(changes.iter().cloned()).collect()
    }

    /// Makes the top folders of parts in the new tree.
    pub(super) fn make_tops(&self) -> Result<(), Error> {
        let tree = self.destination.next_tree();
        Ok(self.tops.iter().try_for_each(|top| create_dir_all(&tree.join(top)))?)
    }

    /// Moves everything that [`Placing::finish`] finds, under a journal.
    pub(super) fn carry_out(&self, edited: &BTreeSet<RelPath>) -> Result<(), Error> {
        let (changes, ground) = (self.finish(edited)?, self.destination.ground());
        self.destination.flush()?;
        Moves::plan(&ground, &changes, Aim::Finish)?.place(&ground)
    }

    /// Moves the new generation into place and makes it the installed one, as `state` says.
    ///
    /// # Errors
    /// Those of files; then the next installation goes on.
    pub(super) fn conclude(&self, state: &State) -> Result<(), Error> {
        self.destination.write_next_state(state)?;
        self.carry_out(&BTreeSet::new())?;
        self.destination.conclude()?;
        self.remove_empty_tops();
        Ok(())
    }

    /// Removes folders of parts that are gone; those that hold something stay.
    pub(super) fn remove_empty_tops(&self) {
        self.tops.iter().for_each(|top| drop(fs::remove_dir(self.destination.root().join(top))));
    }

    /// Everything that moves, once the generation is whole: what is at the site and in no record comes along, and so do the
    /// files of parts in `edited`. Also makes the empty folders the project has.
    ///
    /// # Errors
    /// When the destination cannot be read.
    fn finish(&self, edited: &BTreeSet<RelPath>) -> Result<Vec<Change>, Error> {
        let (dest, tree) = (self.destination.root(), self.destination.next_tree());
        for path in self.kept.iter().filter(|path| self.in_top(path)) {
            let new = tree.join(path);
            if new.symlink_metadata().is_ok() {
                fs::rename(&new, tree.join(beside(path))).at("move aside", &new)?;
            }
        }
        for path in self.kept_alone.iter().filter(|path| self.in_top(path)) {
            remove_tree(&tree.join(path))?;
        }
        let mut known = Known::default();
        for record in &self.records {
            record.paths().filter(|path| !edited.contains(path)).for_each(|path| known.add(&path));
            let folders = record.folders.iter().map(|path| record.location.join(path));
            known.folders.extend(folders.map(|path| path.as_str().as_bytes().to_vec()));
            if record.files.is_empty() && record.folders.is_empty() {
                known.folders.insert(record.location.as_str().as_bytes().to_vec());
            }
        }
        let unchanged =
            self.installed.keys().filter(|path| !self.kept.contains(*path) && !self.kept_alone.contains(*path));
        for path in unchanged.filter(|path| self.in_top(path)) {
            let entry = &self.installed[path];
            // One that was changed and that the release no longer has is the site's now.
            if self.holds(path, entry)? || self.image.files.contains_key(path) {
                known.add(path);
            }
        }
        let mut changes = self.changes.clone();
        for top in &self.tops {
            let mut bring = Bring { dest, tree: &tree, top, known: &known, changes: &mut changes };
            bring.folder(top.as_str().as_bytes())?;
        }
        for (path, entry) in &self.image.files {
            match entry {
                ProjectEntry::Folder if self.in_top(path) => create_dir_all(&tree.join(path))?,
                ProjectEntry::Folder => changes.push(Change::MakeFolder { path: path.clone() }),
                _ => {}
            }
        }
        Ok(changes)
    }
}

/// Paths that are in some record, and the folders above them.
#[derive(Default)]
struct Known {
    paths: BTreeSet<Vec<u8>>,
    folders: BTreeSet<Vec<u8>>,
}

impl Known {
    fn add(&mut self, path: &RelPath) {
        let utf8: &Utf8Path = path.as_ref();
        self.folders.extend(utf8.ancestors().skip(1).map(|above| above.as_str().as_bytes().to_vec()));
        self.paths.insert(path.as_str().as_bytes().to_vec());
    }
}

/// Finds what is to be brought back below a top folder.
struct Bring<'b> {
    dest: &'b Utf8Path,
    tree: &'b Utf8Path,
    top: &'b RelPath,
    known: &'b Known,
    changes: &'b mut Vec<Change>,
}

impl Bring<'_> {
    fn folder(&mut self, path: &[u8]) -> Result<(), Error> {
        let full = self.dest.as_std_path().join(os(path));
        let entries = match fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).at("read folder", lossy(&full)).map_err(Error::Io),
        };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            self.entry([path, b"/", name.as_bytes()].concat())?;
        }
        Ok(())
    }

    fn entry(&mut self, path: Vec<u8>) -> Result<(), Error> {
        let here = look_at(self.dest.as_std_path().join(os(&path))).at("inspect", self.dest)?;
        let new = look_at(self.tree.as_std_path().join(os(&path))).at("inspect", self.tree)?;
        let is_folder = here.is_some_and(|metadata| metadata.is_dir());
        let bring = Change::Bring { top: self.top.clone(), path: path.clone() };
        match (is_folder, new) {
            (true, Some(new)) if new.is_dir() => self.folder(&path)?,
            // A folder of a part that is gone may hold things that are not the part's.
            (true, None) if self.known.folders.contains(&path) => self.folder(&path)?,
            (true, None) => self.changes.push(bring),
            (false, None) if !self.known.paths.contains(&path) => self.changes.push(bring),
            (false, None) => {}
            (true, Some(_)) => {
                if let Some(by) = self.foreign_below(&path)? {
                    return Err(self.blocked(&path, &by));
                }
            }
            (false, Some(_)) if self.known.paths.contains(&path) => {}
            (false, Some(_)) => return Err(self.blocked(&path, &path)),
        }
        Ok(())
    }

    /// Something below a folder that is in no record, and so the site's.
    fn foreign_below(&self, folder: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let full = self.dest.as_std_path().join(os(folder));
        for entry in fs::read_dir(&full).at("read folder", lossy(&full))?.flatten() {
            let path = [folder, b"/", entry.file_name().as_bytes()].concat();
            let found = match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => self.foreign_below(&path)?,
                false => (!self.known.paths.contains(&path)).then_some(path),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn blocked(&self, path: &[u8], by: &[u8]) -> Error {
        let place = |path: &[u8]| self.dest.join(String::from_utf8_lossy(path).as_ref());
        Error::Blocked { path: place(path), by: place(by) }
    }
}

fn os(path: &[u8]) -> &std::ffi::OsStr {
    std::ffi::OsStr::from_bytes(path)
}

fn lossy(path: &Path) -> camino::Utf8PathBuf {
    path.to_string_lossy().into_owned().into()
}

/// Where the new version of a file goes that was changed at the site.
fn beside(path: &RelPath) -> RelPath {
    RelPath::new(format!("{path}.hardtack-new")).expect("a longer last name keeps a path a path")
}
