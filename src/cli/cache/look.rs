//! `hardtack cache list`, `info` and `explain`: what is there, and why.

use camino::Utf8Path;
use serde_json::json;

use super::chosen::Chosen;
use crate::base::{Class, Expected, SourceKey, Wanted, redact};
use crate::bundle::age_in_words;
use crate::cache::{Cache, Entry, Rule};
use crate::cli::context::Context;
use crate::cli::error::{Report, USAGE};
use crate::recipes::Source;
use crate::report::{JSON_FORMAT, bytes, plural};

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
    let wanted = wanted(context, url)?;
    let policy = &context.policy;
    let registry = policy.registries.of(&wanted.key);
    let rule = cache.rule(policy, &wanted)?;
    let entry = match rule {
        Rule::Off => None,
        _ => cache.entry(&wanted.key)?,
    };
    let class =
        entry.as_ref().map(|entry| entry.class).filter(|class| *class == Class::Index).unwrap_or(wanted.class());
    let next = next_answer(rule, class, entry.as_ref());
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
        ("url", wanted.key.to_string()),
        ("registry", registry.map_or_else(|| "none".to_owned(), |registry| registry.name.clone())),
        ("class", class.name().to_owned()),
        ("cached", format!("{}: {}", if rule.allows() { "yes" } else { "no" }, rule.reason())),
    ];
    match &entry {
        None => rows.push(("there", "no".to_owned())),
        Some(entry) => {
            let foreign = if entry.foreign { ", taken over from another program" } else { "" };
            rows.push(("there", format!("{}, {}{foreign}", bytes(entry.fingerprint.size), entry.blob)));
            rows.push(("sha256", entry.fingerprint.sha256.to_string()));
            let etag = entry.version.etag.as_ref().map(|etag| format!("etag {etag}"));
            let time = entry.version.last_modified.as_ref().map(|time| format!("of {time}"));
            let version = [etag, time].into_iter().flatten().collect::<Vec<_>>().join(", ");
            rows.push(("version", if version.is_empty() { "the server gave none".to_owned() } else { version }));
            let age = entry.times.validated.map(|then| context.environment.now.duration_since(then));
            let age = age.filter(|age| !age.is_negative());
            rows.push(("asked", age.map_or_else(|| "unknown".to_owned(), |age| format!("{} ago", age_in_words(&age)))));
            if !entry.earlier.is_empty() {
                rows.push(("earlier", plural(entry.earlier.len(), "other version")));
            }
        }
    }
    rows.push(("next", next.to_owned()));
    table(context, &rows)
}

/// The source that a URL would be.
fn wanted(context: &Context<'_>, url: &str) -> Result<Wanted, Report> {
    let source = Source::new(url, Expected::default(), &context.folder, &context.folder.join(".hardtack"));
    let source = source.map_err(|error| Report::new(USAGE, "usage", format!("`{}`: {error}", redact(url))))?;
    let Some(wanted) = source.wanted() else {
        return Err(Report::new(USAGE, "usage", format!("`{url}` is a file of hardtack's own")));
    };
    Ok(context.policy.classified(wanted))
}

/// What happens when the source is wanted next, without a digest.
fn next_answer(rule: Rule, class: Class, entry: Option<&Entry>) -> &'static str {
    match (rule.allows(), entry, class) {
        _ if rule == Rule::Local => "read where it is",
        (false, _, _) => "downloaded each time",
        (true, None, _) => "downloaded, and kept",
        (true, Some(entry), _) if entry.foreign => "downloaded, unless a SHA-256 says that these are the right bytes",
        (true, Some(entry), Class::Index) if !entry.version.is_empty() => "the server is asked whether it changed",
        (true, Some(_), Class::Index) => "downloaded: the server gave nothing to ask about",
        (true, Some(_), _) => "taken from the cache",
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
    }
}
