//! The whole installation: which parts are built, which are kept, and how the result gets into place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use camino::Utf8PathBuf;

use super::destination::Destination;
use super::error::Error;
use super::event::Event;
use super::inputs::inputs;
use super::moves::{Aim, Moves};
use super::placing::{Image, Placing};
use super::record::{PartRecord, Release, State};
use super::run::Build;
use super::sandbox::{Level, Sandbox};
use super::source::SourceFile;
use crate::base::{Epoch, Sha256, SourceKey, create_dir_all, fingerprint_file, link_tree, remove_tree};
use crate::recipes::{Origin, Part, Plan, Source};

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
    /// Processes of one `make`.
    pub jobs: usize,
    /// An upgrade may take the running installation away while it is built, where it cannot be built aside.
    pub allow_downtime: bool,
}

/// What an installation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Parts that were built.
    pub built: Vec<String>,
    /// Parts that were there already.
    pub kept: Vec<String>,
    /// Parts that are gone.
    pub removed: Vec<String>,
}

/// Installs. On an error the destination is as it was; parts that are whole wait for the next attempt.
///
/// # Errors
/// [`Error::Step`] where a build fails; [`Error::Downtime`]; those of files and sandboxes.
pub fn install(install: &Install<'_>, observe: &mut dyn FnMut(Event)) -> Result<Installed, Error> {
    let destination = install.destination;
    if destination.recovered() {
        observe(Event::Recovered);
    }
    let current = destination.state()?;
    let file = |source: &Source| install.source(source);
    let inputs = inputs(install.plan, install.epoch, &install.environment, &file)?;
    let mut result = Installed { built: Vec::new(), kept: Vec::new(), removed: Vec::new() };
    let wanted: BTreeSet<&str> = install.plan.parts.iter().map(|part| part.name.as_str()).collect();
    for part in current.iter().flat_map(|state| &state.parts).filter(|part| !wanted.contains(part.as_str())) {
        observe(Event::Uninstalling { part: part.clone(), reason: "the config no longer has it".to_owned() });
        result.removed.push(part.clone());
    }

    let keep = install.keepable(&inputs, observe)?;
    let same_project = install.image.as_ref().is_none_or(|image| {
        let files = image.files.iter().filter_map(|(path, sha256)| Some((path.clone(), (*sha256)?)));
        current.as_ref().is_some_and(|state| state.project == files.collect())
    });
    let same_release = current.as_ref().is_some_and(|state| state.release == install.release);
    if keep.len() == install.plan.parts.len() && result.removed.is_empty() && same_project && same_release {
        observe(Event::NothingToDo);
        result.kept = install.plan.parts.iter().map(|part| part.name.clone()).collect();
        destination.drop_next()?;
        return Ok(result);
    }
    install.build_all(current.as_ref(), &inputs, &keep, &mut result, observe)?;
    Ok(result)
}

