//! Errors of caches, locks, archives and downloads.

use super::{DIGEST, DOWNLOAD, ENVIRONMENT, Item, MISSING, Report, USAGE};
use crate::archive;
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
        FailureCause::Missing | FailureCause::NoFile | FailureCause::Folder => 2,
        FailureCause::TooOld { .. } | FailureCause::SecretUnlocked => 2,
        FailureCause::SameName => 0,
        FailureCause::Cache(_) => 3,
    };
    // The gravest of several decides code and status.
    let Some(gravest) = failures.iter().min_by_key(|failure| rank(failure)) else {
        return Report::new(DOWNLOAD, "download-failed", "nothing could be had");
    };
    let (exit, code) = kind(own(&gravest.cause));
    let mut report = Report::new(exit, code, crate::bundle::Error::Sources(Vec::new()).to_string());
    report.hints = hint(own(&gravest.cause)).into_iter().map(str::to_owned).collect();
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

/// Whether a disk was full.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut chain = std::iter::successors(Some(error), |error| error.source());
    chain.any(|error| {
        let io = error.downcast_ref::<std::io::Error>();
        io.is_some_and(|error| {
            matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        })
    })
}

fn kind(cause: &FailureCause) -> (u8, &'static str) {
    match cause {
        FailureCause::Missing => (MISSING, "source-missing"),
        FailureCause::NoFile | FailureCause::Folder => (MISSING, "source-missing"),
        FailureCause::Wrong(_) => (DIGEST, "wrong-digest"),
        FailureCause::NotTheCommit(_) => (DIGEST, "wrong-commit"),
        FailureCause::NotAnArchive { .. } | FailureCause::SingleFile => (DIGEST, "not-an-archive"),
        FailureCause::DamagedArchive(_) => (DIGEST, "archive-damaged"),
        FailureCause::Refused(_) => (DIGEST, "archive-refused"),
        FailureCause::Recompressed { .. } => (DIGEST, "recompressed"),
        FailureCause::Network(error) if is_full(&**error) => (ENVIRONMENT, "disk-full"),
        FailureCause::Network(error) => match network_code(&**error) {
            "cache-failed" => (ENVIRONMENT, "cache-failed"),
            "settings" => (USAGE, "settings"),
            "tool-missing" => (ENVIRONMENT, "tool-missing"),
            code => (DOWNLOAD, code),
        },
        FailureCause::Nowhere(_) => (DOWNLOAD, "download-failed"),
        FailureCause::SecretUnlocked => (MISSING, "source-missing"),
        FailureCause::SameName => (USAGE, "same-name"),
        FailureCause::TooOld { reason: Some(_), .. } => (DOWNLOAD, "index-too-old"),
        FailureCause::TooOld { reason: None, .. } => (MISSING, "index-too-old"),
        FailureCause::Cache(error) => cache_kind(error),
    }
}

fn cache_kind(error: &cache::Error) -> (u8, &'static str) {
    match error {
        cache::Error::Busy { .. } | cache::Error::Stuck { .. } => (ENVIRONMENT, "cache-busy"),
        error if is_full(error) => (ENVIRONMENT, "disk-full"),
        error if error.is_unwritable() => (ENVIRONMENT, "cache-read-only"),
        _ => (ENVIRONMENT, "cache-failed"),
    }
}

