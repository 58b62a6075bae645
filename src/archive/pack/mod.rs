//! Packing many files into one tar on all cores: the same bytes on any number of them.
//!
//! What goes into which member hangs on the files alone ([`Plan`]). Workers make members in any order ([`Worker`]); they
//! are written in theirs ([`Line`]). A reader that knows their places can start at each.

mod compressible;
mod line;
mod plan;
mod worker;

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use camino::Utf8PathBuf;

use self::line::Line;
use self::plan::Plan;
use self::worker::Worker;
use super::member::{Encoding, Member};
use crate::base::{Epoch, PathError, Sha256};

/// Something to be packed.
#[derive(Debug, Clone)]
pub struct PackItem {
    /// Path in the archive, with `/` between names and none at the end.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// What it is.
    pub content: PackContent,
}

/// What is packed.
#[derive(Debug, Clone)]
pub enum PackContent {
    /// A folder.
    Folder,
    /// A symbolic link to a target.
    Symlink(String),
    /// A file that is at hand.
    Memory(Vec<u8>),
    /// A file on disk.
    File(Utf8PathBuf),
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The members, one after another from the start of the file.
    pub members: Vec<Member>,
    /// Of each item, where its header is in the tar stream, in bytes.
    pub offsets: Vec<u64>,
    /// Of each item that is a file, its length in bytes and the SHA-256 of what was packed.
    pub files: Vec<Option<(u64, Sha256)>>,
}

/// Why something cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] PathError),
    /// A file is not what it was a moment ago.
    #[error("`{path}` changed while it was packed")]
    Changed {
        /// The file.
        path: Utf8PathBuf,
    },
    /// What is packed cannot be written.
    #[error("failed to write what is packed")]
    Write(#[source] io::Error),
}

/// Writes the items, in their order, as members to `output`. What ends the archive is left to the caller.
///
/// # Errors
/// When a file cannot be read or changes, or `output` cannot be written.
pub fn pack(
    items: &[PackItem],
    encoding: Encoding,
    mtime: Epoch,
    threads: usize,
    output: &mut dyn Write,
) -> Result<Packed, PackError> {
    let threads = threads.max(1);
    let plan = Plan::new(items, encoding, mtime, threads)?;
    let (line, next) = (Line::new(threads), AtomicUsize::new(0));
    let digests: Vec<Mutex<Option<(u64, Sha256)>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let worked = Worker::new(&plan, &line, &digests).and_then(|mut worker| {
                    while worker.run(next.fetch_add(1, Ordering::Relaxed))? {}
                    Ok(())
                });
                if let Err(error) = worked {
                    line.fail(error);
                }
            });
        }
        if let Err(error) = line.write_all(plan.units.len(), output) {
            line.fail(PackError::Write(error));
        }
    });
    let members = line.finish()?;
    let files = digests.into_iter().map(|digest| digest.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
    Ok(Packed { members, offsets: plan.offsets, files })
}

#[cfg(test)]
mod tests;
