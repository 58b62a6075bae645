//! Putting a generation in place, and taking it away again.
//!
//! A journal is written before the first change, so that whoever comes after a crash knows what is left. Which changes
//! have been done is read from hardtack's own side, the new tree and the folder of things taken away, where nobody else
//! writes: what an operator did at the destination in the meantime decides nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::record;
use crate::base::{IoContext, PathError, RelPath, create_dir_all, fingerprint_file, look_at};

/// A change that a new generation makes at the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    /// The destination has a folder here, which may stay empty.
    MakeFolder {
        /// Its path.
        path: RelPath,
    },
    /// What is at this path of the destination goes to the folder of things taken away.
    TakeAway {
        /// Below both.
        path: RelPath,
    },
    /// What is at `from` in the tree changes places with what is at `to`, if anything is.
    Put {
        /// Below the tree.
        from: RelPath,
        /// Below the destination.
        to: RelPath,
    },
    /// What lay below `top` before that was put, and is no part's, goes back to where it was.
    Bring {
        /// A folder that an earlier change puts.
        top: RelPath,
        /// Below both; bytes, since it is somebody else's name.
        path: Vec<u8>,
    },
}

/// The folders between which things move.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    /// The new generation; after the moves, the old one.
    pub(super) tree: Utf8PathBuf,
    /// What the new generation no longer has.
    pub(super) taken: Utf8PathBuf,
    /// What builds left where the generation before has something else.
    pub(super) left: Utf8PathBuf,
    /// The destination.
    pub(super) dest: Utf8PathBuf,
    /// The file the journal is in.
    pub(super) journal: Utf8PathBuf,
}

/// Changes in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moves {
    format: u32,
    /// What recovery is to do.
    pub(super) aim: Aim,
    steps: Vec<Step>,
    /// Folders made at the destination on the way.
    made: Vec<RelPath>,
}

/// What becomes of moves that a crash interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Aim {
    /// The generation is whole: go on.
    Finish,
    /// It is still being built in place: take it back.
    Undo,
    /// Everything is where it belongs, and only the records are to follow.
    Conclude,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    change: Change,
    /// Inode of what is put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inode: Option<u64>,
}

impl Moves {
    /// Plans `changes`; what is put must be in the tree.
    pub(super) fn plan(ground: &Ground, changes: &[Change], aim: Aim) -> Result<Self, Error> {
        let mut steps = Vec::with_capacity(changes.len());
        for change in changes {
            let inode = match change {
                Change::Put { from, .. } => {
                    let new = ground.tree.join(from);
                    let absent = || io::Error::from(io::ErrorKind::NotFound);
                    Some(inode(new.as_std_path()).and_then(|inode| inode.ok_or_else(absent)).at("inspect", &new)?)
                }
                Change::MakeFolder { .. } | Change::TakeAway { .. } | Change::Bring { .. } => None,
            };
            steps.push(Step { change: change.clone(), inode });
        }
        let made = folders_made(&steps, &ground.dest);
        Ok(Self { format: 1, aim, steps, made })
    }

    /// Reads the journal of interrupted moves, if there is one.
    pub(super) fn read(journal: &Utf8Path) -> Result<Option<Self>, Error> {
        record::read(journal)
    }

    /// Makes all changes that are not made, writing the journal first. If one cannot be made, those made are undone.
    /// Folders that are empty once things were taken from them go too.
    pub(super) fn place(&self, ground: &Ground) -> Result<(), Error> {
        record::write(&ground.journal, self)?;
        let outcome = self.steps.iter().try_for_each(|step| self.carry_out(step, ground));
        for folder in self.emptied() {
            // One that somebody put something into stays.
            let _ = fs::remove_dir(ground.dest.join(folder));
        }
        outcome.map_err(|error| match self.withdraw(ground) {
            Ok(()) => error.into(),
            // The journal is still there; the next installation tries again.
            Err(_) => Error::Io(error),
        })
    }

