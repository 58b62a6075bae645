//! `hardtack lock`

use super::access::Access;
use super::args::LockCommand;
use super::collection::{gather, shown};
use super::context::Context;
use super::error::Report;
use super::project::Loaded;
use crate::cache::Depth;
use crate::report::plural;

pub(super) fn run(context: &Context<'_>, lock: &LockCommand) -> Result<(), Report> {
    let (words, overrides) = context.split_words(&lock.words, 1)?;
    let folder = context.folder_of(words.first())?;
    let access = Access::of(&lock.sources);
    let access = if lock.update { access.updating() } else { access };
    let mut project = Loaded::from_disk(context, &folder, overrides, access)?.project(context)?;
    let gathered = gather(context, &mut project, access, Depth::Presence)?;
    let count = gathered.collected.sources.len() + project.loaded.remote.configs.len();
    let path = shown(context, &gathered.lock_path);
    gathered.caches.tidy(context);
    if context.console.json {
        let value = serde_json::json!({
            "format": crate::report::JSON_FORMAT,
            "lock": path,
            "sources": count,
            "written": gathered.lock_written,
        });
        return context.console.out_json(&value);
    }
    let state = if gathered.lock_written { "locked" } else { "already locked:" };
    context.console.say(format!("{state} {} in {path}", plural(count, "source")));
    Ok(())
}
