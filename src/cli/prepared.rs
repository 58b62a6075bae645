//! An installation with all its input, ready to be run.

use std::collections::BTreeMap;

use super::caches::Caches;
use crate::base::{Epoch, SourceKey};
use crate::install::{Destination, Image, Release, SourceFile};
use crate::recipes::Plan;

/// An installation that only needs to be run.
pub(super) struct Prepared {
    pub(super) destination: Destination,
    pub(super) plan: Plan,
    pub(super) sources: BTreeMap<SourceKey, SourceFile>,
    pub(super) image: Option<Image>,
    pub(super) release: Option<Release>,
    pub(super) epoch: Epoch,
    /// Holds the sources until the end of the installation.
    pub(super) _caches: Option<Caches>,
}