    /// Writes down that all changes are made: from here on the tree tells no more which are.
    pub(super) fn are_done(ground: &Ground) -> Result<(), Error> {
        let done = Self { format: 1, aim: Aim::Conclude, steps: Vec::new(), made: Vec::new() };
        record::write(&ground.journal, &done)
    }

    /// Undoes all changes that are made, and removes the journal.
    pub(super) fn withdraw(&self, ground: &Ground) -> Result<(), Error> {
        let is_taken = |step: &&Step| matches!(step.change, Change::TakeAway { .. });
        let (taken, others): (Vec<_>, Vec<_>) = self.steps.iter().rev().partition(is_taken);
        others.into_iter().try_for_each(|step| self.undo(step, ground))?;
        for folder in self.made.iter().rev() {
            // One that somebody put something into stays.
            let _ = fs::remove_dir(ground.dest.join(folder));
        }
        // Only now: a folder may have been made where a file was taken away.
        taken.into_iter().try_for_each(|step| self.undo(step, ground))?;
        Ok(crate::base::remove_tree(&ground.journal)?)
    }

    /// Folders from which things are taken, the deepest first.
    fn emptied(&self) -> Vec<&Utf8Path> {
        let taken = self.steps.iter().filter_map(|step| match &step.change {
            Change::TakeAway { path } => Some(AsRef::<Utf8Path>::as_ref(path)),
            Change::MakeFolder { .. } | Change::Put { .. } | Change::Bring { .. } => None,
        });
        let folders: BTreeSet<&Utf8Path> = taken.flat_map(|path| path.ancestors().skip(1)).collect();
        let wanted = |folder: &Utf8Path| {
            let is_it = |step: &Step| matches!(&step.change, Change::MakeFolder { path } if path.as_str() == folder);
            self.steps.iter().any(is_it)
        };
        folders.into_iter().rev().filter(|folder| *folder != "" && !wanted(folder)).collect()
    }

    fn carry_out(&self, step: &Step, ground: &Ground) -> Result<(), PathError> {
        settle(step, ground)?;
        if self.is_done(step, ground)? {
            return Ok(());
        }
        match &step.change {
            Change::MakeFolder { path } => make_folder(&ground.tree.join(path), &ground.dest.join(path)),
            Change::TakeAway { path } => rename(&ground.dest.join(path), &ground.taken.join(path)),
            Change::Put { from, to } => {
                let (new, to) = (ground.tree.join(from), ground.dest.join(to));
                if let (Some(like), Some(folder)) = (new.parent(), to.parent()) {
                    make_folder(like, folder)?;
                }
                exchange(&new, &to)
            }
            Change::Bring { path, .. } => rename_raw(&ground.tree, &ground.dest, path),
        }
    }

    fn undo(&self, step: &Step, ground: &Ground) -> Result<(), PathError> {
        settle(step, ground)?;
        if !self.is_done(step, ground)? {
            return Ok(());
        }
        match &step.change {
            // The folders that were made go together, at the end.
            Change::MakeFolder { .. } => Ok(()),
            Change::TakeAway { path } => {
                let place = ground.dest.join(path);
                if inode(place.as_std_path()).at("inspect", &place)?.is_some() {
                    set_aside(&place, &ground.left.join(path))?;
                }
                rename(&ground.taken.join(path), &place)
            }
            Change::Put { from, to } => {
                let (old, place) = (ground.tree.join(from), ground.dest.join(to));
                // A build may have removed what was put.
                match inode(place.as_std_path()).at("inspect", &place)? {
                    Some(_) => exchange(&place, &old),
                    None if inode(old.as_std_path()).at("inspect", &old)?.is_some() => rename(&old, &place),
                    None => Ok(()),
                }
            }
            Change::Bring { path, .. } => rename_raw(&ground.dest, &ground.tree, path),
        }
    }

