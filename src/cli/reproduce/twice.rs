//! Building twice, the second time under other conditions.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::builds::{Builds, Tree, made_by};
use super::differing::apart;
use super::ending::ends;
use super::search::Search;
use super::second::{Second, second_build};
use super::vary::{Wanted, check_required, hold};
use super::words;
use crate::base::{IoContext, create_dir_all, is_empty_dir, normalize, write_atomic};
use crate::bundle::Bundle;
use crate::cli::args::Reproduce as Arguments;
use crate::cli::collection::shown;
use crate::cli::context::Context;
use crate::cli::error::{Report, USAGE};
use crate::cli::install::environment;
use crate::cli::passing::in_passing_folder;
use crate::cli::rootfs::other_root;
use crate::cli::trial::{Unbuilt, sandbox_of};
use crate::cli::{bundle, interrupt, trust};
use crate::install::sandbox::Condition;
use crate::install::varying::{Prepared, prepare};
use crate::report::{JSON_FORMAT, plural};
use crate::reproduce::{Apart, PartOutcome, Reproduction, Verdict, junit, page};

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    // As installations do: what is built must not hang on the mask of whoever builds.
    rustix::process::umask(rustix::fs::Mode::from(0o022));
    let report = arguments.report.as_ref().map(|report| report_at(context, report)).transpose()?;
    let reproduction = match &arguments.within {
        Some(folder) => in_folder(context, arguments, &normalize(&context.folder.join(folder)))?,
        None => in_passing_folder(context, |within| reproduce(context, arguments, within))?,
    };
    let console = context.console;
    if console.junit {
        console.out(&junit(&reproduction))?;
    } else if console.json {
        let mut value = serde_json::json!(reproduction);
        value["format"] = JSON_FORMAT.into();
        console.out_json(&value)?;
    } else {
        console.out(&words::summary(&reproduction))?;
    }
    if let Some(report) = &report {
        write_atomic(report, page(&reproduction).as_bytes(), 0o644)?;
        console.say(format!("wrote {}", shown(context, report)));
    }
    ends(reproduction.verdict)
}

/// Where a page goes, if one can be written there: nobody wants to hear that after an hour.
fn report_at(context: &Context<'_>, report: &Utf8Path) -> Result<Utf8PathBuf, Report> {
    let report = context.folder.join(report);
    let folder = report.parent().unwrap_or(&report);
    if report.is_dir() || !folder.is_dir() {
        let reason = if report.is_dir() { "is a folder" } else { "is in a folder that is not there" };
        return Err(Report::new(USAGE, "usage", format!("--report: `{report}` {reason}")));
    }
    tempfile::Builder::new().tempfile_in(folder).at("write to", folder)?;
    Ok(report)
}

/// Builds in a folder that is new or empty, and is kept.
fn in_folder(context: &Context<'_>, arguments: &Arguments, folder: &Utf8Path) -> Result<Reproduction, Report> {
    if !is_empty_dir(folder)? {
        let message = format!("`{}` is not empty", shown(context, folder));
        return Err(Report::new(USAGE, "not-empty", message).hint("choose another folder"));
    }
    check_outside(folder, &project_or_bundle(context, arguments))?;
    create_dir_all(folder)?;
    let folder = context.real_path(folder);
    interrupt::passing(Some(&folder));
    let outcome = reproduce(context, arguments, &folder);
    interrupt::passing(None);
    outcome
}

fn reproduce(context: &Context<'_>, arguments: &Arguments, within: &Utf8Path) -> Result<Reproduction, Report> {
    let mut wanted = Wanted::to_vary(arguments.vary.as_deref(), "site")?;
    let required = Wanted::parse("--require", arguments.require.as_deref().unwrap_or_default())?;
    let environment = environment(&arguments.env)?;
    let held = hold(&mut wanted, &environment);
    check_required(&required, &wanted, &held)?;
    let bundle = bundle_of(context, arguments, within)?;
    let root = arguments.rootfs.as_ref();
    let root = root.map(|root| other_root(&context.real_path(root), within)).transpose()?;
    let sandbox = sandbox_of(context, root, &within.join("probe"))?;
    let jobs = jobs(arguments);
    let mut prepared = prepare(&sandbox, &wanted.conditions, (&environment, jobs), &within.join("kit"))?;
    check_required(&required, &wanted, &prepared.not_varied)?;
    prepared.not_varied.extend(held);
    let varied: BTreeSet<Condition> = prepared.varied.iter().map(|varied| varied.condition).collect();
    let builds = Builds {
        context,
        bundle: &bundle,
        sandbox: &sandbox,
        environment: &environment,
        jobs,
        without: wanted.without.clone(),
        kit: prepared.kit.clone(),
        only: (!arguments.only.is_empty()).then(|| arguments.only.iter().cloned().collect()),
        within,
        count: Cell::new(0),
    };
    words::announce(context, &prepared, &wanted);
    let first = builds.build("first", &BTreeSet::new()).map_err(|unbuilt| match unbuilt {
        Unbuilt::Part { report, .. } => report.hint("this is the first build, under the usual conditions"),
        Unbuilt::Other(report) => report,
    })?;
    context.console.say(format!("building again, under {}", plural(varied.len(), "other condition")));
    let second = second_build(&builds, &first, &varied, !arguments.no_causes)?;
    conclude(&builds, arguments, (prepared, wanted), (first, second))
}

