//! A bundle built in a folder, where builds know it by another path: what rehearsals and comparisons are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};

use super::context::Context;
use super::error::{AGAIN, ATTEMPT, BUILD, Report, USAGE};
use super::events;
use super::prepared::Prepared;
use super::release::{Target, from_file};
use crate::install::sandbox::{Choice, Level, Rehearsal, Sandbox};
use crate::install::{Error, Event, check_visible, install};
use crate::reproduce::Span;

/// What is to be built.
pub(super) struct Trial<'a> {
    /// The bundle's file.
    pub(super) bundle: &'a Utf8Path,
    /// That of [`sandbox_of`].
    pub(super) sandbox: &'a Sandbox,
    /// The path that builds know the destination by; the bundle's own prefix if it is none.
    pub(super) prefix: Option<&'a Utf8Path>,
    /// Variables of every step.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Processes at a time.
    pub(super) jobs: Option<usize>,
    /// Parts that are built, with those they use; all if it is none.
    pub(super) only: Option<&'a BTreeSet<String>>,
    /// Nobody is told which part is at what.
    pub(super) quietly: bool,
}

/// What was built, in the folder `dest` of the one it was to be built in.
pub(super) struct Built {
    pub(super) prepared: Prepared,
    /// Parts that were there already.
    pub(super) reused: Vec<String>,
    /// When what was done.
    pub(super) spans: Vec<Span>,
}

/// Why nothing was.
pub(super) enum Unbuilt {
    /// The build of this part failed.
    Part { name: String, report: Report },
    /// Something else, which says nothing of the bundle.
    Other(Report),
}

impl<E: Into<Report>> From<E> for Unbuilt {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// The sandbox for trials, with this root if it is not the machine's.
pub(super) fn sandbox_of(
    context: &Context<'_>,
    root: Option<Utf8PathBuf>,
    scratch: &Utf8Path,
) -> Result<Sandbox, Report> {
    let sandbox = Sandbox::choose(Choice::Exactly(Level::Full), context.program()?, scratch)?;
    Ok(sandbox.rehearsing(Rehearsal { root, conditions: None }, &scratch.join("files"))?)
}

impl Trial<'_> {
    /// Builds.
    pub(super) fn build(&self, context: &Context<'_>, within: &Utf8Path) -> Result<Built, Unbuilt> {
        let dest = within.join("dest");
        let (dest, rehearsed_at) = (Some(dest.as_path()), self.prefix);
        let target = Target { dest, rehearsal: self.sandbox.rehearsal(), rehearsed_at, ..Target::default() };
        let path = self.environment.get("PATH").map(String::as_str).unwrap_or_default();
        let mut prepared = from_file(context, target, self.bundle, path)?;
        if let Some((part, place)) = prepared.plan.shared().next() {
            let (part, folder) = (&part.name, &place.folder);
            let message =
                format!("part `{part}` is shared by installations, in `{folder}`, which a rehearsal must not touch");
            return Err(Report::new(USAGE, "shared-part", message)
                .hint("to rehearse it, bundle it without `shared` or without shared-part-list")
                .into());
        }
        if let Some(only) = self.only {
            if let Some(unknown) = only.iter().find(|name| !prepared.plan.parts.iter().any(|part| part.name == **name))
            {
                let names: Vec<_> = prepared.plan.parts.iter().map(|part| part.name.as_str()).collect();
                let report = Report::new(USAGE, "usage", format!("there is no part `{unknown}`"));
                return Err(report.hint(format!("the bundle has {}", names.join(", "))).into());
            }
            prepared.plan.keep_only(only);
        }
        let (console, destination) = (context.console, &prepared.destination);
        check_visible(destination.seen_at(), self.sandbox.level)?;
        // Builds that are compared are announced by whoever compares.
        if self.sandbox.conditions().is_none() {
            let of =
                if self.sandbox.root().is_some() { ", with the compilers and libraries of another root" } else { "" };
            console.say(format!("rehearsing at {}{of}", destination.seen_at()));
        }
        let order = prepared.order(self.sandbox, self.environment.clone(), self.jobs);
        let mut clock = Clock::new();
        let installed = install(&order, &mut |event| {
            clock.note(&event);
            if !self.quietly || console.verbose > 0 {
                events::installation(console, console.verbose > 0, &event);
            }
        });
        let reused = match installed {
            Ok(installed) => installed.kept,
            Err(error) => return Err(unbuilt(error)),
        };
        Ok(Built { prepared, reused, spans: clock.spans })
    }
}

/// An error without the ways out that only installations have.
fn unbuilt(error: Error) -> Unbuilt {
    let name = part_of(&error).map(str::to_owned);
    let mut report = Report::from(error);
    report.hints.retain(|hint| hint != AGAIN && !hint.contains("--network-attempts") && !hint.contains("--sandbox"));
    match (name, report.exit) {
        (name, BUILD | ATTEMPT) => Unbuilt::Part { name: name.unwrap_or_default(), report },
        // That it could not be built says nothing of it.
        _ => Unbuilt::Other(report),
    }
}

/// The part whose build failed first.
fn part_of(error: &Error) -> Option<&str> {
    match error {
        Error::Step { part, .. }
        | Error::Archive { part, .. }
        | Error::NoMarker { part, .. }
        | Error::Removed { part, .. }
        | Error::NoVariable { part, .. } => Some(part),
        Error::Several(errors) => errors.first().and_then(part_of),
        _ => None,
    }
}

/// Notes when steps begin and end.
struct Clock {
    started: Instant,
    /// The step that each part is at, and since when.
    open: BTreeMap<String, (String, f64)>,
    spans: Vec<Span>,
}

impl Clock {
    fn new() -> Self {
        Self { started: Instant::now(), open: BTreeMap::new(), spans: Vec::new() }
    }

    fn note(&mut self, event: &Event) {
        let now = self.started.elapsed().as_secs_f64();
        let (part, next) = match event {
            Event::Step { part, step, .. } => (part, Some(step.clone())),
            Event::Built { part, .. } | Event::Failed { part, .. } => (part, None),
            _ => return,
        };
        if let Some((step, from)) = self.open.remove(part) {
            self.spans.push(Span { part: part.clone(), step, from, to: now });
        }
        if let Some(step) = next {
            self.open.insert(part.clone(), (step, now));
        }
    }
}
