//! Getting a project's sources, as `lock`, `fetch` and `bundle` do it.

use camino::{Utf8Path, Utf8PathBuf};

use super::access::Access;
use super::caches::Caches;
use super::context::Context;
use super::distributions;
use super::error::{Report, USAGE};
use super::events;
use super::project::Project;
use crate::base::{RelPath, normalize};
use crate::bundle::{Collect, Collected, collect};
use crate::cache::Depth;
use crate::lock::{Error as LockError, Lock, file_name};

/// Sources that were got, and the lock file's place.
pub(super) struct Gathered {
    pub(super) collected: Collected,
    pub(super) lock_path: Utf8PathBuf,
    /// The lock file was written.
    pub(super) lock_written: bool,
    /// Holds them until the end of the command.
    pub(super) caches: Caches,
}

/// The caches of a project: its `download-cache` if it has one, else the shared cache.
pub(super) fn caches(context: &Context<'_>, project: &Project) -> Result<Caches, Report> {
    // In the original, `download-cache =` with nothing names the folder of its file; what is meant is no cache.
    let written = project.loaded.config.raw("buildout", "download-cache").map(|value| value.written().trim());
    let own = project.buildout_option("download-cache")?.filter(|_| written != Some(""));
    let own = own.map(|path| normalize(&project.loaded.directory.join(path)));
    if let Some(path) = own.as_ref().filter(|path| project.root().starts_with(path)) {
        let message = format!("`download-cache` is `{path}`, where the project itself lies");
        let report = Report::new(USAGE, "config-value", message).hint("give it a folder of its own");
        let written = project.loaded.config.raw("buildout", "download-cache");
        return Err(report.at(written.and_then(|value| value.origin().place())));
    }
    Caches::open(context, own.as_deref())
}

/// Whether the walk through the cache is to be told.
pub(super) fn walk(context: &Context<'_>, project: &Project) -> Result<bool, Report> {
    let level = project.buildout_option("log-level")?;
    Ok(context.console.verbose > 0 || level.is_some_and(|level| level.eq_ignore_ascii_case("debug")))
}

/// The lock file of a project, beside its config.
pub(super) fn lock_path(project: &Project) -> Utf8PathBuf {
    file_name(&project.loaded.path)
}

/// Gets all sources and brings the lock file up to date.
pub(super) fn gather(
    context: &Context<'_>,
    project: &mut Project,
    access: Access,
    depth: Depth,
) -> Result<Gathered, Report> {
    let caches = caches(context, project)?;
    let lock_path = lock_path(project);
    let lock = Lock::read(&lock_path)?;
    let locked = access.locked;
    if locked && lock.is_none() {
        let changes = vec!["it does not exist".to_owned()];
        return Err(LockError::Outdated { path: shown(context, &lock_path), changes }.into());
    }
    let lock = lock.unwrap_or_default();
    if locked {
        distributions::outdated(project, &shown(context, &lock_path))?;
        // Names are compared before anything is downloaded; digests can be only after.
        let sources = project.plan.sources().into_iter().map(|(key, _, _)| key);
        let names = sources.chain(project.loaded.remote.configs.keys().cloned()).collect();
        let changes = lock.name_changes(&names);
        if !changes.is_empty() {
            return Err(LockError::Outdated { path: shown(context, &lock_path), changes }.into());
        }
    }
    let walk = walk(context, project)?;
    let network = access.network(context)?;
    let order = Collect {
        caches: caches.lend(context),
        network: network.as_deref(),
        mirrors: &context.mirrors,
        lock: &lock,
        lock_use: access.lock_use,
        refresh: access.refresh,
        accept_recompressed: access.accept_recompressed,
        max_index_age: access.max_index_age,
        depth,
        // While one is flushed to disk, its connection serves the next.
        workers: 2 * context.connections(),
        observe: &|progress| events::collection(context.console, walk, &progress),
    };
    distributions::complete(context, project, access, &order)?;
    let mut collected = collect(&project.plan, &order)?;
    distributions::write_down(project, &mut collected.lock);
    project.loaded.remote.configs.values().for_each(|config| collected.lock.insert(config.locked()));
    let changes = lock.changes(&collected.lock);
    if locked && !changes.is_empty() {
        return Err(LockError::Outdated { path: shown(context, &lock_path), changes }.into());
    }
    let lock_written = !locked && collected.lock.write(&lock_path)?;
    Ok(Gathered { collected, lock_path, lock_written, caches })
}

/// `path` as seen from the folder the command works in.
pub(super) fn shown(context: &Context<'_>, path: &Utf8Path) -> Utf8PathBuf {
    RelPath::below(&context.folder, path).map_or_else(|| path.to_owned(), |path| path.as_str().into())
}