/// Compares, looks for causes, and puts together what was found.
fn conclude(
    builds: &Builds<'_>,
    arguments: &Arguments,
    (mut prepared, wanted): (Prepared, Wanted),
    (first, second): (Tree, Second),
) -> Result<Reproduction, Report> {
    let found = {
        let search = Search { builds, prepared: &prepared, first: &first, second: &second };
        search.differences(arguments)?
    };
    prepared.not_varied.extend(second.left_out(&prepared.varied));
    prepared.varied.retain(|varied| second.varied.contains(&varied.condition));
    let Second { tree, failures, .. } = second;
    let took = |tree: Option<&Tree>, name: &str| {
        let record = tree.into_iter().flat_map(|tree| &tree.records).find(|record| record.name == name);
        record.and_then(|record| record.took).unwrap_or_default().as_secs_f64()
    };
    let mut differing = found.differing;
    let mut failures: BTreeMap<_, _> = failures.into_iter().collect();
    let parts: Vec<PartOutcome> = first
        .records
        .iter()
        .map(|record| PartOutcome {
            name: record.name.clone(),
            files: paths_of(&record.name, &[Some(&first), tree.as_ref()]),
            seconds: [took(Some(&first), &record.name), took(tree.as_ref(), &record.name)],
            differing: differing.remove(&record.name).unwrap_or_default(),
            failure: failures.remove(&record.name),
        })
        .collect();
    let is_equal = parts.iter().all(|part| part.differing.is_empty() && part.failure.is_none());
    Ok(Reproduction {
        name: first.release.0.clone(),
        version: first.release.1.clone(),
        system: builds.context.environment.system(builds.sandbox.root()),
        verdict: if is_equal { Verdict::Equal } else { Verdict::Different },
        files: found.files,
        compared: tree.is_some(),
        parts,
        varied: prepared.varied,
        not_varied: prepared.not_varied,
        without: wanted.without.into_iter().collect(),
        apart: tree.as_ref().map_or_else(Apart::default, |tree| apart(&first, tree)),
        builds: builds.count.get(),
        no_causes: found.no_causes,
        first: first.spans,
        second: tree.map(|tree| tree.spans).unwrap_or_default(),
    })
}

/// How many paths builds of a part have together.
fn paths_of(part: &str, trees: &[Option<&Tree>]) -> usize {
    let records = trees.iter().flatten().flat_map(|tree| &tree.records).filter(|record| record.name == part);
    records.flat_map(made_by).collect::<BTreeSet<_>>().len()
}

/// How many processes work at a time in the first build and in the second: all that may, and another number.
fn jobs(arguments: &Arguments) -> (usize, usize) {
    let all = arguments.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, std::num::NonZero::get);
    (all, if all == 1 { 2 } else { 1 })
}

/// The bundle's file: the one that was named, or one that is made of a project.
fn bundle_of(context: &Context<'_>, arguments: &Arguments, within: &Utf8Path) -> Result<Utf8PathBuf, Report> {
    let path = project_or_bundle(context, arguments);
    if !path.is_dir() {
        trust::check(context, &arguments.trust, &path)?;
        if let Some(rest) = Bundle::open(&path)?.rest() {
            let message = format!("`{path}` is {rest}, and what is built is the whole");
            return Err(Report::new(USAGE, "usage", message).hint("name the whole bundle of this release"));
        }
        return Ok(path);
    }
    check_outside(within, &path)?;
    let output = within.join("project.tar");
    bundle::write_to_compare(context, (&path, &output), &arguments.sources)?;
    Ok(output)
}

/// What is to be built.
fn project_or_bundle(context: &Context<'_>, arguments: &Arguments) -> Utf8PathBuf {
    context.real_path(arguments.what.as_deref().unwrap_or(Utf8Path::new(".")))
}

/// Refuses a folder in the project, with which it would be packed.
fn check_outside(folder: &Utf8Path, project: &Utf8Path) -> Result<(), Report> {
    if !folder.starts_with(project) {
        return Ok(());
    }
    let message = format!("`{folder}` is in the project, and would be packed with it");
    Err(Report::new(USAGE, "usage", message).hint("choose a folder outside, with --in or TMPDIR"))
}
