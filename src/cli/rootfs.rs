//! The files of another machine, to build with: a folder, or what a container's tool exported.

use std::fs::File;
use std::io::{BufRead, Read};
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use flate2::read::MultiGzDecoder;

use super::error::{Report, USAGE};
use crate::base::{IoContext, create_dir_all};

/// A root for builds: a folder, or an archive of one, which is unpacked. What is in it is what a container's tool exported,
/// and no source: devices stay out, and owners are not kept.
pub(super) fn other_root(path: &Utf8Path, within: &Utf8Path) -> Result<Utf8PathBuf, Report> {
    if path.is_dir() {
        return check_root(path, path.to_owned());
    }
    let folder = within.join("root");
    create_dir_all(&folder)?;
    let mut file = std::io::BufReader::new(File::open(path).at("open", path)?);
    let is_gzip = file.fill_buf().at("read", path)?.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_ownerships(false);
    archive.set_overwrite(true);
    for entry in archive.entries().at("read", path)? {
        let mut entry = entry.at("read", path)?;
        let kind = entry.header().entry_type();
        if !(kind.is_block_special() || kind.is_character_special() || kind.is_fifo()) {
            let unpacked = entry.unpack_in(&folder).at("unpack", path)?;
            // What is below it comes later, and whoever is not root needs leave for that.
            if unpacked && kind.is_dir() {
                let folder = folder.join(entry_path(&entry, path)?);
                let mode = folder.metadata().at("inspect", &folder)?.permissions().mode() | 0o700;
                std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode))
                    .at("set the mode of", &folder)?;
            }
        }
    }
    check_root(path, folder)
}

/// Where an entry was unpacked, below the folder.
fn entry_path(entry: &tar::Entry<'_, Box<dyn Read>>, archive: &Utf8Path) -> Result<Utf8PathBuf, Report> {
    let not_utf8 = || std::io::Error::other("a folder's name is not UTF-8");
    let path = entry.path().at("read", archive)?.into_owned();
    let path = Utf8PathBuf::from_path_buf(path).map_err(|_| not_utf8()).at("unpack", archive)?;
    Ok(crate::base::normalize(&path).as_str().trim_start_matches('/').into())
}

/// A folder that has what every root has; `path` is where it comes from.
fn check_root(path: &Utf8Path, folder: Utf8PathBuf) -> Result<Utf8PathBuf, Report> {
    let missing =
        ["bin/sh", "dev", "proc", "tmp"].into_iter().find(|name| folder.join(name).symlink_metadata().is_err());
    match missing {
        None => Ok(folder),
        Some(name) => {
            let message = format!("`{path}` is not a machine's root: it has no /{name}");
            Err(Report::new(USAGE, "not-a-root", message)
                .hint("docker export CONTAINER, or podman export CONTAINER, write the archive of one"))
        }
    }
}
