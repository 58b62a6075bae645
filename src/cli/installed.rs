//! `hardtack status`, `rollback` and `uninstall`, and `verify` of what is installed.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::args::installed::{Rollback, Status, Uninstall};
use super::collection::shown;
use super::context::Context;
use super::error::{DIGEST, Item, Report};
use super::events;
use super::failure_page;
use super::install::tell_of_left;
use crate::install::{Destination, Difference, Differences, Error, Open, State, Survey, is_installed, roll_back};
use crate::report::{JSON_FORMAT, plural, seconds};

/// Files that are listed before the rest is counted.
const LISTED: usize = 20;

pub(super) fn status(context: &Context<'_>, arguments: &Status) -> Result<(), Report> {
    let root = context.real_path(&arguments.dest);
    let survey = Survey::of(&root)?;
    let Survey { state, records, previous, waiting, interrupted, .. } = &survey;
    if context.console.json {
        let parts = records.iter().map(|record| {
            json!({
                "name": record.name, "recipe": record.recipe, "location": record.location, "input": record.input,
                "level": record.level, "files": record.files.len(), "beside": record.beside.keys().collect::<Vec<_>>(), "seconds": record.took.map(|took| took.as_secs_f64()),
                "attempts": record.seen.attempts, "attempts-unseen": record.seen.attempts_unseen,
                "refused-sockets": record.seen.refused_sockets, "unconfined": record.seen.unconfined,
            })
        });
        return context.console.out_json(&json!({
            "format": JSON_FORMAT, "destination": root, "release": state.release, "level": state.level,
            "parts": parts.collect::<Vec<_>>(), "downtime": state.downtime, "shared": state.shared, "missing": state.missing, "previous": previous.as_ref().map(|previous| &previous.release),
            "can-roll-back": previous.is_some(), "waiting": waiting, "interrupted": interrupted,
        }));
    }
    let mut text = format!("{}\nisolation: {}\n", title(state), state.level);
    if state.downtime {
        text += "built in place: the release before could not be used meanwhile\n";
    }
    for record in records {
        let took = record.took.map(|took| format!(", built in {}", seconds(took))).unwrap_or_default();
        let tried = match record.seen.attempts.len() {
            0 => String::new(),
            count => format!(", tried to reach the network ({})", plural(count, "attempt")),
        };
        let beside = match record.beside.len() {
            0 => String::new(),
            count => format!(" and {count} beside its location"),
        };
        text += &format!("part {}: {}{beside}{took}{tried}\n", record.name, plural(record.files.len(), "file"));
    }
    for (part, place) in &state.shared {
        text += &format!("part {part}: shared with other installations, at {}\n", place.path());
    }
    for missing in &state.missing {
        text += &format!("part {missing}: missing, since it could not be built; the next installation tries again\n");
    }
    text += &match previous {
        Some(previous) => format!("before: {}; `hardtack rollback` brings it back\n", title(previous)),
        None => "before: nothing\n".to_owned(),
    };
    if *interrupted {
        text += "interrupted: the next installation puts it right first\n";
    } else if !waiting.is_empty() {
        text += &format!("waiting for the next installation, built already: {}\n", waiting.join(", "));
    }
    context.console.out(&text)
}

/// What a generation is.
fn title(state: &State) -> String {
    match &state.release {
        Some(release) => format!("{} {} (manifest {})", release.name, release.version, release.manifest),
        None => format!("a project, installed where it is, with {}", plural(state.parts.len(), "part")),
    }
}

pub(super) fn rollback(context: &Context<'_>, arguments: &Rollback) -> Result<(), Report> {
    let destination = open(context, &arguments.dest)?;
    tell_of_left(context, &destination)?;
    let state = roll_back(&destination, &mut |event| events::installation(context.console, false, &event))?;
    if context.console.json {
        let result = json!({ "format": JSON_FORMAT, "destination": destination.root(), "release": state.release });
        return context.console.out_json(&result);
    }
    context.console.say(format!("{} has {} again", shown(context, destination.root()), title(&state)));
    Ok(())
}

pub(super) fn uninstall(context: &Context<'_>, arguments: &Uninstall) -> Result<(), Report> {
    let destination = open(context, &arguments.dest)?;
    let root = destination.root().to_owned();
    failure_page::remove(&root);
    let gone = crate::install::uninstall(destination)?;
    if context.console.json {
        let result =
            json!({ "format": JSON_FORMAT, "destination": root, "release": gone.state.release, "left": gone.left });
        return context.console.out_json(&result);
    }
    let left = match gone.left.len() {
        0 => String::new(),
        count => format!("; {} left, which the site put there or changed:", plural(count, "file")),
    };
    context.console.say(format!("removed {} from {}{left}", title(&gone.state), shown(context, &root)));
    for path in gone.left.iter().take(LISTED) {
        context.console.say(format!("  {path}"));
    }
    if gone.left.len() > LISTED {
        context.console.say(format!("  and {} more", gone.left.len() - LISTED));
    }
    Ok(())
}

/// The destination, which must have something in it.
fn open(context: &Context<'_>, dest: &Utf8Path) -> Result<Destination, Report> {
    rustix::process::umask(rustix::fs::Mode::from(0o022));
    let root = context.real_path(dest);
    // Looked at first: to open it would make it a destination. One that was interrupted has no state until it is opened.
    if !is_installed(&root) {
        return Err(Error::NotInstalled { path: root }.into());
    }
    Ok(Destination::open(&root, Open::Separate)?)
}

/// Compares what is installed with its records.
pub(super) fn verify(context: &Context<'_>, root: &Utf8Path) -> Result<(), Report> {
    let survey = Survey::of(root)?;
    let Differences { parts, project } = survey.differences(root)?;
    let files: usize =
        survey.all_records().map(|record| record.files.len()).sum::<usize>() + survey.state.project.len();
    if !parts.is_empty() {
        let message =
            format!("`{root}` is not as it was installed: {} of its parts differ", plural(parts.len(), "file"));
        let item = |(path, difference): &(Utf8PathBuf, Difference)| Item {
            message: match difference {
                Difference::Missing => format!("`{path}` is gone"),
                Difference::Changed => format!("`{path}` was changed"),
            },
            place: None,
            hint: None,
        };
        let hint = "`hardtack install` of the same bundle builds what is gone or of another length; remove a part's folder to \
                    have it built anew";
        return Err(Report {
            items: parts.iter().map(item).collect(),
            ..Report::new(DIGEST, "installation-changed", message).hint(hint)
        });
    }
    if context.console.json {
        let value = json!({ "format": JSON_FORMAT, "whole": true, "entries": files, "changed-at-site": project });
        return context.console.out_json(&value);
    }
    for path in &project {
        context.console.note(format!("`{path}` was changed at the site"));
    }
    let all = match project.len() {
        0 => plural(files, "file"),
        changed => format!("{}, but for {changed} that the site may change", plural(files, "file")),
    };
    context.console.say(format!("{root} is as it was installed: {all}"));
    Ok(())
}
