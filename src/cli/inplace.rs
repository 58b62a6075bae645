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
use super::release::Looked;
use crate::base::{Epoch, Fingerprint, SourceKey, Wanted, fingerprint_file};
use crate::bundle::{Collect, LockUse, Progress, find};
use crate::cache::{Depth, Event};
use crate::install::{
    Destination, Error, MissingSource, Open, Preflight, SourceFile, SourcePlace, check_project_sources, preflight, programs,
};
use crate::lock::Lock;
use crate::recipes::{Origin, Source};

/// What builds are told the time is, where nothing says one: 1980-01-01.
const FIXED_EPOCH: u32 = 315_532_800;

/// Prepares the installation of a project where it is, from its cache.
pub(super) fn prepare(context: &Context<'_>, project: Project, steps_path: &str) -> Result<Prepared, Report> {
    project.loaded.note_forced(context);
    require_complete(&project.plan)?;
    let destination = Destination::open(project.root(), Open::InPlace)?;
    // Tools and room come before sources: they are quicker to tell.
    preflight(&Preflight { tools: programs(&project.plan), sizes: Vec::new(), folder: project.root(), path: steps_path })?;
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

/// Looks at a project, without touching it.
pub(super) fn look_at(context: &Context<'_>, project: Project) -> Result<Looked, Report> {
    require_complete(&project.plan)?;
    let caches = caches(context, &project)?;
    let sources = cached_sources(context, &project, &caches)?;
    let root = project.root().to_owned();
    Ok(Looked { files: root.clone(), root, plan: project.plan, sources, contract: None })
}

/// All sources from the project's cache and from this machine's disk. What is missing is told all at once.
fn cached_sources(
    context: &Context<'_>,
    project: &Project,
    caches: &Caches,
) -> Result<BTreeMap<SourceKey, SourceFile>, Report> {
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
    let mut found = BTreeMap::new();
    let (mut missing, mut wrong) = check_project_sources(&project.plan, project.root())?;
    for (key, source, parts) in project.plan.sources() {
        let Some(wanted) = source.wanted() else { continue };
        let wanted = Wanted { expected: lock.expected(&key, source.expected)?, ..wanted };
        let absent = |mismatch| MissingSource { source: source.shown(), part: parts.join(", "), mismatch };
        let part = parts.first().copied().unwrap_or_default().to_owned();
        let mut observe = |event| (order.observe)(Progress::Cache { part: part.clone(), event });
        let (hit, mut bad) = find(source, &parts, wanted.clone(), &order).map_err(|failure| failures(vec![failure]))?;
        let file = match (hit, bad.pop()) {
            (Some(hit), _) => Some((hit.path, hit.fingerprint)),
            (None, None) => local(caches, source, &wanted, &mut observe)?,
            (None, Some(bad)) => {
                wrong.push(absent(Some(bad.mismatch)));
                continue;
            }
        };
        match file {
            Some((path, fingerprint)) => match wanted.expected.check(&fingerprint) {
                Ok(()) => {
                    let (name, place) = (source.shown(), SourcePlace::Fixed(path));
                    found.insert(key, SourceFile { name, place, fingerprint });
                }
                Err(mismatch) => wrong.push(absent(Some(mismatch))),
            },
            None => missing.push(absent(None)),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Wrong(wrong).into());
    }
    if missing.is_empty() { Ok(found) } else { Err(Error::Missing(missing).into()) }
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
