//! `hardtack fetch`

use super::access::Access;
use super::args::Fetch;
use super::collection::{gather, lock_path};
use super::context::Context;
use super::error::Report;
use super::project::{Loaded, Project};
use crate::base::SourceKey;
use crate::cache::Depth;
use crate::lock::Lock;
use crate::report::{JSON_FORMAT, bytes, plural};

pub(super) fn run(context: &Context<'_>, fetch: &Fetch) -> Result<(), Report> {
    let (words, overrides) = context.split_words(&fetch.words, 1)?;
    let folder = context.folder_of(words.first())?;
    let access = Access::of(&fetch.sources);
    let mut project = Loaded::from_disk(context, &folder, overrides, access)?.project(context)?;
    if fetch.dry_run {
        return dry_run(context, &project);
    }
    let gathered = gather(context, &mut project, access, Depth::Presence)?;
    let place = gathered.caches.main().map(|cache| cache.root().to_owned());
    let collected = &gathered.collected;
    if context.console.json {
        let value = serde_json::json!({
            "format": JSON_FORMAT,
            "sources": collected.sources.len(),
            "downloads": collected.downloads,
            "downloaded": collected.downloaded,
            "cache": place,
        });
        return context.console.out_json(&value);
    }
    context.console.say(format!(
        "{} in {}; {} downloaded ({})",
        plural(collected.sources.len(), "source"),
        place.as_ref().map_or("no cache", |place| place.as_str()),
        collected.downloads,
        bytes(collected.downloaded)
    ));
    gathered.caches.tidy(context);
    Ok(())
}

/// What would be fetched, with sizes where the lock knows them.
fn dry_run(context: &Context<'_>, project: &Project) -> Result<(), Report> {
    let lock = Lock::read(&lock_path(project))?.unwrap_or_default();
    let size = |key: &SourceKey| lock.get(key).map(|locked| locked.size);
    for (part, _) in project.plan.incomplete() {
        let message =
            format!("part `{}` takes Python distributions that are not locked yet: hardtack lock asks pip", part.name);
        context.console.note(message);
    }
    let sources = project.plan.sources();
    if context.console.json {
        let row =
            |key: &SourceKey, parts: &[&str]| serde_json::json!({ "url": key, "parts": parts, "size": size(key) });
        let rows: Vec<_> = sources.iter().map(|(key, _, parts)| row(key, parts)).collect();
        return context.console.out_json(&serde_json::json!({ "format": JSON_FORMAT, "sources": rows }));
    }
    let lines = sources.iter().map(|(key, source, parts)| {
        let size = size(key).map_or_else(|| "-".to_owned(), |size| size.to_string());
        format!("{}\t{}\t{size}\n", parts.join(","), source.shown())
    });
    context.console.out(&lines.collect::<String>())
}
