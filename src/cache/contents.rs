//! What is in a cache: its sources, what they take, and whether they are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::error::Error;
use super::event::Event;
use super::identity::Identity;
use super::ledger::Record;
use super::store::Cache;
use crate::base::{
    Class, Fingerprint, IoContext, PathError, Sha256, SourceKey, TEMPORARY, Validators, files_below, in_parallel,
    remove_tree, sha256_file,
};

/// A source that a cache has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: SourceKey,
    /// Its URL exactly as a config has it, if it is known and has no secret.
    pub url: Option<String>,
    /// How long what is here holds.
    pub class: Class,
    /// Digests of its bytes.
    pub fingerprint: Fingerprint,
    /// It was taken over from another program, or imported.
    pub foreign: bool,
    /// What the server said of it.
    pub version: Validators,
    /// Its blob.
    pub blob: Utf8PathBuf,
    /// Digests of bytes it had earlier, newest first.
    pub earlier: Vec<Sha256>,
    /// When its bytes came, when the server last spoke for them, and when they were last used, as far as is known.
    pub times: Times,
    /// Its ledger file.
    pub(super) record: Utf8PathBuf,
}

/// When things happened to a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Its bytes came.
    pub retrieved: Option<Timestamp>,
    /// The server last said that they are current.
    pub validated: Option<Timestamp>,
    /// They were last asked for, give or take a day.
    pub used: Option<Timestamp>,
}

impl Entry {
    /// The last element of its path.
    pub fn file_name(&self) -> &str {
        let path = self.key.as_str().split(['?', '#']).next().unwrap_or_default();
        path.rsplit(['/', ':']).find(|name| !name.is_empty()).unwrap_or("index")
    }

    /// All blobs it has or had.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &Sha256> {
        std::iter::once(&self.fingerprint.sha256).chain(&self.earlier)
    }
}

/// Everything a cache has.
#[derive(Debug, Default)]
pub struct Contents {
    /// The sources, sorted by name.
    pub entries: Vec<Entry>,
    /// Ledger files that make no sense.
    pub damaged: Vec<Utf8PathBuf>,
    /// The blobs.
    pub blobs: Vec<Utf8PathBuf>,
    /// Files that were moved aside because they had changed.
    pub quarantined: usize,
    /// Downloads that did not end.
    pub partial: usize,
}

/// Something in a cache that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: Utf8PathBuf,
    /// What is wrong with it.
    pub kind: FindingKind,
}

/// What is wrong with a file of a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingKind {
    /// A blob whose bytes are others than its name says.
    Changed,
    /// A ledger file that makes no sense.
    Damaged,
    /// A ledger file whose blob is gone.
    NoBlob(SourceKey),
}

impl Cache {
    /// Lists what is in the cache. A cache that was never written has nothing.
    ///
    /// # Errors
    /// When a file of the cache cannot be read.
    pub fn contents(&self) -> Result<Contents, Error> {
        let mut contents = Contents::default();
        for path in below(&self.layout.ledger())? {
            match Record::open(&path) {
                Ok(record) if self.layout.record(&record.key) == path => {
                    contents.entries.push(self.entry_of(record, path));
                }
                // A record under another's name answers nobody.
                Ok(_) => contents.damaged.push(path),
                Err(Error::Ledger { path, .. }) => contents.damaged.push(path),
                // Somebody removed it meanwhile.
                Err(Error::Io(error)) if error.source.kind() == io::ErrorKind::NotFound => {}
                Err(Error::Io(error)) if error.is_no_such_file() => contents.damaged.push(path),
                Err(error) => return Err(error),
            }
        }
        contents.entries.sort_by(|a, b| a.key.cmp(&b.key));
        contents.blobs = below(&self.layout.store())?;
        contents.quarantined = below(&self.layout.quarantine())?.len();
        let partial = unfinished(&self.layout.partial())?;
        // Beside what was downloaded there may be a note on it, or objects that it is made from.
        let is_beside =
            |path: &Utf8PathBuf| path.extension().is_some_and(|end| end == "json" || end.starts_with("git-"));
        contents.partial = partial.iter().filter(|path| !is_beside(path)).count();
        Ok(contents)
    }

    /// Bytes that the cache takes on its disk: files with several names count once.
    ///
    /// # Errors
    /// When a file of the cache cannot be read.
    pub fn on_disk(&self) -> Result<u64, Error> {
        // What is there only as long as this command runs is not counted.
        let (files, leases) = (below(&self.layout.root)?, self.layout.leases());
        let files = files.iter().filter(|path| !path.starts_with(&leases));
        let inodes = files.filter_map(|path| path.symlink_metadata().ok());
        let sizes: BTreeMap<(u64, u64), u64> =
            inodes.map(|data| ((data.dev(), data.ino()), data.blocks() * 512)).collect();
        Ok(sizes.values().sum())
    }

