//! What builds make beside the locations of their parts, such as a `conf` folder: finding it, and whose it is.
//!
//! A file is of every part that was at work when it was made or last changed, as the file system's own clock has it, which
//! nobody can set. Where the project itself is the destination, its author works there too, and only what options name is
//! known to be a part's.
//!
//! Looks, and changes nothing but modes of folders that nothing could be moved out of; what becomes of the files is decided in
//! [`super::claims`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use walkdir::WalkDir;

use super::error::Error;
use super::record::ProjectEntry;
use crate::base::{IoContext, PathError, RelPath};

/// What the owner of a folder must be able to do, for what is in it to be moved.
const OWNER_MAY: u32 = 0o700;

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

/// A file, link or empty folder as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sight {
    stamp: Stamp,
    inode: u64,
    is_folder: bool,
}

/// What lies below a folder.
#[derive(Default)]
struct Found {
    sights: BTreeMap<RelPath, Sight>,
    /// What no record could name: names that are no UTF-8, pipes, sockets, devices.
    odd: BTreeSet<String>,
}

/// Looks at everything below a folder but what lies below `hidden`. What somebody removes meanwhile is left out.
fn walk(folder: &Utf8Path, hidden: &BTreeSet<RelPath>) -> Result<Found, PathError> {
    let below = |path: &std::path::Path| RelPath::below(folder, Utf8Path::from_path(path)?);
    let entries = WalkDir::new(folder).min_depth(1).into_iter();
    let entries = entries.filter_entry(|entry| !below(entry.path()).is_some_and(|path| hidden.contains(&path)));
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let mut found = Found::default();
    for entry in entries {
        let looked_at = entry.and_then(|entry| Ok((entry.metadata()?, entry.into_path()))).map_err(io::Error::from);
        let (metadata, path) = match looked_at {
            Err(error) if gone(&error) => continue,
            looked_at => looked_at.at("read folder", folder)?,
        };
        let kind = metadata.file_type();
        let special = kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device();
        let Some(name) = below(&path).filter(|_| !special) else {
            let name = path.strip_prefix(folder).unwrap_or(&path);
            found.odd.insert(name.to_string_lossy().into_owned());
            continue;
        };
        let is_empty = || fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
        if !metadata.is_dir() || is_empty() {
            let sight = Sight { stamp: Stamp::of(&metadata), inode: metadata.ino(), is_folder: metadata.is_dir() };
            found.sights.insert(name, sight);
        }
    }
    Ok(found)
}

/// All paths below a folder but those below `hidden`.
pub(super) fn paths_below(folder: &Utf8Path, hidden: &BTreeSet<RelPath>) -> Result<BTreeSet<RelPath>, Error> {
    Ok(walk(folder, hidden)?.sights.into_keys().collect())
}

/// What was made or changed in a folder since then.
pub(super) fn made_in(folder: &Utf8Path, since: Stamp) -> Result<BTreeMap<RelPath, ProjectEntry>, Error> {
    let mut made = BTreeMap::new();
    if folder.is_dir() {
        let found = walk(folder, &BTreeSet::new())?.sights.into_iter();
        for (path, _) in found.filter(|(_, sight)| sight.stamp >= since) {
            made.extend(ProjectEntry::at(&folder.join(&path))?.map(|entry| (path, entry)));
        }
    }
    Ok(made)
}

/// What surrounds the locations of parts while they are built.
pub(super) struct Surroundings {
    /// What builds know as the destination.
    tree: Utf8PathBuf,
    /// Hardtack's own files, and the locations.
    hidden: BTreeSet<RelPath>,
    /// The project's files, with whether each is a folder. No build makes one its own by changing it.
    project: BTreeMap<RelPath, bool>,
    /// The site's files, of which the same is true.
    foreign: BTreeSet<RelPath>,
    known: Mutex<Known>,
}

/// What was there before the first build, and then when each ended.
struct Known {
    /// How many have ended.
    ended: u64,
    /// With how many had ended when it was seen first, as it is now.
    sights: BTreeMap<RelPath, (Sight, u64)>,
    inodes: BTreeSet<u64>,
    odd: BTreeSet<String>,
}

