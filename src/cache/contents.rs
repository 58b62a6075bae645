//! What is in a cache: its sources, what they take, and whether they are whole.

use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::ledger::Record;
use super::store::Cache;
use crate::base::{IoContext, Md5, PathError, Sha256, SourceKey, files_below, fingerprint_file, remove_tree};

/// A source that a cache has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: SourceKey,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// MD5 of its bytes.
    pub md5: Md5,
    /// Number of bytes.
    pub size: u64,
    /// It was taken over from another program.
    pub foreign: bool,
    /// Its blob.
    pub blob: Utf8PathBuf,
    /// Its ledger file.
    pub(super) record: Utf8PathBuf,
}

/// Everything a cache has.
#[derive(Debug, Default)]
pub struct Contents {
    /// The sources, sorted by name.
    pub entries: Vec<Entry>,
    /// Ledger files that make no sense.
    pub damaged: Vec<Utf8PathBuf>,
    /// Bytes on disk of all blobs, as the file system counts them.
    pub on_disk: u64,
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
                Ok(record) => contents.entries.push(Entry {
                    blob: self.layout.blob(&record.sha256),
                    key: record.key,
                    sha256: record.sha256,
                    md5: record.md5,
                    size: record.size,
                    foreign: record.foreign,
                    record: path,
                }),
                Err(Error::Ledger { path, .. }) => contents.damaged.push(path),
                Err(error) => return Err(error),
            }
        }
        contents.entries.sort_by(|a, b| a.key.cmp(&b.key));
        contents.blobs = below(&self.layout.store())?;
        for blob in &contents.blobs {
            contents.on_disk += blob.metadata().at("inspect", blob)?.blocks() * 512;
        }
        contents.quarantined = below(&self.layout.quarantine())?.len();
        contents.partial = below(&self.layout.partial())?.len();
        Ok(contents)
    }

    /// Reads every byte and compares it with its digest.
    ///
    /// # Errors
    /// When a file of the cache cannot be read.
    pub fn verify(&self) -> Result<Vec<Finding>, Error> {
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
    pub fn repair(&self) -> Result<Vec<Finding>, Error> {
        let _alone = self.lock_all()?;
        let findings = self.verify()?;
        for Finding { path, kind } in &findings {
            match kind {
                FindingKind::Changed => drop(self.quarantine(path)?),
                FindingKind::Damaged | FindingKind::NoBlob(_) => remove_tree(path)?,
            }
        }
        // Of a blob that was moved aside, no record may speak any more.
        let gone = self.contents()?.entries.into_iter().filter(|entry| !entry.blob.is_file());
        gone.into_iter().try_for_each(|entry| remove_tree(&entry.record))?;
        Ok(findings)
    }
}

/// Blobs whose bytes are others than their names say, found on all processors.
fn changed(blobs: &[Utf8PathBuf]) -> Result<Vec<Finding>, PathError> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Ok(Vec::new())));
    let check = |path: &Utf8PathBuf| -> Result<bool, PathError> {
        let fingerprint = fingerprint_file(path)?;
        Ok(path.file_name() == Some(fingerprint.sha256.to_string().as_str()))
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some(path) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = check(path);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    match (outcome, &mut *found) {
                        (Ok(false), Ok(list)) => list.push(Finding { path: path.clone(), kind: FindingKind::Changed }),
                        (Err(error), Ok(_)) => *found = Err(error),
                        _ => {}
                    }
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The files below a folder; none where there is no such folder.
fn below(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, PathError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    Ok(files_below(folder)?.into_iter().map(|path| folder.join(path)).collect())
}
