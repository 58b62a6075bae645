//! Removing sources from a cache.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};

use super::contents::{Entry, below, unfinished};
use super::error::Error;
use super::event::Event;
use super::freed::freed;
use super::layout::Layout;
use super::store::Cache;
use super::views::apk_path;
use crate::base::{IoContext, Sha256, fingerprint_file, remove_tree};

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// The sources.
    pub entries: Vec<Entry>,
    /// Chosen, and left: another process uses their bytes.
    pub in_use: Vec<Entry>,
    /// Bytes of disk that nothing uses any more: what has another name elsewhere is not freed.
    pub freed: u64,
}

impl Cache {
    /// Removes the sources that `chosen` picks, with their views, and blobs that no other source is made of; without
    /// `chosen`, everything that nobody uses. With `dry_run`, nothing is removed.
    ///
    /// # Errors
    /// [`Error::Busy`]; or when a file cannot be removed.
    pub fn clear(
        &self,
        chosen: Option<&dyn Fn(&Entry) -> bool>,
        dry_run: bool,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Cleared, Error> {
        let is_chosen = |entry: &Entry| chosen.is_none_or(|chosen| chosen(entry));
        if !self.layout.own().is_dir() || chosen.is_some() && !self.contents()?.entries.iter().any(is_chosen) {
            return Ok(Cleared::default());
        }
        let _alone = (!dry_run).then(|| self.alone("hardtack cache clear", observe)).transpose()?;
        // Once more: somebody may have written before the lock was had.
        let contents = self.contents()?;
        let mut cleared = self.remove(contents.entries, &is_chosen, dry_run)?;
        if chosen.is_none() {
            // What no source names goes too, but for what is in use.
            let leased = self.leased()?;
            let is_leased = |path: &Utf8PathBuf| Layout::named(path).is_some_and(|sha256| leased.contains(&sha256));
            let blobs = contents.blobs.into_iter().filter(|path| path.exists() && !is_leased(path));
            let used: BTreeSet<Utf8PathBuf> =
                cleared.in_use.iter().map(|entry| self.layout.identity(&entry.key)).collect();
            let identities = below(&self.layout.identities())?.into_iter().filter(|path| !used.contains(path));
            let partial = unfinished(&self.layout.partial())?;
            let rest: BTreeSet<Utf8PathBuf> =
                contents.damaged.into_iter().chain(blobs).chain(identities).chain(partial).collect();
            let gone = |path: &Utf8PathBuf| dry_run && cleared.entries.iter().any(|entry| self.is_of(entry, path));
            let rest: BTreeSet<Utf8PathBuf> = rest.into_iter().filter(|path| !gone(path)).collect();
            cleared.freed += freed(&rest)?;
            if !dry_run {
                rest.iter().try_for_each(|path| remove_tree(path))?;
            }
        }
        Ok(cleared)
    }

    /// Whether a file of the cache's own is a source's.
    fn is_of(&self, entry: &Entry, path: &Utf8PathBuf) -> bool {
        let layout = &self.layout;
        let notes = [layout.identity(&entry.key), layout.partial_data(&entry.key), layout.partial_version(&entry.key)];
        notes.contains(path) || entry.blobs().any(|sha256| layout.blob(sha256) == *path)
    }

    /// Removes those of all `entries` that `chosen` picks and nobody uses. Whoever calls has the cache alone.
    pub(super) fn remove(
        &self,
        entries: Vec<Entry>,
        chosen: &dyn Fn(&Entry) -> bool,
        dry_run: bool,
    ) -> Result<Cleared, Error> {
        let leased = self.leased()?;
        let (chosen, mut kept): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(chosen);
        let (in_use, entries): (Vec<Entry>, Vec<Entry>) =
            chosen.into_iter().partition(|entry| entry.blobs().any(|sha256| leased.contains(sha256)));
        kept.extend(in_use.iter().cloned());
        let kept: BTreeSet<Sha256> = kept.iter().flat_map(Entry::blobs).copied().collect();
        let mut paths = BTreeSet::new();
        for entry in &entries {
            paths.extend(self.views_of(entry)?);
            let blobs = entry.blobs().filter(|sha256| !kept.contains(sha256));
            paths.extend(blobs.map(|sha256| self.layout.blob(sha256)));
        }
        let layout = &self.layout;
        let notes = entries.iter().flat_map(|entry| {
            let (data, version) = (layout.partial_data(&entry.key), layout.partial_version(&entry.key));
            [entry.record.clone(), layout.identity(&entry.key), data, version]
        });
        let notes: BTreeSet<Utf8PathBuf> = notes.collect();
        let freed = freed(&notes.union(&paths).cloned().collect())?;
        if !dry_run {
            // Records go first: one without a blob would be a promise.
            notes.iter().chain(&paths).try_for_each(|path| remove_tree(path))?;
            entries.iter().try_for_each(|entry| self.remove_emptied(entry))?;
        }
        Ok(Cleared { entries, in_use, freed })
    }

    /// Where other programs' layouts may have the source.
    pub(super) fn possible_views(&self, entry: &Entry) -> Vec<Utf8PathBuf> {
        let mut paths = Vec::new();
        if let Some(md5) = entry.key.hashed_url() {
            paths.extend([&self.layout.cmmi(), &self.layout.root].map(|folder| folder.join(md5.to_string())));
        } else if let Some(url) = entry.url.as_deref() {
            paths.extend([self.layout.modern_view(url), self.layout.root_view(url)]);
            paths.extend(apk_path(url).map(|path| self.layout.root.join(path)));
            let files = self.layout.classic_folder(url).read_dir_utf8().into_iter().flatten().flatten();
            paths.extend(files.map(|file| file.into_path()).filter(|path| path.file_name() != Some("cache.ini")));
        }
        paths.retain(|path| path.is_file() && self.layout.holds(path));
        paths
    }

    /// The files of other programs' layouts that hold the source's bytes; others of its name are somebody else's.
    pub(super) fn views_of(&self, entry: &Entry) -> Result<Vec<Utf8PathBuf>, Error> {
        let blob = self.layout.blob(&entry.fingerprint.sha256);
        let mut views = Vec::new();
        for path in self.possible_views(entry) {
            if is_replica(&path, &blob, entry)? {
                views.push(path);
            }
        }
        Ok(views)
    }

    /// Removes what stands beside the views of a source that is gone.
    fn remove_emptied(&self, entry: &Entry) -> Result<(), Error> {
        let Some(url) = entry.url.as_deref() else { return Ok(()) };
        let classic = self.layout.classic_folder(url);
        if classic.join("cache.ini").is_file() && classic.read_dir_utf8().is_ok_and(|files| files.count() == 1) {
            remove_tree(&classic)?;
        }
        if let Some(path) = apk_path(url).map(|path| self.layout.root.join(path)).filter(|path| !path.exists()) {
            remove_tree(&Utf8PathBuf::from(format!("{path}.etag")))?;
            // Folders that others use are not empty, and stay.
            let above = path.ancestors().skip(1).take_while(|folder| *folder != self.layout.root);
            above.take_while(|folder| std::fs::remove_dir(folder).is_ok()).for_each(drop);
        }
        Ok(())
    }
}

/// Whether a file has the bytes of a source, told by its inode where that is enough.
fn is_replica(path: &Utf8Path, blob: &Utf8Path, entry: &Entry) -> Result<bool, Error> {
    let data = path.metadata().at("inspect", path)?;
    if blob.metadata().is_ok_and(|blob| (blob.dev(), blob.ino()) == (data.dev(), data.ino())) {
        return Ok(true);
    }
    Ok(data.len() == entry.fingerprint.size && fingerprint_file(path)?.sha256 == entry.fingerprint.sha256)
}
