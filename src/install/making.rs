//! How one part of an installation is built: where its files go, what it sees, what is written down of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};

use super::beside::{Doings, Stamp, Surroundings, made_in};
use super::building::Bench;
use super::claims::Beside;
use super::copying::Places;
use super::error::Error;
use super::event::Event;
use super::given::Install;
use super::input::Input;
use super::libraries::take_times_out;
use super::record::{PartRecord, ProjectEntry};
use super::run::Build;
use super::sandbox::{Aid, Bind};
use super::shared::SharedPart;
use crate::base::{RelPath, create_dir_all, remove_tree};
use crate::recipes::{Location, Origin, Part, SharedPlace};

/// Variables of every step.
type Environment = BTreeMap<String, String>;

/// Who builds the parts of an installation.
pub(super) struct Maker<'a> {
    pub(super) install: &'a Install<'a>,
    /// What goes into each part.
    pub(super) inputs: &'a BTreeMap<String, Input>,
    /// The generation is built beside the running one.
    pub(super) aside: bool,
    /// What is beside the locations of parts; none where the project is the destination.
    pub(super) around: Option<Surroundings>,
}

impl Maker<'_> {
    /// Builds a part and writes down what it came to.
    pub(super) fn build_part(&self, part: &Part, environment: &Environment, bench: &Bench) -> Result<(), Error> {
        match &part.location {
            Location::Project(path) => {
                let destination = self.install.destination;
                let location = self.generation().join(path);
                create_dir_all(&location)?;
                let record = self.make(part, environment, bench, (path, &location))?;
                // A record must not outlive a power cut that its files did not.
                destination.flush()?;
                destination.write_next_record(&record)
            }
            Location::Shared(place) => self.build_shared(part, place, environment, bench),
        }
    }

    /// Builds a part that installations share, unless somebody else did meanwhile.
    fn build_shared(
        &self,
        part: &Part,
        place: &SharedPlace,
        environment: &Environment,
        bench: &Bench,
    ) -> Result<(), Error> {
        let shared = SharedPart(place);
        create_dir_all(&place.folder)?;
        let _lock = shared.lock(|| bench.tell(Event::Waiting { part: part.name.clone() }))?;
        if shared.record()?.is_some_and(|record| record.is_whole_in(&place.folder.join(&record.location))) {
            return Ok(());
        }
        let location = if self.aside { shared.aside() } else { place.path() };
        match self.aside {
            true => remove_tree(&location)?,
            false => shared.clear()?,
        }
        // What is seen in its place while it is built must have a place.
        shared.make_place()?;
        create_dir_all(&location)?;
        let made = self.make(part, environment, bench, (&place.path, &location));
        if made.is_err() {
            shared.abandon();
        }
        shared.put(&made?)
    }

    /// Runs a part's steps; its files go to `location`, and in a record that is `path` below some folder.
    fn make(
        &self,
        part: &Part,
        environment: &Environment,
        bench: &Bench,
        (path, location): (&RelPath, &Utf8Path),
    ) -> Result<PartRecord, Error> {
        let started = Instant::now();
        let since = Stamp::now(&self.install.destination.begun_with(&part.name))?;
        let around = self.around.as_ref().map(|around| (around, around.begin(since)));
        let (install, destination) = (self.install, self.install.destination);
        let files = install.project_files(!self.aside);
        let sources = part.sources.iter().map(|source| {
            let file = match &source.origin {
                Origin::Project(path) => files.join(path),
                _ => install.source(source)?.path(&files),
            };
            Ok((source.shown(), file))
        });
        let build = Build {
            part,
            sources: sources.collect::<Result<_, Error>>()?,
            sandbox: install.sandbox,
            environment,
            writable: match part.location {
                Location::Project(_) => vec![destination.root().to_owned(), location.to_owned()],
                Location::Shared(_) => vec![location.to_owned()],
            },
            work: destination.work(&part.name),
            log: destination.log(&part.name),
            lock: match part.location.of_machine() {
                Some(place) => SharedPart(place).building(),
                None => destination.build_lock(),
            },
            binds: self.binds(part, location)?,
            bench,
            places: Places {
                plan: install.plan,
                root: destination.seen_at(),
                files: &files,
                generation: &self.generation(),
            },
        };
        let outcome = build.run();
        // What one that failed made is not the next one's.
        let doings = around.map_or(Ok(Doings::default()), |(around, begun)| around.end(begun));
        let (seen, doings) = (outcome?, doings?);
        let allowed = install.allows_attempts(part);
        for attempt in seen.attempts.clone() {
            bench.tell(Event::Attempted { part: part.name.clone(), attempt, allowed });
        }
        let mut input = self.inputs.get(&part.name).cloned().unwrap_or_default();
        let outputs = match install.image {
            // At its destination no build of a bundle writes to the project's files.
            Some(_) => BTreeSet::new(),
            None => install.inputs_with(&files).take_outputs(part, &mut input)?,
        };
        let conditions = install.sandbox.conditions();
        let timeless = match conditions.is_some_and(|conditions| conditions.without.contains(&Aid::Ar)) {
            true => BTreeSet::new(),
            false => take_times_out(location)?,
        };
        let level = install.sandbox.level.name();
        let mut record = PartRecord::take(&part.name, &part.recipe, path, input, level, location)?;
        (record.took, record.seen, record.outputs) = (Some(started.elapsed()), seen, outputs);
        record.timeless = timeless;
        record.beside = self.beside(part, since, doings, bench)?;
        Ok(record)
    }

    /// What a part that was just built made beside its location.
    fn beside(&self, part: &Part, since: Stamp, doings: Doings, bench: &Bench) -> Result<Beside, Error> {
        // Its build can write nowhere else.
        if part.location.of_machine().is_some() {
            return Ok(Beside::new());
        }
        let mut beside = doings.made;
        if self.around.is_some() {
            if let Some(path) = doings.removed {
                return Err(Error::Removed { part: part.name.clone(), path });
            }
            for name in doings.odd {
                bench.tell(Event::LeftOut { part: part.name.clone(), name });
            }
            let others = self.install.plan.parts.iter().filter(|other| other.name != part.name);
            others.flat_map(|other| &other.writes).for_each(|path| drop(beside.remove(path)));
            return Ok(beside);
        }
        // In a project, its author works too: only what options name is known to be the part's.
        for path in &part.writes {
            let entry = ProjectEntry::at(&self.seen_at(path))?;
            beside.extend(entry.map(|entry| (path.clone(), entry)));
        }
        if let Some(folder) = &part.fills {
            let made = made_in(&self.seen_at(folder), since)?;
            beside.extend(made.into_iter().map(|(path, entry)| (folder.join(&path), entry)));
        }
        Ok(beside)
    }

    /// Where a path of a project is that builds know as one at the destination.
    fn seen_at(&self, path: &RelPath) -> Utf8PathBuf {
        let of_parts = self.install.plan.top_folders().contains(path.first());
        if of_parts { self.generation().join(path) } else { self.install.destination.root().join(path) }
    }

    /// Where parts are built that are not shared.
    pub(super) fn generation(&self) -> Utf8PathBuf {
        match self.aside {
            true => self.install.destination.next_tree(),
            false => self.install.destination.root().to_owned(),
        }
    }

    /// What a build sees at the destination: the new generation, in which other parts and hardtack's own files cannot be
    /// written.
    fn binds(&self, part: &Part, location: &Utf8Path) -> Result<Vec<Bind>, Error> {
        if !self.aside {
            return Ok(Vec::new());
        }
        let (dest, tree) = (self.install.destination.seen_at(), self.install.destination.next_tree());
        // What installations share is the same for all, and so has nothing to write to one of them.
        let of_all = |from: Utf8PathBuf, to: &Utf8Path| match part.location {
            Location::Project(_) => Bind::new(from, to),
            Location::Shared(_) => Bind::read_only(from, to),
        };
        let mut binds = match self.install.image {
            Some(_) => vec![of_all(tree.clone(), dest)],
            None => {
                let tops = self.install.plan.top_folders();
                let own = dest.join(".hardtack");
                let mut binds = vec![of_all(dest.to_owned(), dest), Bind::read_only(own.clone(), own)];
                binds.extend(tops.iter().map(|top| of_all(tree.join(top), &dest.join(top))));
                // Mount points must exist; an empty folder is all the destination shows of a build under way.
                binds.iter().try_for_each(|bind| create_dir_all(&bind.to))?;
                binds
            }
        };
        for (other, location) in self.install.plan.placed() {
            if other.name != part.name {
                // Also that of a part which is begun later.
                create_dir_all(&tree.join(location))?;
                binds.push(Bind::read_only(tree.join(location), dest.join(location)));
            }
        }
        // They may lie where builds see nothing else of the machine.
        let shared = self.install.plan.shared().map(|(_, place)| place.path()).filter(|path| path.is_dir());
        binds.extend(shared.map(|path| Bind::read_only(path.clone(), path)));
        binds.push(Bind::new(location.to_owned(), part.location_in(dest)));
        Ok(binds)
    }

    /// Removes what failed builds left at their locations, and mount points that hold nothing. Not before all builds ended:
    /// each sees the locations of the others.
    pub(super) fn remove_unfinished(&self) -> Result<(), Error> {
        let destination = self.install.destination;
        for (part, location) in self.install.plan.placed() {
            if destination.own.next_record(&part.name)?.is_none() {
                // The error that led here is the one to tell.
                let _ = remove_tree(&self.generation().join(location));
            }
        }
        if self.install.image.is_none() && self.aside {
            for top in self.install.plan.top_folders() {
                let _ = fs::remove_dir(destination.root().join(top));
            }
        }
        Ok(())
    }
}
