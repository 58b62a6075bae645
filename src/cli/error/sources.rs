//! Errors of caches, locks, archives and downloads.

use super::network::{Verdict, is_full};
use super::{DIGEST, DOWNLOAD, ENVIRONMENT, Item, MISSING, Report, USAGE, network};
use crate::archive::{self, Refusal};
use crate::bundle::{Failure, FailureCause};
use crate::{cache, lock};

impl From<cache::Error> for Report {
    fn from(error: cache::Error) -> Self {
        match error {
            cache::Error::Io(error) => error.into(),
            cache::Error::Newer { .. } => Self::of(ENVIRONMENT, "cache-newer", &error)
                .hint("use the newer hardtack, or another cache with --cache-dir"),
            cache::Error::Busy { .. } => Self::of(ENVIRONMENT, "cache-busy", &error)
                .hint("wait until they are done, or use another cache with --cache-dir"),
            cache::Error::Stuck { .. } => {
                Self::of(ENVIRONMENT, "cache-busy", &error).hint("end that process, then run the command again")
            }
            cache::Error::NoLocks { .. } => {
                Self::of(ENVIRONMENT, "cache-no-locks", &error).hint("when nobody uses it: hardtack cache gc --force")
            }
            cache::Error::WrongDigest { .. } => Self::of(DIGEST, "wrong-digest", &error),
            cache::Error::Ledger { .. } => {
                Self::of(ENVIRONMENT, "cache-damaged", &error).hint("remove the file; it can be made again")
            }
        }
    }
}

impl From<lock::Error> for Report {
    fn from(error: lock::Error) -> Self {
        match error {
            lock::Error::Io(error) => error.into(),
            lock::Error::Malformed { .. } => {
                Self::of(USAGE, "lock-malformed", &error).hint("restore the file, or remove it and run hardtack lock")
            }
            lock::Error::Request { .. } => {
                Self::of(USAGE, "request-malformed", &error).hint("have the site make it again")
            }
            lock::Error::Newer { .. } => Self::of(USAGE, "lock-newer", &error).hint("use the newer hardtack"),
            lock::Error::Outdated { .. } => {
                Self::of(USAGE, "lock-outdated", &error).hint("run hardtack lock and commit the file")
            }
            lock::Error::Contradiction { .. } => {
                Self::of(DIGEST, "lock-contradiction", &error).hint("if the config is right: hardtack lock --update")
            }
        }
    }
}

/// The report of sources that could not be had.
pub(in crate::cli) fn failures(failures: Vec<Failure>) -> Report {
    let rank = |failure: &Failure| match own(&failure.cause) {
        // Its own place is among them, and told instead.
        FailureCause::Nowhere(_) => 1,
        FailureCause::Wrong(_) | FailureCause::NotTheCommit(_) | FailureCause::SingleFile => 0,
        FailureCause::Refused(_) => 0,
        FailureCause::NotAnArchive { .. } | FailureCause::DamagedArchive(_) | FailureCause::Recompressed { .. } => 0,
        FailureCause::Network(_) => 1,
        FailureCause::Missing | FailureCause::NoFile | FailureCause::Folder | FailureCause::NoFolder => 2,
        FailureCause::TooOld { .. } | FailureCause::SecretUnlocked => 2,
        FailureCause::SameName => 0,
        FailureCause::Cache(_) => 3,
    };
    // The gravest of several decides code and status.
    let Some(gravest) = failures.iter().min_by_key(|failure| rank(failure)) else {
        return Report::new(DOWNLOAD, "download-failed", "nothing could be had");
    };
    let (exit, code, hint) = verdict(own(&gravest.cause));
    let mut report = Report::new(exit, code, crate::bundle::Error::Sources(Vec::new()).to_string());
    report.hints = hint.into_iter().map(str::to_owned).collect();
    if let [only] = failures.as_slice() {
        report.message = only.to_string();
    } else {
        report.message = format!("{} sources could not be had", failures.len());
        report.items =
            failures.iter().map(|failure| Item { message: failure.to_string(), place: None, hint: None }).collect();
    }
    report
}

