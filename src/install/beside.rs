//! What builds make beside the locations of their parts, such as a `conf` folder: finding it, and whose it is.
//!
//! A file is of every part that was at work when it was made or last changed, as the file system's own clock has it, which
//! nobody can set. Where the project itself is the destination, its author works there too, and only what options name is
//! known to be a part's.
//!
//! Looks and never changes anything; what becomes of the files is decided in [`super::claims`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use walkdir::WalkDir;

use super::error::Error;
use super::record::ProjectEntry;
use crate::base::{IoContext, PathError, RelPath};

/// When something was made or last changed in any way: seconds and nanoseconds of the file system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(i64, i64);

impl Stamp {
    /// The time it is now for the file system of `file`, which is made, or emptied.
    pub(super) fn now(file: &Utf8Path) -> Result<Self, PathError> {
        let metadata = File::create(file).and_then(|file| file.metadata()).at("create", file)?;
        Ok(Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        Self(metadata.ctime(), metadata.ctime_nsec())
    }
}

/// The files, links and empty folders below a folder, but for those below `hidden`, with the time of each. Names that are no
/// UTF-8, and what somebody removes meanwhile, are left out.
fn walk(folder: &Utf8Path, hidden: &BTreeSet<RelPath>) -> Result<BTreeMap<RelPath, Stamp>, PathError> {
    let below = |path: &std::path::Path| {
        let path = Utf8Path::from_path(path)?;
        RelPath::below(folder, path)
    };
    let entries = WalkDir::new(folder).min_depth(1).into_iter();
    let entries = entries.filter_entry(|entry| !below(entry.path()).is_some_and(|path| hidden.contains(&path)));
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let mut found = BTreeMap::new();
    for entry in entries {
        let looked_at = entry.and_then(|entry| Ok((below(entry.path()), entry.metadata()?))).map_err(io::Error::from);
        let (path, metadata) = match looked_at {
            Err(error) if gone(&error) => continue,
            looked_at => looked_at.at("read folder", folder)?,
        };
        let Some(path) = path else { continue };
        let is_wanted =
            !metadata.is_dir() || fs::read_dir(folder.join(&path)).is_ok_and(|mut entries| entries.next().is_none());
        if is_wanted {
            found.insert(path, Stamp::of(&metadata));
        }
    }
    Ok(found)
}

/// All paths below a folder but those below `hidden`.
pub(super) fn paths_below(folder: &Utf8Path, hidden: &BTreeSet<RelPath>) -> Result<BTreeSet<RelPath>, Error> {
    Ok(walk(folder, hidden)?.into_keys().collect())
}

/// What was made or changed in a folder since then.
pub(super) fn made_in(folder: &Utf8Path, since: Stamp) -> Result<BTreeMap<RelPath, ProjectEntry>, Error> {
    let mut made = BTreeMap::new();
    if folder.is_dir() {
        for (path, _) in walk(folder, &BTreeSet::new())?.into_iter().filter(|(_, stamp)| *stamp >= since) {
            made.extend(ProjectEntry::at(&folder.join(&path))?.map(|entry| (path, entry)));
        }
    }
    Ok(made)
}

/// What surrounds the locations of parts, as it is before any build.
pub(super) struct Surroundings {
    /// What builds know as the destination.
    tree: Utf8PathBuf,
    /// Hardtack's own files, and the locations.
    hidden: BTreeSet<RelPath>,
    /// Files that no build makes its own by changing them: the project's and the site's.
    others: BTreeSet<RelPath>,
    before: BTreeMap<RelPath, Stamp>,
}

impl Surroundings {
    pub(super) fn new(
        tree: Utf8PathBuf,
        hidden: BTreeSet<RelPath>,
        others: BTreeSet<RelPath>,
    ) -> Result<Self, PathError> {
        let before = walk(&tree, &hidden)?;
        Ok(Self { tree, hidden, others, before })
    }

    /// What was made or changed since then by whoever was at work.
    pub(super) fn made_since(&self, since: Stamp) -> Result<BTreeMap<RelPath, ProjectEntry>, Error> {
        let mut made = BTreeMap::new();
        for (path, stamp) in walk(&self.tree, &self.hidden)? {
            let untouched = stamp < since || self.before.get(&path) == Some(&stamp);
            if untouched || self.others.contains(&path) {
                continue;
            }
            let full = self.tree.join(&path);
            match ProjectEntry::at(&full) {
                Ok(entry) => made.extend(entry.map(|entry| (path, entry))),
                // Another build took it away meanwhile.
                Err(_) if full.symlink_metadata().is_err() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).expect("a path")
    }

    #[test]
    fn what_was_there_is_nobodys_and_what_is_made_or_changed_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        for name in ["parts/a", "conf", ".hardtack"] {
            fs::create_dir_all(root.join(name)).expect("makes");
        }
        for name in ["conf/old", "conf/edited", "conf/of-the-site"] {
            fs::write(root.join(name), "x").expect("writes");
        }
        let hidden = BTreeSet::from([path(".hardtack"), path("parts/a")]);
        let others = BTreeSet::from([path("conf/of-the-site")]);
        let around = Surroundings::new(root.clone(), hidden, others).expect("looks");
        // The clock of files goes in steps of some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(30));
        let since = Stamp::now(&root.join(".hardtack/now")).expect("a time");
        for name in ["conf/edited", "conf/new", "conf/of-the-site", "parts/a/own", "parts/stray"] {
            fs::write(root.join(name), "y").expect("writes");
        }
        fs::create_dir(root.join("empty")).expect("makes");
        let made = around.made_since(since).expect("looks");
        assert_eq!(
            made.keys().map(RelPath::as_str).collect::<Vec<_>>(),
            ["conf/edited", "conf/new", "empty", "parts/stray"]
        );
        assert_eq!(made[&path("empty")], ProjectEntry::Folder);
    }
}
