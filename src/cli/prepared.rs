//! An installation with all its input, ready to be run.

use std::collections::BTreeMap;

use super::caches::Caches;
use crate::base::{Epoch, SourceKey};
use crate::install::sandbox::Sandbox;
use crate::install::{Destination, Image, Install, Release, SourceFile};
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

impl Prepared {
    /// The installation as it is done unless somebody asks for something else: at most so many processes at a time, else as
    /// many as there are processors, and all parts or none.
    pub(super) fn order<'p>(
        &'p self,
        sandbox: &'p Sandbox,
        environment: BTreeMap<String, String>,
        jobs: Option<usize>,
    ) -> Install<'p> {
        Install {
            destination: &self.destination,
            plan: &self.plan,
            sources: self.sources.clone(),
            image: self.image.clone(),
            release: self.release.clone(),
            sandbox,
            environment,
            epoch: self.epoch,
            jobs: jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
            most_load: None,
            keep_going: false,
            partial: false,
            network_attempts: None,
            allow_downtime: false,
        }
    }
}
