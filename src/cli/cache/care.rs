//! `hardtack cache verify`, `clear` and `gc`: keeping it whole and small.

use serde_json::json;

use super::chosen::Chosen;
use super::look::{as_json, as_wanted};
use crate::cache::{Cache, Entry, Event, Finding, FindingKind, GcHow, GcLimits, Rule};
use crate::cli::context::Context;
use crate::cli::error::{DIGEST, Item, Report, USAGE};
use crate::cli::events;
use crate::report::{JSON_FORMAT, bytes, plural};

pub(super) fn verify(context: &Context<'_>, cache: &Cache, repair: bool) -> Result<(), Report> {
    let mut observe = |event: Event| events::cache(context.console, &event);
    let mut findings = cache.verify(&mut observe)?;
    if repair && !findings.is_empty() {
        findings = cache.repair(&mut observe)?;
    }
    let lines: Vec<String> = findings.iter().map(in_words).collect();
    if context.console.json {
        let whole = findings.is_empty() || repair;
        let value = json!({ "format": JSON_FORMAT, "whole": whole, "found": lines, "repaired": repair });
        context.console.out_json(&value)?;
        return if whole { Ok(()) } else { Err(Report { exit: DIGEST, ..Report::default() }) };
    }
    if findings.is_empty() {
        context.console.say(format!("{} is whole: {}", cache.root(), plural(cache.contents()?.blobs.len(), "blob")));
        return Ok(());
    }
    if repair {
        lines.iter().for_each(|line| context.console.say(line));
        context.console.say(format!("repaired {}; what is missing now is fetched when it is wanted", cache.root()));
        return Ok(());
    }
    let mut report =
        Report::new(DIGEST, "cache-damaged", format!("{} in `{}`", plural(lines.len(), "fault"), cache.root()));
    report.items = lines.into_iter().map(|message| Item { message, place: None, hint: None }).collect();
    Err(report.hint("to move them aside, so that they are fetched again: hardtack cache verify --repair"))
}

fn in_words(finding: &Finding) -> String {
    match &finding.kind {
        FindingKind::Changed => format!("`{}` is not what its name says", finding.path),
        FindingKind::Damaged => format!("ledger entry `{}` is damaged", finding.path),
        FindingKind::NoBlob(key) => format!("the bytes of `{key}` are gone"),
    }
}

pub(super) fn clear(
    context: &Context<'_>,
    cache: &Cache,
    pattern: Option<&str>,
    all: bool,
    dry_run: bool,
) -> Result<(), Report> {
    let chosen = pattern.map(|pattern| Chosen::new(pattern, &context.policy.registries)).transpose()?;
    if chosen.is_none() && !all {
        let report = Report::new(USAGE, "usage", "nothing says what to remove");
        return Err(report.hint("give a URL, a host or a pattern such as `*/zlib-*`, or --all"));
    }
    let mut observe = |event: Event| events::cache(context.console, &event);
    let is_chosen = |entry: &Entry| chosen.as_ref().is_none_or(|chosen| chosen.has(entry));
    let only: Option<&dyn Fn(&Entry) -> bool> = if chosen.is_some() { Some(&is_chosen) } else { None };
    let cleared = cache.clear(only, dry_run, &mut observe)?;
    if let Some(chosen) = chosen.as_ref().filter(|_| cleared.entries.is_empty() && cleared.in_use.is_empty()) {
        return Err(chosen.nothing(cache));
    }
    if context.console.json {
        let list = |entries: &[Entry]| entries.iter().map(as_json).collect::<Vec<_>>();
        let (removed, in_use) = (list(&cleared.entries), list(&cleared.in_use));
        let value = json!({
            "format": JSON_FORMAT, "removed": removed, "in-use": in_use, "freed": cleared.freed, "dry-run": dry_run,
        });
        return context.console.out_json(&value);
    }
    tell_in_use(context, &cleared.in_use);
    cleared.entries.iter().for_each(|entry| context.console.detail(entry.key.as_str()));
    let (done, count) = (if dry_run { "would remove" } else { "removed" }, plural(cleared.entries.len(), "source"));
    context.console.say(format!("{done} {count} from {}: {} of disk", cache.root(), bytes(cleared.freed)));
    Ok(())
}

pub(super) fn gc(
    context: &Context<'_>,
    cache: &Cache,
    limits: GcLimits,
    dry_run: bool,
    force: bool,
) -> Result<(), Report> {
    let how = match (dry_run, force) {
        (true, _) => GcHow::DryRun,
        (false, false) => GcHow::Wait,
        (false, true) => GcHow::Force,
    };
    let mut observe = |event: Event| events::cache(context.console, &event);
    let forbidden = |entry: &Entry| cache.rule(&context.policy, &as_wanted(entry)).is_ok_and(Rule::evicts);
    let cleaned = cache.gc(limits, &forbidden, how, &mut observe)?;
    let cleared = &cleaned.cleared;
    if context.console.json {
        return context.console.out_json(&json!({
            "format": JSON_FORMAT,
            "removed": cleared.entries.iter().map(as_json).collect::<Vec<_>>(),
            "in-use": cleared.in_use.iter().map(as_json).collect::<Vec<_>>(),
            "rubbish": cleaned.rubbish,
            "freed": cleaned.freed,
            "left": cleaned.left,
            "dry-run": dry_run,
        }));
    }
    tell_in_use(context, &cleared.in_use);
    cleared.entries.iter().for_each(|entry| context.console.detail(entry.key.as_str()));
    cleaned.rubbish.iter().for_each(|path| context.console.detail(path.as_str()));
    let (done, freed) = if dry_run { ("would remove", "would be freed") } else { ("removed", "freed") };
    let (count, rubbish) = (plural(cleared.entries.len(), "source"), plural(cleaned.rubbish.len(), "file"));
    context.console.say(format!(
        "{done} {count} and {rubbish} nobody needs from {}: {} of disk {freed}, {} left",
        cache.root(),
        bytes(cleaned.freed),
        bytes(cleaned.left)
    ));
    Ok(())
}

fn tell_in_use(context: &Context<'_>, entries: &[Entry]) {
    for entry in entries {
        context.console.note(format!("`{}` is in use, and stays", entry.key));
    }
}
