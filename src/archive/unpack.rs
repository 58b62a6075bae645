//! Unpacking: everything is checked first, then written, and moved into place when whole.

use std::fs::File;
use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};

use super::decompress::decompressed;
use super::entry::{Entry, EntryKind, show};
use super::error::{Error, Refusal};
use super::format::{Container, Format, detect};
use super::limits::Limits;
use super::plan::Plan;
use super::tar_read::{Stop, TarReader};
use super::tree::{Tree, finish};
use super::zip_read;
use crate::base::{IoContext, create_dir_all, remove_tree};

/// What was unpacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Number of files, links included.
    pub files: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Entries whose setuid, setgid or sticky bit was left out.
    pub stripped: Vec<String>,
}

/// Unpacks the archive at `archive` into the new folder `target`.
///
/// Modes and times of files are the archive's; owners are not, and setuid, setgid and sticky bits are left out.
/// `target` appears when all is written; on an error nothing of it stays.
///
/// # Errors
/// [`Error::Refused`] with the first thing that is wrong, before anything is written; [`Error::Damaged`] where
/// decompression fails; [`Error::Io`] where writing does, or `target` exists.
pub fn unpack(archive: &Utf8Path, target: &Utf8Path, limits: Limits) -> Result<Unpacked, Error> {
    let format = detect(archive)?.ok_or_else(|| Error::NotAnArchive { archive: archive.to_owned() })?;
    let mut plan = Plan::new(limits);
    each(archive, format, limits, &mut |entry, _| Ok(plan.add(entry)?))?;
    plan.finish().map_err(|refusal| Error::Refused { archive: archive.to_owned(), refusal })?;

    if target.symlink_metadata().is_ok() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists)).at("create folder", target).map_err(Error::Io);
    }
    let staging = staging_path(target);
    remove_tree(&staging)?;
    create_dir_all(&staging)?;
    let written = write(archive, format, limits, &staging);
    if written.is_err() {
        // The error that led here is the one to tell.
        let _ = remove_tree(&staging);
    }
    let unpacked = written?;
    std::fs::rename(&staging, target).at("rename into place", target)?;
    Ok(unpacked)
}

fn staging_path(target: &Utf8Path) -> Utf8PathBuf {
    let name = format!(".{}.unpacking", target.file_name().unwrap_or("archive"));
    target.parent().unwrap_or(Utf8Path::new(".")).join(name)
}

fn write(archive: &Utf8Path, format: Format, limits: Limits, target: &Utf8Path) -> Result<Unpacked, Error> {
    let tree = Tree::open(target).at("open", target)?;
    let mut unpacked = Unpacked::default();
    let mut folders = Vec::new();
    each(archive, format, limits, &mut |entry, content| {
        if entry.mode & 0o7000 != 0 && entry.kind != EntryKind::Folder {
            unpacked.stripped.push(show(&entry.path));
        }
        match &entry.kind {
            EntryKind::Folder => {
                tree.folder(&entry.path).map_err(Stop::Io)?;
                // A folder one cannot write to could not be filled, or removed later.
                folders.push((entry.path.clone(), entry.mode & 0o777 | 0o700, entry.mtime));
                return Ok(());
            }
            EntryKind::Symlink(link) => tree.symlink(&entry.path, link).map_err(Stop::Io)?,
            EntryKind::HardLink(link) => tree.hard_link(&entry.path, link).map_err(Stop::Io)?,
            EntryKind::File => {
                let mut file = tree.file(&entry.path).map_err(Stop::Io)?;
                let count = io::copy(&mut Read::take(&mut *content, entry.size), &mut file).map_err(Stop::Io)?;
                if count != entry.size {
                    return Err(Stop::Io(io::ErrorKind::UnexpectedEof.into()));
                }
                // Also where checksums at the end of the content are compared.
                if content.read(&mut [0]).map_err(Stop::Io)? != 0 {
                    let reason = format!("entry `{}` is longer than its header says", show(&entry.path));
                    return Err(Stop::Io(io::Error::other(reason)));
                }
                finish(&file, entry.mode & 0o777 | 0o400, entry.mtime).map_err(Stop::Io)?;
                unpacked.bytes += count;
            }
        }
        unpacked.files += 1;
        Ok(())
    })?;
    // Deepest first, since touching a folder changes the time of the one above it.
    folders.sort_by(|a, b| b.0.cmp(&a.0));
    for (path, mode, mtime) in folders {
        tree.finish_folder(&path, mode, mtime).at("set mode and time in", target)?;
    }
    Ok(unpacked)
}

/// Reads the archive at `archive` to its end, whatever is in it, so that one that ends early is found out. What is no
/// archive is whole.
///
/// # Errors
/// [`Error::Damaged`] where it ends early or decompression fails; [`Error::Io`] where reading does. What would be refused
/// when it is unpacked is no error here.
pub fn read_through(archive: &Utf8Path) -> Result<(), Error> {
    let Some(format) = detect(archive)? else { return Ok(()) };
    let mut drain = |_: &Entry, content: &mut dyn Read| io::copy(content, &mut io::sink()).map(drop).map_err(Stop::Io);
    match each(archive, format, Limits::default(), &mut drain) {
        Err(Error::Refused { refusal: Refusal::Truncated, .. }) => {
            Err(Error::Damaged { archive: archive.to_owned(), reason: Refusal::Truncated.to_string() })
        }
        Err(Error::Refused { .. }) => Ok(()),
        other => other,
    }
}

fn each(
    archive: &Utf8Path,
    format: Format,
    limits: Limits,
    visit: &mut dyn FnMut(&Entry, &mut dyn Read) -> Result<(), Stop>,
) -> Result<(), Error> {
    let file = File::open(archive).at("open", archive)?;
    let outcome = match format.container {
        Container::Zip => zip_read::each(file, visit),
        Container::Tar => decompressed(file, format.compression).map_err(Stop::Io).and_then(|mut stream| {
            let mut tar = TarReader::new(&mut stream, limits);
            while let Some(entry) = tar.next()? {
                visit(&entry, &mut tar)?;
            }
            Ok(())
        }),
    };
    outcome.map_err(|stop| match stop {
        Stop::Refused(refusal) => Error::Refused { archive: archive.to_owned(), refusal },
        Stop::Io(error) if error.raw_os_error().is_some() => {
            let path = archive.to_owned();
            Error::Io(crate::base::PathError { action: "unpack", path, source: error })
        }
        Stop::Io(error) => Error::Damaged { archive: archive.to_owned(), reason: error.to_string() },
    })
}

#[cfg(test)]
mod tests;
