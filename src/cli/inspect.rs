//! `hardtack inspect` and `hardtack diff`: what a bundle is, and how two of them differ.

use serde_json::json;

use super::args::{Diff, Inspect};
use super::context::Context;
use super::error::{Report, UNSPECIFIC};
use super::opened::Opened;
use super::receipts::Rehearsed;
use crate::bundle::{
    Comparison, EpochSource, Manifest, PartChange, Presence, SourceChange, SourceRecord, is_project_entry,
};
use crate::install::contract::Kind;
use crate::report::{JSON_FORMAT, bytes, plural};

pub(super) fn inspect(context: &Context<'_>, arguments: &Inspect) -> Result<(), Report> {
    let opened = Opened::open(context, &arguments.bundle)?;
    let (manifest, rest) = (opened.manifest(), opened.rest());
    let rehearsal = Rehearsed::of(context, opened.file().as_deref(), &arguments.pubkey)?;
    if context.console.json {
        let value =
            json!({ "format": JSON_FORMAT, "manifest": manifest, "rest": rest, "rehearsal": rehearsal.to_json() });
        return context.console.out_json(&value);
    }
    let Manifest { name, version, hardtack, config, epoch, epoch_source, commit, .. } = manifest;
    let from = match epoch_source {
        EpochSource::Environment => "from SOURCE_DATE_EPOCH",
        EpochSource::Date => "from [hardtack] date",
        EpochSource::Commit => "the commit's",
        EpochSource::Fixed => "fixed",
    };
    let mut text = format!("{name} {version}\nmade by hardtack {hardtack} from {config}, dated {epoch} ({from})\n");
    if let Some(rest) = rest {
        text += &format!("this file is {rest}; what follows is of the whole\n");
    }
    if let Some(commit) = commit {
        text += &format!("commit {commit}{}\n", if manifest.dirty { ", and files that differ from it" } else { "" });
    }
    for value in &manifest.overrides {
        text += &format!("with {}\n", String::from(value.clone()));
    }
    let installers: Vec<String> = manifest
        .installers
        .iter()
        .map(|installer| match &installer.needs {
            Some(needs) => format!("{} ({needs})", installer.target),
            None => installer.target.clone(),
        })
        .collect();
    text += &match installers.len() {
        0 => "no installer: the site needs its own hardtack\n".to_owned(),
        _ => format!("installs itself on {}\n", installers.join(", ")),
    };
    let files = manifest.entries.iter().filter(|(path, _)| is_project_entry(path, false));
    let sizes: Vec<u64> = files.map(|(_, entry)| entry.size()).collect();
    let all: u64 = manifest.sources.iter().map(|source| source.size).sum();
    text += &format!(
        "{}, {}; {}, {}\n",
        plural(sizes.len(), "project file"),
        bytes(sizes.iter().sum()),
        plural(manifest.sources.len(), "source"),
        bytes(all)
    );
    text += &rehearsal.words();
    if let Some(contract) = opened.contract()? {
        let count = |kind: Kind| contract.needs().filter(|(other, need)| *other == kind && need.is_needed()).count();
        let needs = [Kind::Program, Kind::Header, Kind::Library, Kind::PkgConfig].map(|kind| (count(kind), kind));
        let needs = needs.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| kind.counted(*count));
        let needs: Vec<String> = needs.collect();
        text += &format!("needs {} that {} had\n", needs.join(", "), contract.seen_on);
    }
    for part in &manifest.parts {
        let sources: Vec<&SourceRecord> = part.sources.iter().filter_map(|key| manifest.source(key)).collect();
        let python = part.python.as_ref().map(|python| format!(", for Python {python}")).unwrap_or_default();
        text += &format!("part {} ({}{python})\n", part.name, part.recipe);
        for source in sources {
            let licences = match source.licences.as_slice() {
                [] => String::new(),
                some => format!("  [{}]", some.join("; ")),
            };
            text += &format!("  {:>10}  {}{licences}\n", bytes(source.size), source.key);
        }
    }
    context.console.out(&text)?;
    rehearsal.warn(context);
    Ok(())
}

