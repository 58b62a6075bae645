//! The whole installation: which parts are built, which are kept, and how the result gets into place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};

use super::destination::Destination;
use super::error::{Error, MissingSource};
use super::event::Event;
use super::moves::{Aim, Moves};
use super::record::{PartRecord, Release, State};
use super::run::Build;
use super::sandbox::{Level, Sandbox};
use crate::base::{
    Epoch, Fingerprint, IoContext, RelPath, Sha256, SourceKey, clone_file, create_dir_all, files_below,
    fingerprint_file, hard_link_tree, remove_tree,
};
use crate::recipes::{Origin, Part, Plan, Source};

/// From the new tree to the destination, both below their roots.
type Pair = (RelPath, RelPath);
type Pairs = Vec<Pair>;

/// Counted up when the same plan comes to other files than before, so that everything is built anew.
const ENGINE: u32 = 1;

/// A source's bytes on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, for logs.
    pub name: String,
    /// The file.
    pub path: Utf8PathBuf,
    /// Its digests.
    pub fingerprint: Fingerprint,
}

/// The project's files, where a bundle brings them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// The files and links of the new tree that are the project's, with the digests of files.
    pub files: BTreeMap<RelPath, Option<Sha256>>,
}

/// The sources of `plan` that are project files below `root` and are not there, and those that are something else.
///
/// # Errors
/// When a file cannot be read.
pub fn check_project_sources(plan: &Plan, root: &Utf8Path) -> Result<(Vec<MissingSource>, Vec<MissingSource>), Error> {
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for part in &plan.parts {
        for source in &part.sources {
            let Origin::Project(path) = &source.origin else { continue };
            let full = root.join(path);
            let bad = |mismatch| MissingSource { source: source.shown(), part: part.name.clone(), mismatch };
            if !full.is_file() {
                missing.push(bad(None));
            } else if let Err(mismatch) = source.expected.check(&fingerprint_file(&full)?) {
                wrong.push(bad(Some(mismatch)));
            }
        }
    }
    Ok((missing, wrong))
}

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
    let inputs = install.inputs()?;
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

/// What becomes of the project's files.
struct ProjectMoves {
    pairs: Pairs,
    /// Their digests, to remember them by.
    digests: BTreeMap<RelPath, Sha256>,
}

impl Install<'_> {
    /// The digest of everything that goes into each part, those it uses included.
    fn inputs(&self) -> Result<BTreeMap<String, Sha256>, Error> {
        let mut inputs: BTreeMap<String, Sha256> = BTreeMap::new();
        for part in &self.plan.parts {
            let mut text = format!("engine {ENGINE}\npart {}\nepoch {}\n", part.digest(), self.epoch.seconds());
            for source in &part.sources {
                text += &format!("source {}\n", self.source(source)?.fingerprint.sha256);
            }
            for used in &part.uses {
                if let Some(input) = inputs.get(used) {
                    text += &format!("uses {used} {input}\n");
                }
            }
            for (name, value) in &self.environment {
                text += &format!("environment {name}={value}\n");
            }
            inputs.insert(part.name.clone(), Sha256::of(text));
        }
        Ok(inputs)
    }

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
        let project = self.project_moves(current, observe)?;
        let mut pairs: Pairs = self.top_moves();
        for top in &pairs {
            create_dir_all(&tree.join(&top.0))?;
        }
        let tops = pairs.clone();
        pairs.extend(project.pairs);

        let journal = self.destination.journal();
        let mut placed = None;
        if !aside {
            let mut moves = Moves::plan(&tree, &pairs, Aim::Undo)?;
            moves.place(&tree, dest, &journal)?;
            placed = Some(moves);
        }
        let built = self.build_parts(inputs, &ready, aside, result, observe);
        if let Some(moves) = placed {
            moves.withdraw(&tree, dest, &journal)?;
        }
        built?;

        self.carry_unknown(current, &tops)?;
        let names = self.plan.parts.iter().map(|part| part.name.clone()).collect();
        let mut state = State::new(self.release.clone(), names, self.sandbox.level.name());
        state.project = project.digests;
        self.destination.write_next_state(&state)?;
        Moves::plan(&tree, &pairs, Aim::Finish)?.place(&tree, dest, &journal)?;
        self.destination.conclude()?;
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
                hard_link_tree(&self.destination.root().join(&record.location), &location)?;
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

    /// Top folders with parts, which change over as a whole.
    fn top_moves(&self) -> Pairs {
        let tops = self.plan.top_folders().into_iter();
        tops.filter_map(|top| RelPath::new(top).ok()).map(|top| (top.clone(), top)).collect()
    }

    /// Moves for the project's files outside those folders, and the digests to remember them by. A file that was
    /// changed at the site stays, and the new one goes beside it.
    fn project_moves(&self, current: Option<&State>, observe: &mut dyn FnMut(Event)) -> Result<ProjectMoves, Error> {
        let (mut moves, mut digests) = (Vec::new(), BTreeMap::new());
        let Some(image) = &self.image else { return Ok(ProjectMoves { pairs: moves, digests }) };
        let tops = self.plan.top_folders();
        for (path, sha256) in &image.files {
            digests.extend(sha256.map(|sha256| (path.clone(), sha256)));
            if tops.contains(path.first()) {
                continue;
            }
            let here = self.destination.root().join(path);
            let installed = current.and_then(|state| state.project.get(path));
            let changed = here.is_file() && {
                let found = fingerprint_file(&here)?.sha256;
                Some(&found) != installed && Some(found) != *sha256
            };
            if changed {
                let beside = format!("{path}.hardtack-new");
                observe(Event::KeptChanged { path: here, new: self.destination.root().join(&beside) });
                if let Ok(beside) = RelPath::new(beside) {
                    moves.push((path.clone(), beside));
                }
            } else {
                moves.push((path.clone(), path.clone()));
            }
        }
        Ok(ProjectMoves { pairs: moves, digests })
    }

    /// Copies into the new tree what is in its top folders and in no record: nobody but its owner may remove it.
    fn carry_unknown(&self, current: Option<&State>, tops: &[Pair]) -> Result<(), Error> {
        let dest = self.destination.root();
        let mut known: BTreeSet<RelPath> = current.iter().flat_map(|state| state.project.keys().cloned()).collect();
        for part in current.iter().flat_map(|state| &state.parts) {
            if let Some(record) = self.destination.record(part)? {
                known.extend(record.files.keys().map(|path| record.location.join(path)));
            }
        }
        for (top, _) in tops {
            let folder = dest.join(top);
            if !folder.is_dir() {
                continue;
            }
            for below in files_below(&folder)? {
                let Ok(below) = RelPath::new(below.as_str()) else { continue };
                let path = top.join(&below);
                if !known.contains(&path) {
                    carry(dest, &self.destination.next_tree(), &path)?;
                }
            }
        }
        Ok(())
    }
}

fn carry(from: &Utf8Path, to: &Utf8Path, path: &RelPath) -> Result<(), Error> {
    let (source, target) = (from.join(path), to.join(path));
    // What the new generation brings itself wins.
    if target.symlink_metadata().is_ok() {
        return Ok(());
    }
    create_dir_all(target.parent().unwrap_or(&target))?;
    let metadata = fs::symlink_metadata(&source).at("inspect", &source)?;
    if metadata.is_symlink() {
        let link = fs::read_link(&source).at("read link", &source)?;
        std::os::unix::fs::symlink(link, &target).at("create link", &target)?;
    } else if metadata.is_file() {
        clone_file(&source, &target)?;
    }
    Ok(())
}