#[cfg(feature = "net")]
fn network_code(error: &(dyn std::error::Error + Send + Sync + 'static)) -> &'static str {
    use crate::fetch::{ConnectKind, Error, GitFailure};
    let error = match error.downcast_ref::<Error>() {
        Some(Error::Submodule { error, .. }) => Some(error.innermost()),
        other => other,
    };
    match error {
        Some(Error::Submodule { .. }) => "unpackable",
        Some(Error::Status { .. }) => "download-refused",
        Some(Error::Connect { kind: ConnectKind::Certificate, .. }) => "download-certificate",
        Some(Error::Setup { .. }) => "settings",
        Some(Error::Connect { .. } | Error::HostDown { .. }) => "download-no-connection",
        Some(Error::Encoded { .. }) => "download-encoded",
        Some(Error::Truncated { .. }) => "download-truncated",
        Some(Error::Stalled { .. } | Error::TooLong { .. }) => "download-stalled",
        Some(Error::Redirect { .. }) => "download-redirect",
        Some(Error::Store { .. }) => "cache-failed",
        Some(Error::Git { kind: GitFailure::NoHost, .. }) => "download-no-connection",
        Some(Error::Git { .. }) => "download-refused",
        Some(Error::Revision { .. }) => "no-such-revision",
        Some(Error::Commit { .. }) => "unpackable",
        Some(Error::NoGit { .. }) => "tool-missing",
        None => "download-failed",
    }
}

/// Whether a server wants to know who asks.
#[cfg(feature = "net")]
fn is_unauthorized(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    use crate::fetch::Error;
    let said = |text: &str| ["401", "403"].iter().any(|code| text.starts_with(code));
    match error.downcast_ref::<Error>() {
        Some(Error::Status { status, .. }) => said(status),
        Some(Error::Git { reason, .. }) => {
            reason.contains("could not read Username") || reason.contains("uthentication")
        }
        _ => false,
    }
}

/// Whether git could talk to a server, and was refused.
#[cfg(feature = "net")]
fn is_refused_by_git(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    use crate::fetch::{Error, GitFailure};
    matches!(error.downcast_ref(), Some(Error::Git { kind: GitFailure::Refused, .. }))
}

#[cfg(not(feature = "net"))]
fn is_refused_by_git(_error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    false
}

#[cfg(not(feature = "net"))]
fn is_unauthorized(_error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    false
}

#[cfg(not(feature = "net"))]
fn network_code(_error: &(dyn std::error::Error + Send + Sync + 'static)) -> &'static str {
    "download-failed"
}

fn hint(cause: &FailureCause) -> Option<&'static str> {
    match cause {
        FailureCause::Missing => Some("run hardtack fetch where there is a network"),
        FailureCause::NoFile | FailureCause::Folder => None,
        FailureCause::NotTheCommit(_) => {
            Some("remove it from the cache with hardtack cache clear URL, then fetch it again")
        }
        FailureCause::Refused(reason) if reason.contains("leads out") => {
            Some("if the part can live with links to outside: `hardtack-allow = outside-links`")
        }
        FailureCause::Refused(reason) if reason.contains("the limit of") => {
            Some("if the archive is meant to be so large: `hardtack-limits`")
        }
        FailureCause::Refused(_) => None,
        FailureCause::DamagedArchive(_) => Some("the server may have a broken file; nothing was kept or locked"),
        FailureCause::Recompressed { declared: false, .. } => Some("to take and lock it: --accept-recompressed"),
        FailureCause::Recompressed { declared: true, .. } => {
            Some("correct the digest in the config, then hardtack lock --update")
        }
        FailureCause::NotAnArchive { .. } | FailureCause::SingleFile => {
            Some("the server may have answered with a web page that says why")
        }
        FailureCause::Network(error) if is_full(&**error) => Some("make room, then run the command again"),
        FailureCause::Wrong(_) => {
            Some("if the file was changed on purpose: correct the digest in the config, then hardtack lock --update")
        }
        FailureCause::Network(error) if network_code(&**error) == "settings" => None,
        FailureCause::Network(error) if network_code(&**error) == "tool-missing" => Some("install git"),
        FailureCause::Network(error) if network_code(&**error) == "no-such-revision" => {
            Some("correct the revision; where a branch was moved since it was locked: hardtack lock --update")
        }
        FailureCause::Network(error) if network_code(&**error) == "download-certificate" => {
            Some("where the server has an authority of its own, name its certificate with --ca-file")
        }
        FailureCause::Network(error) if error.to_string().contains("submodule `") => {
            Some("to go without submodules: `#submodules=false` at the end, or `ignore-cloning-submodules = true`")
        }
        FailureCause::Network(error) if network_code(&**error) == "unpackable" => None,
        FailureCause::Network(error) if is_unauthorized(&**error) => {
            Some("what the server wants to be shown goes into HARDTACK_REGISTRY_NAME_TOKEN or into ~/.netrc")
        }
        FailureCause::Network(error) if is_refused_by_git(&**error) => {
            Some("look whether the repository is there, and whether you may read it")
        }
        FailureCause::Network(_) => Some("sources that are whole are kept; run the command again to go on"),
        FailureCause::Nowhere(_) => None,
        FailureCause::SecretUnlocked => Some("run hardtack fetch where there is a network, so that it is locked"),
        FailureCause::SameName => Some("give the files URLs that differ in more, or put one into a project of its own"),
        FailureCause::TooOld { reason: None, .. } => {
            Some("ask the server again where there is a network, or allow more")
        }
        FailureCause::TooOld { reason: Some(_), .. } => Some("wait until the server answers, or allow more"),
        FailureCause::Cache(error) if is_full(&**error) => Some("make room, then run the command again"),
        FailureCause::Cache(error) if error.is_unwritable() => {
            Some("the cache is read-only here: choose another one with --cache-dir, or go without with --no-cache")
        }
        FailureCause::Cache(_) => None,
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
