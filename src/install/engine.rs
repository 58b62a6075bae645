//! The whole installation: which parts are built, which are kept, and how the result gets into place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::beside::{Stamp, Surroundings};
use super::building::{Bench, Order, build_all};
use super::claims::{Beside, bring, displaced, foreign, gather, settle};
use super::error::Error;
use super::event::Event;
use super::given::Install;
use super::image::Image;
use super::input::Input;
use super::making::Maker;
use super::moves::{Aim, Moves};
use super::placing::Placing;
use super::record::{PartRecord, ProjectEntry, State};
use super::sandbox::Level;
use super::schedule::Schedule;
use super::shared::{self, SharedPart};
use crate::base::{RelPath, create_dir_all, remove_tree};
use crate::recipes::{Location, Part};

/// What a part takes that was never built, beside what its sources take.
const A_PART_TAKES: Duration = Duration::from_secs(5);
/// A guess, measured on packages of configure and make: a megabyte of compressed sources is some fifty thousand lines.
const A_MEGABYTE_TAKES: Duration = Duration::from_secs(8);

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

/// Installs. When a build fails the destination is as it was; parts that are whole wait for the next attempt.
///
/// # Errors
/// [`Error::Step`] where a build fails, also where the others were installed; [`Error::Downtime`]; [`Error::Blocked`]; those of files and sandboxes.
pub fn install(install: &Install<'_>, observe: &mut dyn FnMut(Event)) -> Result<Installed, Error> {
    let destination = install.destination;
    if destination.recovered() {
        observe(Event::Recovered);
    }
    destination.forget_going_back()?;
    let current = destination.state()?;
    let inputs = install.inputs()?;
    let mut result = Installed { built: Vec::new(), kept: Vec::new(), removed: Vec::new() };
    let wanted: BTreeSet<&str> = install.plan.parts.iter().map(|part| part.name.as_str()).collect();
    for part in current.iter().flat_map(|state| &state.parts).filter(|part| !wanted.contains(part.as_str())) {
        observe(Event::Uninstalling { part: part.clone(), reason: "the config no longer has it".to_owned() });
        result.removed.push(part.clone());
    }
    let keep = install.keepable(&inputs, observe)?;
    let same_release = current.as_ref().is_some_and(|state| state.release == install.release);
    let same_project =
        install.image.as_ref().is_none_or(|image| current.as_ref().is_some_and(|state| state.project == image.files));
    let same_shared = current.as_ref().is_some_and(|state| state.shared == install.shared());
    let same = same_project && same_release && same_shared;
    if keep.len() == install.plan.parts.len() && result.removed.is_empty() && same {
        observe(Event::NothingToDo);
        result.kept = install.plan.parts.iter().map(|part| part.name.clone()).collect();
        destination.drop_next()?;
        return Ok(result);
    }
    let aside = install.sandbox.level == Level::Full;
    if !aside && !install.allow_downtime && current.as_ref().is_some_and(|state| !state.parts.is_empty()) {
        return Err(Error::Downtime { level: install.sandbox.level.name() });
    }
    let project = install.image.clone().unwrap_or_default();
    let run = Run { install, current, project, inputs, aside };
    run.all(&keep, &mut result, observe)?;
    Ok(result)
}

/// An installation that has something to do.
struct Run<'a> {
    install: &'a Install<'a>,
    current: Option<State>,
    /// The project's files; none where the destination is the project.
    project: Image,
    /// What goes into each part.
    inputs: BTreeMap<String, Input>,
    /// The generation is built beside the running one.
    aside: bool,
}

/// What building came to.
struct Outcome {
    /// Why not all of it is there.
    failure: Option<Error>,
    /// What builds that failed left at the destination.
    strays: BTreeSet<RelPath>,
}

