//! Removing sources from a cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use camino::Utf8PathBuf;

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
        if !self.contents()?.entries.iter().any(chosen) {
            return Ok(Cleared { entries: Vec::new(), freed: 0 });
        }
        let _alone = (!dry_run).then(|| self.lock_all()).transpose()?;
        // Once more: somebody may have written before the lock was had.
        let entries = self.contents()?.entries;
        let (entries, kept): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(chosen);
        let kept: BTreeSet<Sha256> = kept.into_iter().map(|entry| entry.sha256).collect();
        let mut paths = BTreeSet::new();
        for entry in &entries {
            paths.extend(self.views_of(entry)?);
            if !kept.contains(&entry.sha256) {
                paths.insert(entry.blob.clone());
            }
        }
        let freed = freed(&paths)?;
        if !dry_run {
            // Records go first: one without a blob would be a promise.
            entries.iter().try_for_each(|entry| remove_tree(&entry.record))?;
            paths.iter().try_for_each(|path| remove_tree(path))?;
            for entry in &entries {
                let classic = self.layout.classic_folder(entry.key.as_str());
                if classic.join("cache.ini").is_file() && classic.read_dir_utf8().is_ok_and(|files| files.count() == 1)
                {
                    remove_tree(&classic)?;
                }
            }
        }
        Ok(Cleared { entries, freed })
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
fn freed(paths: &BTreeSet<Utf8PathBuf>) -> Result<u64, Error> {
    let mut files: BTreeMap<(u64, u64), (u64, Metadata)> = BTreeMap::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        let data = path.metadata().at("inspect", path)?;
        files.entry((data.dev(), data.ino())).or_insert((0, data)).0 += 1;
    }
    let gone = files.values().filter(|(names, data)| data.nlink() <= *names);
    Ok(gone.map(|(_, data)| data.blocks() * 512).sum())
}
