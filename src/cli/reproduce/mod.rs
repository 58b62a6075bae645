//! `hardtack reproduce`: whether what is built depends on anything but what it is built from.

mod builds;
mod clues;
mod differing;
mod ending;
mod receipts;
mod repacked;
mod search;
mod second;
mod twice;
mod vary;
mod words;

use camino::Utf8Path;

use super::args::Reproduce as Arguments;
use super::context::Context;
use super::error::{Report, USAGE};

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    let builds = arguments.compare.is_empty() && arguments.against.is_none() && arguments.bundle.is_none();
    if context.console.junit && !builds {
        return Err(Report::new(USAGE, "usage", "--format junit is for what is built twice"));
    }
    if !builds && arguments.bundle.is_none() && (arguments.vary.is_some() || arguments.require.is_some()) {
        context.console.note("nothing is varied where receipts are compared");
    }
    match (&arguments.against, &arguments.bundle, arguments.compare.as_slice()) {
        (None, None, receipts @ [_, _, ..]) => receipts::side_by_side(context, arguments, receipts),
        (None, None, [_]) => Err(Report::new(USAGE, "usage", "--compare takes two receipts or more")),
        (Some(receipt), None, []) => {
            let bundle = arguments.what.as_deref().unwrap_or(Utf8Path::new("."));
            receipts::against(context, arguments, bundle, receipt)
        }
        (None, Some(folder), []) => repacked::run(context, arguments, folder),
        (None, None, []) => twice::run(context, arguments),
        _ => Err(Report::new(USAGE, "usage", "--against, --compare and --bundle go one at a time")),
    }
}
