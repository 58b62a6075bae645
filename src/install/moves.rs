//! Putting a generation in place, and taking it away again.
//!
//! A move exchanges a file or folder of the new tree with the one at the destination, or renames it where there is
//! none. So each move is its own undoing, and after all of them the tree holds the old generation. Before the first
//! move a journal is written that tells, by inode, which move has been done; whoever comes after a crash knows what is
//! left.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::record;
use crate::base::{IoContext, PathError, RelPath, create_dir_all};

/// A change that a new generation makes at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// What is at `from` in the tree goes to `to`.
    Put {
        /// Below the tree.
        from: RelPath,
        /// Below the destination.
        to: RelPath,
    },
    /// What is at the destination goes to the same place in the tree.
    TakeAway {
        /// Below both.
        path: RelPath,
    },
}

/// A set of moves between a tree and a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moves {
    format: u32,
    /// What recovery is to do.
    pub(super) aim: Aim,
    moves: Vec<Move>,
    /// Folders made at the destination for the moves.
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Move {
    /// Below the tree.
    from: RelPath,
    /// Below the destination.
    to: RelPath,
    /// Inode of what is put there; none where something is taken away.
    inode: Option<u64>,
}

impl Moves {
    /// Plans moves for `changes`; what is put somewhere must be in the tree.
    pub(super) fn plan(tree: &Utf8Path, changes: &[Change], aim: Aim) -> Result<Self, Error> {
        let moves = changes.iter().map(|change| match change {
            Change::TakeAway { path } => Ok(Move { from: path.clone(), to: path.clone(), inode: None }),
            Change::Put { from, to } => {
                let new = tree.join(from);
                let inode = inode(&new)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)).at("inspect", &new)?;
                Ok(Move { from: from.clone(), to: to.clone(), inode: Some(inode) })
            }
        });
        Ok(Self { format: 1, aim, moves: moves.collect::<Result<_, PathError>>()?, made: Vec::new() })
    }

    /// Reads the journal of interrupted moves, if there is one.
    pub(super) fn read(journal: &Utf8Path) -> Result<Option<Self>, Error> {
        record::read(journal)
    }

    /// Does all moves that are not done, writing the journal first.
    pub(super) fn place(&mut self, tree: &Utf8Path, dest: &Utf8Path, journal: &Utf8Path) -> Result<(), Error> {
        self.note_folders(dest);
        record::write(journal, self)?;
        for step in &self.moves {
            if !step.is_done(dest)? {
                step.carry_out(tree, dest)?;
            }
        }
        Ok(())
    }

    /// Undoes all moves that are done, and removes the journal.
    pub(super) fn withdraw(&self, tree: &Utf8Path, dest: &Utf8Path, journal: &Utf8Path) -> Result<(), Error> {
        for step in self.moves.iter().rev() {
            if step.is_done(dest)? {
                step.undo(tree, dest)?;
            }
        }
        for folder in self.made.iter().rev() {
            // One that somebody put something into stays.
            let _ = fs::remove_dir(dest.join(folder));
        }
        crate::base::remove_tree(journal)?;
        Ok(())
    }

    /// Remembers the folders that moves into the destination will make.
    fn note_folders(&mut self, dest: &Utf8Path) {
        for step in &self.moves {
            let path: &Utf8Path = step.to.as_ref();
            let parents: Vec<Utf8PathBuf> = path.ancestors().skip(1).map(Utf8Path::to_owned).collect();
            for parent in parents.iter().rev().filter(|parent| *parent != "") {
                let Ok(parent) = RelPath::new(parent.as_str()) else { continue };
                if !dest.join(&parent).exists() && !self.made.contains(&parent) {
                    self.made.push(parent);
                }
            }
        }
    }
}

impl Move {
    fn is_done(&self, dest: &Utf8Path) -> Result<bool, PathError> {
        Ok(inode(&dest.join(&self.to))? == self.inode)
    }

