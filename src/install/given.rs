//! What an installation is given, and what follows from that alone.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::destination::Destination;
use super::error::Error;
use super::event::Event;
use super::image::Image;
use super::input::Input;
use super::inputs::Inputs;
use super::preview::Fate;
use super::record::Release;
use super::sandbox::Sandbox;
use super::shared;
use super::source::{SourceFile, file_of};
use crate::base::{Epoch, SourceKey};
use crate::recipes::{NetworkAttempts, Part, Plan, SharedPlace, Source};

/// Everything an installation is made from.
pub struct Install<'a> {
    /// Where to.
    pub destination: &'a Destination,
    /// What to do, resolved at the destination.
    pub plan: &'a Plan,
    /// The sources, by key.
    pub sources: BTreeMap<SourceKey, SourceFile>,
    /// The project's files, already in the destination's next tree; `None` where the destination is the project.
    pub image: Option<Image>,
    /// What is being installed.
    pub release: Option<Release>,
    /// The sandbox all steps run in.
    pub sandbox: &'a Sandbox,
    /// Variables of every step, PATH among them.
    pub environment: BTreeMap<String, String>,
    /// The time builds are told.
    pub epoch: Epoch,
    /// Processes at a time, of all parts together.
    pub jobs: usize,
    /// The load average of the machine from which on nothing is begun beside what runs.
    pub most_load: Option<f64>,
    /// What does not need a part that failed is built nevertheless.
    pub keep_going: bool,
    /// Parts that are whole are installed even where others failed.
    pub partial: bool,
    /// What becomes of parts whose builds try to reach the network, whatever the config says.
    pub network_attempts: Option<NetworkAttempts>,
    /// An upgrade may take the running installation away while it is built, where it cannot be built aside.
    pub allow_downtime: bool,
}

impl Install<'_> {
    /// Where the parts are that installations share.
    pub(super) fn shared(&self) -> BTreeMap<String, SharedPlace> {
        self.plan.shared().map(|(part, place)| (part.name.clone(), place.clone())).collect()
    }

    /// What goes into each part.
    pub(super) fn inputs(&self) -> Result<BTreeMap<String, Input>, Error> {
        let files = self.project_files(false);
        self.inputs_with(&files).of_parts(&|source| self.source(source))
    }

    /// Where inputs are found, with the project's files at `files`.
    pub(super) fn inputs_with<'i>(&'i self, files: &'i Utf8Path) -> Inputs<'i> {
        Inputs {
            plan: self.plan,
            level: self.sandbox.level,
            environment: &self.environment,
            files: (files, self.destination.seen_at()),
            own: &self.destination.own,
        }
    }

    /// Where the project's files are, before or after the new generation was put in place.
    pub(super) fn project_files(&self, placed: bool) -> Utf8PathBuf {
        match self.image {
            Some(_) if !placed => self.destination.next_tree(),
            _ => self.destination.root().to_owned(),
        }
    }

    /// The file of a source; those of the project are looked up where the project's files are now.
    pub(super) fn source(&self, source: &Source) -> Result<SourceFile, Error> {
        file_of(source, &self.sources, &self.project_files(false))
    }

    /// The parts whose installed files can stay, for they come from the same input.
    pub(super) fn keepable(
        &self,
        inputs: &BTreeMap<String, Input>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<BTreeSet<String>, Error> {
        let mut keep = BTreeSet::new();
        for part in &self.plan.parts {
            let (record, folder) = shared::installed(part, &self.destination.own, self.destination.root())?;
            let input = inputs.get(&part.name).cloned().unwrap_or_default();
            let name = part.name.clone();
            match Fate::of(part, record.as_ref(), &input, (self.destination.root(), &folder)) {
                Fate::New => {}
                Fate::Outdated(reason) => observe(Event::Outdated { part: name, reason }),
                Fate::Broken => {
                    let reason = "its files are gone or have changed".to_owned();
                    observe(Event::Uninstalling { part: name, reason });
                }
                Fate::Kept => drop(keep.insert(name)),
            }
        }
        Ok(keep)
    }

    /// Whether a part is installed though its build tried to reach the network.
    pub(super) fn allows_attempts(&self, part: &Part) -> bool {
        self.network_attempts.unwrap_or(part.network_attempts) == NetworkAttempts::Warn
    }

    /// What every step's environment starts from.
    pub(super) fn step_environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::from(
            [("LC_ALL", "C.UTF-8"), ("TZ", "UTC")].map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        environment.insert("SOURCE_DATE_EPOCH".to_owned(), self.epoch.seconds().to_string());
        // As root, tar would give files to whoever packed them, which a step has no privilege for.
        if rustix::process::geteuid().is_root() {
            environment.insert("TAR_OPTIONS".to_owned(), "--no-same-owner".to_owned());
        }
        environment.extend(self.environment.clone());
        environment
    }
}
