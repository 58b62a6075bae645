//! Which Python distributions a project's parts take: what the lock says, else what pip picks.

use super::access::Access;
use super::context::Context;
use super::error::{ENVIRONMENT, MISSING, Report, USAGE};
use super::project::Project;
use crate::base::{Distribution, Distributions, Expected};
use crate::bundle::{Collect, LockUse, collect};
use crate::lock::{Error as LockError, Lock};
use crate::python::{Error, Order, resolve};
use crate::recipes::{Origin, Part, Plan, Source};
use crate::report::plural;

/// Variables of pip's that say how something is reached, and not what is taken.
const OF_THE_MACHINE: [&str; 12] = [
    "PIP_CACHE_DIR",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_KEYRING_PROVIDER",
    "PIP_PROXY",
    "PIP_RETRIES",
    "PIP_TIMEOUT",
    "PIP_TRUSTED_HOST",
];

/// Gives all parts of distributions their files, those that the lock does not know by asking pip.
pub(super) fn complete(
    context: &Context<'_>,
    project: &mut Project,
    access: Access,
    order: &Collect<'_>,
) -> Result<(), Report> {
    let all = project.plan.parts.iter().filter(|part| part.python.is_some());
    let open: Vec<Part> = match access.lock_use {
        LockUse::Update => all.cloned().collect(),
        LockUse::Honour => project.plan.incomplete().map(|(part, _)| part.clone()).collect(),
    };
    if open.is_empty() {
        return Ok(());
    }
    if !access.network {
        return Err(not_resolved(&open.iter().collect::<Vec<_>>()).hint("run hardtack lock where there is a network"));
    }
    let (_held, scratch) = context.environment.temporary_folder()?;
    let names = context.environment.variables.keys();
    let pips_own = names.filter(|name| name.starts_with("PIP_") && !OF_THE_MACHINE.contains(&name.as_str()));
    let variables: Vec<String> = pips_own.cloned().collect();
    let mut known: Vec<Distributions> = Vec::new();
    for part in &open {
        let Some(wants) = &part.python else { continue };
        let count = plural(wants.asked.requirements.len(), "requirement");
        context.console.say(format!("{}: asking pip for {count}", part.name));
        let (asked, place) = (&wants.asked, &project.plan.project);
        let asked = Order { part: &part.name, asked, project: place, scratch: &scratch, variables: &variables };
        let mut get = |file: &Distribution| -> Result<_, Report> {
            let expected = Expected { sha256: Some(file.sha256), md5: None };
            let place = &project.plan.project;
            let source = Source::new(&file.url, expected, &place.directory, &place.root);
            let source = source.map_err(|problem| Report::new(USAGE, "unsupported", problem.to_string()))?;
            if let Origin::Project(path) = &source.origin {
                return Ok(place.root.join(path));
            }
            let alone = Part { sources: vec![source], ..part.clone() };
            let plan = Plan { project: place.clone(), parts: vec![alone], notes: Vec::new() };
            let collected = collect(&plan, order)?;
            // One source was asked for.
            collected.sources.into_iter().next().map(|source| source.path).ok_or_else(Report::default)
        };
        let found = resolve(&asked, &mut get)?;
        context.console.say(format!(
            "{}: {} for Python {}",
            part.name,
            plural(found.files.len(), "distribution"),
            found.python
        ));
        known.push(found);
    }
    project.know(known)
}

/// Fails where it is not known which files a part takes.
pub(super) fn require_complete(plan: &Plan) -> Result<(), Report> {
    let open: Vec<&Part> = plan.incomplete().map(|(part, _)| part).collect();
    match open.is_empty() {
        true => Ok(()),
        false => Err(not_resolved(&open).hint("run hardtack fetch first, where there is a network")),
    }
}

/// Says of which parts it is not known.
fn not_resolved(open: &[&Part]) -> Report {
    let names: Vec<&str> = open.iter().map(|part| part.name.as_str()).collect();
    let message = format!("the lock does not say which Python distributions {} takes", names.join(", "));
    Report::new(MISSING, "not-resolved", message)
}

/// What `--locked` has against parts that the lock does not know.
pub(super) fn outdated(project: &Project, path: &camino::Utf8Path) -> Result<(), Report> {
    let changes: Vec<String> = project
        .plan
        .incomplete()
        .map(|(part, _)| format!("part `{}` asks for other Python distributions", part.name))
        .collect();
    if changes.is_empty() { Ok(()) } else { Err(LockError::Outdated { path: path.to_owned(), changes }.into()) }
}

/// Writes what parts take into a new lock.
pub(super) fn write_down(project: &Project, lock: &mut Lock) {
    let takes = |known: &&Distributions| {
        project
            .plan
            .part(&known.part)
            .and_then(|part| part.python.as_ref())
            .is_some_and(|wants| wants.asked.digest() == known.wants)
    };
    project.distributions.iter().filter(takes).for_each(|known| lock.insert_distributions(known.clone()));
}

impl From<Error> for Report {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::NoPython { .. } => Self::of(ENVIRONMENT, "no-python", &error)
                .hint("install it, or name another with `[hardtack] python`, such as 3.11"),
            Error::NoPip { .. } => Self::of(ENVIRONMENT, "no-pip", &error)
                .hint("install it there: python3 -m ensurepip, or your system's package"),
            Error::Pip { .. } | Error::Report { .. } | Error::Sdist { .. } | Error::Unpack { .. } => {
                Self::of(MISSING, "not-resolved", &error)
            }
            Error::NoFile { .. } => Self::of(USAGE, "unsupported", &error)
                .hint("make a wheel or a source distribution of it, in a folder that `find-links` names"),
            Error::Picked { .. } => {
                Self::of(USAGE, "not-pinned", &error).hint("write them there, or leave `allow-picked-versions` out")
            }
            Error::SameName { .. } => Self::of(USAGE, "same-name", &error)
                .hint("name one of them by another URL, or by its version from an index"),
            Error::NoLinks { .. } => Self::of(USAGE, "not-found", &error).hint("correct `find-links`"),
            Error::OtherMachine { .. } => Self::of(USAGE, "other-machine", &error)
                .hint("make the lock on such a machine; it holds wherever the bundle is made"),
            Error::TooNew { .. } | Error::NotPortable { .. } => Self::of(USAGE, "wheel-not-portable", &error)
                .hint("take another version, or build it at the site: `binary = no`"),
        }
    }
}
