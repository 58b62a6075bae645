//! Names inside a bundle.

use camino::Utf8Path;

use super::error::Error;
use crate::base::{Md5, RelPath, Sha256, View, Wanted};
use crate::recipes::{Plan, Shelf, Source};

/// The folder of hardtack's own files.
pub const OWN: &str = ".hardtack";
/// Everything the bundle holds, with digests.
pub const MANIFEST: &str = ".hardtack/manifest.json";
/// Where in the file each entry starts.
pub(super) const INDEX: &str = ".hardtack/index.json";
/// The lock the bundle was made with.
pub const LOCK: &str = ".hardtack/lock.toml";
/// What to do without hardtack.
pub(super) const README: &str = ".hardtack/README.txt";
/// What builds use of the machine they run on, as a rehearsal saw it.
pub const CONTRACT: &str = ".hardtack/contract.toml";
/// What the release is made of, in two forms (SPDX 2.3, CycloneDX 1.6).
pub(super) const SPDX: &str = ".hardtack/sbom.spdx.json";
pub(super) const CYCLONEDX: &str = ".hardtack/sbom.cdx.json";
/// The licence texts of its sources.
pub(super) const LICENCES: &str = ".hardtack/licenses";
/// The user defaults the config was resolved with, if there were any.
pub const CONFIG_DEFAULTS: &str = ".hardtack/default.cfg";
/// Sources that belong to no layout of buildout's.
pub const BLOBS: &str = ".hardtack/blobs";
/// Sources, as buildout's recipes look for them.
pub const DOWNLOAD_CACHE: &str = "download-cache";
/// Configs that were read by URL.
pub(super) const EXTENDS_CACHE: &str = "extends-cache";
/// The script that starts the installer.
pub(super) const INSTALL: &str = "install";
/// Digests of all files, for `sha256sum -c`.
pub const SUMS: &str = "SHA256SUMS";

/// Whether an entry is a program that installs, which who installs has already.
pub(super) fn is_installer(path: &RelPath) -> bool {
    path.as_str().strip_prefix(OWN).is_some_and(|below| below.starts_with("/bin/"))
}

/// Whether an entry is the bundle's own, with which an installation begins.
pub(super) fn is_own(path: &RelPath) -> bool {
    path.first() == OWN || path.as_str() == INSTALL
}

/// Whether a project file of this path would collide with the bundle's own.
pub(super) fn is_reserved(path: &RelPath) -> bool {
    matches!(path.first(), OWN | DOWNLOAD_CACHE | EXTENDS_CACHE) || matches!(path.as_str(), INSTALL | SUMS)
}

/// Checks that no part is put where a bundle or an installation has files of its own.
///
/// # Errors
/// [`Error::ReservedLocation`].
pub fn check_locations(plan: &Plan) -> Result<(), Error> {
    match plan.placed().find(|(_, location)| is_reserved(location) || location.first() == INSTALL) {
        Some((part, location)) => Err(Error::ReservedLocation { part: part.name.clone(), location: location.clone() }),
        None => Ok(()),
    }
}

/// Where a source's blob lies: where today's recipe of its part reads it, if its URL may be a file's name.
pub(super) fn blob_path(source: &Source, sha256: &Sha256) -> RelPath {
    // As buildout has them, where the name may be a file's.
    let named = Some(source.distribution_name()).filter(|_| source.shelf == Shelf::Dist);
    if let Some(path) = named.and_then(|name| RelPath::new(format!("{DOWNLOAD_CACHE}/dist/{name}")).ok()) {
        return path;
    }
    let view = source.wanted().and_then(|wanted| wanted.views.into_iter().next());
    let path = match view {
        Some(View::Cmmi(url)) => format!("{DOWNLOAD_CACHE}/cmmi/{}", Md5::of(url)),
        Some(View::Root(url) | View::Apk(url)) => format!("{DOWNLOAD_CACHE}/{}", Md5::of(url)),
        None => format!("{BLOBS}/{sha256}"),
    };
    // Fixed names and hexadecimal digits.
    RelPath::new(path).expect("a relative path")
}

/// Where a config lies that was read by URL: where buildout itself looks for it, if the URL may be a file's name.
pub(super) fn config_path(wanted: &Wanted, sha256: &Sha256) -> RelPath {
    let path = match wanted.url() {
        Some(url) => format!("{EXTENDS_CACHE}/{}", Md5::of(url)),
        None => format!("{BLOBS}/{sha256}"),
    };
    // Fixed names and hexadecimal digits.
    RelPath::new(path).expect("a relative path")
}

/// Whether `folder` is an unpacked bundle. One that lost its manifest or its sums is a damaged bundle, not a project.
pub fn is_bundle_folder(folder: &Utf8Path) -> bool {
    let lists_manifest = || {
        let sums = std::fs::read_to_string(folder.join(SUMS));
        sums.is_ok_and(|sums| sums.lines().any(|line| line.ends_with(MANIFEST)))
    };
    folder.join(MANIFEST).is_file() || folder.join(INDEX).is_file() || lists_manifest()
}

/// Whether an entry belongs at the place the bundle is installed to: the project's files, and with `keep_cache` its
/// caches.
pub fn is_project_entry(path: &RelPath, keep_cache: bool) -> bool {
    match path.first() {
        OWN => false,
        DOWNLOAD_CACHE | EXTENDS_CACHE => keep_cache,
        _ => !is_reserved(path),
    }
}
