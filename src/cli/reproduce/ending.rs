//! How a command ends that told a verdict.

use crate::cli::error::{DIFFERENT, Report, UNSPECIFIC};
use crate::reproduce::Verdict;

/// The exit status for a verdict that was told.
pub(super) fn ends(verdict: Verdict) -> Result<(), Report> {
    match verdict {
        Verdict::Equal => Ok(()),
        Verdict::Different => Err(Report { exit: DIFFERENT, ..Report::default() }),
        Verdict::NotComparable => Err(Report { exit: UNSPECIFIC, ..Report::default() }),
    }
}