    fn carry_out(&self, tree: &Utf8Path, dest: &Utf8Path) -> Result<(), PathError> {
        let (new, target) = (tree.join(&self.from), dest.join(&self.to));
        if self.inode.is_none() {
            create_dir_all(new.parent().unwrap_or(tree))?;
            return fs::rename(&target, &new).at("move aside", &target);
        }
        create_dir_all(target.parent().unwrap_or(dest))?;
        exchange(&new, &target)
    }

    fn undo(&self, tree: &Utf8Path, dest: &Utf8Path) -> Result<(), PathError> {
        let (kept, target) = (tree.join(&self.from), dest.join(&self.to));
        if self.inode.is_none() {
            return fs::rename(&kept, &target).at("move back", &target);
        }
        exchange(&target, &kept)
    }
}

fn inode(path: &Utf8Path) -> Result<Option<u64>, PathError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("inspect", path),
    }
}

/// Moves `from` to `to`; what was at `to` goes to `from`.
fn exchange(from: &Utf8Path, to: &Utf8Path) -> Result<(), PathError> {
    if inode(to)?.is_none() {
        return fs::rename(from, to).at("move into place", to);
    }
    match renameat_with(CWD, from.as_std_path(), CWD, to.as_std_path(), RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Some network file systems cannot exchange; two renames can, and the journal covers the gap between them.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            let aside: Utf8PathBuf = format!("{from}.old").into();
            fs::rename(to, &aside).at("move aside", to)?;
            fs::rename(from, to).at("move into place", to)?;
            fs::rename(&aside, from).at("move aside", &aside)
        }
        Err(error) => Err(io::Error::from(error)).at("move into place", to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> (tempfile::TempDir, Utf8PathBuf, Utf8PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        for (path, text) in [
            ("tree/parts/a/f", "new"),
            ("tree/etc/x.cfg", "new"),
            ("dest/parts/a/f", "old"),
            ("dest/keep", "mine"),
            ("dest/doc/gone.txt", "old"),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("makes it");
            fs::write(path, text).expect("writes");
        }
        (folder, root.join("tree"), root.join("dest"))
    }

    fn changes() -> Vec<Change> {
        let path = |text: &str| RelPath::new(text).expect("a path");
        vec![
            Change::Put { from: path("parts"), to: path("parts") },
            Change::Put { from: path("etc/x.cfg"), to: path("etc/x.cfg") },
            Change::TakeAway { path: path("doc/gone.txt") },
        ]
    }

    fn read(path: Utf8PathBuf) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn moves_exchange_old_and_new_and_undo_themselves() {
        let (_folder, tree, dest) = scene();
        let journal = dest.join("journal");
        let mut moves = Moves::plan(&tree, &changes(), Aim::Undo).expect("plans");
        moves.place(&tree, &dest, &journal).expect("places");
        assert_eq!((read(dest.join("parts/a/f")), read(tree.join("parts/a/f"))), ("new".into(), "old".into()));
        assert_eq!(read(dest.join("etc/x.cfg")), "new");
        assert!(!dest.join("doc/gone.txt").exists());

        let again = Moves::read(&journal).expect("reads").expect("is there");
        again.withdraw(&tree, &dest, &journal).expect("withdraws");
        assert_eq!((read(dest.join("parts/a/f")), read(tree.join("parts/a/f"))), ("old".into(), "new".into()));
        assert_eq!(read(dest.join("doc/gone.txt")), "old");
        assert!(!dest.join("etc").exists() && !journal.exists() && dest.join("keep").exists());
    }

    #[test]
    fn a_crash_between_moves_is_finished_from_the_journal() {
        let (_folder, tree, dest) = scene();
        let journal = dest.join("journal");
        let moves = Moves::plan(&tree, &changes(), Aim::Finish).expect("plans");
        record::write(&journal, &moves).expect("writes");
        exchange(&tree.join("parts"), &dest.join("parts")).expect("the first move");

        let mut again = Moves::read(&journal).expect("reads").expect("is there");
        again.place(&tree, &dest, &journal).expect("finishes");
        assert_eq!((read(dest.join("parts/a/f")), read(dest.join("etc/x.cfg"))), ("new".into(), "new".into()));
    }
}
