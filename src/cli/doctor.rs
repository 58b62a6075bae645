//! `hardtack doctor`: what this machine allows, and what to change where it does not.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::args::Doctor as Arguments;
use super::context::Context;
use super::error::{ENVIRONMENT, Report};
use super::install::PATH;
use super::release::{Target, look_at_file, look_at_folder};
use crate::bundle::is_bundle_folder;
use crate::install::contract::Contract;
use crate::install::sandbox::{Examined, Level, Sandbox};
use crate::install::{on_path, programs, room};
use crate::report::{JSON_FORMAT, bytes, plural};

/// Programs that nearly every build calls.
const TOOLS: [&str; 3] = ["cc", "make", "sh"];

/// One thing that was looked at.
struct Finding {
    what: String,
    fine: bool,
    found: String,
    /// A bundle that was named cannot be built without.
    needed: bool,
    /// What to change.
    advice: Option<String>,
}

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    let mut findings = isolation(context)?;
    let isolated = findings.iter().any(|finding| finding.fine);
    findings.extend(match &arguments.bundle {
        Some(bundle) => needed(context, &context.real_path(bundle), &arguments.base)?,
        None => TOOLS.into_iter().map(|tool| program(tool, None)).collect(),
    });
    findings.push(temporary(context));
    if context.console.json {
        let rows = findings.iter().map(|finding| {
            json!({ "what": finding.what, "fine": finding.fine, "found": finding.found, "advice": finding.advice })
        });
        let rows: Vec<_> = rows.collect();
        context.console.out_json(&json!({ "format": JSON_FORMAT, "isolated": isolated, "findings": rows }))?;
    } else {
        let lines = findings.iter().map(|finding| {
            let mark = if finding.fine { "ok" } else { "no" };
            let advice = finding.advice.as_ref().map(|advice| format!("    to change that: {advice}\n"));
            format!("{mark}  {}: {}\n{}", finding.what, finding.found, advice.unwrap_or_default())
        });
        context.console.out(&lines.collect::<String>())?;
    }
    let missing = findings.iter().filter(|finding| !finding.fine && finding.needed).count();
    match isolated {
        true if missing == 0 => Ok(()),
        true => {
            let message = format!("the bundle needs {} that this machine has not", plural(missing, "thing"));
            Err(Report::new(ENVIRONMENT, "missing-tools", message))
        }
        false => Err(Report::new(ENVIRONMENT, "no-isolation", "no level of isolation is to be had here")),
    }
}

/// The levels, each tried.
fn isolation(context: &Context<'_>) -> Result<Vec<Finding>, Report> {
    let (program, (_held, scratch)) = (context.program()?, context.environment.temporary_folder()?);
    let levels = [(Level::Full, "isolation at level `full`"), (Level::Seccomp, "isolation at level `seccomp`")];
    let mut findings = Vec::new();
    for (level, what) in levels {
        findings.push(match Sandbox::examine(level, program, &scratch.join(level.name()))? {
            Examined::Works { unseen, unconfined } => {
                let seen = match unseen {
                    None => "who tries to reach the network is named".to_owned(),
                    Some(reason) => format!("who tries to reach the network is not seen: {reason}"),
                };
                let confined = match unconfined {
                    None => "builds write to their own folders and to the installation alone".to_owned(),
                    Some(reason) => format!("builds can write wherever you can: {reason}"),
                };
                Finding {
                    what: what.to_owned(),
                    fine: true,
                    found: format!("works; {confined}; {seen}"),
                    needed: false,
                    advice: None,
                }
            }
            Examined::Fails(reason) => {
                let advice = if level == Level::Full { namespaces() } else { None };
                Finding { what: what.to_owned(), fine: false, found: reason, needed: false, advice }
            }
        });
    }
    Ok(findings)
}

/// What keeps anybody from making user namespaces.
fn namespaces() -> Option<String> {
    let setting = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    if is("/proc/sys/user/max_user_namespaces", "0") || is("/proc/sys/user/max_net_namespaces", "0") {
        return Some("as root: sysctl user.max_user_namespaces=10000 user.max_net_namespaces=10000".to_owned());
    }
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return Some("as root: sysctl kernel.unprivileged_userns_clone=1".to_owned());
    }
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return Some(
            "as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile for hardtack".to_owned(),
        );
    }
    // Nothing of the kernel's: a filter, as containers have it.
    Some(
        "a container's own rules forbid it; docker and podman allow it with --security-opt seccomp=unconfined"
            .to_owned(),
    )
}

/// What a bundle's parts need on PATH.
fn needed(context: &Context<'_>, path: &Utf8Path, bases: &[Utf8PathBuf]) -> Result<Vec<Finding>, Report> {
    let (_held, scratch) = context.environment.temporary_folder()?;
    let looked = match is_bundle_folder(path) {
        true => look_at_folder(context, Target { bases, ..Target::default() }, path)?,
        false => look_at_file(context, Target { bases, ..Target::default() }, path, &scratch)?,
    };
    let names = |parts: std::collections::BTreeSet<String>| parts.into_iter().collect::<Vec<_>>().join(", ");
    let called = programs(&looked.plan).into_iter().map(|(tool, parts)| program(&tool, Some(names(parts))));
    let mut findings: Vec<Finding> = called.collect();
    findings.extend(looked.contract.iter().flat_map(contract));
    Ok(findings)
}

/// What builds used in rehearsal and is not here; one line if all of it is.
fn contract(contract: &Contract) -> Vec<Finding> {
    let looked = contract.look(PATH);
    let finding = |what: &str, found: String, fine: bool, needed: bool| {
        let advice = (!fine && needed).then(|| "install the package that has it here".to_owned());
        Finding { what: what.to_owned(), fine, found, needed, advice }
    };
    let found = format!(
        "{} of {} things that builds used on {}",
        looked.asked - looked.unmet.len(),
        looked.asked,
        contract.seen_on
    );
    let mut findings = vec![finding("host contract", found, looked.needed().is_empty(), false)];
    findings.extend(looked.unmet.iter().map(|unmet| match unmet.need.is_needed() {
        true => finding("missing", unmet.to_string(), false, true),
        false => finding("not needed", format!("{unmet}, which builds do without"), true, false),
    }));
    findings
}

/// A program that is to be on PATH, and for which parts.
fn program(what: &str, parts: Option<String>) -> Finding {
    let fine = on_path(what, PATH);
    let of = parts.as_ref().map(|parts| format!("for {parts}, ")).unwrap_or_default();
    let found = if fine { format!("{of}on {PATH}") } else { format!("{of}not on {PATH}") };
    let advice = (!fine).then(|| "install it, or say where it is: hardtack install --env PATH=…".to_owned());
    Finding { what: what.to_owned(), fine, found, needed: parts.is_some(), advice }
}

/// Room where a bundle would be installed by default.
fn temporary(context: &Context<'_>) -> Finding {
    let folder: &Utf8Path = &context.folder;
    let (fine, found) = match room(folder) {
        Ok(room) if room.runs_programs => (true, format!("{} free in `{folder}`", bytes(room.free))),
        Ok(_) => (false, format!("`{folder}` is on a file system mounted noexec")),
        Err(error) => (false, error.to_string()),
    };
    let advice = (!fine).then(|| "install to a folder on another file system".to_owned());
    Finding { what: "disk".to_owned(), fine, found, needed: false, advice }
}
