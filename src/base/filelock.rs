//! Locks between processes, held on an open file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::{IoContext, PathError};

/// Between two looks at a lock that somebody else holds.
const PAUSE: Duration = Duration::from_millis(20);

/// Who else may hold the lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Many holders, as long as all are shared.
    Shared,
    /// One holder.
    Exclusive,
}

/// A lock on a file, released when dropped, also when the process is killed.
///
/// On file systems without locks it is held in name only: every writer here publishes by rename, so what is lost is
/// the saving of doing work once, never a file's integrity. [`FileLock::is_real`] tells.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    real: bool,
}

impl FileLock {
    /// Waits for the lock on the file at `path`, which is made when missing. `waiting` is called again and again while
    /// somebody else holds it, with the time waited so far, and ends the wait by returning `false`: then the answer is
    /// `None`.
    ///
    /// # Errors
    /// When the file cannot be opened for writing, or locking fails for another reason than not being supported.
    pub fn acquire(
        path: &Utf8Path,
        mode: LockMode,
        mut waiting: impl FnMut(Duration) -> bool,
    ) -> Result<Option<Self>, PathError> {
        // NFSv4 grants an exclusive lock only on a descriptor open for writing.
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).at("open", path)?;
        let start = Instant::now();
        loop {
            let tried = match mode {
                LockMode::Shared => file.try_lock_shared(),
                LockMode::Exclusive => file.try_lock(),
            };
            match tried {
                Ok(()) => return Ok(Some(Self { file, real: true })),
                Err(TryLockError::WouldBlock) if waiting(start.elapsed()) => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if unsupported(&error) => return Ok(Some(Self { file, real: false })),
                Err(TryLockError::Error(error)) => return Err(error).at("lock", path),
            }
        }
    }

    /// Takes the lock if nobody holds it; `None` when somebody does.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub fn try_acquire(path: &Utf8Path) -> Result<Option<Self>, PathError> {
        Self::acquire(path, LockMode::Exclusive, |_| false)
    }

    /// Whether the file system knows locks, so that nobody else can hold it too.
    pub fn is_real(&self) -> bool {
        self.real
    }

    /// The locked file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

fn unsupported(error: &io::Error) -> bool {
    let no_locks = [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOSYS];
    error.raw_os_error().is_some_and(|code| no_locks.contains(&code))
}
