//! `hardtack cache dir`, `list`, `info` and `explain`: what is there, and why.

use camino::Utf8Path;
use serde_json::json;

use super::chosen::Chosen;
use crate::base::{Class, Expected, Md5, SourceKey, Wanted, redact};
use crate::bundle::age_in_words;
use crate::cache::{Cache, CacheKind, Entry, Rule};
use crate::cli::context::Context;
use crate::cli::error::{Report, USAGE};
use crate::recipes::Source;
use crate::report::{JSON_FORMAT, bytes, plural};

pub(super) fn dir(context: &Context<'_>, cache: &Cache) -> Result<(), Report> {
    match context.console.json {
        true => context.console.out_json(&json!({ "format": JSON_FORMAT, "path": cache.root() })),
        false => context.console.out(&format!("{}\n", cache.root())),
    }
}

pub(super) fn list(context: &Context<'_>, cache: &Cache, pattern: Option<&str>, path: bool) -> Result<(), Report> {
    let chosen = pattern.map(|pattern| Chosen::new(pattern, &context.policy.registries)).transpose()?;
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
        false => format!("{}\t{}\t{}\n", entry.fingerprint.sha256, entry.fingerprint.size, entry.key),
    };
    context.console.out(&entries.iter().map(line).collect::<String>())
}

pub(super) fn info(context: &Context<'_>, cache: &Cache) -> Result<(), Report> {
    let contents = cache.contents()?;
    let limits = context.gc_limits;
    if context.console.json {
        return context.console.out_json(&json!({
            "format": JSON_FORMAT,
            "path": cache.root(),
            "enabled": context.policy.enabled,
            "sources": contents.entries.len(),
            "blobs": contents.blobs.len(),
            "bytes": cache.on_disk()?,
            "quarantined": contents.quarantined,
            "partial": contents.partial,
            "max-size": limits.max_size,
            "max-age-seconds": limits.max_age.map(|age| age.as_secs()),
            "system-path": context.system_cache(),
        }));
    }
    let size = limits.max_size.map(|size| format!("at most {}", bytes(size)));
    let age = limits.max_age.map(|age| format!("unused for {} at most", age_in_words(&age)));
    let limit = [size, age].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let rows = [
        ("path", cache.root().to_string()),
        ("system path", context.system_cache().map_or_else(|| "none".to_owned(), Utf8Path::to_string)),
        ("caching", if context.policy.enabled { "on" } else { "off" }.to_owned()),
        ("limits", if limit.is_empty() { "none".to_owned() } else { limit }),
        ("sources", contents.entries.len().to_string()),
        ("blobs", contents.blobs.len().to_string()),
        ("on disk", bytes(cache.on_disk()?)),
        ("quarantined", contents.quarantined.to_string()),
        ("unfinished", contents.partial.to_string()),
    ];
    table(context, &rows)
}

/// Whether a URL may be in the cache, why, and what is there of it.
pub(super) fn explain(context: &Context<'_>, cache: &Cache, url: &str) -> Result<(), Report> {
    let source = Source::new(url, Expected::default(), &context.folder, &context.folder.join(".hardtack"));
    let source = source.map_err(|error| Report::new(USAGE, "usage", format!("`{}`: {error}", redact(url))))?;
    let Some(wanted) = source.wanted().map(|wanted| context.policy.classified(wanted)) else {
        return Err(Report::new(USAGE, "usage", format!("`{url}` is a file of hardtack's own")));
    };
    let registry = context.policy.registries.of(&wanted.key);
    let rule = cache.rule(&context.policy, &wanted)?;
    let entry = match rule {
        Rule::Off => None,
        _ => entry_of(context, cache, &wanted)?,
    };
    let index = entry.as_ref().is_some_and(|entry| entry.class == Class::Index);
    let class = if index { Class::Index } else { wanted.class() };
    let next = next_answer(rule, class, wanted.secret, entry.as_ref());
    if context.console.json {
        return context.console.out_json(&json!({
            "format": JSON_FORMAT,
            "url": wanted.key,
            "registry": registry.map(|registry| &registry.name),
            "class": class,
            "cached": rule.allows(),
            "rule": rule.name(),
            "reason": rule.reason(),
            "entry": entry.as_ref().map(as_json),
            "next": next,
        }));
    }
    let mut rows = vec![
        ("url", source.shown()),
        ("registry", registry.map_or_else(|| "none".to_owned(), |registry| registry.name.clone())),
        ("class", class.name().to_owned()),
        ("cached", format!("{}: {}", if rule.allows() { "yes" } else { "no" }, rule.reason())),
    ];
    match &entry {
        None => rows.push(("there", "no".to_owned())),
        Some(entry) => rows.extend(about(context, entry)),
    }
    rows.push(("next", next.to_owned()));
    table(context, &rows)
}