impl Install<'_> {
    /// The file of a source; those of the project are looked up where the project's files are.
    fn source(&self, source: &Source) -> Result<SourceFile, Error> {
        if let Origin::Project(path) = &source.origin {
            let root = match self.image {
                Some(_) => self.destination.next_tree(),
                None => self.destination.root().to_owned(),
            };
            let full = root.join(path);
            let fingerprint = fingerprint_file(&full)?;
            return Ok(SourceFile { name: source.shown(), path: full, fingerprint });
        }
        let found = source.key().and_then(|key| self.sources.get(&key));
        let missing = || {
            let path = Utf8PathBuf::from(source.shown());
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            crate::base::PathError { action: "find source", path, source }
        };
        Ok(found.cloned().ok_or_else(missing)?)
    }

    /// The parts whose installed files can stay, for they come from the same input.
    fn keepable(
        &self,
        inputs: &BTreeMap<String, Sha256>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<BTreeSet<String>, Error> {
        let mut keep = BTreeSet::new();
        for part in &self.plan.parts {
            let Some(record) = self.destination.record(&part.name)? else { continue };
            let location = self.destination.root().join(&record.location);
            let reason = if !location.is_dir() {
                "its files are gone"
            } else if Some(&record.input) != inputs.get(&part.name) || record.location != part.location {
                "what it is made from has changed"
            } else {
                keep.insert(part.name.clone());
                continue;
            };
            observe(Event::Uninstalling { part: part.name.clone(), reason: reason.to_owned() });
        }
        Ok(keep)
    }

    fn build_all(
        &self,
        current: Option<&State>,
        inputs: &BTreeMap<String, Sha256>,
        keep: &BTreeSet<String>,
        result: &mut Installed,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let (dest, tree) = (self.destination.root(), self.destination.next_tree());
        let aside = self.sandbox.level == Level::Full;
        if !aside && !self.allow_downtime && current.is_some_and(|state| !state.parts.is_empty()) {
            return Err(Error::Downtime { level: self.sandbox.level.name() });
        }
        create_dir_all(&tree)?;
        let ready = self.prepare(inputs, keep, observe)?;
        let placing = Placing::new(self.destination, self.plan, self.image.as_ref(), current, observe)?;
        placing.tops.iter().try_for_each(|top| create_dir_all(&tree.join(top)))?;

        let journal = self.destination.journal();
        let mut placed = None;
        if !aside {
            let mut moves = Moves::plan(&tree, &placing.changes, Aim::Undo)?;
            moves.place(&tree, dest, &journal)?;
            placed = Some(moves);
        }
        let built = self.build_parts(inputs, &ready, aside, result, observe);
        if let Some(moves) = placed {
            moves.withdraw(&tree, dest, &journal)?;
        }
        built?;

        placing.carry_unknown(self.destination, current)?;
        let names = self.plan.parts.iter().map(|part| part.name.clone()).collect();
        let mut state = State::new(self.release.clone(), names, self.sandbox.level.name());
        state.project = placing.project;
        self.destination.write_next_state(&state)?;
        Moves::plan(&tree, &placing.changes, Aim::Finish)?.place(&tree, dest, &journal)?;
        self.destination.conclude()?;
        // Folders of parts that are gone.
        placing.tops.iter().for_each(|top| drop(fs::remove_dir(dest.join(top))));
        observe(Event::Switched);
        Ok(())
    }

    /// Fills the next tree with parts that need no building; returns them.
    fn prepare(
        &self,
        inputs: &BTreeMap<String, Sha256>,
        keep: &BTreeSet<String>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<BTreeSet<String>, Error> {
        let tree = self.destination.next_tree();
        let mut ready = BTreeSet::new();
        for part in &self.plan.parts {
            let location = tree.join(&part.location);
            let whole = self.destination.next_record(&part.name)?;
            let whole = whole.is_some_and(|record| Some(&record.input) == inputs.get(&part.name));
            if whole && location.is_dir() {
                observe(Event::Keeping { part: part.name.clone() });
                ready.insert(part.name.clone());
                continue;
            }
            self.destination.forget_next_record(&part.name)?;
            remove_tree(&location)?;
            if keep.contains(&part.name)
                && let Some(record) = self.destination.record(&part.name)?
            {
                create_dir_all(location.parent().unwrap_or(&location))?;
                link_tree(&self.destination.root().join(&record.location), &location)?;
                self.destination.write_next_record(&record)?;
                observe(Event::Keeping { part: part.name.clone() });
                ready.insert(part.name.clone());
            }
        }
        Ok(ready)
    }

    fn build_parts(
        &self,
        inputs: &BTreeMap<String, Sha256>,
        ready: &BTreeSet<String>,
        aside: bool,
        result: &mut Installed,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let environment = self.step_environment();
        let total = self.plan.parts.len();
        for (index, part) in self.plan.parts.iter().enumerate() {
            if ready.contains(&part.name) {
                result.kept.push(part.name.clone());
                continue;
            }
            let input = inputs.get(&part.name).copied().unwrap_or_else(|| part.digest());
            observe(Event::Installing { part: part.name.clone(), index: index + 1, total });
            let started = Instant::now();
            self.build_part(part, input, aside, &environment, observe)?;
            result.built.push(part.name.clone());
            observe(Event::Built { part: part.name.clone(), took: started.elapsed() });
        }
        Ok(())
    }

    fn build_part(
        &self,
        part: &Part,
        input: Sha256,
        aside: bool,
        environment: &BTreeMap<String, String>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let (dest, tree) = (self.destination.root(), self.destination.next_tree());
        let location = if aside { tree.join(&part.location) } else { dest.join(&part.location) };
        create_dir_all(&location)?;
        let sources: Vec<SourceFile> =
            part.sources.iter().map(|source| self.source(source)).collect::<Result<_, _>>()?;
        let binds = match (aside, &self.image) {
            (false, _) => Vec::new(),
            // Inside, the whole destination is the new tree.
            (true, Some(_)) => vec![(tree.clone(), dest.to_owned())],
            (true, None) => {
                let tops = self.plan.top_folders();
                tops.iter().map(|top| (tree.join(top), dest.join(top))).collect()
            }
        };
        if self.image.is_none() && aside {
            // Mount points must exist; an empty folder is all the destination shows of a build under way.
            binds.iter().try_for_each(|(_, to)| create_dir_all(to))?;
        }
        let mut build = Build {
            part,
            sources: sources.iter().collect(),
            sandbox: self.sandbox,
            environment,
            work: self.destination.work(&part.name),
            log: self.destination.log(&part.name),
            binds,
            observe,
        };
        let outcome = build.run();
        if outcome.is_err() {
            // What a failed build left at its location is worth nothing; the first error is the one to tell.
            let _ = remove_tree(&location);
            self.remove_empty_tops(aside);
        }
        outcome?;
        let level = self.sandbox.level.name();
        let record = PartRecord::take(&part.name, &part.recipe, &part.location, input, level, &location)?;
        self.destination.write_next_record(&record)
    }

    /// Mount points that were made for a build and hold nothing.
    fn remove_empty_tops(&self, aside: bool) {
        if self.image.is_none() && aside {
            for top in self.plan.top_folders() {
                let _ = fs::remove_dir(self.destination.root().join(top));
            }
        }
    }

    /// What every step's environment starts from.
    fn step_environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::from(
            [("LC_ALL", "C.UTF-8"), ("TZ", "UTC")].map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        environment.insert("SOURCE_DATE_EPOCH".to_owned(), self.epoch.seconds().to_string());
        if self.jobs > 1 {
            environment.insert("MAKEFLAGS".to_owned(), format!("-j{}", self.jobs));
        }
        environment.extend(self.environment.clone());
        environment
    }
}
