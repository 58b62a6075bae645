//! `hardtack install`

use std::collections::BTreeMap;
use std::time::Instant;

use camino::Utf8Path;

use super::access::Access;
use super::args::Install as Arguments;
use super::collection::{shown, walk};
use super::context::Context;
use super::error::{DIGEST, Report, USAGE};
use super::failure_page::{self, Page};
use super::prepared::Prepared;
use super::project::Loaded;
use super::{events, foresight, inplace, release, trust};
use crate::bundle::is_bundle_folder;
use crate::install::sandbox::{Level, Sandbox};
use crate::install::{Destination, Event, Install, check_visible, install};
use crate::report::{JSON_FORMAT, plural, seconds};

/// The PATH of steps unless `--env PATH=…` says otherwise.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    // An installation is for everybody on its machine; the mask of whoever runs this must not decide who can use it.
    rustix::process::umask(rustix::fs::Mode::from(0o022));
    let environment = environment(&arguments.env)?;
    let path = context.real_path(&arguments.what);
    refuse_assignments(context, arguments, path.is_dir() && !is_bundle_folder(&path))?;
    if !path.is_dir() || is_bundle_folder(&path) {
        trust::check(context, &arguments.trust, &path)?;
    }
    refuse_unsigned(context, arguments, &path)?;
    let steps_path = environment.get("PATH").map(String::as_str).unwrap_or_default();
    if arguments.dry_run {
        return foresight::show(context, arguments, &path, &environment);
    }
    let started = Instant::now();
    let mut told = context.console.verbose > 0;
    let prepared = if is_bundle_folder(&path) {
        release::from_folder(context, arguments.into(), &path, steps_path)?
    } else if path.is_dir() {
        if arguments.dest.is_some() {
            let message = "a project installs in its own folder";
            return Err(Report::new(USAGE, "usage", message).hint("to install it elsewhere, make a bundle of it first"));
        }
        let project =
            Loaded::from_disk(context, &path, context.overrides.clone(), Access::INSTALL)?.project(context)?;
        told = walk(context, &project)?;
        inplace::prepare(context, project, (arguments.into(), steps_path))?
    } else {
        release::from_file(context, arguments.into(), &path, steps_path)?
    };
    match choose_sandbox(context, arguments, &prepared) {
        Ok(sandbox) => perform(context, arguments, &prepared, &sandbox, environment, told, started),
        Err(report) => {
            prepared.destination.abandon();
            Err(report)
        }
    }
}

/// Names what stood where something was put back, so that nobody has to miss it.
pub(super) fn tell_of_left(context: &Context<'_>, destination: &Destination) -> Result<(), Report> {
    for path in destination.newly_left()? {
        let path = shown(context, &destination.root().join(path));
        context
            .console
            .warn(format!("`{path}` stood where something was put back: a build wrote it, or somebody since"));
    }
    Ok(())
}

/// Where somebody's signature is required, nothing is taken that none can be of: a project, and what lies in an unpacked
/// bundle without being part of it, as if it had been installed there.
fn refuse_unsigned(context: &Context<'_>, arguments: &Arguments, path: &Utf8Path) -> Result<(), Report> {
    if !trust::is_required(context, &arguments.trust) || !path.is_dir() {
        return Ok(());
    }
    if !is_bundle_folder(path) {
        // Settings are of bundles; who says it here means what is installed here.
        if !arguments.trust.require_signature && arguments.trust.pubkey.is_empty() {
            return Ok(());
        }
        let message = format!("`{path}` is a project, and nobody signs those");
        return Err(Report::new(DIGEST, "unsigned", message).hint("install a bundle of it, with its .minisig beside"));
    }
    let dest = arguments.dest.as_ref().map(|dest| context.real_path(dest));
    if dest.is_none_or(|dest| dest == path) {
        let message = format!("`{path}` is unpacked, and what else lies in it is covered by no signature");
        return Err(Report::new(DIGEST, "unsigned", message).hint("name another folder to install to: DEST"));
    }
    Ok(())
}

/// A bundle means what it meant where it was made.
fn refuse_assignments(context: &Context<'_>, arguments: &Arguments, project: bool) -> Result<(), Report> {
    let refuse = |what: &str| {
        let report =
            Report::new(USAGE, "usage", format!("{what} has no effect on a bundle: it was resolved when it was made"));
        Err(report.hint("bundle again with it"))
    };
    if let Some(dest) =
        arguments.dest.as_ref().filter(|dest| dest.as_str().contains('=') && !dest.as_str().contains('/'))
    {
        let report =
            Report::new(USAGE, "usage", format!("`{dest}` looks like an assignment, and a folder belongs here"));
        return Err(report.hint(format!("for a project: --set {dest}; for a folder of that name: ./{dest}")));
    }
    if project {
        return Ok(());
    }
    if !context.overrides.is_empty() {
        return refuse("--set");
    }
    if context.config != "buildout.cfg" { refuse("-c") } else { Ok(()) }
}

fn choose_sandbox(context: &Context<'_>, arguments: &Arguments, prepared: &Prepared) -> Result<Sandbox, Report> {
    let sandbox = Sandbox::choose(arguments.sandbox, context.program()?, &prepared.destination.trial())?;
    check_visible(prepared.destination.root(), sandbox.level)?;
    Ok(sandbox)
}

fn perform(
    context: &Context<'_>,
    arguments: &Arguments,
    prepared: &Prepared,
    sandbox: &Sandbox,
    environment: BTreeMap<String, String>,
    told: bool,
    started: Instant,
) -> Result<(), Report> {
    let console = context.console;
    let destination = &prepared.destination;
    if sandbox.level == Level::None {
        console.warn("nothing keeps this build from the network (--sandbox=none); that is recorded");
    } else {
        let (level, reason) = (sandbox.level, sandbox.reason.clone());
        events::installation(console, told, &Event::Level { level, reason });
    }
    let order = Install {
        most_load: arguments.load_average,
        keep_going: arguments.keep_going || arguments.partial,
        partial: arguments.partial,
        network_attempts: arguments.network_attempts,
        allow_downtime: arguments.allow_downtime,
        ..prepared.order(sandbox, environment, arguments.jobs.map(std::num::NonZero::get))
    };
    let outcome = install(&order, &mut |event| events::installation(console, told, &event));
    tell_of_left(context, destination)?;
    let installed = outcome.map_err(|error| {
        let report = Report::from(error);
        let page = Page { release: prepared.release.as_ref(), level: sandbox.level.name() };
        match page.write(destination.root(), &report) {
            Some(path) => report.hint(format!("one page on this, to be sent to who made the bundle: {path}")),
            None => report,
        }
    })?;
    failure_page::remove(destination.root());
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
        shown(context, destination.root()),
        plural(installed.built.len(), "part"),
        seconds(started.elapsed())
    ));
    Ok(())
}

/// What every step's environment is given.
pub(super) fn environment(assignments: &[String]) -> Result<BTreeMap<String, String>, Report> {
    let mut environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    for text in assignments {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Report::new(USAGE, "usage", format!("--env: `{text}` is not of the form NAME=VALUE")));
        };
        environment.insert(name.to_owned(), value.to_owned());
    }
    Ok(environment)
}