/// The moment at which a part was begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    since: Stamp,
    /// How many others had ended.
    ended: u64,
}

/// What a part's build did beside its location.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Doings {
    /// What it made or changed.
    pub(super) made: BTreeMap<RelPath, ProjectEntry>,
    /// What it made that cannot be installed.
    pub(super) odd: Vec<String>,
    /// A file of the project that it removed.
    pub(super) removed: Option<RelPath>,
}

impl Surroundings {
    pub(super) fn new(
        tree: Utf8PathBuf,
        hidden: BTreeSet<RelPath>,
        project: BTreeMap<RelPath, bool>,
        foreign: BTreeSet<RelPath>,
    ) -> Result<Self, PathError> {
        let Found { sights, odd } = walk(&tree, &hidden)?;
        let inodes = sights.values().map(|sight| sight.inode).collect();
        let sights = sights.into_iter().map(|(path, sight)| (path, (sight, 0))).collect();
        let known = Mutex::new(Known { ended: 0, sights, inodes, odd });
        Ok(Self { tree, hidden, project, foreign, known })
    }

    /// A part is begun, at this time.
    pub(super) fn begin(&self, since: Stamp) -> Begun {
        let ended = self.known.lock().unwrap_or_else(PoisonError::into_inner).ended;
        Begun { since, ended }
    }

    /// A part has ended: what was done meanwhile, as far as it may have been this one.
    pub(super) fn end(&self, begun: Begun) -> Result<Doings, Error> {
        let found = walk(&self.tree, &self.hidden)?;
        let mut guard = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *guard;
        known.ended += 1;
        // An empty folder is made again if it is missing, and may have got something.
        let is_there = |path: &&RelPath| found.sights.get(*path).is_some_and(|sight| !sight.is_folder);
        let mut files = self.project.iter().filter(|(_, is_folder)| !**is_folder).map(|(path, _)| path);
        let mut doings = Doings {
            made: BTreeMap::new(),
            odd: found.odd.difference(&known.odd).cloned().collect(),
            removed: files.find(|path| !is_there(path)).cloned(),
        };
        for (path, sight) in found.sights {
            let before = known.sights.get(&path).copied();
            // It was so when this one began; or it is from before, and under no other name then.
            let untouched = before.is_some_and(|(before, seen)| before == sight && seen <= begun.ended)
                || sight.stamp < begun.since && (before.is_some() || !known.inodes.contains(&sight.inode));
            if before.is_none_or(|(before, _)| before != sight) {
                known.sights.insert(path.clone(), (sight, known.ended));
            }
            if untouched || self.project.contains_key(&path) || self.foreign.contains(&path) {
                continue;
            }
            let full = self.tree.join(&path);
            match ProjectEntry::at(&full) {
                Ok(entry) => doings.made.extend(entry.map(|entry| (path, entry))),
                // Another build took it away meanwhile.
                Err(_) if full.symlink_metadata().is_err() => {}
                Err(error) => return Err(error),
            }
        }
        doings.made.keys().try_for_each(|path| self.open_folders_of(path))?;
        known.inodes = known.sights.values().map(|(sight, _)| sight.inode).collect();
        known.odd.extend(found.odd);
        Ok(doings)
    }

    /// Sees to it that a file can be moved out of the folders that it is in.
    fn open_folders_of(&self, path: &RelPath) -> Result<(), PathError> {
        let path: &Utf8Path = path.as_ref();
        for folder in path.ancestors().skip(1).filter(|above| *above != "") {
            let folder = self.tree.join(folder);
            let Ok(metadata) = folder.metadata() else { continue };
            let mode = metadata.permissions().mode();
            if mode & OWNER_MAY != OWNER_MAY && metadata.uid() == rustix::process::geteuid().as_raw() {
                let open = Permissions::from_mode(mode | OWNER_MAY);
                fs::set_permissions(&folder, open).at("set the mode of", &folder)?;
            }
        }
        Ok(())
    }

