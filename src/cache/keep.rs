//! Putting a source into a cache: the blob, then the ledger, then the layouts of other programs.

use std::fs;
use std::io;

use camino::Utf8Path;

use super::error::Error;
use super::event::Event;
use super::folders;
use super::identity::{Identity, WholeFile};
use super::layout::FORMAT;
use super::ledger::{Generation, Record, Word};
use super::lookup::Hit;
use super::session::KeyLock;
use super::staged::Staged;
use super::store::Cache;
use super::views;
use crate::base::{Fingerprint, IoContext, KnownVersion, Sha256, SourceKey, Validators, Wanted, remove_tree};

impl Cache {
    /// Opens a file to be filled with a source's bytes and then [kept](Cache::keep). It holds what an earlier attempt
    /// got. With `md5`, that is taken on the way.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn stage(&self, lock: &KeyLock, md5: bool) -> Result<Staged, Error> {
        self.prepare()?;
        Staged::of_source(&self.layout, lock, md5)
    }

    /// The same, with nothing of any earlier attempt, and nothing left for a later one.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn stage_anew(&self) -> Result<Staged, Error> {
        self.prepare()?;
        Staged::anonymous(&self.layout)
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
        let hit = self.publish(staged, wanted, version, Word::Server, observe)?;
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
        word: Word,
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
        if path.is_dir() {
            self.quarantine(&path)?;
        }
        staged.publish(&path, 0o444)?;
        self.recorded(wanted, &fingerprint, version, word)?;
        // What was taken over lies in a view already, and is not ours to replace.
        if word != Word::Stranger {
            self.write_views(wanted, &path, &fingerprint.sha256, observe);
        }
        let whole = fs::metadata(&path).ok().map(|data| WholeFile::new(fingerprint.sha256, &data));
        self.dated(&wanted.key, |identity, now| {
            (identity.used, identity.whole) = (Some(now), whole);
            // Only the server can say how fresh something is.
            if word == Word::Server {
                (identity.retrieved, identity.validated) = (Some(now), Some(now));
            }
        });
        Ok(Hit { path, fingerprint })
    }

    /// Writes down whose bytes these are said to be, and by whom.
    pub(super) fn recorded(
        &self,
        wanted: &Wanted,
        fingerprint: &Fingerprint,
        version: Validators,
        word: Word,
    ) -> Result<(), Error> {
        let generation = Generation::new(fingerprint, word == Word::Stranger, version);
        let path = self.layout.record(&wanted.key);
        folders::make(&self.layout, path.parent().unwrap_or(&path))?;
        let reason = match self.kind {
            super::CacheKind::Shared => "nothing speaks against it",
            super::CacheKind::Project => "a project's own cache takes everything",
        };
        let url = wanted.url().filter(|url| *url != wanted.key.as_str()).map(str::to_owned);
        let secret = wanted.secret;
        let record = match self.record(&wanted.key)? {
            Some(mut known) if word == Word::Server => {
                known.renew(generation);
                Record { url: url.or(known.url), secret, class: wanted.class(), ignores_conditions: false, ..known }
            }
            Some(mut known) => {
                known.hear(generation);
                known
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
    pub fn confirm(&self, key: &SourceKey, sha256: &Sha256, version: &KnownVersion) -> Result<(), Error> {
        let record = self.record(key)?.filter(|record| record.current().sha256 == *sha256);
        let Some(mut record) = record else { return Ok(()) };
        let changed = record.version().as_ref() != Some(version);
        if changed {
            record.generations[0].version = version.validators.clone();
            record.ignores_conditions = version.ignores_conditions;
            match record.write(&self.layout.record(key)) {
                Err(error) if error.is_unwritable() => {}
                other => other?,
            }
        }
        self.dated(key, |identity, now| identity.validated = Some(now));
        Ok(())
    }

    /// Changes what this machine knows of a source, where it can be written.
    pub(super) fn dated(&self, key: &SourceKey, change: impl FnOnce(&mut Identity, jiff::Timestamp)) {
        let path = self.layout.identity(key);
        let mut identity = Identity::read(&path);
        change(&mut identity, self.now);
        if folders::make(&self.layout, path.parent().unwrap_or(&path)).is_ok() {
            identity.write(&path);
        }
    }

    /// Writes the layouts asked for where one of them lacks a source that was found, as for one that is fetched.
    pub fn show(&self, wanted: &Wanted, hit: &Hit, observe: &mut dyn FnMut(Event)) {
        if !self.writable() || views::complete(&self.layout, self.views, wanted, hit.fingerprint.size) {
            return;
        }
        self.write_views(wanted, &hit.path, &hit.fingerprint.sha256, observe);
        // A hard link more is a change of the blob's file, though not of its bytes.
        if let Ok(data) = fs::metadata(&hit.path) {
            let whole = WholeFile::new(hit.fingerprint.sha256, &data);
            self.dated(&wanted.key, |identity, _| identity.whole = Some(whole));
        }
    }

    /// Other programs' layouts are a service; what is in their way is told, and keeps nothing from being found.
    fn write_views(&self, wanted: &Wanted, blob: &Utf8Path, sha256: &Sha256, observe: &mut dyn FnMut(Event)) {
        let record = self.record(&wanted.key).ok().flatten();
        let generation = record.as_ref().and_then(|record| record.generation(sha256));
        let etag = generation.and_then(|generation| generation.version.etag.as_deref());
        let (layout, link_mode) = (&self.layout, self.link_mode);
        let order = views::Order { layout, views: self.views, link_mode, now: self.now, aloud: true };
        match views::write(&order, wanted, blob, etag, observe) {
            Err(error) if error.is_unwritable() => {}
            Err(Error::Io(error)) => {
                let reason = format!("{error}: {}", error.source);
                observe(Event::LeftOut { path: error.path, reason });
            }
            _ => {}
        }
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
