//! Looking for a source: the ledger, then the store, then the layouts of other programs.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::SignedDuration;

use super::error::Error;
use super::event::Event;
use super::folders;
use super::identity::{Identity, WholeFile};
use super::ledger::{Generation, Record, Word};
use super::policy::{DeletePolicy, Policy, Rule, decide};
use super::staged::Staged;
use super::store::{Cache, CacheKind};
use super::views;
use crate::base::{
    Fingerprint, IoContext, KnownVersion, Mismatch, Sha256, SourceKey, Validators, Wanted, fingerprint_file,
    read_limited,
};

/// More than a server needs to say who may delete packages, in bytes.
const LONGEST_POLICY: u64 = 4096;

/// How sure a lookup has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Is it there? A file that has not changed since it was found whole is not read again.
    Presence,
    /// Its bytes are going to be used: every one is read.
    Bytes,
}

/// A source that is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The blob. Read-only; never to be written or moved.
    pub path: Utf8PathBuf,
    /// Its digests; taken just now, unless only its presence was asked for.
    pub fingerprint: Fingerprint,
}

/// The outcome of a lookup.
#[derive(Debug)]
pub struct Lookup {
    /// The source, if it is there.
    pub hit: Option<Hit>,
    /// Files that stand where the source should, and are something else.
    pub wrong: Vec<Wrong>,
}

/// A file that is not what its source must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The file.
    pub path: Utf8PathBuf,
    /// How it differs.
    pub mismatch: Mismatch,
}

/// How the cache's answer for a source relates to its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The version the server gave, if it can be asked about.
    pub version: Option<KnownVersion>,
    /// How long ago the server last spoke for it; `None` where no clock can tell.
    pub age: Option<SignedDuration>,
}

/// What the ledger knows of a source that is looked for.
struct Known {
    identity: Identity,
    record: Option<Record>,
    /// The record is of a digest of the URL, where it was imported under that.
    hashed: Option<SourceKey>,
    /// The blob that may answer, with its digests where they were noted.
    blob: Option<(Sha256, Option<Fingerprint>)>,
}

impl Cache {
    /// Looks for a source.
    ///
    /// # Errors
    /// When a file of the cache cannot be read.
    pub fn lookup(&self, wanted: &Wanted, depth: Depth, observe: &mut dyn FnMut(Event)) -> Result<Lookup, Error> {
        observe(Event::Searching { cache: self.searched(wanted) });
        let mut lookup = Lookup { hit: None, wrong: Vec::new() };
        let mut wanted = wanted.clone();
        if self.understood() {
            let known = self.known(&wanted)?;
            if let Some((sha256, noted)) = known.blob {
                if let Some(hit) = self.blob(&wanted, known, depth, observe)? {
                    observe(Event::Using { path: self.shown_path(&wanted, &hit.path) });
                    lookup.hit = Some(hit);
                    return Ok(lookup);
                }
                // The source was seen with these bytes; others under its name are a change, not an answer, unless a
                // digest speaks for them.
                if !wanted.expected.is_some() && noted.is_some() {
                    wanted.expected.sha256 = Some(sha256);
                }
            }
        }
        let wanted = &wanted;
        for path in views::candidates(&self.layout, wanted)? {
            if let Some(hit) = self.adopt(&path, wanted, &mut lookup.wrong, observe)? {
                observe(Event::Using { path });
                lookup.hit = Some(hit);
                return Ok(lookup);
            }
        }
        let key = match wanted.views.first() {
            Some(view) => self.layout.view(view),
            None => self.layout.record(&wanted.key),
        };
        observe(Event::NotFound { file: wanted.file_name.clone(), key });
        Ok(lookup)
    }

