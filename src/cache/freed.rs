//! What the disk gains when files go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use camino::Utf8PathBuf;
use walkdir::WalkDir;

use crate::base::{IoContext, PathError};

/// Bytes of disk that are free once all these names are gone: a file with a name elsewhere stays, and so do its bytes.
pub(super) fn freed(paths: &BTreeSet<Utf8PathBuf>) -> Result<u64, PathError> {
    let mut files: BTreeMap<(u64, u64), (u64, Metadata)> = BTreeMap::new();
    let below = paths.iter().flat_map(|path| WalkDir::new(path).into_iter().flatten());
    for entry in below.filter(|entry| entry.file_type().is_file()) {
        let data = entry.path().symlink_metadata().at("inspect", entry.path().to_string_lossy().as_ref())?;
        files.entry((data.dev(), data.ino())).or_insert((0, data)).0 += 1;
    }
    let gone = files.values().filter(|(names, data)| data.nlink() <= *names);
    Ok(gone.map(|(_, data)| data.blocks() * 512).sum())
}
