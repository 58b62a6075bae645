//! Cleaning: what nobody has used for long goes, the longest unused first, and what no source names.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use walkdir::WalkDir;

use super::clear::Cleared;
use super::contents::{Contents, Entry, below, unfinished};
use super::error::Error;
use super::event::Event;
use super::freed::freed;
use super::layout::Layout;
use super::store::Cache;
use crate::base::{Sha256, TEMPORARY, remove_tree, write_atomic};

/// Blobs that no source names are left alone for so long: somebody may be about to name them.
const UNNAMED: Duration = Duration::from_secs(60 * 60);
/// Downloads that broke off are left alone for so long: the next attempt goes on with them.
const UNFINISHED: Duration = Duration::from_secs(24 * 60 * 60);
/// What was moved aside is left alone for so long: somebody may want to know what happened to it.
const QUARANTINED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Between two cleanings that nobody asked for.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What a cache may grow to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GcLimits {
    /// Bytes of disk.
    pub max_size: Option<u64>,
    /// Time since a source was last used.
    pub max_age: Option<SignedDuration>,
}

impl GcLimits {
    /// Whether there is no limit at all.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What was cleaned, or would be.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// The sources.
    pub cleared: Cleared,
    /// Blobs no source names, broken downloads, files that were moved aside long ago.
    pub rubbish: Vec<Utf8PathBuf>,
    /// Bytes of disk that are free now.
    pub freed: u64,
    /// Bytes of disk that the cache takes now.
    pub left: u64,
}

