//! `hardtack fetch`

use super::access::Access;
use super::args::Fetch;
use super::collection::gather;
use super::context::Context;
use super::error::Report;
use super::project::Loaded;
use crate::cache::Depth;
use crate::report::{JSON_FORMAT, bytes, plural};

pub(super) fn run(context: &Context<'_>, fetch: &Fetch) -> Result<(), Report> {
    let (words, overrides) = context.split_words(&fetch.words, 1)?;
    let folder = context.folder_of(words.first())?;
    let access = Access::of(&fetch.sources);
    let project = Loaded::from_disk(context, &folder, overrides, access)?.project(context)?;
    if fetch.dry_run {
        let sources = project.plan.sources();
        if context.console.json {
            let rows: Vec<_> =
                sources.iter().map(|(key, _, parts)| serde_json::json!({ "url": key, "parts": parts })).collect();
            return context.console.out_json(&serde_json::json!({ "format": JSON_FORMAT, "sources": rows }));
        }
        let lines = sources.iter().map(|(_, source, parts)| format!("{}\t{}\n", parts.join(","), source.shown()));
        return context.console.out(&lines.collect::<String>());
    }
    let gathered = gather(context, &project, access, Depth::Presence)?;
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
