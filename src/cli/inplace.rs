//! Installing a project where it is, from its cache.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::caches::Caches;
use super::collection::{caches, lock_path, walk};
use super::context::Context;
use super::distributions::require_complete;
use super::error::{Report, USAGE, failures};
use super::events;
use super::prepared::Prepared;
use super::project::Project;
use super::release::{Looked, Target, meet_contract};
use crate::base::{Epoch, Expected, Fingerprint, Mismatch, SourceKey, Wanted, fingerprint_file};
use crate::bundle::{Collect, LockUse, Progress, find};
use crate::cache::{Depth, Event};
use crate::install::contract::Contract;
use crate::install::{
    Destination, Error, MissingSource, Open, Preflight, SourceFile, SourcePlace, check_project_sources, preflight,
    programs,
};
use crate::lock::Lock;
use crate::recipes::{Origin, Source};

/// What builds are told the time is, where nothing says one: 1980-01-01.
const FIXED_EPOCH: u32 = 315_532_800;

/// Prepares the installation of a project where it is, from its cache.
pub(super) fn prepare(
    context: &Context<'_>,
    project: Project,
    (target, steps_path): (Target<'_>, &str),
) -> Result<Prepared, Report> {
    project.loaded.note_forced(context);
    require_complete(&project.plan)?;
    if let Some(contract) = contract(&project)? {
        meet_contract(context, target, contract, steps_path)?;
    }
    let destination = Destination::open(project.root(), Open::InPlace)?;
    // Tools and room come before sources: they are quicker to tell.
    preflight(&Preflight {
        tools: programs(&project.plan),
        sizes: Vec::new(),
        folder: project.root(),
        path: steps_path,
    })?;
    destination.start()?;
    let mut caches = caches(context, &project)?;
    let sources = cached_sources(context, &project, &caches)?;
    // Builds take hours; nobody has to wait for their end to clean a cache.
    caches.keep_only(&sources.values().map(|source| source.fingerprint.sha256).collect())?;
    let epoch = match context.environment.variable("SOURCE_DATE_EPOCH") {
        Some(text) => {
            Some(text.parse().map_err(|error| Report::new(USAGE, "usage", format!("SOURCE_DATE_EPOCH: {error}")))?)
        }
        None => project.settings.date,
    };
    let epoch = epoch.unwrap_or(Epoch::from_seconds(FIXED_EPOCH));
    let caches = Some(caches);
    Ok(Prepared { destination, plan: project.plan, sources, image: None, release: None, epoch, _caches: caches })
}

/// What builds of a project use of their machine, if a rehearsal wrote it down.
fn contract(project: &Project) -> Result<Option<Contract>, Report> {
    Ok(Contract::read(&Contract::beside(&lock_path(project)))?)
}

/// Looks at a project, without touching it.
pub(super) fn look_at(context: &Context<'_>, project: Project) -> Result<Looked, Report> {
    require_complete(&project.plan)?;
    let caches = caches(context, &project)?;
    let sources = cached_sources(context, &project, &caches)?;
    let (root, contract) = (project.root().to_owned(), contract(&project)?);
    Ok(Looked { files: root.clone(), root, plan: project.plan, sources, contract })
}

/// A source that is not to be had here.
pub(super) struct Wanting {
    pub(super) key: SourceKey,
    pub(super) parts: Vec<String>,
    /// What its bytes must be.
    pub(super) expected: Expected,
    shown: String,
    /// What is there in its place.
    mismatch: Option<Mismatch>,
}

impl From<Wanting> for MissingSource {
    fn from(wanting: Wanting) -> Self {
        Self { source: wanting.shown, part: wanting.parts.join(", "), mismatch: wanting.mismatch }
    }
}

/// The sources of a project that neither its cache nor this machine's disk has as they must be.
pub(super) fn wanting(context: &Context<'_>, project: &Project) -> Result<Vec<Wanting>, Report> {
    let caches = caches(context, project)?;
    Ok(search(context, project, &caches)?.1)
}

/// All sources from the project's cache and from this machine's disk. What is missing is told all at once.
fn cached_sources(
    context: &Context<'_>,
    project: &Project,
    caches: &Caches,
) -> Result<BTreeMap<SourceKey, SourceFile>, Report> {
    let (mut missing, mut wrong) = check_project_sources(&project.plan, project.root())?;
    let (found, wanting) = search(context, project, caches)?;
    for wanting in wanting {
        let list = if wanting.mismatch.is_some() { &mut wrong } else { &mut missing };
        list.push(wanting.into());
    }
    if !wrong.is_empty() {
        return Err(Error::Wrong(wrong).into());
    }
    if missing.is_empty() { Ok(found) } else { Err(Error::Missing(missing).into()) }
}

/// The sources that are there, and those that are not.
fn search(
    context: &Context<'_>,
    project: &Project,
    caches: &Caches,
) -> Result<(BTreeMap<SourceKey, SourceFile>, Vec<Wanting>), Report> {
    let lock = Lock::read(&lock_path(project))?.unwrap_or_default();
    let told = walk(context, project)?;
    let order = Collect {
        caches: caches.lend(context),
        network: None,
        mirrors: &context.mirrors,
        lock: &lock,
        lock_use: LockUse::Honour,
        refresh: false,
        accept_recompressed: false,
        max_index_age: None,
        depth: Depth::Bytes,
        workers: 1,
        observe: &|progress| events::collection(context.console, told, &progress),
    };
    let (mut found, mut lacking) = (BTreeMap::new(), Vec::new());
    for (key, source, parts) in project.plan.sources() {
        let Some(wanted) = source.wanted() else { continue };
        let wanted = Wanted { expected: lock.expected(&key, source.expected)?, ..wanted };
        let expected = wanted.expected;
        let owned = parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let absent =
            |mismatch| Wanting { key: key.clone(), parts: owned.clone(), expected, shown: source.shown(), mismatch };
        let part = parts.first().copied().unwrap_or_default().to_owned();
        let mut observe = |event| (order.observe)(Progress::Cache { part: part.clone(), event });
        let (hit, mut bad) = find(source, &parts, wanted.clone(), &order).map_err(|failure| failures(vec![failure]))?;
        let file = match (hit, bad.pop()) {
            (Some(hit), _) => Some((hit.path, hit.fingerprint)),
            (None, None) => local(caches, source, &wanted, &mut observe)?,
            (None, Some(bad)) => {
                lacking.push(absent(Some(bad.mismatch)));
                continue;
            }
        };
        match file {
            Some((path, fingerprint)) => match wanted.expected.check(&fingerprint) {
                Ok(()) => {
                    let (name, place) = (source.shown(), SourcePlace::Fixed(path));
                    found.insert(key.clone(), SourceFile { name, place, fingerprint });
                }
                Err(mismatch) => lacking.push(absent(Some(mismatch))),
            },
            None => lacking.push(absent(None)),
        }
    }
    Ok((found, lacking))
}

type Found = Option<(Utf8PathBuf, Fingerprint)>;

/// A file of this machine: copied into a project's own cache, else used where it is.
fn local(caches: &Caches, source: &Source, wanted: &Wanted, observe: &mut dyn FnMut(Event)) -> Result<Found, Report> {
    let Origin::Outside { path, .. } = &source.origin else { return Ok(None) };
    if !path.is_file() {
        return Ok(None);
    }
    if let Some(cache) = caches.own() {
        let hit = cache.copy_in(path, wanted, observe)?;
        return Ok(Some((hit.path, hit.fingerprint)));
    }
    Ok(Some((path.clone(), fingerprint_file(path)?)))
}