    /// One source, if the cache has it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn entry(&self, key: &SourceKey) -> Result<Option<Entry>, Error> {
        Ok(self.record(key)?.map(|record| self.entry_of(record, self.layout.record(key))))
    }

    fn entry_of(&self, record: Record, path: Utf8PathBuf) -> Entry {
        let Identity { retrieved, validated, used, .. } = Identity::read(&self.layout.identity(&record.key));
        let current = record.current();
        Entry {
            blob: self.layout.blob(&current.sha256),
            fingerprint: current.fingerprint(),
            foreign: current.foreign,
            version: current.version.clone(),
            earlier: record.generations[1..].iter().map(|earlier| earlier.sha256).collect(),
            times: Times { retrieved, validated, used },
            class: record.class,
            url: record.exact_url(),
            key: record.key,
            record: path,
        }
    }

    /// Reads every byte and compares it with its digest. Nobody removes anything meanwhile.
    ///
    /// # Errors
    /// [`Error::Busy`]; or when a file of the cache cannot be read.
    pub fn verify(&self, observe: &mut dyn FnMut(Event)) -> Result<Vec<Finding>, Error> {
        let _session =
            if self.layout.own().is_dir() { Some(self.use_it("hardtack cache verify", observe)?) } else { None };
        self.faults()
    }

    fn faults(&self) -> Result<Vec<Finding>, Error> {
        let contents = self.contents()?;
        let mut findings = changed(&contents.blobs)?;
        findings.extend(contents.damaged.into_iter().map(|path| Finding { path, kind: FindingKind::Damaged }));
        for entry in contents.entries.into_iter().filter(|entry| !entry.blob.is_file()) {
            findings.push(Finding { path: entry.record, kind: FindingKind::NoBlob(entry.key) });
        }
        findings.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(findings)
    }

    /// Verifies, and puts right what is found: what has changed is moved aside, and what says nothing true is removed, so
    /// that the sources are fetched again when they are wanted. Nobody else writes meanwhile.
    ///
    /// # Errors
    /// When the cache cannot be read or written.
    pub fn repair(&self, observe: &mut dyn FnMut(Event)) -> Result<Vec<Finding>, Error> {
        let _alone = self.alone("hardtack cache verify", observe)?;
        let findings = self.faults()?;
        let mut changed = BTreeSet::new();
        for Finding { path, kind } in &findings {
            match kind {
                FindingKind::Changed => {
                    let data = path.symlink_metadata().at("inspect", path)?;
                    changed.insert((data.dev(), data.ino()));
                    self.quarantine(path)?;
                }
                FindingKind::Damaged => remove_tree(path)?,
                FindingKind::NoBlob(_) => {}
            }
        }
        self.remove_replicas(&changed)?;
        // Of bytes that are gone no record may speak any more; earlier ones that are left are not the current ones.
        for entry in self.contents()?.entries {
            let Some(mut record) = self.record(&entry.key)? else { continue };
            let current_is_gone = !entry.blob.is_file();
            record.generations.retain(|generation| self.layout.blob(&generation.sha256).is_file());
            if record.generations.is_empty() {
                remove_tree(&entry.record)?;
            } else if current_is_gone {
                record.generations.iter_mut().for_each(|generation| generation.foreign = true);
                record.write(&entry.record)?;
            }
        }
        Ok(findings)
    }

    /// Removes files of other programs' layouts that are one of these, told by device and inode.
    fn remove_replicas(&self, changed: &BTreeSet<(u64, u64)>) -> Result<(), Error> {
        if changed.is_empty() {
            return Ok(());
        }
        let own = self.layout.own();
        for path in below(&self.layout.root)?.iter().filter(|path| !path.starts_with(&own)) {
            let is_one = path.symlink_metadata().is_ok_and(|data| changed.contains(&(data.dev(), data.ino())));
            if is_one {
                remove_tree(path)?;
            }
        }
        Ok(())
    }
}

/// Blobs whose bytes are others than their names say, found on all processors.
fn changed(blobs: &[Utf8PathBuf]) -> Result<Vec<Finding>, PathError> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let outcomes = in_parallel(blobs, threads, |path| {
        let whole = match sha256_file(path) {
            Ok(sha256) => path.file_name() == Some(sha256.to_string().as_str()),
            // Somebody removed it meanwhile, which is no fault; what is no file is one.
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => true,
            Err(error) if error.is_no_such_file() => false,
            Err(error) => return Err(error),
        };
        Ok((!whole).then(|| Finding { path: path.clone(), kind: FindingKind::Changed }))
    });
    outcomes.into_iter().filter_map(Result::transpose).collect()
}

/// The files below a folder, but for those that are being written; none where there is no such folder.
pub(super) fn below(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, PathError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let whole = files_below(folder)?.into_iter().filter(|path| !is_temporary(path));
    Ok(whole.map(|path| folder.join(path)).collect())
}

/// What lies in the folder of unfinished downloads: files, and folders of what some are made from.
pub(super) fn unfinished(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, PathError> {
    let entries = match folder.read_dir_utf8() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("read folder", folder)?,
    };
    let entries: Vec<_> = entries.collect::<Result<_, _>>().at("read folder", folder)?;
    let mut paths: Vec<Utf8PathBuf> = entries.into_iter().map(|entry| entry.into_path()).collect();
    paths.retain(|path| !path.file_name().is_some_and(|name| is_temporary(name.into())));
    paths.sort();
    Ok(paths)
}

/// Whether a name is of something that is being written, or was when its writer was killed, or of a file that NFS keeps
/// for somebody who still reads it.
fn is_temporary(path: &Utf8Path) -> bool {
    path.components().any(|name| name.as_str().starts_with(TEMPORARY) || name.as_str().starts_with(".nfs"))
}
