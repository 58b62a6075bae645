//! Folders that are of no use once a command is done.

use camino::Utf8Path;

use super::context::Context;
use super::error::{ATTEMPT, BUILD, Report};
use super::interrupt;
use crate::base::remove_tree;

/// Works in a folder that is gone afterwards, also when the program is interrupted; it is kept where a build failed, for what
/// there is to be seen in it.
pub(super) fn in_passing_folder<T>(
    context: &Context<'_>,
    work: impl FnOnce(&Utf8Path) -> Result<T, Report>,
) -> Result<T, Report> {
    let (held, within) = context.environment.temporary_folder()?;
    interrupt::passing(Some(&within));
    let outcome = work(&within);
    if let Err(report) = &outcome
        && matches!(report.exit, BUILD | ATTEMPT)
    {
        interrupt::passing(None);
        let kept = held.keep();
        let hint = format!("what was built is kept in {} until you remove it", kept.display());
        return outcome.map_err(|report| report.hint(hint));
    }
    // Several trees are gone sooner together; what cannot be removed is for whoever cleans up temporary folders.
    std::thread::scope(|scope| {
        for entry in within.read_dir_utf8().into_iter().flatten().flatten() {
            scope.spawn(move || remove_tree(entry.path()));
        }
    });
    interrupt::passing(None);
    outcome
}
