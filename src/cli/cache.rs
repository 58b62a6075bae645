//! `hardtack cache`

use globset::{Glob, GlobMatcher};
use serde_json::json;

use super::args::{CacheCommand, CacheOf};
use super::context::Context;
use super::error::{DIGEST, Item, Report, UNSPECIFIC, USAGE};
use crate::base::SourceKey;
use crate::cache::{Cache, Entry, Finding, FindingKind};
use crate::report::{JSON_FORMAT, bytes, plural};

pub(super) fn run(context: &Context<'_>, arguments: &CacheOf) -> Result<(), Report> {
    let cache = context.shared_cache()?;
    match &arguments.command {
        CacheCommand::Dir => context.console.out(&format!("{}\n", cache.root())),
        CacheCommand::List { pattern, path } => list(context, &cache, pattern.as_deref(), *path),
        CacheCommand::Info => info(context, &cache),
        CacheCommand::Verify { repair } => verify(context, &cache, *repair),
        CacheCommand::Clear { pattern, all, dry_run } => clear(context, &cache, pattern.as_deref(), *all, *dry_run),
    }
}

/// Which sources a word means: a URL, a host, or a pattern with `*`.
struct Chosen {
    word: String,
    glob: Option<GlobMatcher>,
}

impl Chosen {
    fn new(word: &str) -> Result<Self, Report> {
        let glob = match word.contains('*') {
            true => Some(Glob::new(word).map_err(|error| Report::new(USAGE, "usage", error.to_string()))?),
            false => None,
        };
        Ok(Self { word: word.to_owned(), glob: glob.map(|glob| glob.compile_matcher()) })
    }

    fn has(&self, entry: &Entry) -> bool {
        let key = entry.key.as_str();
        let host = key.split_once("://").map(|(_, rest)| rest.split(['/', ':']).next().unwrap_or_default());
        match &self.glob {
            Some(glob) => glob.is_match(key),
            None => entry.key == SourceKey::url(&self.word) || host == Some(&self.word),
        }
    }

    fn nothing(&self, cache: &Cache) -> Report {
        let message = format!("no source in `{}` is called `{}`", cache.root(), self.word);
        Report::new(UNSPECIFIC, "no-such-source", message).hint("give a URL, a host, or a pattern such as `*/zlib-*`")
    }
}

fn list(context: &Context<'_>, cache: &Cache, pattern: Option<&str>, path: bool) -> Result<(), Report> {
    let chosen = pattern.map(Chosen::new).transpose()?;
    let mut entries = cache.contents()?.entries;
    if let Some(chosen) = &chosen {
        entries.retain(|entry| chosen.has(entry));
        if entries.is_empty() {
            return Err(chosen.nothing(cache));
        }
    }
    if context.console.json {
        let sources: Vec<_> = entries.iter().map(as_json).collect();
        return context.console.out_json(&json!({ "format": JSON_FORMAT, "sources": sources }));
    }
    let line = |entry: &Entry| match path {
        true => format!("{}\n", entry.blob),
        false => format!("{}\t{}\t{}\n", entry.sha256, entry.size, entry.key),
    };
    context.console.out(&entries.iter().map(line).collect::<String>())
}

fn info(context: &Context<'_>, cache: &Cache) -> Result<(), Report> {
    let contents = cache.contents()?;
    if context.console.json {
        return context.console.out_json(&json!({
            "format": JSON_FORMAT,
            "path": cache.root(),
            "enabled": context.policy.enabled,
            "sources": contents.entries.len(),
            "blobs": contents.blobs.len(),
            "bytes": contents.on_disk,
            "quarantined": contents.quarantined,
            "partial": contents.partial,
        }));
    }
    let state = if context.policy.enabled { "on" } else { "off" };
    context.console.out(&format!(
        "path         {}\ncaching      {state}\nsources      {}\nblobs        {}\non disk      {}\nquarantined  {}\n\
         unfinished   {}\n",
        cache.root(),
        contents.entries.len(),
        contents.blobs.len(),
        bytes(contents.on_disk),
        contents.quarantined,
        contents.partial
    ))
}

fn verify(context: &Context<'_>, cache: &Cache, repair: bool) -> Result<(), Report> {
    let mut findings = cache.verify()?;
    if repair && !findings.is_empty() {
        findings = cache.repair()?;
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

fn clear(context: &Context<'_>, cache: &Cache, pattern: Option<&str>, all: bool, dry_run: bool) -> Result<(), Report> {
    let chosen = pattern.map(Chosen::new).transpose()?;
    if chosen.is_none() && !all {
        let report = Report::new(USAGE, "usage", "nothing says what to remove");
        return Err(report.hint("give a URL, a host or a pattern such as `*/zlib-*`, or --all"));
    }
    let cleared = cache.clear(&|entry| chosen.as_ref().is_none_or(|chosen| chosen.has(entry)), dry_run)?;
    if let Some(chosen) = chosen.filter(|_| cleared.entries.is_empty()) {
        return Err(chosen.nothing(cache));
    }
    if context.console.json {
        let sources: Vec<_> = cleared.entries.iter().map(as_json).collect();
        let value = json!({ "format": JSON_FORMAT, "removed": sources, "freed": cleared.freed, "dry-run": dry_run });
        return context.console.out_json(&value);
    }
    cleared.entries.iter().for_each(|entry| context.console.detail(entry.key.as_str()));
    let (done, count) = (if dry_run { "would remove" } else { "removed" }, plural(cleared.entries.len(), "source"));
    context.console.say(format!("{done} {count} from {}: {} of disk", cache.root(), bytes(cleared.freed)));
    Ok(())
}

fn as_json(entry: &Entry) -> serde_json::Value {
    json!({
        "url": entry.key,
        "sha256": entry.sha256,
        "md5": entry.md5,
        "size": entry.size,
        "foreign": entry.foreign,
        "path": entry.blob,
    })
}
