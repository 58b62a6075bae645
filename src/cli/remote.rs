//! Configs that are extended by URL, from the cache or the network as the command at hand may.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::access::Access;
use super::caches::Caches;
use super::context::Context;
use super::error::{Report, failures};
use super::events;
use super::request::Request;
use crate::base::{IoContext, SourceKey};
use crate::bundle::{Collect, CollectedConfig, Fetch, KnownConfigs, LockUse, RemoteConfigs, collect_config};
use crate::cache::{Depth, DiskFiles};
use crate::config::{Location, Override, RemoteOptions};
use crate::lock::{Lock, file_name};

/// Gets configs for one resolve.
pub(super) struct Remote<'c> {
    context: &'c Context<'c>,
    access: Access,
    /// The config that extends them.
    path: Utf8PathBuf,
    user_defaults: Option<Location>,
    overrides: Vec<Override>,
    opened: OnceCell<Opened<'c>>,
    found: RefCell<BTreeMap<SourceKey, CollectedConfig>>,
    failure: RefCell<Option<Report>>,
}

/// What is opened for the first config, so that commands without any touch nothing.
struct Opened<'c> {
    caches: Caches,
    prefer_cache: bool,
    lock: Lock,
    network: Option<Box<dyn Fetch + 'c>>,
}

/// The configs that were got.
#[derive(Default)]
pub(super) struct FoundConfigs {
    /// By name.
    pub(super) configs: BTreeMap<SourceKey, CollectedConfig>,
    /// Holds them until the end of the command.
    _caches: Option<Caches>,
}

impl FoundConfigs {
    /// The same configs, to be read again.
    pub(super) fn known(&self) -> KnownConfigs {
        self.configs.iter().map(|(key, config)| (key.clone(), config.path.clone())).collect()
    }
}

impl<'c> Remote<'c> {
    pub(super) fn new(context: &'c Context<'c>, access: Access, request: &Request) -> Self {
        let (opened, found, failure) = (OnceCell::new(), RefCell::default(), RefCell::default());
        let (path, overrides) = (request.path.clone(), request.overrides.clone());
        let user_defaults = request.user_defaults.clone().map(Location::Path);
        Self { context, access, path, user_defaults, overrides, opened, found, failure }
    }

    /// Why a config could not be had; the error of the config language has only its words.
    pub(super) fn failure(&self) -> Option<Report> {
        self.failure.take()
    }

    pub(super) fn into_found(self) -> Result<FoundConfigs, Report> {
        let configs = self.found.into_inner();
        let mut caches = self.opened.into_inner().map(|opened| opened.caches);
        if let Some(caches) = &mut caches {
            caches.keep_only(&configs.values().map(|config| config.fingerprint.sha256).collect())?;
        }
        Ok(FoundConfigs { configs, _caches: caches })
    }

    fn open(&self) -> Result<Opened<'c>, Report> {
        let Self { context, access, .. } = self;
        let (root, home) = (Location::Path(self.path.clone()), context.environment.home());
        let defaults = self.user_defaults.as_ref();
        let options = RemoteOptions::declared(&DiskFiles::default(), &root, defaults, &self.overrides, home)?;
        let caches = Caches::open(context, options.cache.as_deref())?;
        let lock = Lock::read(&file_name(&self.path))?.unwrap_or_default();
        let network = access.network(context)?;
        Ok(Opened { caches, prefer_cache: options.prefer_cache, lock, network })
    }

    fn get(&self, url: &str) -> Result<CollectedConfig, Report> {
        let key = SourceKey::url(url);
        if let Some(config) = self.found.borrow().get(&key) {
            return Ok(config.clone());
        }
        if self.opened.get().is_none() {
            // Nobody else fills the cell in between: a resolve has one thread.
            let _ = self.opened.set(self.open()?);
        }
        let opened = self.opened.get().expect("it was just set");
        let walk = self.context.console.verbose > 0;
        let order = Collect {
            caches: opened.caches.lend(self.context),
            network: opened.network.as_deref(),
            mirrors: &self.context.mirrors,
            lock: &opened.lock,
            lock_use: self.access.lock_use,
            refresh: self.access.refresh,
            accept_recompressed: false,
            max_index_age: self.access.max_index_age,
            depth: Depth::Bytes,
            workers: 1,
            observe: &|progress| events::collection(self.context.console, walk, &progress),
        };
        let prefer_cache = opened.prefer_cache && self.access.lock_use == LockUse::Honour;
        let config = collect_config(url, prefer_cache, &order).map_err(|failure| failures(vec![failure]))?;
        self.found.borrow_mut().insert(key, config.clone());
        Ok(config)
    }
}

impl RemoteConfigs for Remote<'_> {
    fn read(&self, url: &str) -> Result<Vec<u8>, String> {
        let read = self.get(url).and_then(|config| Ok(std::fs::read(&config.path).at("read", &config.path)?));
        read.map_err(|report| {
            let message = report.message.clone();
            self.failure.replace(Some(report));
            message
        })
    }
}
