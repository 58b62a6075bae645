//! Builds of one bundle under this and that.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{Timestamp, ToSpan};

use crate::base::{RelPath, remove_tree};
use crate::cli::context::Context;
use crate::cli::error::Report;
use crate::cli::trial::{Built, Trial, Unbuilt};
use crate::install::sandbox::{Aid, Condition, Conditions, Kit, SECONDS, Sandbox};
use crate::install::{InstalledFile, PartRecord, ProjectEntry, Receipt};
use crate::reproduce::{Clock, Files, Span};

/// What is built again and again.
pub(super) struct Builds<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) bundle: &'a Utf8Path,
    pub(super) sandbox: &'a Sandbox,
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Processes at a time, usually and otherwise.
    pub(super) jobs: (usize, usize),
    /// What all builds do without.
    pub(super) without: BTreeSet<Aid>,
    pub(super) kit: Kit,
    /// Parts that are built, with those they use; all if it is none.
    pub(super) only: Option<BTreeSet<String>>,
    /// The folder that builds have folders in.
    pub(super) within: &'a Utf8Path,
    /// How many there were.
    pub(super) count: Cell<usize>,
}

/// What a build came to.
pub(super) struct Tree {
    /// Its destination.
    pub(super) root: Utf8PathBuf,
    pub(super) records: Vec<PartRecord>,
    pub(super) files: BTreeMap<RelPath, InstalledFile>,
    pub(super) beside: BTreeMap<RelPath, ProjectEntry>,
    pub(super) spans: Vec<Span>,
    /// What the clock said.
    pub(super) clock: Clock,
    pub(super) release: (String, String),
}

impl Tree {
    /// The part that a path is of.
    pub(super) fn part_of(&self, path: &RelPath) -> Option<&PartRecord> {
        let utf8: &Utf8Path = path.as_ref();
        let is_of = |record: &&PartRecord| {
            let location: &Utf8Path = record.location.as_ref();
            record.beside.contains_key(path) || utf8.starts_with(location)
        };
        self.records.iter().find(is_of)
    }

    /// Everything that was installed.
    pub(super) fn files(&self) -> Files<'_> {
        Files { of_parts: &self.files, beside: &self.beside }
    }
}

/// The paths of everything that a part made.
pub(super) fn made_by(record: &PartRecord) -> BTreeSet<RelPath> {
    record.paths().chain(made_beside(record).map(|(path, _)| path)).collect()
}

/// What a part made beside its location, and its empty folders.
fn made_beside(record: &PartRecord) -> impl Iterator<Item = (RelPath, ProjectEntry)> {
    let folders = record.folders.iter().map(|path| (record.location.join(path), ProjectEntry::Folder));
    record.beside.clone().into_iter().chain(folders)
}

impl Builds<'_> {
    /// Builds in a folder of this name.
    pub(super) fn build(&self, name: &str, varied: &BTreeSet<Condition>) -> Result<Tree, Unbuilt> {
        self.build_parts(name, varied, self.only.as_ref(), false)
    }

    /// Builds these parts, does something with what was built, and removes it.
    pub(super) fn look<T>(
        &self,
        varied: &BTreeSet<Condition>,
        parts: &BTreeSet<String>,
        then: impl FnOnce(Result<&Tree, &Unbuilt>) -> Result<T, Report>,
    ) -> Result<T, Report> {
        let name = "again";
        let built = self.build_parts(name, varied, Some(parts), true);
        let outcome = then(built.as_ref());
        remove_tree(&self.within.join(name))?;
        outcome
    }

    fn build_parts(
        &self,
        name: &str,
        varied: &BTreeSet<Condition>,
        only: Option<&BTreeSet<String>>,
        quietly: bool,
    ) -> Result<Tree, Unbuilt> {
        self.count.set(self.count.get() + 1);
        let conditions = Conditions { varied: varied.clone(), without: self.without.clone(), kit: self.kit.clone() };
        let jobs = if conditions.has(Condition::Jobs) { self.jobs.1 } else { self.jobs.0 };
        let moved = if conditions.has(Condition::Time) { SECONDS } else { 0 };
        let sandbox = self.sandbox.under(conditions);
        let trial = Trial {
            bundle: self.bundle,
            sandbox: &sandbox,
            prefix: None,
            environment: self.environment,
            jobs: Some(jobs),
            only,
            quietly,
        };
        let from = Timestamp::now();
        let Built { prepared, spans, .. } = trial.build(self.context, &self.within.join(name))?;
        let clock = Clock { from: from + moved.seconds(), to: Timestamp::now() + moved.seconds() };
        let records = prepared.destination.records()?;
        let release = prepared.release.as_ref();
        Ok(Tree {
            root: prepared.destination.root().to_owned(),
            files: Receipt::files_of(&records),
            beside: records.iter().flat_map(made_beside).collect(),
            records,
            spans,
            clock,
            release: release.map(|release| (release.name.clone(), release.version.clone())).unwrap_or_default(),
        })
    }
}
