//! Tatin's cache: unpacked packages below their servers.

use camino::Utf8Path;

use super::{ForeignBytes, ForeignCache, entries, name};
use crate::base::Validators;
use crate::cache::error::Error;
use crate::cache::registry::TatinId;
use crate::cache::views::tatin_url;

pub(super) fn scan(folder: &Utf8Path, found: &mut ForeignCache) -> Result<(), Error> {
    for server in entries(folder)?.into_iter().filter(|path| path.is_dir() && name(path) != "temp") {
        for package in entries(&server)? {
            if TatinId::parse(name(&package)).is_none() || !package.is_dir() {
                continue;
            }
            match tatin_url(name(&server), name(&package), &package) {
                Some(url) => found.take(&url, ForeignBytes::Tatin(package), Validators::default()),
                None => found.leave(package, "it is not whole: its `apl-package.json` is missing or makes no sense"),
            }
        }
    }
    Ok(())
}