impl Run<'_> {
    fn all(
        &self,
        keep: &BTreeSet<String>,
        result: &mut Installed,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let plan = self.install.plan;
        create_dir_all(&self.install.destination.next_tree())?;
        let ready = self.prepare(keep, observe)?;
        let Outcome { failure, strays } = self.build(keep, ready, result, observe)?;
        let names = match &failure {
            Some(_) => self.whole_parts()?,
            None => plan.parts.iter().map(|part| part.name.clone()).collect(),
        };
        match failure {
            // Nothing would be no installation.
            Some(error) if names.is_empty() => Err(error),
            failure => self.switch(&names, failure, (keep, strays), observe),
        }
    }

    /// Builds what is not `ready`. It fails with what keeps everything from being installed; what only parts are missing for
    /// is in the outcome.
    fn build(
        &self,
        keep: &BTreeSet<String>,
        ready: BTreeSet<String>,
        result: &mut Installed,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Error> {
        let Install { destination, plan, .. } = self.install;
        let (ground, current) = (destination.ground(), self.current.as_ref());
        let brought = self.with(self.settle(&ready.iter().cloned().collect::<Vec<_>>())?, keep)?;
        let placing = Placing::new(destination, plan.top_folders(), &brought, current)?;
        placing.make_tops()?;

        let foreign = self.foreign()?;
        let mut placed = None;
        if self.is_at_destination() {
            let displaced = displaced(destination, plan, &ready, &brought)?;
            let moves = Moves::plan(&ground, &placing.before_builds(displaced, self.aside), Aim::Undo)?;
            moves.place(&ground)?;
            placed = Some(moves);
        }
        let maker = self.maker(foreign.clone())?;
        let begun = Stamp::now(&destination.begun())?;
        let built = self.build_parts(&maker, ready, result, observe);
        let mut strays = match &maker.around {
            Some(around) if built.is_err() && !self.aside => around.made_since(begun)?,
            _ => BTreeSet::new(),
        };
        strays.retain(|path| !placing.in_top(path));
        let withdrawn = placed.map_or(Ok(()), |moves| {
            gather(destination, plan, &brought, &foreign)?;
            moves.withdraw(&ground)
        });
        let failure = built.and_then(|()| self.refuse_attempts(keep, &result.built, observe)).err();
        match failure {
            Some(error) if !self.install.partial || !error.is_of_parts() => Err(error),
            failure => withdrawn.map(|()| Outcome { failure, strays }),
        }
    }

    /// Makes the new generation, with these parts, the installed one. What builds made beside their locations is installed
    /// like files of the project.
    fn switch(
        &self,
        names: &[String],
        failure: Option<Error>,
        (keep, strays): (&BTreeSet<String>, BTreeSet<RelPath>),
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let Install { destination, plan, .. } = self.install;
        let current = self.current.as_ref();
        let brought = self.with(self.settle(names)?, keep)?;
        let placing = Placing::new(destination, plan.top_folders(), &brought, current)?;
        placing.tell(observe);
        let is_whole = |name: &String| names.contains(name);
        let placed = plan.placed().map(|(part, _)| part.name.clone()).filter(is_whole).collect();
        let mut state = State::new(self.install.release.clone(), placed, self.install.sandbox.level.name());
        state.project = self.project.files.clone();
        state.missing = plan.parts.iter().map(|part| part.name.clone()).filter(|name| !is_whole(name)).collect();
        let before = current.iter().flat_map(|state| state.strays.iter().cloned());
        state.strays = strays.into_iter().chain(before).filter(|path| !brought.files.contains_key(path)).collect();
        state.downtime = !self.aside && current.is_some_and(|state| !state.parts.is_empty());
        state.shared = self.install.shared();
        state.shared.retain(|part, _| !state.missing.contains(part));
        // Where what is there is what would come, what was before it stays within reach.
        if failure.is_none() || !current.is_some_and(|current| current.is_like(&state)) {
            placing.conclude(&state)?;
        }
        match failure {
            None => observe(Event::Switched),
            Some(error) => {
                observe(Event::SwitchedPartly { missing: state.missing });
                return Err(error);
            }
        }
        Ok(())
    }

    /// Builds work at the destination itself: the generation cannot be built beside it, or it is their project.
    fn is_at_destination(&self) -> bool {
        !self.aside || self.install.image.is_none()
    }

    /// What these parts made beside their locations.
    fn settle(&self, parts: &[String]) -> Result<Beside, Error> {
        settle(self.install.destination, parts, &self.project)
    }

    /// The project's files, and those that parts made beside their locations.
    fn with(&self, beside: Beside, keep: &BTreeSet<String>) -> Result<Image, Error> {
        let records = keep.iter().map(|part| self.install.destination.own.record(part));
        let kept = records.collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
        let mut stays: BTreeSet<RelPath> = kept.flat_map(|record| record.beside.into_keys()).collect();
        let mut files = self.project.files.clone();
        stays.retain(|path| !files.contains_key(path));
        files.extend(beside);
        Ok(Image { files, stays })
    }

    /// The locations of parts, and hardtack's own folder: of what is below them, nothing is beside.
    fn hidden(&self) -> BTreeSet<RelPath> {
        let planned = self.install.plan.placed().map(|(_, location)| location.clone());
        planned.chain(RelPath::new(".hardtack")).collect()
    }

    /// What is the site's where builds work at the destination itself.
    fn foreign(&self) -> Result<BTreeSet<RelPath>, Error> {
        let (own, current) = (&self.install.destination.own, self.current.as_ref());
        if self.install.image.is_none() || self.aside {
            return Ok(BTreeSet::new());
        }
        let mut hidden = self.hidden();
        let records = current.map(|state| own.records(state)).transpose()?.unwrap_or_default();
        hidden.extend(records.into_iter().map(|record| record.location));
        foreign(self.install.destination, current, &hidden)
    }

    /// Who builds, now that everything is where builds expect it. `foreign` is what is the site's there.
    fn maker(&self, foreign: BTreeSet<RelPath>) -> Result<Maker<'_>, Error> {
        let mut maker = Maker { install: self.install, inputs: &self.inputs, aside: self.aside, around: None };
        if let Some(image) = &self.install.image {
            let files = image.files.iter().map(|(path, entry)| (path.clone(), *entry == ProjectEntry::Folder));
            maker.around = Some(Surroundings::new(maker.generation(), self.hidden(), files.collect(), foreign)?);
        }
        Ok(maker)
    }

    /// The parts that can be installed though others cannot; of those nothing is left.
    fn whole_parts(&self) -> Result<Vec<String>, Error> {
        let Install { destination, plan, .. } = self.install;
        let mut whole = Vec::new();
        for part in &plan.parts {
            let record = self.new_record(part)?;
            let tried = record.as_ref().is_some_and(|record| !record.seen.attempts.is_empty());
            if record.is_some() && (!tried || self.install.allows_attempts(part)) {
                whole.push(part.name.clone());
            } else if let Some(location) = part.location.of_project() {
                destination.forget_next_record(&part.name)?;
                remove_tree(&destination.next_tree().join(location))?;
            }
        }
        Ok(whole)
    }

    /// The record of a part that is whole.
    fn new_record(&self, part: &Part) -> Result<Option<PartRecord>, Error> {
        match &part.location {
            Location::Project(_) => self.install.destination.own.next_record(&part.name),
            Location::Shared(place) => SharedPart(place).record(),
        }
    }

    /// Fills the next tree with parts that need no building; returns them.
    fn prepare(&self, keep: &BTreeSet<String>, observe: &mut dyn FnMut(Event)) -> Result<BTreeSet<String>, Error> {
        let destination = self.install.destination;
        let tree = destination.next_tree();
        let mut ready = BTreeSet::new();
        for part in destination.own.waiting() {
            let planned = self.install.plan.part(&part).and_then(|part| part.location.of_project());
            // What another release would have had there is nothing that this one has.
            if let Some(record) = destination.own.next_record(&part)?
                && planned != Some(&record.location)
            {
                destination.forget_next_record(&part)?;
                remove_tree(&tree.join(&record.location))?;
            }
        }
        for (part, _) in self.install.plan.shared().filter(|(part, _)| keep.contains(&part.name)) {
            observe(Event::Keeping { part: part.name.clone() });
            ready.insert(part.name.clone());
        }
        for (part, location) in self.install.plan.placed() {
            let location = tree.join(location);
            let whole = match destination.own.next_record(&part.name)? {
                Some(record) => {
                    self.inputs.get(&part.name).is_some_and(|input| input.digest() == record.input)
                        && record.is_whole_in(&location)
                        && self.bring(&record)?
                }
                None => false,
            };
            if !whole {
                destination.forget_next_record(&part.name)?;
                remove_tree(&location)?;
            }
            if !whole && !keep.contains(&part.name) {
                continue;
            }
            if !whole && let Some(record) = destination.own.record(&part.name)? {
                record.link_into(&destination.root().join(&record.location), &location)?;
                // What the site changed stays as it is.
                self.bring(&record)?;
                destination.write_next_record(&record)?;
            }
            observe(Event::Keeping { part: part.name.clone() });
            ready.insert(part.name.clone());
        }
        Ok(ready)
    }

    /// Brings what a whole part made beside its location.
    fn bring(&self, record: &PartRecord) -> Result<bool, Error> {
        bring(self.install.destination, record, &self.project)
    }

    fn build_parts(
        &self,
        maker: &Maker<'_>,
        ready: BTreeSet<String>,
        result: &mut Installed,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let Install { plan, jobs, most_load, keep_going, .. } = *self.install;
        let environment = self.install.step_environment();
        let guesses = self.guesses()?;
        let mut schedule = Schedule::new(plan, &ready, &|part| guesses.get(&part.name).copied().unwrap_or_default());
        let order = Order { jobs, most_load, keep_going, total: plan.parts.len() };
        let build = |part: &Part, bench: &Bench| maker.build_part(part, &environment, bench);
        let built = build_all(&mut schedule, order, &build, observe);
        if built.is_err() {
            maker.remove_unfinished()?;
        }
        result.built = built?;
        result.kept = plan.parts.iter().map(|part| part.name.clone()).filter(|name| ready.contains(name)).collect();
        Ok(())
    }

    /// Parts that are new must not have tried to reach the network, unless that is allowed. Of those that were just built it
    /// was told already.
    fn refuse_attempts(
        &self,
        keep: &BTreeSet<String>,
        built: &[String],
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let mut refused = Vec::new();
        // A part that is shared is new to an installation that did not use it.
        let used = self.current.as_ref().map(|state| state.shared.clone()).unwrap_or_default();
        let is_new = |part: &Part| match &part.location {
            Location::Project(_) => !keep.contains(&part.name),
            Location::Shared(place) => used.get(&part.name) != Some(place),
        };
        for part in self.install.plan.parts.iter().filter(|part| is_new(part)) {
            let record = self.new_record(part)?;
            for attempt in record.into_iter().flat_map(|record| record.seen.attempts) {
                let part_name = part.name.clone();
                match self.install.allows_attempts(part) {
                    false => refused.push((part_name, attempt)),
                    true if built.contains(&part.name) => {}
                    true => observe(Event::Attempted { part: part_name, attempt, allowed: true }),
                }
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(Error::Attempts(refused)) }
    }

    /// How long parts may take: as long as the last time, else by the size of their sources. One after another they are
    /// built in the order of the plan, whatever they take.
    fn guesses(&self) -> Result<BTreeMap<String, Duration>, Error> {
        let mut guesses = BTreeMap::new();
        if self.install.jobs == 1 {
            return Ok(guesses);
        }
        for part in &self.install.plan.parts {
            let (own, root) = (&self.install.destination.own, self.install.destination.root());
            let last = shared::installed(part, own, root)?.0.and_then(|record| record.took);
            let guess = match last {
                Some(took) => took,
                None => {
                    let files = part.sources.iter().filter_map(|source| self.install.sources.get(&source.key()?));
                    let bytes: u64 = files.map(|file| file.fingerprint.size).sum();
                    A_PART_TAKES + A_MEGABYTE_TAKES * u32::try_from(bytes >> 20).unwrap_or(u32::MAX)
                }
            };
            guesses.insert(part.name.clone(), guess);
        }
        Ok(guesses)
    }
}
