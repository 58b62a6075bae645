//! Writing below a folder that cannot be left.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use camino::Utf8Path;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps};
use rustix::io::Errno;

/// A folder, held open. Every path is resolved from it, by the kernel where that can keep a path below a folder
/// (`openat2`, Linux 5.6), else name by name, and no link is followed.
pub struct Tree {
    folder: OwnedFd,
    /// The kernel cannot, or may not.
    by_name: AtomicBool,
}

/// Open for the walk only; links are refused by the kernel.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Tree {
    /// Opens an existing folder.
    ///
    /// # Errors
    /// When it is not there, or a link.
    pub fn open(path: &Utf8Path) -> io::Result<Self> {
        let folder = rustix::fs::open(path.as_std_path(), FOLDER, Mode::empty())?;
        Ok(Self { folder, by_name: AtomicBool::new(false) })
    }

    /// The folder at `path`, made with everything above it if need be.
    pub fn folder(&self, path: &[u8]) -> io::Result<OwnedFd> {
        if !path.is_empty() && !self.by_name.load(Ordering::Relaxed) {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&self.folder, path, FOLDER, Mode::empty(), resolve) {
                // Some filters of system calls answer so to all they do not know.
                Err(Errno::NOSYS | Errno::PERM) => self.by_name.store(true, Ordering::Relaxed),
                // What is missing is made on the walk; whatever else is wrong, it finds too.
                Err(_) => {}
                Ok(folder) => return Ok(folder),
            }
        }
        let mut folder = self.folder.try_clone()?;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            folder = match rustix::fs::openat(&folder, name, FOLDER, Mode::empty()) {
                Err(Errno::NOENT) => {
                    match rustix::fs::mkdirat(&folder, name, Mode::from(0o755)) {
                        // Another thread was first.
                        Err(Errno::EXIST) => {}
                        other => other?,
                    }
                    rustix::fs::openat(&folder, name, FOLDER, Mode::empty())?
                }
                other => other?,
            };
        }
        Ok(folder)
    }

    fn parent<'p>(&self, path: &'p [u8]) -> io::Result<(OwnedFd, &'p [u8])> {
        let slash = path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = match slash {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&path[..0], path),
        };
        Ok((self.folder(parent)?, name))
    }

    /// Creates a file that must not exist yet.
    pub fn file(&self, path: &[u8]) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&parent, name, flags, Mode::from(0o600))?))
    }

    /// Creates a symbolic link; its target is written as it is, never followed.
    pub fn symlink(&self, path: &[u8], target: &[u8]) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::symlinkat(target, &parent, name)?)
    }

    /// Creates another name for a file.
    pub fn hard_link(&self, path: &[u8], target: &[u8]) -> io::Result<()> {
        let (old_parent, old_name) = self.parent(target)?;
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::linkat(&old_parent, old_name, &parent, name, AtFlags::empty())?)
    }

    /// Sets mode and time of a folder, once nothing more is written into it.
    pub fn finish_folder(&self, path: &[u8], mode: u32, mtime: i64) -> io::Result<()> {
        finish(&self.folder(path)?, mode, mtime)
    }
}

/// Sets mode and modification time of an open file or folder.
pub fn finish(fd: impl AsFd, mode: u32, mtime: i64) -> io::Result<()> {
    rustix::fs::fchmod(&fd, Mode::from(mode))?;
    let time = Timespec { tv_sec: mtime, tv_nsec: 0 };
    Ok(rustix::fs::futimens(&fd, &Timestamps { last_access: time, last_modification: time })?)
}
