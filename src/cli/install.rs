//! `hardtack install`

use std::collections::BTreeMap;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};

use super::args::Install as Arguments;
use super::collection::{caches, lock_path, walk};
use super::context::Context;
use super::error::{ENVIRONMENT, Report, USAGE};
use super::events;
use super::project::{Loaded, Project};
use super::release;
use crate::base::{Epoch, SourceKey, Wanted, fingerprint_file, normalize};
use crate::bundle::{Bundle, UnpackedBundle, is_bundle_folder};
use crate::install::sandbox::{Level, Sandbox};
use crate::install::{
    Destination, Error, Event, Image, Install, MissingSource, Open, Preflight, Release, SourceFile,
    check_project_sources, install, preflight,
};
use crate::lock::Lock;
use crate::recipes::{Origin, Plan, Source};
use crate::report::{JSON_FORMAT, plural, seconds};

/// The PATH of steps unless `--env PATH=…` says otherwise.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// What builds are told the time is, where nothing says one: 1980-01-01.
const FIXED_EPOCH: u32 = 315_532_800;

/// An installation that only needs to be run.
pub(super) struct Prepared {
    pub(super) destination: Destination,
    pub(super) plan: Plan,
    pub(super) sources: BTreeMap<SourceKey, SourceFile>,
    pub(super) image: Option<Image>,
    pub(super) release: Option<Release>,
    pub(super) epoch: Epoch,
}

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    let environment = environment(arguments)?;
    let path = inside(context, &arguments.what)?;
    if arguments.dry_run {
        return dry_run(context, &path);
    }
    let started = Instant::now();
    let mut told = context.console.verbose > 0;
    let prepared = if is_bundle_folder(&path) {
        release::from_folder(context, arguments, &path)?
    } else if path.is_dir() {
        if arguments.dest.is_some() {
            let message = "a project installs in its own folder";
            return Err(Report::new(USAGE, "usage", message).hint("to install it elsewhere, make a bundle of it first"));
        }
        let project = Loaded::from_disk(context, &path, context.overrides.clone(), false)?.project(context)?;
        told = walk(context, &project)?;
        from_project(context, project, &environment)?
    } else {
        release::from_file(context, arguments, &path)?
    };
    check(&prepared, &environment)?;
    perform(context, arguments, &prepared, environment, told, started)
}

/// Tools, room and mount options.
fn check(prepared: &Prepared, environment: &BTreeMap<String, String>) -> Result<(), Report> {
    let sizes = prepared.sources.values().map(|source| source.fingerprint.size).collect();
    let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
    Ok(preflight(&Preflight { plan: &prepared.plan, sizes, folder: prepared.destination.root(), path })?)
}