impl Cache {
    /// Cleans the cache. `forbidden` picks sources that may not be in it any more. Where the file system has no locks,
    /// nothing is removed without `force`.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::NoLocks`]; or when a file cannot be removed.
    pub fn gc(
        &self,
        limits: GcLimits,
        forbidden: &dyn Fn(&Entry) -> bool,
        how: GcHow,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Cleaned, Error> {
        if !self.layout.own().is_dir() {
            return Ok(Cleaned::default());
        }
        let alone = match how {
            GcHow::DryRun => None,
            GcHow::Wait | GcHow::Force => Some(self.alone("hardtack cache gc", observe)?),
        };
        if alone.as_ref().is_some_and(|(lock, _)| !lock.is_real()) && how != GcHow::Force {
            return Err(Error::NoLocks { path: self.layout.root.clone() });
        }
        let dry_run = alone.is_none();
        let contents = self.contents()?;
        let leased = self.leased()?;
        let chosen = self.too_much(&contents, limits, forbidden);
        let named: BTreeSet<Sha256> = contents.entries.iter().flat_map(Entry::blobs).copied().collect();
        let rubbish = self.rubbish(&contents, &named, &leased)?;
        let rubbish_size = freed(&rubbish)?;
        let is_chosen = |entry: &Entry| chosen.contains(entry.key.as_str());
        let cleared = self.remove(contents.entries, &is_chosen, dry_run)?;
        if !dry_run {
            rubbish.iter().try_for_each(|path| remove_tree(path))?;
            for entry in self.contents()?.entries.iter().filter(|entry| entry.times.used.is_none()) {
                // From here on its age is known.
                self.dated(&entry.key, |identity, now| identity.used = Some(now));
            }
            // No download runs while the cache is held alone, so no key's lock is held either.
            below(&self.layout.key_locks())?.iter().try_for_each(|path| remove_tree(path))?;
            write_atomic(&self.layout.last_gc(), format!("{}\n", self.now).as_bytes(), 0o644)?;
        }
        let freed = cleared.freed + rubbish_size;
        let left = self.on_disk()?.saturating_sub(if dry_run { freed } else { 0 });
        Ok(Cleaned { cleared, rubbish: rubbish.into_iter().collect(), freed, left })
    }

    /// Cleans the cache if nobody uses it just now; `None` where somebody does.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn gc_if_idle(&self, limits: GcLimits) -> Result<Option<Cleaned>, Error> {
        if !self.is_idle()? {
            return Ok(None);
        }
        match self.gc(limits, &|_| false, GcHow::Wait, &mut |_| ()) {
            Ok(cleaned) => Ok(Some(cleaned)),
            Err(Error::Busy { .. } | Error::NoLocks { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether it is time to clean without being asked to.
    pub fn gc_is_due(&self) -> bool {
        let last = std::fs::read_to_string(self.layout.last_gc()).ok();
        let last = last.and_then(|text| text.trim().parse::<Timestamp>().ok());
        self.writable() && last.is_none_or(|last| self.now.duration_since(last).abs() >= EVERY)
    }

    /// The sources that are forbidden, too old, or one too many; the longest unused first.
    fn too_much(&self, contents: &Contents, limits: GcLimits, forbidden: &dyn Fn(&Entry) -> bool) -> BTreeSet<String> {
        let idle = |entry: &Entry| entry.times.used.map(|used| self.now.duration_since(used));
        let too_old = |entry: &Entry| match (limits.max_age, idle(entry)) {
            (Some(limit), Some(idle)) => idle > limit,
            _ => false,
        };
        let goes = |entry: &&Entry| forbidden(entry) || too_old(entry);
        let (gone, mut kept): (Vec<&Entry>, Vec<&Entry>) = contents.entries.iter().partition(goes);
        let mut chosen: BTreeSet<String> = gone.iter().map(|entry| entry.key.to_string()).collect();
        let Some(max_size) = limits.max_size else { return chosen };
        // The last used first; what was never used comes last.
        kept.sort_by_key(|entry| idle(entry).unwrap_or(SignedDuration::MAX));
        let (mut seen, mut size, mut full) = (BTreeSet::new(), 0, false);
        for entry in kept {
            let files = self.possible_views(entry).into_iter().chain(entry.blobs().map(|blob| self.layout.blob(blob)));
            let files = files.filter_map(|path| path.symlink_metadata().ok()).filter(Metadata::is_file);
            // A file with several names takes its place once.
            let new = files.filter(|data| seen.insert((data.dev(), data.ino())));
            size += new.map(|data| data.blocks() * 512).sum::<u64>();
            full |= size > max_size;
            if full {
                chosen.insert(entry.key.to_string());
            }
        }
        chosen
    }

    fn rubbish(
        &self,
        contents: &Contents,
        named: &BTreeSet<Sha256>,
        leased: &BTreeSet<Sha256>,
    ) -> Result<BTreeSet<Utf8PathBuf>, Error> {
        let used = |path: &Utf8Path| {
            Layout::named(path).is_some_and(|sha256| named.contains(&sha256) || leased.contains(&sha256))
        };
        let unnamed = contents.blobs.iter().filter(|path| !used(path) && is_older(path, UNNAMED)).cloned();
        let partial = unfinished(&self.layout.partial())?.into_iter().filter(|path| is_older(path, UNFINISHED));
        let aside = below(&self.layout.quarantine())?.into_iter().filter(|path| was_moved_before(path, QUARANTINED));
        // Whatever was being written when its writer was killed, in every folder that is written to.
        let mut killed = Vec::new();
        for folder in [&self.layout.own(), &self.layout.cmmi(), &self.layout.root] {
            let deep = if *folder == self.layout.root { 1 } else { usize::MAX };
            let entries = WalkDir::new(folder).min_depth(1).max_depth(deep).into_iter().flatten();
            let paths = entries.filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok());
            killed.extend(paths.filter(|path| {
                path.file_name().is_some_and(|name| name.starts_with(TEMPORARY)) && is_older(path, UNFINISHED)
            }));
        }
        Ok(unnamed.chain(partial).chain(aside).chain(killed).collect())
    }
}

/// How a cache is cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcHow {
    /// Nothing is removed.
    DryRun,
    /// As soon as nobody uses the cache.
    Wait,
    /// Also where nobody can tell whether it is used.
    Force,
}

/// Whether a file was last written so long ago; a time to come is no reason to remove it.
fn is_older(path: &Utf8Path, than: Duration) -> bool {
    path.symlink_metadata().is_ok_and(|data| is_past(data.mtime(), than))
}

/// Whether a file was last moved so long ago: that changes its inode, not the time of its bytes.
fn was_moved_before(path: &Utf8Path, than: Duration) -> bool {
    path.symlink_metadata().is_ok_and(|data| is_past(data.ctime(), than))
}

fn is_past(time: i64, than: Duration) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    u64::try_from(time).is_ok_and(|time| now.saturating_sub(time) > than.as_secs())
}
