//! Who uses a cache: what is in use is not removed, and one download is made once.
//!
//! Everybody who reads or writes holds the cache's lock together with the others; who removes holds it alone. What is
//! used for long, by a build that goes on for hours, is written on a lease instead, so that nobody waits for its end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::time::Duration;

use camino::Utf8PathBuf;
use walkdir::WalkDir;

use super::error::Error;
use super::event::Event;
use super::folders;
use super::store::Cache;
use crate::base::{FileLock, IoContext, LockMode, Sha256, SourceKey, files_below, open_file, remove_tree};

/// Longest wait of one who cleans the cache for those who use it.
const PATIENCE_TO_CLEAN: Duration = Duration::from_secs(60);
/// Longest wait for one who cleans it.
const PATIENCE_TO_USE: Duration = Duration::from_secs(600);
/// Shorter waits are not told.
const WORTH_TELLING: Duration = Duration::from_millis(300);
/// Longest wait for another process's download while nothing comes.
const STALLED: Duration = Duration::from_secs(300);

/// A process's use of a cache.
#[derive(Debug)]
pub struct Session {
    lease: Option<Lease>,
    shared: Option<FileLock>,
}

#[derive(Debug)]
struct Lease {
    path: Utf8PathBuf,
    file: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Session {
    /// Goes on using these blobs, and lets others clean the cache meanwhile.
    ///
    /// # Errors
    /// When the lease cannot be written.
    pub fn keep_only(mut self, blobs: &BTreeSet<Sha256>) -> Result<Self, Error> {
        if let Some(lease) = &mut self.lease {
            let text: String = blobs.iter().map(|sha256| format!("{sha256}\n")).collect();
            lease.file.write_all(text.as_bytes()).and_then(|()| lease.file.sync_all()).at("write", &lease.path)?;
            self.shared = None;
        }
        Ok(self)
    }
}

/// One process's right to download a source.
#[derive(Debug)]
pub struct KeyLock {
    key: SourceKey,
    lock: FileLock,
}

impl KeyLock {
    /// The source.
    pub fn key(&self) -> &SourceKey {
        &self.key
    }

    /// Whether nobody else can have it too: some file systems know no locks.
    pub fn is_real(&self) -> bool {
        self.lock.is_real()
    }
}

impl Cache {
    /// Starts using the cache, as `user` for those who wait. A cache that cannot be written can be used too.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody cleans it and does not come to an end; or when the lock fails.
    pub fn use_it(&self, user: &str, observe: &mut dyn FnMut(Event)) -> Result<Session, Error> {
        let nothing = Session { lease: None, shared: None };
        if !self.writable() || !self.layout.root.is_dir() && self.prepare().is_err() {
            return Ok(nothing);
        }
        let started = self.root_lock(LockMode::Shared, observe).and_then(|shared| {
            let lease = Some(self.lease(user)?);
            Ok(Session { lease, shared: Some(shared) })
        });
        match started {
            Err(error) if error.is_unwritable() => Ok(nothing),
            other => other,
        }
    }

    fn lease(&self, user: &str) -> Result<Lease, Error> {
        let folder = self.layout.leases();
        folders::make(&self.layout, &folder)?;
        let named = tempfile::Builder::new().prefix(&format!("{}-", std::process::id())).tempfile_in(&folder);
        let (mut file, path) = named.and_then(|named| Ok(named.keep()?)).at("create a file in", &folder)?;
        // Made in a folder whose path is UTF-8, under a name of letters.
        let path = Utf8PathBuf::from_path_buf(path).expect("a temporary file's name is ASCII");
        folders::share(&self.layout, &path, 0o060);
        // The lock tells that its owner lives. Where there are no locks, who cleans is told that nobody can know.
        let _ = file.try_lock();
        writeln!(file, "{user}, process {}", std::process::id()).at("write", &path)?;
        Ok(Lease { path, file })
    }

    /// The cache's lock. One who has to wait is told for whom.
    fn root_lock(&self, mode: LockMode, observe: &mut dyn FnMut(Event)) -> Result<FileLock, Error> {
        self.prepare()?;
        let patience = match mode {
            LockMode::Shared => PATIENCE_TO_USE,
            LockMode::Exclusive => PATIENCE_TO_CLEAN,
        };
        let mut told = false;
        let mut acquire = |path: Utf8PathBuf| {
            folders::make_lock_file(&self.layout, &path)?;
            let lock = FileLock::acquire(&path, mode, |waited| {
                if !told && waited > WORTH_TELLING {
                    told = true;
                    observe(Event::WaitingForCache { holders: self.holders() });
                }
                waited < patience
            })?;
            lock.ok_or_else(|| Error::Busy { path: self.layout.root.clone(), holders: self.holders() })
        };
        // Who waits to clean has the turn, so that those who come later do not keep it waiting for ever.
        let _turn = acquire(self.layout.turn())?;
        acquire(self.layout.lock())
    }

