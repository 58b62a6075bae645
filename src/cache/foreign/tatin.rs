//! Tatin's cache: unpacked packages below their servers.

use camino::Utf8Path;

use super::{ForeignBytes, ForeignCache, entries, is_plain_folder, name};
use crate::base::Validators;
use crate::cache::error::Error;
use crate::cache::registry::TatinId;
use crate::cache::views::tatin_url;

pub(super) fn scan(folder: &Utf8Path, found: &mut ForeignCache) -> Result<(), Error> {
    for server in entries(folder)?.into_iter().filter(|path| is_plain_folder(path) && name(path) != "temp") {
        for package in entries(&server)? {
            if TatinId::parse(name(&package)).is_none() || !is_plain_folder(&package) {
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
