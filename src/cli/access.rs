//! What a command may do to get sources and configs.

use jiff::SignedDuration;

use super::args::Sources;
use super::context::Context;
use super::error::Report;
use super::network;
use crate::bundle::{Fetch, LockUse};

/// What a command may do to get sources and configs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    /// Use the network.
    pub(super) network: bool,
    /// What the lock file is worth.
    pub(super) lock_use: LockUse,
    /// The lock file must not change.
    pub(super) locked: bool,
    /// Servers are asked about what is cached.
    pub(super) refresh: bool,
    /// Archives that were compressed anew are taken.
    pub(super) accept_recompressed: bool,
    /// How old indexes may be for which no server has spoken.
    pub(super) max_index_age: Option<SignedDuration>,
}

impl Access {
    /// Looking at a config: from where it is to be had.
    pub(super) const LOOK: Self = Self {
        network: true,
        lock_use: LockUse::Honour,
        locked: false,
        refresh: false,
        accept_recompressed: false,
        max_index_age: None,
    };
    /// Installing: from the cache.
    pub(super) const INSTALL: Self = Self { network: false, ..Self::LOOK };

    /// As the options say.
    pub(super) fn of(sources: &Sources) -> Self {
        let network = !sources.offline && !sources.frozen;
        let Sources { refresh, accept_recompressed, max_index_age, .. } = *sources;
        let locked = sources.locked || sources.frozen;
        Self { network, lock_use: LockUse::Honour, locked, refresh, accept_recompressed, max_index_age }
    }

    /// The same, taking everything anew.
    pub(super) fn updating(self) -> Self {
        Self { lock_use: LockUse::Update, ..self }
    }

    /// The way to the network, if there is one: a hardtack can be built without.
    pub(super) fn network<'c>(self, context: &'c Context<'_>) -> Result<Option<Box<dyn Fetch + 'c>>, Report> {
        if self.network { network::way(context) } else { Ok(None) }
    }
}