    fn is_done(&self, step: &Step, ground: &Ground) -> Result<bool, PathError> {
        match &step.change {
            Change::MakeFolder { path } => Ok(ground.dest.join(path).is_dir()),
            Change::TakeAway { path } => {
                let taken = ground.taken.join(path);
                Ok(inode(taken.as_std_path()).at("inspect", &taken)?.is_some())
            }
            Change::Put { from, .. } => {
                let new = ground.tree.join(from);
                Ok(inode(new.as_std_path()).at("inspect", &new)? != step.inode)
            }
            Change::Bring { top, path } => {
                let put = self.steps.iter().find(|step| matches!(&step.change, Change::Put { to, .. } if to == top));
                let put_done = match put {
                    Some(put) => self.is_done(put, ground)?,
                    None => false,
                };
                Ok(put_done && inode(&raw(&ground.tree, path)).at("inspect", &ground.tree)?.is_none())
            }
        }
    }
}

/// Moves what builds, or somebody since, wrote where something is put back to a folder of hardtack's own. What is there
/// already stays, and what it has already is not kept twice.
fn set_aside(place: &Utf8Path, left: &Utf8Path) -> Result<(), PathError> {
    let is_file = |path: &Utf8Path| path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    let digest = |path: &Utf8Path| fingerprint_file(path).map(|print| print.sha256).ok();
    let mut to = left.to_owned();
    let mut count = 0;
    while inode(to.as_std_path()).at("inspect", &to)?.is_some() {
        if is_file(place) && is_file(&to) && digest(place).is_some_and(|own| digest(&to) == Some(own)) {
            return crate::base::remove_tree(place);
        }
        count += 1;
        to = format!("{left}.{count}").into();
    }
    rename(place, &to)
}

/// The folders that will be made, for what is put into them or for themselves.
fn folders_made(steps: &[Step], dest: &Utf8Path) -> Vec<RelPath> {
    let mut made = Vec::new();
    for step in steps {
        let (path, above): (&Utf8Path, usize) = match &step.change {
            Change::Put { to, .. } => (to.as_ref(), 1),
            Change::MakeFolder { path } => (path.as_ref(), 0),
            Change::TakeAway { .. } | Change::Bring { .. } => continue,
        };
        let parents: Vec<&Utf8Path> = path.ancestors().skip(above).filter(|parent| *parent != "").collect();
        for parent in parents.into_iter().rev() {
            let Ok(parent) = RelPath::new(parent.as_str()) else { continue };
            let is_folder = fs::symlink_metadata(dest.join(&parent)).is_ok_and(|metadata| metadata.is_dir());
            if !is_folder && !made.contains(&parent) {
                made.push(parent);
            }
        }
    }
    made
}

/// Where the old file waits while a file system that cannot exchange is told to rename twice.
fn aside(new: &Utf8Path) -> Utf8PathBuf {
    format!("{new}.hardtack-aside").into()
}

/// Brings a put that was interrupted between its renames to one of its ends.
fn settle(step: &Step, ground: &Ground) -> Result<(), PathError> {
    let Change::Put { from, to } = &step.change else { return Ok(()) };
    let (new, target) = (ground.tree.join(from), ground.dest.join(to));
    let waiting = aside(&new);
    if inode(waiting.as_std_path()).at("inspect", &waiting)?.is_none() {
        return Ok(());
    }
    if inode(new.as_std_path()).at("inspect", &new)? == step.inode {
        rename(&waiting, &target)
    } else {
        rename(&waiting, &new)
    }
}

/// The inode at a path, links not followed; none where there is nothing, or a file stands where a folder would.
fn inode(path: &std::path::Path) -> io::Result<Option<u64>> {
    Ok(look_at(path)?.map(|metadata| metadata.ino()))
}

fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<(), PathError> {
    create_dir_all(to.parent().unwrap_or(to))?;
    fs::rename(from, to).at("move", from)
}

