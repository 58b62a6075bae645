//! How two builds' trees differ.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use camino::Utf8Path;

use super::builds::Tree;
use crate::base::{IoContext, RelPath};
use crate::cli::error::Report;
use crate::reproduce::{Apart, Clues, Differing, FileDifference, HowDifferent, Spot, differences, differing_files};

/// The longest file that is opened.
const LONGEST: u64 = 1 << 29;

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

/// What two files differ in; nothing where one of them is too long to be opened, or for nobody to read.
pub(super) fn look_into(name: &str, paths: [&Utf8Path; 2], clues: &Clues) -> Result<Vec<Spot>, Report> {
    for path in paths {
        if path.metadata().at("inspect", path)?.len() > LONGEST {
            return Ok(Vec::new());
        }
    }
    match paths.map(|path| fs::read(path).at("read", path)) {
        [Ok(first), Ok(second)] => Ok(differences(name, [&first, &second], clues)),
        // That they differ is known.
        [Err(error), _] | [_, Err(error)] if error.source.kind() == ErrorKind::PermissionDenied => Ok(Vec::new()),
        [Err(error), _] | [_, Err(error)] => Err(error.into()),
    }
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
