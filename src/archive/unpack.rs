//! Unpacking: everything is checked first, then written, and moved into place when whole.

use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::{Error, Refusal};
use super::read::{self, EntryKind, Format, Limits, Links, Plan, Stop, detect, show};
use super::tree::{Tree, finish};
use crate::base::{IoContext, Sha256, create_dir_all, remove_tree};

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

/// What is unpacked, and how strictly.
#[derive(Debug, Clone, Copy)]
pub struct Unpack<'a> {
    /// The file.
    pub archive: &'a Utf8Path,
    /// What the one file in it is called, where it is no archive but a compressed file.
    pub name: &'a str,
    /// What it may ask for.
    pub limits: Limits,
    /// Where its symbolic links may lead.
    pub links: Links,
}

impl<'a> Unpack<'a> {
    /// An archive, by the usual limits.
    pub fn new(archive: &'a Utf8Path) -> Self {
        Self { archive, name: "content", limits: Limits::default(), links: Links::default() }
    }

    fn format(&self) -> Result<Format, Error> {
        detect(self.archive)?.ok_or_else(|| Error::NotAnArchive { archive: self.archive.to_owned() })
    }

    fn refused(&self, refusal: Refusal) -> Error {
        Error::Refused { archive: self.archive.to_owned(), refusal }
    }
}

/// Unpacks an archive into the new folder `target`.
///
/// Modes and times of files are the archive's; owners are not, and setuid, setgid and sticky bits are left out.
/// `target` appears when all is written; on an error nothing of it stays.
///
/// # Errors
/// [`Error::Refused`] with the first thing that is wrong, before anything is written; [`Error::Damaged`] where
/// decompression fails; [`Error::Io`] where writing does, or `target` exists.
pub fn unpack(order: &Unpack<'_>, target: &Utf8Path) -> Result<Unpacked, Error> {
    let Unpack { archive, name, limits, links } = *order;
    let format = order.format()?;
    let mut plan = Plan::new(limits.of_file(archive)?);
    read::each(archive, format, name, limits, &mut |entry, _| Ok(plan.add(entry)?))?;
    plan.finish(links).map_err(|refusal| order.refused(refusal))?;

    if target.symlink_metadata().is_ok() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists)).at("create folder", target).map_err(Error::Io);
    }
    let staging = staging_path(target);
    remove_tree(&staging)?;
    create_dir_all(&staging)?;
    let written = unfolded(&plan, &staging).and_then(|clash| match clash {
        Some(refusal) => Err(order.refused(refusal)),
        None => write(order, format, &staging),
    });
    if written.is_err() {
        // The error that led here is the one to tell.
        let _ = remove_tree(&staging);
    }
    let unpacked = written?;
    std::fs::rename(&staging, target).at("rename into place", target)?;
    Ok(unpacked)
}

/// Two entries that the file system of `folder` takes for one, if there are any.
fn unfolded(plan: &Plan, folder: &Utf8Path) -> Result<Option<Refusal>, Error> {
    let Some((name, other)) = plan.alike() else { return Ok(None) };
    // Letters in two cases, and one accent in its two ways.
    for (one, two) in [("probe", "PROBE"), ("\u{e9}", "e\u{301}")] {
        let probe = folder.join(one);
        std::fs::write(&probe, []).at("write", &probe)?;
        let folds = folder.join(two).symlink_metadata().is_ok();
        remove_tree(&probe)?;
        if folds {
            return Ok(Some(Refusal::Collision { name, other }));
        }
    }
    Ok(None)
}

fn staging_path(target: &Utf8Path) -> Utf8PathBuf {
    let name = format!(".{}.unpacking", target.file_name().unwrap_or("archive"));
    target.parent().unwrap_or(Utf8Path::new(".")).join(name)
}

fn write(order: &Unpack<'_>, format: Format, target: &Utf8Path) -> Result<Unpacked, Error> {
    let tree = Tree::open(target).at("open", target)?;
    let mut unpacked = Unpacked::default();
    let mut folders = Vec::new();
    let Unpack { archive, name, limits, .. } = *order;
    read::each(archive, format, name, limits, &mut |entry, content| {
        if entry.mode & 0o7000 != 0 && !matches!(entry.kind, EntryKind::Symlink(_)) {
            unpacked.stripped.push(show(&entry.path));
        }
        match &entry.kind {
            EntryKind::Folder => {
                tree.folder(&entry.path)?;
                // A folder one cannot write to could not be filled, or removed later.
                folders.push((entry.path.clone(), entry.mode & 0o777 | 0o700, entry.mtime));
                return Ok(());
            }
            EntryKind::Symlink(link) => tree.symlink(&entry.path, link)?,
            EntryKind::HardLink(link) => tree.hard_link(&entry.path, link)?,
            EntryKind::File => {
                let mut file = tree.file(&entry.path)?;
                let count = io::copy(&mut Read::take(&mut *content, entry.size), &mut file)?;
                if count != entry.size {
                    return Err(Stop::Io(io::ErrorKind::UnexpectedEof.into()));
                }
                // Also where checksums at the end of the content are compared.
                if content.read(&mut [0])? != 0 {
                    let reason = format!("entry `{}` is longer than its header says", show(&entry.path));
                    return Err(Stop::Io(io::Error::other(reason)));
                }
                finish(&file, entry.mode & 0o777 | 0o400, entry.mtime)?;
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

/// Reads an archive to its end as if to unpack it, and writes nothing; gives the digest of its uncompressed content, as
/// [`content_digest`](super::content_digest) does.
///
/// # Errors
/// As [`unpack`], but for those of writing.
pub fn examine(order: &Unpack<'_>) -> Result<Option<Sha256>, Error> {
    let Unpack { archive, name, limits, links } = *order;
    let format = order.format()?;
    let mut plan = Plan::new(limits.of_file(archive)?);
    let content = read::each_hashed(archive, format, name, limits, &mut |entry, content| {
        plan.add(entry)?;
        let count = io::copy(content, &mut io::sink())?;
        match count == entry.size || entry.kind != EntryKind::File {
            true => Ok(()),
            false => Err(Refusal::Truncated.into()),
        }
    })?;
    plan.finish(links).map_err(|refusal| order.refused(refusal))?;
    Ok(content)
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