fn perform(
    context: &Context<'_>,
    arguments: &Arguments,
    prepared: &Prepared,
    environment: BTreeMap<String, String>,
    told: bool,
    started: Instant,
) -> Result<(), Report> {
    let console = context.console;
    let destination = &prepared.destination;
    let Some(program) = &context.environment.program else {
        return Err(Report::new(ENVIRONMENT, "no-program", "failed to find hardtack's own program; is /proc mounted?"));
    };
    let sandbox = Sandbox::choose(arguments.sandbox, program, &destination.trial())?;
    if sandbox.level == Level::None {
        console.warn("nothing keeps this build from the network (--sandbox=none); that is recorded");
    } else {
        let (level, reason) = (sandbox.level, sandbox.reason.clone());
        events::installation(console, told, &Event::Level { level, reason });
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = arguments.jobs.map_or(processors, std::num::NonZero::get);
    let order = Install {
        destination,
        plan: &prepared.plan,
        sources: prepared.sources.clone(),
        image: prepared.image.clone(),
        release: prepared.release.clone(),
        sandbox: &sandbox,
        environment,
        epoch: prepared.epoch,
        jobs,
        allow_downtime: arguments.allow_downtime,
    };
    let installed = install(&order, &mut |event| events::installation(console, told, &event))?;
    if console.json {
        return console.out_json(&serde_json::json!({
            "format": JSON_FORMAT,
            "destination": destination.root(),
            "level": sandbox.level.name(),
            "built": installed.built,
            "kept": installed.kept,
            "removed": installed.removed,
        }));
    }
    let kept = match installed.kept.len() {
        0 => String::new(),
        count => format!(", {count} kept"),
    };
    console.say(format!(
        "installed to {}: {} built{kept} in {}",
        super::collection::shown(context, destination.root()),
        plural(installed.built.len(), "part"),
        seconds(started.elapsed())
    ));
    Ok(())
}

/// Prepares the installation of a project where it is, from its cache.
fn from_project(
    context: &Context<'_>,
    project: Project,
    environment: &BTreeMap<String, String>,
) -> Result<Prepared, Report> {
    project.loaded.note_forced(context);
    let destination = Destination::open(project.root(), Open::InPlace)?;
    // Tools and room come before sources: they are quicker to tell.
    let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
    preflight(&Preflight { plan: &project.plan, sizes: Vec::new(), folder: project.root(), path })?;
    destination.start("project")?;
    let sources = cached_sources(context, &project)?;
    let epoch = match context.environment.variable("SOURCE_DATE_EPOCH") {
        Some(text) => {
            Some(text.parse().map_err(|error| Report::new(USAGE, "usage", format!("SOURCE_DATE_EPOCH: {error}")))?)
        }
        None => project.settings.date,
    };
    let epoch = epoch.unwrap_or(Epoch::from_seconds(FIXED_EPOCH));
    Ok(Prepared { destination, plan: project.plan, sources, image: None, release: None, epoch })
}

/// All sources from the project's cache and from this machine's disk. What is missing is told all at once.
fn cached_sources(context: &Context<'_>, project: &Project) -> Result<BTreeMap<SourceKey, SourceFile>, Report> {
    let caches = caches(context, project)?;
    let lock = Lock::read(&lock_path(project))?.unwrap_or_default();
    let told = walk(context, project)?;
    let mut found = BTreeMap::new();
    let (mut missing, mut wrong) = check_project_sources(&project.plan, project.root())?;
    for (key, source, parts) in project.plan.sources() {
        let Some(wanted) = source.wanted() else { continue };
        let wanted = Wanted { expected: lock.expected(&key, source.expected)?, ..wanted };
        let part = parts.first().copied().unwrap_or_default();
        let mut observe = |event| {
            if told {
                context.console.say(format!("{part}: {}", events::cache_step(&event)));
            }
        };
        let allowed = caches.own || crate::cache::decide(context.policy, &wanted).allowed;
        let absent = |mismatch| MissingSource { source: source.shown(), part: parts.join(", "), mismatch };
        let mut lookup = match allowed {
            true => caches.cache.lookup(&wanted, &mut observe)?,
            false => crate::cache::Lookup { hit: None, wrong: Vec::new() },
        };
        let file = match (lookup.hit, lookup.wrong.pop()) {
            (Some(hit), _) => Some((hit.path, hit.fingerprint)),
            (None, None) => local(&caches, source, &wanted, &mut observe)?,
            (None, Some(bad)) => {
                wrong.push(absent(Some(bad.mismatch)));
                continue;
            }
        };
        match file {
            Some((path, fingerprint)) => match wanted.expected.check(&fingerprint) {
                Ok(()) => drop(found.insert(key, SourceFile { name: source.shown(), path, fingerprint })),
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

type Found = Option<(Utf8PathBuf, crate::base::Fingerprint)>;

/// A file of this machine: copied into a project's own cache, else used where it is.
fn local(
    caches: &super::collection::Caches,
    source: &Source,
    wanted: &Wanted,
    observe: &mut dyn FnMut(crate::cache::Event),
) -> Result<Found, Report> {
    let Origin::Outside(path) = &source.origin else { return Ok(None) };
    if !path.is_file() {
        return Ok(None);
    }
    if caches.own {
        let hit = caches.cache.import(path, wanted, observe)?;
        return Ok(Some((hit.path, hit.fingerprint)));
    }
    Ok(Some((path.clone(), fingerprint_file(path)?)))
}

impl Loaded {
    /// Says which options of the config do not count when installing.
    pub(super) fn note_forced(&self, context: &Context<'_>) {
        for (option, meant) in [("install-from-cache", "false"), ("offline", "true")] {
            let written = self.config.raw("buildout", option);
            if let Some(place) = written.filter(|value| &*value.text == meant).and_then(|value| value.origin().place())
            {
                context.console.note(format!(
                    "`{option} = {meant}` ({place}) does not count: hardtack install always installs from the cache"
                ));
            }
        }
    }
}

/// What every step's environment is given.
fn environment(arguments: &Arguments) -> Result<BTreeMap<String, String>, Report> {
    let mut environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    for text in &arguments.env {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Report::new(USAGE, "usage", format!("--env: `{text}` is not of the form NAME=VALUE")));
        };
        environment.insert(name.to_owned(), value.to_owned());
    }
    Ok(environment)
}

/// An absolute path without links in the folders that are there already.
pub(super) fn inside(context: &Context<'_>, path: &Utf8Path) -> Result<Utf8PathBuf, Report> {
    let full = normalize(&context.environment.folder.join(path));
    for above in full.ancestors() {
        if let Ok(real) = above.canonicalize_utf8() {
            return Ok(match full.strip_prefix(above) {
                Ok(below) if below != "" => real.join(below),
                _ => real,
            });
        }
    }
    Ok(full)
}

/// What would be built, from the bundle's manifest or the project's plan.
fn dry_run(context: &Context<'_>, path: &Utf8Path) -> Result<(), Report> {
    let manifest = if is_bundle_folder(path) {
        UnpackedBundle::open(path)?.manifest().clone()
    } else if path.is_dir() {
        let project = Loaded::from_disk(context, path, context.overrides.clone(), false)?.project(context)?;
        let lines = project.plan.parts.iter().map(|part| format!("{}\t{}\n", part.name, part.recipe));
        return context.console.out(&lines.collect::<String>());
    } else {
        Bundle::open(path)?.manifest().clone()
    };
    let lines = manifest.parts.iter().map(|part| format!("{}\t{}\n", part.name, part.recipe));
    context.console.out(&lines.collect::<String>())
}
