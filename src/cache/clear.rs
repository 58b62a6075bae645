//! Removing sources from a cache.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};

use super::contents::Entry;
use super::error::Error;
use super::store::Cache;
use crate::base::{IoContext, Sha256, fingerprint_file, remove_tree};

/// What was removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// The sources.
    pub entries: Vec<Entry>,
    /// Bytes of disk that nothing uses any more: what has another name elsewhere is not freed.
    pub freed: u64,
}

impl Cache {
    /// Removes the sources that `chosen` picks, with their views, and blobs that no other source is made of. With
    /// `dry_run`, nothing is removed.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear(&self, chosen: &dyn Fn(&Entry) -> bool, dry_run: bool) -> Result<Cleared, Error> {
        let contents = self.contents()?;
        let (entries, kept): (Vec<Entry>, Vec<Entry>) = contents.entries.into_iter().partition(chosen);
        let mut cleared = Cleared { entries, freed: 0 };
        if cleared.entries.is_empty() {
            return Ok(cleared);
        }
        let _alone = (!dry_run).then(|| self.lock_all()).transpose()?;
        let kept: BTreeSet<Sha256> = kept.into_iter().map(|entry| entry.sha256).collect();
        let mut gone = BTreeSet::new();
        for entry in &cleared.entries {
            let mut paths = self.views_of(entry)?;
            if !kept.contains(&entry.sha256) && gone.insert(entry.sha256) {
                paths.push(entry.blob.clone());
            }
            cleared.freed += freed(&paths)?;
            if !dry_run {
                // The record goes first: one without a blob would be a promise.
                remove_tree(&entry.record)?;
                paths.iter().try_for_each(|path| remove_tree(path))?;
                let classic = self.layout.classic_folder(entry.key.as_str());
                if classic.join("cache.ini").is_file() && classic.read_dir_utf8().is_ok_and(|files| files.count() == 1)
                {
                    remove_tree(&classic)?;
                }
            }
        }
        Ok(cleared)
    }

    /// The files of buildout's layouts that hold the source's bytes; others of its name are somebody else's.
    fn views_of(&self, entry: &Entry) -> Result<Vec<Utf8PathBuf>, Error> {
        let url = entry.key.as_str();
        let mut candidates = vec![self.layout.modern_view(url), self.layout.root_view(url)];
        let classic = self.layout.classic_folder(url);
        let files = classic.read_dir_utf8().into_iter().flatten().flatten();
        candidates.extend(files.map(|file| file.into_path()).filter(|path| path.file_name() != Some("cache.ini")));
        let mut views = Vec::new();
        for path in candidates.into_iter().filter(|path| path.is_file()) {
            let size = path.metadata().at("inspect", &path)?.len();
            if size == entry.size && fingerprint_file(&path)?.sha256 == entry.sha256 {
                views.push(path);
            }
        }
        Ok(views)
    }
}

/// Bytes of disk that are free once all these names are gone.
fn freed(paths: &[Utf8PathBuf]) -> Result<u64, Error> {
    let mut freed = 0;
    let mut seen: Vec<(u64, u64)> = Vec::new();
    let inspect = |path: &Utf8Path| path.metadata().at("inspect", path);
    for path in paths.iter().filter(|path| path.is_file()) {
        let data = inspect(path)?;
        let file = (data.dev(), data.ino());
        if seen.contains(&file) {
            continue;
        }
        seen.push(file);
        let mut names = 0;
        for other in paths.iter().filter(|path| path.is_file()) {
            let other = inspect(other)?;
            names += u64::from((other.dev(), other.ino()) == file);
        }
        if data.nlink() <= names {
            freed += data.blocks() * 512;
        }
    }
    Ok(freed)
}
