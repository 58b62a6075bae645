//! What an unpacked bundle has for a cache.

use camino::Utf8Path;

use super::manifest::Manifest;
use crate::base::{SourceKey, Validators};
use crate::cache::{Foreign, ForeignBytes, ForeignCache};

/// The sources and configs of the bundle that was unpacked to `folder`, as it names them. Whether they are what they are said to be is the cache's to
/// look at, and whether they are of the URLs they are said to be of, nobody can know.
pub fn contained(manifest: &Manifest, folder: &Utf8Path) -> ForeignCache {
    let sources = manifest.sources.iter().map(|source| (&source.key, &source.path, source.sha256));
    let configs = manifest.configs.iter().map(|config| (&config.key, &config.path, config.sha256));
    let files = sources.chain(configs).map(|(key, path, sha256)| Foreign {
        key: SourceKey::clone(key),
        url: Some(key.to_string()),
        bytes: ForeignBytes::File(folder.join(path)),
        version: Validators::default(),
        sha256: Some(sha256),
    });
    ForeignCache { files: files.collect(), left: Vec::new() }
}