pub(super) fn diff(context: &Context<'_>, arguments: &Diff) -> Result<(), Report> {
    let (first, second) = (Opened::open(context, &arguments.first)?, Opened::open(context, &arguments.second)?);
    let (first, second) = (first.manifest(), second.manifest());
    let comparison = Comparison::of(first, second);
    let title = |manifest: &Manifest| format!("{} {}", manifest.name, manifest.version);
    if context.console.json {
        let value = json!({
            "format": JSON_FORMAT, "first": title(first), "second": title(second), "same": comparison.is_empty(),
            "comparison": comparison,
        });
        context.console.out_json(&value)?;
    } else if arguments.markdown {
        context.console.out(&markdown(&comparison, &title(first), &title(second)))?;
    } else {
        context.console.out(&plain(&comparison))?;
    }
    match arguments.exit_code && !comparison.is_empty() {
        true => Err(Report { exit: UNSPECIFIC, ..Report::default() }),
        false => Ok(()),
    }
}

/// How a part came to differ, in words.
fn part_words(part: &PartChange) -> String {
    match (part.presence, &part.recipe) {
        (Presence::Added, _) => "new".to_owned(),
        (Presence::Removed, _) => "gone".to_owned(),
        (Presence::Both, Some((from, to))) => format!("built by {to}, not {from}"),
        (Presence::Both, None) => "changed".to_owned(),
    }
}

fn source_words(change: &SourceChange) -> String {
    match change {
        SourceChange::Added(source) => format!("new: {} ({})", source.key, bytes(source.size)),
        SourceChange::Removed(source) => format!("gone: {}", source.key),
        SourceChange::Version { name, from, to, source } => {
            format!("{name} {from} -> {to} ({}, {})", source.key, bytes(source.size))
        }
        SourceChange::Bytes(source) => format!("other bytes: {} ({})", source.key, bytes(source.size)),
    }
}

/// A sign and a path a line, parts before files.
fn plain(comparison: &Comparison) -> String {
    let mut text = String::new();
    for part in &comparison.parts {
        text += &format!("part {}: {}\n", part.name, part_words(part));
        part.sources.iter().for_each(|source| text += &format!("  {}\n", source_words(source)));
    }
    for (sign, files) in
        [('+', &comparison.added_files), ('-', &comparison.removed_files), ('*', &comparison.changed_files)]
    {
        files.iter().for_each(|path| text += &format!("{sign} {path}\n"));
    }
    text + &plan_words(comparison)
}

/// What nothing else of it tells.
fn plan_words(comparison: &Comparison) -> String {
    let told = comparison.parts.is_empty();
    match comparison.same_plan {
        true if comparison.is_empty() => "nothing differs\n".to_owned(),
        false if told => "the steps of parts differ\n".to_owned(),
        _ => String::new(),
    }
}

/// A release note.
fn markdown(comparison: &Comparison, first: &str, second: &str) -> String {
    let mut text = format!("## {second}\n\nChanges since {first}.\n");
    if !comparison.parts.is_empty() {
        text += "\n### Parts\n\n";
    }
    for part in &comparison.parts {
        text += &format!("- **{}**: {}\n", part.name, part_words(part));
        for source in &part.sources {
            text += &match source {
                SourceChange::Version { name, from, to, .. } => format!("  - {name} {from} → {to}\n"),
                other => format!("  - {}\n", source_words(other)),
            };
        }
    }
    let kinds = [
        ("added", &comparison.added_files),
        ("removed", &comparison.removed_files),
        ("changed", &comparison.changed_files),
    ];
    if kinds.iter().any(|(_, files)| !files.is_empty()) {
        text += "\n### Project files\n\n";
    }
    for (kind, files) in kinds {
        files.iter().for_each(|path| text += &format!("- {kind}: `{path}`\n"));
    }
    let rest = plan_words(comparison);
    if rest.is_empty() { text } else { format!("{text}\n{}.\n", rest.trim_end()) }
}
