//! Errors of installing.

use super::{ATTEMPT, BUILD, DIGEST, ENVIRONMENT, Item, MISSING, Report, USAGE};
use crate::install::{Cause, Error, StepAttempt};

/// What is true of installations, and not of rehearsals.
pub(in super::super) const AGAIN: &str =
    "when the cause is mended, run the same command again: parts that are whole are kept";

impl From<Error> for Report {
    fn from(error: Error) -> Self {
        let of = |exit, code| Self::of(exit, code, &error);
        match error {
            Error::Io(error) => error.into(),
            Error::Archive { part, source } => {
                let mut report = Self::from(source);
                report.message = format!("part `{part}`: {}", report.message);
                report
            }
            Error::Missing(_) => of(MISSING, "source-missing")
                .hint("nothing was built; fetch them where there is a network: hardtack fetch"),
            Error::Wrong(_) => of(DIGEST, "wrong-digest").hint("nothing was built"),
            Error::Foreign { .. } => of(ENVIRONMENT, "foreign-folder").hint("name a folder that is new or empty"),
            Error::Newer { .. } => of(ENVIRONMENT, "installed-by-newer").hint("use the newer hardtack"),
            Error::State { .. } => of(ENVIRONMENT, "state-damaged"),
            Error::NotInstalled { .. } => {
                of(USAGE, "not-installed").hint("name the folder that `hardtack install` installed to")
            }
            Error::NoPrevious { .. } => of(USAGE, "no-previous")
                .hint("there is one after an upgrade; to go back further, install the older bundle"),
            Error::PreviousGone { .. } => {
                of(ENVIRONMENT, "previous-damaged").hint("nothing was changed; to go back, install the older bundle")
            }
            Error::Busy { .. } => of(ENVIRONMENT, "busy").hint("wait until it has finished"),
            Error::Tools { .. } => of(ENVIRONMENT, "tool-missing")
                .hint("install them, or say where they are: --env PATH=…; nothing was built"),
            Error::Contract { .. } => of(USAGE, "contract"),
            Error::Unmet { .. } => of(ENVIRONMENT, "host-lacks")
                .hint("install them; nothing was built. If you know better: --ignore-contract"),
            Error::Space { .. } => of(ENVIRONMENT, "disk-full").hint("make room there, or choose another place"),
            Error::NoExec { .. } => of(ENVIRONMENT, "noexec").hint("choose a place on another file system"),
            Error::Conditions(_) => {
                of(ENVIRONMENT, "other-machine").hint("bundle for this kind of machine; nothing was built")
            }
            Error::Isolation { .. } => of(ENVIRONMENT, "no-isolation")
                .hint("to build without a wall around it, if you trust the sources: --sandbox=none"),
            Error::Sandbox { .. } => of(ENVIRONMENT, "sandbox-failed"),
            Error::Hidden { .. } => of(ENVIRONMENT, "hidden-place").hint("choose another folder"),
            Error::Downtime { .. } => {
                of(USAGE, "downtime").hint("if nothing uses the installation now: --allow-downtime")
            }
            Error::Blocked { .. } => {
                of(ENVIRONMENT, "blocked").hint("move it to another place, then run the same command again")
            }
            Error::Step { ref part, ref attempts, ref refusals, ref cause, ref tail, ref log, ref folder, .. } => {
                let (tail, log, folder) = (tail.clone(), log.clone(), folder.clone());
                let items: Vec<_> = attempts.iter().map(|attempt| item(part, attempt)).collect();
                let mut report = match items.is_empty() {
                    true => of(BUILD, "build-failed"),
                    false => of(ATTEMPT, "network-attempt"),
                };
                (report.output, report.items) = (tail, items);
                report.hints = cause.iter().flat_map(|cause| likely(cause)).collect();
                report.hints.extend(refusals.iter().map(|refused| refused.refusal.to_string()));
                report
                    .hint(format!("the whole output is in {log}"))
                    .hint(format!("the build folder is kept at {folder}"))
                    .hint(AGAIN)
            }
            Error::Attempts(ref attempts) => {
                let mut report = of(ATTEMPT, "network-attempt");
                report.items = attempts.iter().map(|(part, attempt)| item(part, attempt)).collect();
                report
                    .hint("what it wanted must come with the bundle, as a source of the part, or not be wanted")
                    .hint("to install it as it is: --network-attempts=warn, or that option in the part; nothing is built again")
            }
            Error::NoVariable { ref missing, .. } => {
                let hint =
                    format!("set it for all parts: --env {missing}=…; builds see nothing else of your own environment");
                of(USAGE, "no-variable").hint(hint)
            }
            Error::Several(errors) => several(errors.into_iter().map(Self::from).collect()),
            Error::Removed { .. } => of(BUILD, "project-file-removed")
                .hint("let the build work on a copy, in its own folder or location: the release is installed with all its files"),
            Error::NoMarker { wanted: Some(_), .. } => {
                of(BUILD, "no-configure").hint("name a file that is there with the option `source-directory-contains`")
            }
            Error::NoMarker { wanted: None, .. } => of(BUILD, "not-one-folder")
                .hint("look at what is in it: tar tf FILE; what strips its top folder is an option of the part"),
        }
    }
}

/// What a build probably misses, and where it is to be had.
fn likely(cause: &Cause) -> Vec<String> {
    let packages = cause.packages.as_ref();
    let packages = packages.map(|(debian, fedora)| format!("; it is in {debian} (Debian) or {fedora} (Fedora)"));
    let what = format!("probably {}{}", cause.what, packages.unwrap_or_default());
    [Some(what), cause.advice.map(str::to_owned)].into_iter().flatten().collect()
}

/// What a build tried to reach.
fn item(part: &str, attempt: &StepAttempt) -> Item {
    let message = format!("part `{part}`, {attempt}: there is no network");
    Item { message, place: None, hint: None }
}

/// One error for those of several parts: all of them in a line, and the first with what it printed.
fn several(reports: Vec<Report>) -> Report {
    let message = format!("{} parts could not be built", reports.len());
    let (mut exit, mut output, mut hints) = (BUILD, Vec::new(), Vec::new());
    let items = reports.into_iter().enumerate().map(|(index, report)| {
        let hint = report.hints.first().cloned();
        if index == 0 {
            (exit, output, hints) = (report.exit, report.output, report.hints.into_iter().skip(1).collect());
        }
        Item { message: report.message, place: None, hint }
    });
    let items = items.collect();
    Report { items, output, hints, ..Report::new(exit, "build-failed", message) }
}
