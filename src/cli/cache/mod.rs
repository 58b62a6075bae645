//! `hardtack cache`

mod care;
mod chosen;
mod exchange;
mod look;

use super::args::{CacheCommand, CacheOf};
use super::context::Context;
use super::error::Report;

pub(super) fn run(context: &Context<'_>, arguments: &CacheOf) -> Result<(), Report> {
    let cache = context.shared_cache()?;
    match &arguments.command {
        CacheCommand::Dir => look::dir(context, &cache),
        CacheCommand::List { pattern, path } => look::list(context, &cache, pattern.as_deref(), *path),
        CacheCommand::Info => look::info(context, &cache),
        CacheCommand::Explain { url } => look::explain(context, &cache, url),
        CacheCommand::Verify { repair } => care::verify(context, &cache, *repair),
        CacheCommand::Clear { pattern, all, dry_run } => {
            care::clear(context, &cache, pattern.as_deref(), *all, *dry_run)
        }
        CacheCommand::Gc { max_size, max_age, dry_run, force } => {
            let limits = crate::cache::GcLimits {
                max_size: max_size.or(context.gc_limits.max_size),
                max_age: max_age.or(context.gc_limits.max_age),
            };
            care::gc(context, &cache, limits, *dry_run, *force)
        }
        CacheCommand::Import { path, trust } => exchange::import(context, &cache, path, *trust),
        CacheCommand::Export { folder, pattern, layout } => {
            exchange::export(context, &cache, folder, pattern.as_deref(), *layout)
        }
    }
}