/// What was wrong at a source's own place, where there were several.
fn own(cause: &FailureCause) -> &FailureCause {
    match cause {
        FailureCause::Nowhere(tries) => tries.iter().find(|tried| tried.own).map_or(cause, |tried| &tried.cause),
        other => other,
    }
}

fn verdict(cause: &FailureCause) -> Verdict {
    match cause {
        FailureCause::Missing => (MISSING, "source-missing", Some("run hardtack fetch where there is a network")),
        FailureCause::NoFile | FailureCause::Folder | FailureCause::NoFolder => (MISSING, "source-missing", None),
        FailureCause::SecretUnlocked => {
            (MISSING, "source-missing", Some("run hardtack fetch where there is a network, so that it is locked"))
        }
        FailureCause::SameName => {
            let hint = "give the files URLs that differ in more, or put one into a project of its own";
            (USAGE, "same-name", Some(hint))
        }
        FailureCause::Wrong(_) => {
            let hint =
                "if the file was changed on purpose: correct the digest in the config, then hardtack lock --update";
            (DIGEST, "wrong-digest", Some(hint))
        }
        FailureCause::NotTheCommit(_) => {
            let hint = "remove it from the cache with hardtack cache clear URL, then fetch it again";
            (DIGEST, "wrong-commit", Some(hint))
        }
        FailureCause::NotAnArchive { .. } | FailureCause::SingleFile => {
            (DIGEST, "not-an-archive", Some("the server may have answered with a web page that says why"))
        }
        FailureCause::DamagedArchive(_) => {
            (DIGEST, "archive-damaged", Some("the server may have a broken file; nothing was kept or locked"))
        }
        FailureCause::Refused(refusal) => (DIGEST, "archive-refused", way_around(refusal)),
        FailureCause::Recompressed { declared: false, .. } => {
            (DIGEST, "recompressed", Some("to take and lock it: --accept-recompressed"))
        }
        FailureCause::Recompressed { declared: true, .. } => {
            (DIGEST, "recompressed", Some("correct the digest in the config, then hardtack lock --update"))
        }
        FailureCause::TooOld { reason: Some(_), .. } => {
            (DOWNLOAD, "index-too-old", Some("wait until the server answers, or allow more"))
        }
        FailureCause::TooOld { reason: None, .. } => {
            (MISSING, "index-too-old", Some("ask the server again where there is a network, or allow more"))
        }
        FailureCause::Network(error) => network::verdict(&**error),
        FailureCause::Nowhere(_) => (DOWNLOAD, "download-failed", None),
        FailureCause::Cache(error) => of_cache(error),
    }
}

/// How a config allows what is refused else.
fn way_around(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::LinkLeaves { .. } => {
            Some("if the part can live with links to outside: `hardtack-allow = outside-links`")
        }
        Refusal::Limit { .. } => Some("if the archive is meant to be so large: `hardtack-limits`"),
        _ => None,
    }
}

fn of_cache(error: &cache::Error) -> Verdict {
    match error {
        cache::Error::Busy { .. } | cache::Error::Stuck { .. } => (ENVIRONMENT, "cache-busy", None),
        error if is_full(error) => (ENVIRONMENT, "disk-full", Some("make room, then run the command again")),
        error if error.is_unwritable() => {
            let hint =
                "the cache is read-only here: choose another one with --cache-dir, or go without with --no-cache";
            (ENVIRONMENT, "cache-read-only", Some(hint))
        }
        _ => (ENVIRONMENT, "cache-failed", None),
    }
}

impl From<archive::Error> for Report {
    fn from(error: archive::Error) -> Self {
        match error {
            archive::Error::Io(error) => error.into(),
            archive::Error::NotAnArchive { .. } => Self::of(DIGEST, "not-an-archive", &error)
                .hint("is the file a web page that was saved under the archive's name?"),
            archive::Error::Damaged { .. } => Self::of(DIGEST, "archive-damaged", &error),
            archive::Error::Refused { .. } => Self::of(DIGEST, "archive-refused", &error),
        }
    }
}
