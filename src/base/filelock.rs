//! Locks between processes, held on an open file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;

use camino::Utf8Path;

use super::{IoContext, PathError};

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
/// the saving of doing work once, never a file's integrity.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits for the lock on the file at `path`, which is made when missing. `waiting` is called once if somebody else
    /// holds it.
    ///
    /// # Errors
    /// When the file cannot be opened for writing, or locking fails for another reason than not being supported.
    pub fn acquire(path: &Utf8Path, mode: LockMode, waiting: impl FnOnce()) -> Result<Self, PathError> {
        // NFSv4 grants an exclusive lock only on a descriptor open for writing.
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).at("open", path)?;
        let tried = match mode {
            LockMode::Shared => file.try_lock_shared(),
            LockMode::Exclusive => file.try_lock(),
        };
        let outcome = match tried {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                waiting();
                match mode {
                    LockMode::Shared => file.lock_shared(),
                    LockMode::Exclusive => file.lock(),
                }
            }
            Err(TryLockError::Error(error)) => Err(error),
        };
        match outcome {
            Err(error) if !unsupported(&error) => Err(error).at("lock", path),
            _ => Ok(Self { _file: file }),
        }
    }

    /// Takes the lock if nobody holds it; `None` when somebody does.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub fn try_acquire(path: &Utf8Path) -> Result<Option<Self>, PathError> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).at("open", path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if unsupported(&error) => Ok(Some(Self { _file: file })),
            Err(TryLockError::Error(error)) => Err(error).at("lock", path),
        }
    }
}

fn unsupported(error: &io::Error) -> bool {
    let no_locks = [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOSYS];
    error.raw_os_error().is_some_and(|code| no_locks.contains(&code))
}