    /// How these bytes of a source relate to its server.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn standing(&self, key: &SourceKey, sha256: &Sha256) -> Result<Standing, Error> {
        let record = if self.understood() { self.record(key)? } else { None };
        let current = record.filter(|record| record.current().sha256 == *sha256 && !record.current().foreign);
        let identity = Identity::read(&self.layout.identity(key));
        let age = current.as_ref().and_then(|_| identity.age(self.now));
        Ok(Standing { version: current.and_then(|record| record.version()), age })
    }

    /// The rule for a source of this cache, with what its Tatin server said last.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn rule(&self, policy: &Policy, wanted: &Wanted) -> Result<Rule, Error> {
        let record = match policy.delete_policy_url(wanted) {
            Some(url) => self.record(&SourceKey::url(&url))?,
            None => None,
        };
        let blob = record.map(|record| self.layout.blob(&record.current().sha256));
        let text = blob.and_then(|blob| String::from_utf8(read_limited(&blob, LONGEST_POLICY).ok()?).ok());
        Ok(decide(policy, wanted, text.map_or(DeletePolicy::Unknown, |text| DeletePolicy::parse(&text))))
    }

    /// The folder that another program would look into.
    fn searched(&self, wanted: &Wanted) -> Utf8PathBuf {
        let view = wanted.views.first().map(|view| self.layout.view(view));
        match view.as_deref().and_then(Utf8Path::parent) {
            Some(folder) => folder.to_owned(),
            None => self.layout.cmmi(),
        }
    }

    /// The ledger's entry; a damaged one counts as none, since it can be made anew from the source.
    pub(super) fn record(&self, key: &SourceKey) -> Result<Option<Record>, Error> {
        match Record::read(&self.layout.record(key), key) {
            Err(Error::Ledger { .. }) => Ok(None),
            other => other,
        }
    }

    fn known(&self, wanted: &Wanted) -> Result<Known, Error> {
        let mut record = self.record(&wanted.key)?;
        let mut hashed = None;
        let is_believed = |record: &Record| !record.current().foreign;
        if !record.as_ref().is_some_and(is_believed)
            && let Some(url) = wanted.url()
        {
            // Imported under a digest of its URL, as buildout's layouts have it.
            let key = SourceKey::of_hashed_url(&crate::base::Md5::of(url));
            let other = self.record(&key)?.filter(|other| record.is_none() || is_believed(other));
            if other.is_some() {
                (record, hashed) = (other, Some(key));
            }
        }
        let blob = match wanted.expected.sha256 {
            Some(sha256) => {
                let noted = record.as_ref().and_then(|record| record.generation(&sha256));
                Some((sha256, noted.map(Generation::fingerprint)))
            }
            None => record.as_ref().and_then(|record| {
                // Of a stranger's word for what a URL is, not even an MD5 is proof: two files can be made to share one.
                let usable = |generation: &&Generation| {
                    (!generation.foreign || self.kind == CacheKind::Project)
                        && wanted.expected.md5.is_none_or(|md5| generation.md5.is_none_or(|known| known == md5))
                };
                let mut generations = match wanted.expected.md5 {
                    Some(_) => record.generations.iter(),
                    None => record.generations[..1].iter(),
                };
                let generation = generations.find(usable)?;
                Some((generation.sha256, Some(generation.fingerprint())))
            }),
        };
        let identity =
            if blob.is_some() { Identity::read(&self.layout.identity(&wanted.key)) } else { Identity::default() };
        Ok(Known { identity, record, hashed, blob })
    }

    /// The blob, if it is there and whole.
    fn blob(
        &self,
        wanted: &Wanted,
        known: Known,
        depth: Depth,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Option<Hit>, Error> {
        let Known { mut identity, record, hashed, blob: Some((sha256, noted)) } = known else { return Ok(None) };
        let path = self.layout.blob(&sha256);
        let data = match fs::metadata(&path) {
            Ok(data) if data.is_file() => data,
            // Nothing that hardtack put there.
            Ok(_) => {
                if let Some(aside) = self.quarantine(&path)? {
                    observe(Event::Quarantined { path: aside });
                }
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).at("inspect", &path)?,
        };
        let unchanged = identity.knows(&sha256, &data);
        let answers = |noted: &Fingerprint| wanted.expected.md5.is_none() || noted.md5.is_some();
        let fingerprint = match noted {
            Some(noted) if unchanged && depth == Depth::Presence && answers(&noted) => noted,
            _ => fingerprint_file(&path)?,
        };
        if fingerprint.sha256 != sha256 {
            match self.quarantine(&path)? {
                Some(aside) => {
                    views::remove_replicas(&self.layout, wanted, &aside)?;
                    observe(Event::Quarantined { path: aside });
                }
                None => observe(Event::Ignored { path, reason: "its bytes have changed".to_owned() }),
            }
            return Ok(None);
        }
        if let Err(mismatch) = wanted.expected.check(&fingerprint) {
            observe(Event::Ignored { path, reason: mismatch.to_string() });
            return Ok(None);
        }
        identity.whole = Some(WholeFile::new(sha256, &data));
        if self.writable() && (identity.touch(self.now) || !unchanged) {
            if record.is_none() || hashed.is_some() {
                // Known by its digest from another source, or from a digest of its URL; from here on it is this one's.
                let trusted = record.as_ref().is_some_and(|record| !record.current().foreign);
                let word = if trusted { Word::Trusted } else { Word::Stranger };
                let recorded = self.recorded(wanted, &fingerprint, Validators::default(), word);
                let renamed = recorded.and_then(|()| match &hashed {
                    Some(key) => self.forget(key).map(drop),
                    None => Ok(()),
                });
                match renamed {
                    Err(error) if error.is_unwritable() => {}
                    other => other?,
                }
            }
            let path = self.layout.identity(&wanted.key);
            if folders::make(&self.layout, path.parent().unwrap_or(&path)).is_ok() {
                identity.write(&path);
            }
        }
        Ok(Some(Hit { path, fingerprint }))
    }

    /// Takes over a file that another program left in one of its layouts, by copy, if it can be trusted.
    fn adopt(
        &self,
        path: &Utf8Path,
        wanted: &Wanted,
        wrong: &mut Vec<Wrong>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Option<Hit>, Error> {
        if !wanted.expected.is_some() && self.kind == CacheKind::Shared {
            let reason = "no digest says that it is the right file".to_owned();
            observe(Event::Ignored { path: path.to_owned(), reason });
            return Ok(None);
        }
        let fingerprint = fingerprint_file(path)?;
        if let Err(mismatch) = wanted.expected.check(&fingerprint) {
            observe(Event::Ignored { path: path.to_owned(), reason: mismatch.to_string() });
            wrong.push(Wrong { path: path.to_owned(), mismatch });
            return Ok(None);
        }
        let as_it_is = || Ok(Some(Hit { path: path.to_owned(), fingerprint }));
        if !self.writable() {
            return as_it_is();
        }
        match self.take_over(path, wanted, observe) {
            Ok(hit) => {
                observe(Event::Adopted { path: path.to_owned() });
                Ok(Some(hit))
            }
            // A cache on read-only media still serves.
            Err(error) if error.is_unwritable() => as_it_is(),
            Err(error) => Err(error),
        }
    }

    fn take_over(&self, path: &Utf8Path, wanted: &Wanted, observe: &mut dyn FnMut(Event)) -> Result<Hit, Error> {
        self.prepare()?;
        let mut staged = Staged::anonymous(&self.layout)?;
        let mut file = fs::File::open(path).at("open", path)?;
        io::copy(&mut file, &mut staged).at("read", path)?;
        self.publish(staged, wanted, Validators::default(), Word::Stranger, observe)
    }

    /// The path a person knows the source by: its view, else the blob.
    pub(super) fn shown_path(&self, wanted: &Wanted, blob: &Utf8Path) -> Utf8PathBuf {
        let view = wanted.views.first().map(|view| self.layout.shown_view(view, self.views, &wanted.file_name));
        view.filter(|path| path.exists()).unwrap_or_else(|| blob.to_owned())
    }
}