/// What a lookup would find of a source: in the cache, under its URL or a digest of that, or in the machine's.
fn entry_of(context: &Context<'_>, cache: &Cache, wanted: &Wanted) -> Result<Option<Entry>, Report> {
    let system = context.system_cache().filter(|path| path.is_dir());
    let system = system.map(|path| Cache::open_to_read(path, context.cache_options(CacheKind::Shared))).transpose()?;
    let hashed = wanted.url().map(|url| SourceKey::of_hashed_url(&Md5::of(url)));
    for cache in std::iter::once(cache).chain(&system) {
        for key in std::iter::once(&wanted.key).chain(&hashed) {
            if let Some(entry) = cache.entry(key)?.filter(|entry| entry.blob.is_file()) {
                return Ok(Some(entry));
            }
        }
    }
    Ok(None)
}

/// What is known of a source that is there.
fn about(context: &Context<'_>, entry: &Entry) -> Vec<(&'static str, String)> {
    let foreign = if entry.foreign { ", taken over from another program" } else { "" };
    let etag = entry.version.etag.as_ref().map(|etag| format!("etag {etag}"));
    let time = entry.version.last_modified.as_ref().map(|time| format!("of {time}"));
    let version = [etag, time].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let age = entry.times.validated.map(|then| context.environment.now.duration_since(then));
    let age = age.filter(|age| !age.is_negative());
    let mut rows = vec![
        ("there", format!("{}, {}{foreign}", bytes(entry.fingerprint.size), entry.blob)),
        ("sha256", entry.fingerprint.sha256.to_string()),
        ("version", if version.is_empty() { "the server gave none".to_owned() } else { version }),
        ("asked", age.map_or_else(|| "unknown".to_owned(), |age| format!("{} ago", age_in_words(&age)))),
    ];
    if !entry.earlier.is_empty() {
        rows.push(("earlier", plural(entry.earlier.len(), "other version")));
    }
    rows
}

/// What happens when the source is wanted next, without a digest.
fn next_answer(rule: Rule, class: Class, secret: bool, entry: Option<&Entry>) -> &'static str {
    let ask = class == Class::Index || secret;
    match (rule, entry) {
        (Rule::Local, _) => "read where it is",
        (Rule::Unsaid, _) => "the registry is asked who may delete packages; if it allows, downloaded and kept",
        (rule, _) if !rule.allows() => "downloaded each time",
        (_, None) => "downloaded, and kept",
        (_, Some(entry)) if entry.foreign => "downloaded, unless a SHA-256 says that these are the right bytes",
        (_, Some(entry)) if ask && !entry.version.is_empty() => "the server is asked whether it changed",
        (_, Some(_)) if ask => "downloaded: the server gave nothing to ask about",
        (_, Some(_)) => "taken from the cache",
    }
}

fn table(context: &Context<'_>, rows: &[(&str, String)]) -> Result<(), Report> {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = rows.iter().map(|(name, value)| format!("{name:width$}  {value}\n"));
    context.console.out(&lines.collect::<String>())
}

pub(super) fn as_json(entry: &Entry) -> serde_json::Value {
    json!({
        "url": entry.key,
        "class": entry.class,
        "sha256": entry.fingerprint.sha256,
        "md5": entry.fingerprint.md5,
        "size": entry.fingerprint.size,
        "foreign": entry.foreign,
        "path": entry.blob,
        "etag": entry.version.etag,
        "last-modified": entry.version.last_modified,
        "earlier": entry.earlier,
        "retrieved": entry.times.retrieved,
        "validated": entry.times.validated,
        "used": entry.times.used,
    })
}

/// What an entry is wanted as, to decide about it by the rules of today.
pub(super) fn as_wanted(entry: &Entry) -> Wanted {
    Wanted {
        key: SourceKey::clone(&entry.key),
        views: Vec::new(),
        file_name: String::new(),
        expected: Expected::default(),
        local: false,
        index: entry.class == Class::Index,
        secret: entry.url.is_none(),
    }
}
