//! Every real archive at hand comes out as GNU tar makes it, but for owners and for bits that are never set.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use camino::Utf8Path;
use hardtack::archive::{Unpack, unpack};

use crate::debian::tarballs;
use crate::peers::{have, skipped};

/// Upstream tarballs of every make: old and new tar, all compressions, odd modes, forges' comments.
const PACKAGES: [&str; 14] = [
    "hello",
    "make-dfsg",
    "zlib",
    "bash",
    "bzip2",
    "cpio",
    "gzip",
    "lzip",
    "patch",
    "sed",
    "unzip",
    "mpclib3",
    "libffi",
    "meson",
];

/// Type and mode, time, number of names, digest of the content.
type Found = (String, i64, u64, Vec<u8>);

/// Everything below a folder.
fn tree(root: &Path) -> BTreeMap<PathBuf, Found> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.expect("reads");
        let (path, data) = (entry.path(), entry.path().symlink_metadata().expect("is there"));
        let kind = match () {
            () if data.is_symlink() => format!("-> {}", std::fs::read_link(path).expect("a link").display()),
            () if data.is_dir() => format!("folder {:o}", data.permissions().mode() & 0o777),
            // Names of one file are found by their number; one who owns a file can read it.
            () => format!("file {:o}", data.permissions().mode() & 0o777 | 0o400),
        };
        let is_file = data.is_file();
        let content = if is_file { std::fs::read(path).expect("reads") } else { Vec::new() };
        let digest = hardtack::base::Sha256::of(content).as_bytes().to_vec();
        // When a link was made is nothing a build looks at.
        let time = if data.is_symlink() { 0 } else { data.mtime() };
        let links = if is_file { data.nlink() } else { 1 };
        found.insert(path.strip_prefix(root).expect("below").to_owned(), (kind, time, links, digest));
    }
    found
}

/// Whether a time is of this run: of a folder the archive does not list, or whose time tar does not set in the end.
fn is_now(time: i64) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    time > now as i64 - 3600
}

/// What differs, and what was refused.
fn compare(archive: &Path) -> Result<(), String> {
    let folder =
        tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }).expect("a folder");
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    std::fs::create_dir(&theirs).expect("makes");
    let utf8 = |path: &Path| Utf8Path::from_path(path).expect("UTF-8").to_owned();
    unpack(&Unpack::new(&utf8(archive)), &utf8(&ours)).map_err(|error| error.to_string())?;
    let tar = Command::new("tar").arg("--no-same-owner").arg("-pxf").arg(archive).arg("-C").arg(&theirs).output();
    let tar = tar.expect("tar runs");
    if !tar.status.success() {
        return Err(format!("tar fails: {}", String::from_utf8_lossy(&tar.stderr)));
    }
    let (ours, theirs) = (tree(&ours), tree(&theirs));
    let same = |path: &PathBuf, theirs: &Found| {
        let Some(ours) = ours.get(path) else { return false };
        let time = ours.1 == theirs.1 || theirs.0.starts_with("folder") && is_now(theirs.1);
        time && (&ours.0, ours.2, &ours.3) == (&theirs.0, theirs.2, &theirs.3)
    };
    let differing = theirs.iter().find(|(path, entry)| !same(path, entry));
    match differing {
        Some((path, entry)) => {
            let found = ours.get(path).map(|(kind, time, links, _)| (kind, time, links));
            Err(format!("{}: {:?} and {found:?}", path.display(), (&entry.0, entry.1, entry.2)))
        }
        None if ours.len() != theirs.len() => Err("there is more than tar makes".to_owned()),
        None => Ok(()),
    }
}

#[test]
fn real_archives_come_out_as_gnu_tar_makes_them() {
    if !have("tar") {
        return;
    }
    let mut archives: Vec<PathBuf> = Vec::new();
    if let Some((folder, files)) = tarballs(&PACKAGES) {
        archives.extend(files.values().map(|file| folder.join(file)));
    }
    // More of them, from wherever somebody has some.
    let more = std::env::var_os("HARDTACK_TEST_ARCHIVES").map(PathBuf::from);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    let crates = cargo.or(home).map(|cargo| cargo.join("registry/cache"));
    for folder in crates.into_iter().chain(more) {
        let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
        archives.extend(files.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).filter(
            |path| {
                let name = path.to_string_lossy();
                name.contains(".tar") || name.ends_with(".crate") || name.ends_with(".tgz")
            },
        ));
    }
    if archives.is_empty() {
        return skipped("there are no archives here");
    }
    let failures: Vec<String> =
        archives.iter().filter_map(|path| Some(format!("{}: {}", path.display(), compare(path).err()?))).collect();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), archives.len(), failures.join("\n"));
}

#[test]
fn sparse_files_of_every_kind_come_out_as_gnu_tar_makes_them() {
    if !have("tar") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::create(folder.path().join("sparse")).expect("creates");
    file.set_len(5_000_000).expect("grows");
    for at in (0..60).map(|piece| piece * 80_000) {
        std::os::unix::fs::FileExt::write_all_at(&file, b"piece", at).expect("writes");
    }
    let kinds: [&[&str]; 4] =
        [&["--format=gnu"], &["--sparse-version=0.0"], &["--sparse-version=0.1"], &["--sparse-version=1.0"]];
    for kind in kinds {
        let archive = folder.path().join("a.tar");
        let mut tar = Command::new("tar");
        tar.args(["-S", "-cf"]).arg(&archive).args(kind).args(["-C"]).arg(folder.path()).arg("sparse");
        assert!(tar.status().expect("tar runs").success());
        let size = std::fs::metadata(&archive).expect("is there").len();
        assert!(size < 2_000_000, "{kind:?}: the holes are not stored: {size}");
        compare(&archive).unwrap_or_else(|difference| panic!("{kind:?}: {difference}"));
    }
}
