//! Configs that are extended by URL: got as sources are, read as files are.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::failure::{Failure, FailureCause};
use super::get::get;
use super::job::Job;
use super::layout::config_path;
use super::order::{Collect, LockUse};
use crate::base::{Expected, Fingerprint, RelPath, SourceKey, View, Wanted};
use crate::cache::DiskFiles;
use crate::config::{Error, ErrorKind, Loader, Location, PathKind};
use crate::lock::Locked;
use crate::recipes::Source;

/// A config that was got by URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectedConfig {
    /// Its name.
    pub key: SourceKey,
    /// Where its bytes are.
    pub path: Utf8PathBuf,
    /// Their digests.
    pub fingerprint: Fingerprint,
    /// Where it goes in a bundle.
    pub bundle_path: RelPath,
}

impl CollectedConfig {
    /// What a lock file says of it.
    pub fn locked(&self) -> Locked {
        Locked {
            url: self.key.clone(),
            kind: "config".to_owned(),
            sha256: self.fingerprint.sha256,
            commit: None,
            tree: None,
            content: None,
            size: self.fingerprint.size,
            md5: None,
            parts: Vec::new(),
        }
    }
}

/// Gets a config. A locked one is the one that is locked. What others are may change at any time, so the server is asked
/// whether the cache still has the current one, unless `prefer_cache`; where it cannot be asked, the cache's is taken.
///
/// # Errors
/// Why it cannot be had.
pub fn collect_config(url: &str, prefer_cache: bool, order: &Collect<'_>) -> Result<CollectedConfig, Failure> {
    let failure = |cause| Failure { source_name: crate::base::redact(url), parts: Vec::new(), cause };
    let root = Utf8Path::new("/");
    let source = Source::new(url, Expected::default(), root, root.join(".hardtack").as_path())
        .map_err(|error| failure(FailureCause::Network(Box::new(error))))?;
    let Some(wanted) = source.wanted() else { return Err(failure(FailureCause::NoFile)) };
    let locked = order.lock.expected(&wanted.key, Expected::default()).unwrap_or_default();
    let honour = locked.is_some() && order.lock_use == LockUse::Honour;
    let expected = if honour { locked } else { Expected::default() };
    let views = wanted.views.iter().map(|view| View::Root(view.url().to_owned())).collect();
    let wanted = Wanted { expected, views, index: true, ..wanted };
    let (parts, declared) = (vec!["extends"], Expected::default());
    let (commit, unpacked) = (None, None);
    let job = Job { source: &source, parts, wanted: wanted.clone(), declared, commit, unpacked, prefer_cache };
    let got = get(&job, order).map_err(failure)?;
    let bundle_path = config_path(&wanted, &got.hit.fingerprint.sha256);
    Ok(CollectedConfig { key: wanted.key, path: got.hit.path, fingerprint: got.hit.fingerprint, bundle_path })
}

/// Where configs with a URL come from.
pub trait RemoteConfigs {
    /// The bytes of a config.
    ///
    /// # Errors
    /// Why it cannot be had, in words.
    fn read(&self, url: &str) -> Result<Vec<u8>, String>;
}

/// Configs that were got before, by name.
#[derive(Debug, Clone, Default)]
pub struct KnownConfigs(BTreeMap<SourceKey, Utf8PathBuf>);

impl FromIterator<(SourceKey, Utf8PathBuf)> for KnownConfigs {
    fn from_iter<I: IntoIterator<Item = (SourceKey, Utf8PathBuf)>>(configs: I) -> Self {
        Self(configs.into_iter().collect())
    }
}

impl RemoteConfigs for KnownConfigs {
    fn read(&self, url: &str) -> Result<Vec<u8>, String> {
        let path = self.0.get(&SourceKey::url(url)).ok_or("it is not in the bundle")?;
        std::fs::read(path).map_err(|error| format!("failed to read `{path}`: {error}"))
    }
}

/// Gives a resolve its files: those on disk, and those with a URL.
pub struct ConfigFiles<'a> {
    /// The ones on disk.
    pub disk: DiskFiles,
    /// The others.
    pub remote: &'a dyn RemoteConfigs,
}

impl Loader for ConfigFiles<'_> {
    fn identity(&self, location: &Location) -> Result<String, Error> {
        match location {
            Location::Path(_) => self.disk.identity(location),
            Location::Url(url) => Ok(url.clone()),
        }
    }

    fn read(&self, location: &Location) -> Result<Vec<u8>, Error> {
        match location {
            Location::Path(_) => self.disk.read(location),
            Location::Url(url) => {
                let name = self.display(location);
                self.remote.read(url).map_err(|reason| Error::new(ErrorKind::Read { name, reason }))
            }
        }
    }

    fn path_kind(&self, path: &str) -> PathKind {
        self.disk.path_kind(path)
    }

    fn display(&self, location: &Location) -> String {
        match location {
            Location::Path(_) => self.disk.display(location),
            Location::Url(url) => crate::base::redact(url),
        }
    }
}
