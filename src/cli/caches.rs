//! The caches of a command: which one it fills, which it only reads, and one for what goes nowhere else.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::context::Context;
use super::error::Report;
use super::events;
use crate::base::Sha256;
use crate::bundle::{self, DeletePolicies};
use crate::cache::{Cache, CacheKind, Error, Session};

/// The caches of a command, in use until they are dropped.
pub(super) struct Caches {
    main: Option<Cache>,
    /// The main one is the project's own.
    own: bool,
    lower: Vec<Cache>,
    scratch: Cache,
    deletes: DeletePolicies,
    sessions: Vec<Session>,
    _temporary: tempfile::TempDir,
}

impl Caches {
    /// The project's own cache if it has one, else the shared one, if the user wants that.
    pub(super) fn open(context: &Context<'_>, own: Option<&Utf8Path>) -> Result<Self, Report> {
        let (temporary, scratch) = context.environment.temporary_folder()?;
        let scratch = Cache::open(&scratch, context.cache_options(CacheKind::Project))?;
        let (mut main, mut lower) = (None, Vec::new());
        if let Some(path) = own {
            main = Some(Cache::open(path, context.cache_options(CacheKind::Project))?);
        } else if context.policy.enabled {
            let (path, options) = (context.cache_place()?, context.cache_options(CacheKind::Shared));
            match Cache::open(path, options) {
                Ok(cache) => main = Some(cache),
                Err(error @ Error::Newer { .. }) => {
                    context.console.warn(format!("{error}; it is only read, and nothing is kept"));
                    lower.push(Cache::open_views(path, options));
                }
                Err(error) => return Err(error.into()),
            }
            if let Some(path) = context.system_cache() {
                match Cache::open_to_read(path, options) {
                    Ok(cache) => lower.push(cache),
                    Err(error @ Error::Newer { .. }) => context.console.warn(format!("{error}; it is not used")),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let mut observe = |event| events::cache(context.console, &event);
        let sessions = main.iter().map(|cache| cache.use_it(&context.user(), &mut observe));
        let sessions = sessions.collect::<Result<_, _>>()?;
        let (own, deletes) = (own.is_some(), DeletePolicies::default());
        Ok(Self { main, own, lower, scratch, deletes, sessions, _temporary: temporary })
    }

    /// The caches as a collection uses them.
    pub(super) fn lend<'a>(&'a self, context: &'a Context<'_>) -> bundle::Caches<'a> {
        bundle::Caches {
            main: self.main.as_ref(),
            policy: (!self.own).then_some(&context.policy),
            lower: &self.lower,
            scratch: &self.scratch,
            deletes: &self.deletes,
        }
    }

    /// The cache that is filled, if there is one.
    pub(super) fn main(&self) -> Option<&Cache> {
        self.main.as_ref()
    }

    /// The project's own cache, if it has one.
    pub(super) fn own(&self) -> Option<&Cache> {
        self.main.as_ref().filter(|_| self.own)
    }

    /// Lets others clean the cache from here on, all but these blobs.
    pub(super) fn keep_only(&mut self, blobs: &BTreeSet<Sha256>) -> Result<(), Report> {
        for session in std::mem::take(&mut self.sessions) {
            self.sessions.push(session.keep_only(blobs)?);
        }
        Ok(())
    }

    /// Cleans the shared cache if the settings limit it and it is time to, without waiting for anybody. What was asked for
    /// is done by then, so that nothing in the way is an error.
    pub(super) fn tidy(mut self, context: &Context<'_>) {
        self.sessions.clear();
        let Some(cache) = self.main.as_ref().filter(|_| !self.own) else { return };
        if context.gc_limits.is_none() || !cache.gc_is_due() {
            return;
        }
        match cache.gc_if_idle(context.gc_limits) {
            Ok(Some(cleaned)) if cleaned.freed > 0 => {
                let freed = crate::report::bytes(cleaned.freed);
                context.console.detail(format!("cleaned {}: {freed} of disk", cache.root()));
            }
            Ok(_) => {}
            Err(error) => context.console.detail(format!("the cache was not cleaned: {error}")),
        }
    }
}
