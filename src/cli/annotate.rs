//! `hardtack annotate`

use super::args::Annotate;
use super::context::Context;
use super::error::Report;
use super::project::Loaded;
use crate::report::annotated;

pub(super) fn run(context: &Context<'_>, annotate: &Annotate) -> Result<(), Report> {
    let (sections, overrides) = context.split_words(&annotate.words, usize::MAX)?;
    let verbose = context.console.verbose > 0;
    let loaded = Loaded::from_disk(context, &context.folder, overrides, verbose)?;
    context.console.out(&annotated(&loaded.config.annotated(), &sections, loaded.directory.as_str(), verbose))
}
