//! Putting a source into a cache: the blob, then the ledger, then the layouts of other programs.

use std::fs;
use std::io;

use camino::Utf8Path;

use super::error::Error;
use super::event::Event;
use super::folders::{self, unwritable};
use super::identity::{Identity, WholeFile};
use super::layout::FORMAT;
use super::ledger::{Generation, Record};
use super::lookup::Hit;
use super::session::KeyLock;
use super::staged::Staged;
use super::store::Cache;
use super::views;
use crate::base::{IoContext, KnownVersion, SourceKey, Validators, Wanted, remove_tree};

impl Cache {
    /// Opens a file to be filled with a source's bytes and then [kept](Cache::keep). It holds what an earlier attempt
    /// got.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn stage(&self, lock: &KeyLock) -> Result<Staged, Error> {
        self.prepare()?;
        Staged::of_source(&self.layout, lock)
    }

    /// Makes a staged file the answer to a source, if it has the digests it must have.
    ///
    /// # Errors
    /// [`Error::WrongDigest`]; or when the cache cannot be written.
    pub fn keep(
        &self,
        staged: Staged,
        wanted: &Wanted,
        version: Validators,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Hit, Error> {
        let hit = self.publish(staged, wanted, version, false, observe)?;
        let path = self.shown_path(wanted, &hit.path);
        observe(Event::Stored { source: wanted.key.to_string(), path });
        Ok(hit)
    }

    /// Copies a file of this machine into the cache. It is never linked: its owner may go on writing to it.
    ///
    /// # Errors
    /// As [`Cache::keep`], and when the file cannot be read.
    pub fn copy_in(&self, path: &Utf8Path, wanted: &Wanted, observe: &mut dyn FnMut(Event)) -> Result<Hit, Error> {
        let mut file = fs::File::open(path).at("open", path)?;
        self.prepare()?;
        let mut staged = Staged::anonymous(&self.layout)?;
        io::copy(&mut file, &mut staged).at("read", path)?;
        self.keep(staged, wanted, Validators::default(), observe)
    }

    pub(super) fn publish(
        &self,
        mut staged: Staged,
        wanted: &Wanted,
        version: Validators,
        foreign: bool,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Hit, Error> {
        let fingerprint = staged.fingerprint();
        if let Err(mismatch) = wanted.expected.check(&fingerprint) {
            staged.discard();
            return Err(Error::WrongDigest { key: wanted.key.clone(), mismatch });
        }
        let path = self.layout.blob(&fingerprint.sha256);
        // Also over a blob that is there: nobody has looked whether it is still whole.
        folders::make(&self.layout, path.parent().unwrap_or(&path))?;
        staged.publish(&path, 0o444)?;
        self.recorded(wanted, Generation::new(&fingerprint, foreign, version))?;
        // What was taken over lies in a view already, and is not ours to replace.
        if !foreign {
            self.write_views(wanted, &path, observe)?;
        }
        let whole = fs::metadata(&path).ok().map(|data| WholeFile::new(fingerprint.sha256, &data));
        self.dated(&wanted.key, |identity, now| {
            (identity.retrieved, identity.used, identity.whole) = (Some(now), Some(now), whole);
            identity.validated = (!foreign).then_some(now);
        });
        Ok(Hit { path, fingerprint })
    }

    /// Writes down that these are the bytes of the source now.
    pub(super) fn recorded(&self, wanted: &Wanted, generation: Generation) -> Result<(), Error> {
        let path = self.layout.record(&wanted.key);
        folders::make(&self.layout, path.parent().unwrap_or(&path))?;
        let reason = match self.kind {
            super::CacheKind::Shared => "nothing speaks against it",
            super::CacheKind::Project => "a project's own cache takes everything",
        };
        let url = wanted.url().filter(|url| *url != wanted.key.as_str()).map(str::to_owned);
        let secret = wanted.views.is_empty() && wanted.key.as_str().contains("://");
        let record = match self.record(&wanted.key)? {
            Some(mut known) => {
                known.renew(generation);
                Record { url: url.or(known.url), secret, class: wanted.class(), ignores_conditions: false, ..known }
            }
            None => Record {
                format: FORMAT,
                key: wanted.key.clone(),
                url,
                secret,
                class: wanted.class(),
                reason: reason.to_owned(),
                generations: vec![generation],
                ignores_conditions: false,
            },
        };
        record.write(&path)
    }

    /// Notes that the server says what is here still is the current version.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn confirm(&self, key: &SourceKey, version: &KnownVersion) -> Result<(), Error> {
        let Some(mut record) = self.record(key)? else { return Ok(()) };
        let changed = record.version().as_ref() != Some(version);
        if changed {
            record.generations[0].version = version.validators.clone();
            record.ignores_conditions = version.ignores_conditions;
            match record.write(&self.layout.record(key)) {
                Err(Error::Io(error)) if unwritable(&error.source) => {}
                other => other?,
            }
        }
        self.dated(key, |identity, now| identity.validated = Some(now));
        Ok(())
    }

    /// Changes what this machine knows of a source, where it can be written.
    fn dated(&self, key: &SourceKey, change: impl FnOnce(&mut Identity, jiff::Timestamp)) {
        let path = self.layout.identity(key);
        let mut identity = Identity::read(&path);
        change(&mut identity, self.now);
        if folders::make(&self.layout, path.parent().unwrap_or(&path)).is_ok() {
            identity.write(&path);
        }
    }

    /// Writes the layouts asked for where one of them lacks a source that was found, as for one that is fetched. A cache
    /// that cannot be written is as good without.
    ///
    /// # Errors
    /// When a view cannot be written for another reason.
    pub fn show(&self, wanted: &Wanted, hit: &Hit, observe: &mut dyn FnMut(Event)) -> Result<(), Error> {
        if !self.writable() || views::complete(&self.layout, self.views, wanted, hit.fingerprint.size) {
            return Ok(());
        }
        match self.write_views(wanted, &hit.path, observe) {
            Err(Error::Io(error)) if unwritable(&error.source) => return Ok(()),
            other => other?,
        }
        // A hard link more is a change of the blob's file, though not of its bytes.
        if let Ok(data) = fs::metadata(&hit.path) {
            let whole = WholeFile::new(hit.fingerprint.sha256, &data);
            self.dated(&wanted.key, |identity, _| identity.whole = Some(whole));
        }
        Ok(())
    }

    fn write_views(&self, wanted: &Wanted, blob: &Utf8Path, observe: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let etag = self.record(&wanted.key)?.and_then(|record| record.current().version.etag.clone());
        let (layout, link_mode) = (&self.layout, self.link_mode);
        let order = views::Order { layout, views: self.views, link_mode, now: self.now, aloud: true };
        views::write(&order, wanted, blob, etag.as_deref(), observe)
    }

    /// Drops what the ledger has of a source that may not be here any more. Blobs nobody names go with the next
    /// cleaning.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn forget(&self, key: &SourceKey) -> Result<bool, Error> {
        let path = self.layout.record(key);
        if !self.writable() || !path.is_file() {
            return Ok(false);
        }
        let Some(entry) = self.entry(key)? else { return Ok(false) };
        let views = self.views_of(&entry)?;
        remove_tree(&path)?;
        views.iter().try_for_each(|view| remove_tree(view))?;
        remove_tree(&self.layout.identity(key))?;
        Ok(true)
    }
}
