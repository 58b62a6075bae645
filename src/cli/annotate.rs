//! `hardtack annotate`

use super::access::Access;
use super::args::Annotate;
use super::context::Context;
use super::error::{Report, USAGE};
use super::project::Loaded;
use super::query::not_there;
use crate::report::annotated;

pub(super) fn run(context: &Context<'_>, annotate: &Annotate) -> Result<(), Report> {
    let (sections, overrides) = context.split_words(&annotate.words, usize::MAX)?;
    if context.console.json {
        let report = Report::new(USAGE, "usage", "annotate prints text only");
        return Err(report.hint("values as JSON: hardtack query --format json"));
    }
    let verbose = context.console.verbose > 0;
    let loaded = match verbose {
        true => Loaded::with_history(context, &context.folder, overrides)?,
        false => Loaded::from_disk(context, &context.folder, overrides, Access::LOOK)?,
    };
    if let Some(absent) = sections.iter().find(|name| loaded.config.raw_section(name).is_none()) {
        return Err(not_there(&loaded.config, absent, None));
    }
    context.console.out(&annotated(&loaded.config.annotated(), &sections, loaded.directory.as_str(), verbose))
}