/// A path below a folder, whatever bytes it is made of.
fn raw(folder: &Utf8Path, path: &[u8]) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt;
    folder.as_std_path().join(std::ffi::OsStr::from_bytes(path))
}

fn rename_raw(from: &Utf8Path, to: &Utf8Path, path: &[u8]) -> Result<(), PathError> {
    let (source, target) = (raw(from, path), raw(to, path));
    let moved = fs::create_dir_all(target.parent().unwrap_or(&target)).and_then(|()| fs::rename(source, target));
    moved.at("move", to.join(String::from_utf8_lossy(path).as_ref()))
}

/// Makes the folder `to` and those above it, with the permissions that `like` and those above it have where they are there.
pub(super) fn make_folder(like: &Utf8Path, to: &Utf8Path) -> Result<(), PathError> {
    if to.is_dir() {
        return Ok(());
    }
    if let (Some(like), Some(to)) = (like.parent(), to.parent()) {
        make_folder(like, to)?;
    }
    crate::base::create_dir_all(to)?;
    match fs::metadata(like) {
        Ok(metadata) => fs::set_permissions(to, metadata.permissions()).at("set the mode of", to),
        Err(_) => Ok(()),
    }
}

/// Moves `from` to `to`; what was at `to` goes to `from`.
pub(super) fn exchange(from: &Utf8Path, to: &Utf8Path) -> Result<(), PathError> {
    if inode(to.as_std_path()).at("inspect", to)?.is_none() {
        return rename(from, to);
    }
    match renameat_with(CWD, from.as_std_path(), CWD, to.as_std_path(), RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Some network file systems cannot exchange.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            // The waiting place is always on hardtack's side, so that `settle` finds it.
            let ours = if from.as_str().contains("/.hardtack/") { from } else { to };
            let waiting = aside(ours);
            rename(to, &waiting)?;
            rename(from, to)?;
            rename(&waiting, from)
        }
        Err(error) => Err(io::Error::from(error)).at("move into place", to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scene {
        _folder: tempfile::TempDir,
        ground: Ground,
    }

    fn scene() -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        let dest = root.join("dest");
        let own = dest.join(".hardtack");
        let ground = Ground {
            tree: own.join("next/tree"),
            taken: own.join("next/taken"),
            left: own.join("next/left"),
            journal: own.join("journal"),
            dest,
        };
        let files = [
            (&ground.tree, "parts/a/f", "new"),
            (&ground.tree, "etc/x.cfg", "new"),
            (&ground.tree, "conf/a", "new"),
            (&ground.dest, "parts/a/f", "old"),
            (&ground.dest, "parts/a/site", "site"),
            (&ground.dest, "conf", "old"),
            (&ground.dest, "doc/gone.txt", "old"),
        ];
        for (folder, path, text) in files {
            let path = folder.join(path);
            create_dir_all(path.parent().expect("a folder")).expect("makes it");
            fs::write(path, text).expect("writes");
        }
        Scene { _folder: folder, ground }
    }

    fn changes() -> Vec<Change> {
        let path = |text: &str| RelPath::new(text).expect("a path");
        vec![
            Change::TakeAway { path: path("doc/gone.txt") },
            Change::TakeAway { path: path("conf") },
            Change::MakeFolder { path: path("var/empty") },
            Change::MakeFolder { path: path("doc") },
            Change::Put { from: path("parts"), to: path("parts") },
            Change::Put { from: path("etc/x.cfg"), to: path("etc/x.cfg") },
            Change::Put { from: path("conf/a"), to: path("conf/a") },
            Change::Bring { top: path("parts"), path: b"parts/a/site".to_vec() },
        ]
    }

    fn shown(ground: &Ground) -> Vec<String> {
        let files = ["parts/a/f", "parts/a/site", "etc/x.cfg", "conf", "conf/a", "doc/gone.txt"];
        let text = |path: &&str| fs::read_to_string(ground.dest.join(path)).ok().map(|text| format!("{path}={text}"));
        files.iter().filter_map(text).collect()
    }

    const OLD: [&str; 4] = ["parts/a/f=old", "parts/a/site=site", "conf=old", "doc/gone.txt=old"];
    const NEW: [&str; 4] = ["parts/a/f=new", "parts/a/site=site", "etc/x.cfg=new", "conf/a=new"];

    #[test]
    fn moves_put_everything_in_place_and_undo_themselves() {
        let scene = scene();
        let moves = Moves::plan(&scene.ground, &changes(), Aim::Undo).expect("plans");
        moves.place(&scene.ground).expect("places");
        assert_eq!(shown(&scene.ground), NEW);
        let is_folder = |path: &str| scene.ground.dest.join(path).is_dir();
        assert!(is_folder("var/empty") && is_folder("doc"), "folders of the release stay, whatever went out of them");
        let again = Moves::read(&scene.ground.journal).expect("reads").expect("is there");
        again.withdraw(&scene.ground).expect("withdraws");
        assert_eq!(shown(&scene.ground), OLD);
        assert!(!is_folder("var") && !scene.ground.dest.join("etc").exists() && !scene.ground.journal.exists());
    }

    #[test]
    fn a_crash_after_any_change_is_finished_or_undone_from_the_journal() {
        for done in 0..=changes().len() {
            for aim in [Aim::Finish, Aim::Undo] {
                let scene = scene();
                let moves = Moves::plan(&scene.ground, &changes(), aim).expect("plans");
                record::write(&scene.ground.journal, &moves).expect("writes");
                moves.steps[..done].iter().for_each(|step| moves.carry_out(step, &scene.ground).expect("moves"));
                // What the operator does meanwhile must not confuse the recovery.
                let edited = scene.ground.dest.join("parts/a/site");
                if edited.exists() {
                    fs::remove_file(&edited).and_then(|()| fs::write(&edited, "site")).expect("edits");
                }
                let again = Moves::read(&scene.ground.journal).expect("reads").expect("is there");
                match aim {
                    Aim::Finish => again.place(&scene.ground).expect("finishes"),
                    Aim::Undo | Aim::Conclude => again.withdraw(&scene.ground).expect("withdraws"),
                }
                let wanted = if aim == Aim::Finish { NEW } else { OLD };
                assert_eq!(shown(&scene.ground), wanted, "after {done} changes, {aim:?}");
                let made = scene.ground.dest.join("var").exists();
                assert_eq!(made, aim == Aim::Finish, "after {done} changes, {aim:?}");
            }
        }
    }

    #[test]
    fn a_crash_between_the_renames_of_a_file_system_without_exchange_is_settled() {
        for (both, wanted) in [(false, OLD), (true, OLD)] {
            let scene = scene();
            let moves = Moves::plan(&scene.ground, &changes()[4..5], Aim::Undo).expect("plans");
            let (new, target) = (scene.ground.tree.join("parts"), scene.ground.dest.join("parts"));
            fs::rename(&target, aside(&new)).expect("the first rename");
            if both {
                fs::rename(&new, &target).expect("the second rename");
            }
            moves.withdraw(&scene.ground).expect("withdraws");
            assert_eq!(shown(&scene.ground), wanted, "both renames: {both}");
            assert!(scene.ground.tree.join("parts/a/f").exists());
        }
    }

    #[test]
    fn a_change_that_cannot_be_made_undoes_those_before_it() {
        let scene = scene();
        let mut changes = changes();
        changes.push(Change::TakeAway { path: RelPath::new("not/there").expect("a path") });
        let moves = Moves::plan(&scene.ground, &changes, Aim::Finish).expect("plans");
        moves.place(&scene.ground).expect_err("nothing to take away");
        assert_eq!(shown(&scene.ground), OLD);
        assert!(!scene.ground.journal.exists());
    }
}
