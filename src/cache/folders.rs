//! Folders and lock files, made so that everybody who may use the cache can go on using it.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;

use camino::Utf8Path;

use super::error::Error;
use super::layout::Layout;
use crate::base::{IoContext, create_dir_all, sync_dir};

/// The group may write.
const GROUP_WRITES: u32 = 0o020;

/// Makes a folder of the cache and those above it. Where the cache's own folder may be written by its group, so may
/// they: several users of a machine share it.
pub(super) fn make(layout: &Layout, folder: &Utf8Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    if folder == layout.root || !folder.starts_with(&layout.root) {
        return Ok(create_dir_all(folder)?);
    }
    if let Some(above) = folder.parent() {
        make(layout, above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error).at("create folder", folder)?,
        Err(_) => {}
        // What is flushed into it would be lost with its own name.
        Ok(()) => sync_dir(folder.parent().unwrap_or(folder))?,
    }
    share(layout, folder, 0o2070);
    Ok(())
}

/// Makes an empty file that is only there to be locked.
pub(super) fn make_lock_file(layout: &Layout, path: &Utf8Path) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        make(layout, folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => share(layout, path, 0o060),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).at("create", path)?,
    }
    Ok(())
}

/// Gives the group its bits on a file or folder, where it has them on the cache. What belongs to somebody else has got
/// them from its maker.
pub(super) fn share(layout: &Layout, path: &Utf8Path, bits: u32) {
    let mode = |path: &Utf8Path| path.metadata().map(|data| data.permissions().mode());
    if mode(&layout.root).is_ok_and(|mode| mode & GROUP_WRITES != 0)
        && let Ok(own) = mode(path)
    {
        let _ = fs::set_permissions(path, Permissions::from_mode(own & 0o7777 | bits));
    }
}
