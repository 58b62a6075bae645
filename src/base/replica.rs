//! A file's bytes under another name: shared where the file system can, copied where it cannot.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use camino::Utf8Path;

use super::file::{TEMPORARY, parent};
use super::{IoContext, PathError, create_dir_all};

/// How a file gets a second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkMode {
    /// A reflink, else a hard link, else a copy.
    #[default]
    Auto,
    /// A reflink: bytes are shared until one of the two is written to. Else a copy.
    Reflink,
    /// A hard link: one file with two names. Else a copy.
    Hardlink,
    /// A copy.
    Copy,
}

impl LinkMode {
    /// The word for it in settings and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Reflink => "reflink",
            Self::Hardlink => "hardlink",
            Self::Copy => "copy",
        }
    }
}

/// Makes `to` a file with the bytes of `from` that can be written without touching `from`: a reflink where the file
/// system has them, else a copy. The mode comes along.
pub fn clone_file(from: &Utf8Path, to: &Utf8Path) -> Result<(), PathError> {
    if reflink(from, to).is_ok() { Ok(()) } else { copy(from, to) }
}

fn copy(from: &Utf8Path, to: &Utf8Path) -> Result<(), PathError> {
    let mut source = File::open(from).at("open", from)?;
    let mut target = create_private(to).at("create", to)?;
    io::copy(&mut source, &mut target).at("write", to)?;
    let mode = source.metadata().at("inspect", from)?.permissions();
    target.set_permissions(mode).at("set the mode of", to)
}

/// Puts a replica of the file `from` at `to`, replacing what is there by rename. Returns how it was made.
pub fn replace_file(from: &Utf8Path, to: &Utf8Path, mode: LinkMode) -> Result<LinkMode, PathError> {
    let folder = parent(to);
    create_dir_all(folder)?;
    let staging = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(folder).at("create a folder in", folder)?;
    let Some(staging) = Utf8Path::from_path(staging.path()) else {
        return Err(io::Error::other("path is not UTF-8")).at("create a folder in", folder);
    };
    let staged = staging.join("file");
    let made = link_file(from, &staged, mode)?;
    fs::rename(&staged, to).at("rename into place", to)?;
    Ok(made)
}

/// Makes `to`, which must not be there, a replica of `from`. Returns how it was made. Hard links suit only files that
/// nobody writes to in place.
pub fn link_file(from: &Utf8Path, to: &Utf8Path, mode: LinkMode) -> Result<LinkMode, PathError> {
    let empty = fs::symlink_metadata(from).at("inspect", from)?.len() == 0;
    if matches!(mode, LinkMode::Auto | LinkMode::Reflink) && reflink(from, to).is_ok() {
        return Ok(LinkMode::Reflink);
    }
    // Empty files are never hard-linked: some file systems cap the link count, and all empty files may be one blob.
    if matches!(mode, LinkMode::Auto | LinkMode::Hardlink) && !empty && fs::hard_link(from, to).is_ok() {
        return Ok(LinkMode::Hardlink);
    }
    copy(from, to)?;
    Ok(LinkMode::Copy)
}

/// Makes `to` share the bytes of `from` until one of them is written to; on an error there is no `to`.
fn reflink(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    let source = File::open(from)?;
    let target = create_private(to)?;
    let cloned = rustix::fs::ioctl_ficlone(target.as_fd(), source.as_fd());
    let done = cloned.map_err(io::Error::from).and_then(|()| target.set_permissions(source.metadata()?.permissions()));
    done.inspect_err(|_| drop(fs::remove_file(to)))
}

/// A new file that nobody else can read until it gets its mode.
fn create_private(path: &Utf8Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_replica_has_the_bytes_and_empty_files_are_never_hard_linked() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let inode = |path: &Utf8Path| path.metadata().expect("is there").ino();
        for (name, bytes) in [("full", "bytes"), ("empty", "")] {
            let from = folder.join(name);
            fs::write(&from, bytes).expect("writes");
            for mode in [LinkMode::Auto, LinkMode::Reflink, LinkMode::Hardlink, LinkMode::Copy] {
                let to = folder.join(format!("{name}-{}", mode.name()));
                let made = replace_file(&from, &to, mode).expect("replicates");
                assert_eq!(fs::read_to_string(&to).expect("reads"), bytes);
                assert_eq!(inode(&from) == inode(&to), made == LinkMode::Hardlink, "{name} {mode:?} {made:?}");
                assert!(!(bytes.is_empty() && made == LinkMode::Hardlink));
            }
        }
    }
}
