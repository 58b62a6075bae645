//! How two builds' trees differ.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::builds::Tree;
use crate::base::RelPath;
use crate::reproduce::{Apart, Differing, FileDifference, HowDifferent, differing_files};

/// What is not the same and counts for nothing.
pub(super) fn apart(first: &Tree, second: &Tree) -> Apart {
    let mut apart = Apart::default();
    for path in first.files.keys() {
        let look = |tree: &Tree| fs::symlink_metadata(tree.root.join(path)).ok();
        if let (Some(one), Some(other)) = (look(first), look(second)) {
            apart.times += usize::from((one.mtime(), one.mtime_nsec()) != (other.mtime(), other.mtime_nsec()));
            apart.owners += usize::from((one.uid(), one.gid()) != (other.uid(), other.gid()));
        }
    }
    apart
}

/// How many files two builds have together, and how they differ.
pub(super) fn differing_of(first: &Tree, second: &Tree) -> (usize, Vec<FileDifference>) {
    let (count, mut differing) = differing_files(first.files(), second.files());
    // Records have no modes of what is beside locations.
    let of_both = first.beside.keys().filter(|path| second.beside.contains_key(*path));
    for path in of_both {
        let mode = |tree: &Tree| {
            let metadata = fs::symlink_metadata(tree.root.join(path)).ok().filter(fs::Metadata::is_file);
            metadata.map(|metadata| metadata.mode() & 0o7777)
        };
        if let (Some(one), Some(other)) = (mode(first), mode(second))
            && one != other
        {
            differing.push(FileDifference { path: path.clone(), how: HowDifferent::Mode(one, other) });
        }
    }
    (count, differing)
}

/// Something that differs and has causes of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    pub(super) path: RelPath,
    /// It is the file's mode, and not what it is or holds.
    is_mode: bool,
}

impl Thing {
    pub(super) fn of(file: &Differing) -> Self {
        Self { path: file.path.clone(), is_mode: matches!(file.how, HowDifferent::Mode(..)) }
    }
}