    /// What was made since then by anybody, whoever it was.
    pub(super) fn made_since(&self, since: Stamp) -> Result<BTreeSet<RelPath>, Error> {
        let sights = walk(&self.tree, &self.hidden)?.sights.into_iter();
        let new = sights.filter(|(_, sight)| sight.stamp >= since).map(|(path, _)| path);
        Ok(new.filter(|path| !self.project.contains_key(path) && !self.foreign.contains(path)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).expect("a path")
    }

    struct Scene {
        _folder: tempfile::TempDir,
        root: Utf8PathBuf,
    }

    impl Scene {
        fn new(files: &[&str]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
            let scene = Self { _folder: folder, root };
            scene.write(".hardtack/now");
            files.iter().for_each(|name| scene.write(name));
            scene
        }

        fn write(&self, name: &str) {
            let path = self.root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
            fs::write(path, name).expect("writes");
        }

        fn around(&self) -> Surroundings {
            let hidden = BTreeSet::from([path(".hardtack"), path("parts/a")]);
            let foreign = BTreeSet::from([path("conf/of-the-site")]);
            let project = BTreeMap::from([(path("conf/of-the-project"), false)]);
            Surroundings::new(self.root.clone(), hidden, project, foreign).expect("looks")
        }

        fn begin(&self, around: &Surroundings) -> Begun {
            around.begin(Stamp::now(&self.root.join(".hardtack/now")).expect("a time"))
        }
    }

    /// The clock of files goes in steps of some milliseconds.
    fn wait() {
        std::thread::sleep(std::time::Duration::from_millis(30));
    }

    fn names(doings: &Doings) -> Vec<&str> {
        doings.made.keys().map(RelPath::as_str).collect()
    }

    #[test]
    fn what_was_there_is_nobodys_and_what_is_made_changed_or_moved_is() {
        let scene =
            Scene::new(&["conf/old", "conf/edited", "conf/of-the-site", "conf/of-the-project", "dir/f", "parts/a/x"]);
        let around = scene.around();
        wait();
        let begun = scene.begin(&around);
        for name in ["conf/edited", "conf/new", "conf/of-the-site", "conf/of-the-project", "parts/a/own", "parts/stray"]
        {
            scene.write(name);
            fs::write(scene.root.join(name), "y").expect("writes");
        }
        fs::create_dir(scene.root.join("empty")).expect("makes");
        fs::rename(scene.root.join("dir"), scene.root.join("moved")).expect("moves");
        let doings = around.end(begun).expect("looks");
        assert_eq!(names(&doings), ["conf/edited", "conf/new", "empty", "moved/f", "parts/stray"]);
        assert_eq!(doings.made[&path("empty")], ProjectEntry::Folder);
        assert_eq!((doings.odd.len(), doings.removed), (0, None));
    }

    #[test]
    fn of_one_after_another_each_has_its_own_however_short_the_time_between() {
        let scene = Scene::new(&["conf/of-the-project"]);
        let around = scene.around();
        for name in ["a", "b", "c"] {
            let begun = scene.begin(&around);
            scene.write(name);
            assert_eq!(names(&around.end(begun).expect("looks")), [name]);
        }
        // Of two at a time each may have been the one.
        let (one, other) = (scene.begin(&around), scene.begin(&around));
        scene.write("both");
        assert_eq!(names(&around.end(one).expect("looks")), ["both"]);
        assert_eq!(names(&around.end(other).expect("looks")), ["both"]);
    }

    #[test]
    fn what_cannot_be_installed_and_what_is_missing_is_told() {
        let scene = Scene::new(&["conf/of-the-project"]);
        let around = scene.around();
        let begun = scene.begin(&around);
        fs::remove_file(scene.root.join("conf/of-the-project")).expect("removes");
        fs::create_dir(scene.root.join("conf/of-the-project")).expect("makes");
        let odd = std::ffi::OsStr::from_bytes(b"odd\xff");
        fs::write(scene.root.as_std_path().join(odd), "").expect("writes");
        let doings = around.end(begun).expect("looks");
        assert_eq!(doings.removed, Some(path("conf/of-the-project")));
        assert_eq!(doings.odd, ["odd\u{fffd}"]);
    }
}