    /// The cache for this process alone; waits until nobody else uses it.
    pub(super) fn alone(&self, user: &str, observe: &mut dyn FnMut(Event)) -> Result<(FileLock, Session), Error> {
        let lock = self.root_lock(LockMode::Exclusive, observe)?;
        let lease = Some(self.lease(user)?);
        Ok((lock, Session { lease, shared: None }))
    }

    /// Whether nobody uses the cache just now.
    pub(super) fn is_idle(&self) -> Result<bool, Error> {
        let path = self.layout.lock();
        Ok(!path.is_file() || FileLock::try_acquire(&path)?.is_some_and(|lock| lock.is_real()))
    }

    /// The processes that use the cache, in their own words.
    fn holders(&self) -> Vec<String> {
        let own = format!("{}-", std::process::id());
        let leases = files_below(&self.layout.leases()).unwrap_or_default();
        let others = leases.iter().filter(|path| !path.as_str().starts_with(&own));
        let text = |path: &Utf8PathBuf| fs::read_to_string(self.layout.leases().join(path)).ok();
        others.filter_map(text).filter_map(|text| text.lines().next().map(str::to_owned)).collect()
    }

    /// The blobs that living processes have on their leases. The leases of dead ones are removed.
    pub(super) fn leased(&self) -> Result<BTreeSet<Sha256>, Error> {
        let folder = self.layout.leases();
        let mut blobs = BTreeSet::new();
        if !folder.is_dir() {
            return Ok(blobs);
        }
        for path in files_below(&folder)? {
            let path = folder.join(path);
            let mut file = match open_file(&path) {
                Ok(file) => file,
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => continue,
                // Another user's, who did not mean to share: nobody can tell what is in use.
                Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => {
                    let holders = vec![format!("somebody who holds `{path}`")];
                    return Err(Error::Busy { path: self.layout.root.clone(), holders });
                }
                Err(error) => return Err(error.into()),
            };
            if file.try_lock_shared().is_ok() && !path.file_name().is_some_and(is_own) {
                remove_tree(&path)?;
                continue;
            }
            let mut text = String::new();
            file.read_to_string(&mut text).at("read", &path)?;
            blobs.extend(text.lines().filter_map(|line| line.parse::<Sha256>().ok()));
        }
        Ok(blobs)
    }

    /// Waits until no other process downloads the same source. One that gets nothing any more is not waited for.
    ///
    /// # Errors
    /// [`Error::Stuck`]; or when the lock file cannot be made.
    pub fn lock(&self, key: &SourceKey, observe: &mut dyn FnMut(Event)) -> Result<KeyLock, Error> {
        self.prepare()?;
        let path = self.layout.key_lock(key);
        folders::make_lock_file(&self.layout, &path)?;
        // What is being downloaded lies in one of these, whoever does it.
        let (folder, id) = (self.layout.partial(), key.id());
        let length = || -> u64 {
            let files = folder.read_dir_utf8().into_iter().flatten().flatten();
            let own = files.filter(|file| file.file_name().starts_with(&id) || file.file_name().starts_with("tmp-"));
            let below = own.flat_map(|file| WalkDir::new(file.path())).flatten();
            below.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
        };
        let (mut told, mut seen, mut since) = (false, 0, Duration::ZERO);
        let lock = FileLock::acquire(&path, LockMode::Exclusive, |waited| {
            if !told && waited > WORTH_TELLING {
                told = true;
                observe(Event::Waiting { source: key.to_string() });
            }
            let length = length();
            if length != seen {
                (seen, since) = (length, waited);
            }
            waited - since < STALLED
        })?;
        match lock {
            Some(lock) => Ok(KeyLock { key: key.clone(), lock }),
            None => Err(Error::Stuck { key: key.clone(), path }),
        }
    }
}

fn is_own(name: &str) -> bool {
    name.split('-').next() == Some(std::process::id().to_string().as_str())
}
