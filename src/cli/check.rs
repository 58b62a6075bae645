//! `hardtack check`, and the lints that `bundle` shows.

use serde_json::json;

use super::access::Access;
use super::args::Check;
use super::collection::lock_path;
use super::context::Context;
use super::error::{Report, UNSPECIFIC};
use super::project::{Loaded, Project};
use crate::base::{Place, SourceKey};
use crate::lock::{Lock, file_name};
use crate::recipes::{self, Lint, lint};
use crate::report::{JSON_FORMAT, plural};

pub(super) fn run(context: &Context<'_>, check: &Check) -> Result<(), Report> {
    let (words, overrides) = context.split_words(&check.words, 1)?;
    let folder = context.folder_of(words.first())?;
    let loaded = Loaded::from_disk(context, &folder, overrides, Access::LOOK)?;
    let lock = Lock::read(&file_name(&loaded.path))?.unwrap_or_default();
    let lints = lint(&loaded.config, &loaded.files, None, &|url| lock.knows(&SourceKey::url(url)))?;
    let (files, count) = (loaded.config.texts().len(), lints.len());
    // What would stop a bundle comes last: it is what the reader's eye is on.
    let problem = loaded.project(context).err();
    if context.console.json {
        let problem = problem.as_ref().map(|report| json!({ "code": report.code, "message": report.message }));
        let lints: Vec<_> = lints.iter().map(as_json).collect();
        context.console.out_json(&json!({ "format": JSON_FORMAT, "lints": lints, "problem": problem }))?;
    } else {
        lints.iter().for_each(|lint| context.console.lint(lint));
    }
    match problem {
        Some(report) if context.console.json => Err(Report { exit: report.exit, ..Report::default() }),
        Some(report) => Err(report),
        None if check.strict && count > 0 => {
            let found = format!("{} in {}, and --strict allows none", plural(count, "warning"), plural(files, "file"));
            Err(Report::new(UNSPECIFIC, "lints", found))
        }
        None => {
            context.console.say(format!("{} in {}", plural(count, "warning"), plural(files, "file")));
            Ok(())
        }
    }
}

/// Shows what is probably not meant in the parts of a project.
pub(super) fn show(context: &Context<'_>, project: &Project) -> Result<(), Report> {
    let lock = Lock::read(&lock_path(project))?.unwrap_or_default();
    let parts: Vec<&str> = project.plan.parts.iter().map(|part| part.name.as_str()).collect();
    let lints =
        lint(&project.loaded.config, &project.loaded.files, Some(&parts), &|url| lock.knows(&SourceKey::url(url)));
    let lints = lints.map_err(recipes::Error::from)?;
    lints.iter().for_each(|lint| context.console.lint(lint));
    Ok(())
}

fn as_json(lint: &Lint) -> serde_json::Value {
    json!({
        "code": lint.code.as_str(),
        "message": lint.message,
        "section": lint.section,
        "file": lint.place.as_ref().map(|place| &place.file.name),
        "line": lint.place.as_ref().map(Place::line),
        "hint": lint.hint,
    })
}
