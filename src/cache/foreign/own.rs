//! Another cache of hardtack's own.

use camino::Utf8Path;

use super::{Foreign, ForeignBytes, ForeignCache};
use crate::base::LinkMode;
use crate::cache::error::Error;
use crate::cache::{Cache, CacheKind, CacheOptions, ViewLayout};

/// Whether the folder is one.
pub(super) fn is_one(folder: &Utf8Path) -> bool {
    folder.join(".hardtack/format").is_file()
}

pub(super) fn scan(folder: &Utf8Path, found: &mut ForeignCache) -> Result<(), Error> {
    // Only read, so that neither layouts nor the time matter.
    let (views, now) = (ViewLayout::Modern, jiff::Timestamp::UNIX_EPOCH);
    let options = CacheOptions { kind: CacheKind::Shared, views, link_mode: LinkMode::Copy, now };
    let contents = Cache::open_to_read(folder, options)?.contents()?;
    contents.damaged.into_iter().for_each(|path| found.leave(path, "the ledger's entry makes no sense"));
    for entry in contents.entries {
        if !entry.blob.is_file() {
            found.leave(entry.blob, "the file is gone");
            continue;
        }
        if entry.key.as_str().contains("://") && entry.url.is_none() {
            found.leave(
                entry.key.as_str().into(),
                "its URL has a secret, and the name without it may be several files'",
            );
            continue;
        }
        let (bytes, sha256) = (ForeignBytes::File(entry.blob), Some(entry.fingerprint.sha256));
        found.files.push(Foreign { key: entry.key, url: entry.url, bytes, version: entry.version, sha256 });
    }
    Ok(())
}
