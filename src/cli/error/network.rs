//! Errors of downloads, by git too.

use std::error::Error as StdError;
use std::io;

use super::{DOWNLOAD, ENVIRONMENT};

/// What is whole by then is in the cache.
const AGAIN: Option<&str> = Some("sources that are whole are kept; run the command again to go on");

/// What a cause is to programs and people: exit status, code, and the way out.
pub(super) type Verdict = (u8, &'static str, Option<&'static str>);

/// Whether a disk was full.
pub(super) fn is_full(error: &(dyn StdError + 'static)) -> bool {
    let mut chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.any(|error| {
        let io = error.downcast_ref::<io::Error>();
        io.is_some_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    })
}

/// What is told of a download that failed.
pub(super) fn verdict(error: &(dyn StdError + Send + Sync + 'static)) -> Verdict {
    if is_full(error) {
        return (ENVIRONMENT, "disk-full", Some("make room, then run the command again"));
    }
    #[cfg(feature = "net")]
    if let Some(error) = error.downcast_ref() {
        return of(error);
    }
    (DOWNLOAD, "download-failed", AGAIN)
}

#[cfg(feature = "net")]
fn of(error: &crate::fetch::Error) -> Verdict {
    use super::USAGE;
    use crate::fetch::{ConnectKind, Error, GitFailure};

    const WITHOUT: Option<&str> =
        Some("to go without submodules: `#submodules=false` at the end, or `ignore-cloning-submodules = true`");
    const LOGIN: Option<&str> =
        Some("what the server wants to be shown goes into HARDTACK_REGISTRY_NAME_TOKEN or into ~/.netrc");

    match error {
        Error::Submodule { error, .. } => match verdict(error.innermost()) {
            // To go without submodules is no way out of what is wrong with this machine, or with a revision.
            known @ (ENVIRONMENT | USAGE, ..) => known,
            known @ (_, "no-such-revision" | "download-certificate", _) => known,
            (exit, code, _) => (exit, code, WITHOUT),
        },
        Error::Undeclared { .. } => (DOWNLOAD, "unpackable", WITHOUT),
        Error::Commit { .. } => (DOWNLOAD, "unpackable", None),
        Error::Revision { .. } => {
            let hint = "correct the revision; where a branch was moved since it was locked: hardtack lock --update";
            (DOWNLOAD, "no-such-revision", Some(hint))
        }
        Error::Status { status, .. } if ["401", "403"].iter().any(|code| status.starts_with(code)) => {
            (DOWNLOAD, "download-refused", LOGIN)
        }
        Error::Status { .. } => (DOWNLOAD, "download-refused", AGAIN),
        Error::Git { kind: GitFailure::NoHost, .. } => (DOWNLOAD, "download-no-connection", AGAIN),
        Error::Git { kind: GitFailure::Unauthorized, .. } => (DOWNLOAD, "download-refused", LOGIN),
        Error::Git { kind: GitFailure::Refused, .. } => {
            let hint = "look whether the repository is there, and whether you may read it";
            (DOWNLOAD, "download-refused", Some(hint))
        }
        Error::Git { .. } => (DOWNLOAD, "download-refused", AGAIN),
        Error::NoGit { .. } => (ENVIRONMENT, "tool-missing", Some("install git")),
        Error::Connect { kind: ConnectKind::Certificate, .. } => {
            let hint = "where the server has an authority of its own, name its certificate with --ca-file";
            (DOWNLOAD, "download-certificate", Some(hint))
        }
        Error::Connect { .. } | Error::HostDown { .. } => (DOWNLOAD, "download-no-connection", AGAIN),
        Error::Encoded { .. } => (DOWNLOAD, "download-encoded", AGAIN),
        Error::Truncated { .. } => (DOWNLOAD, "download-truncated", AGAIN),
        Error::Stalled { .. } | Error::TooLong { .. } => (DOWNLOAD, "download-stalled", AGAIN),
        Error::Redirect { .. } => (DOWNLOAD, "download-redirect", AGAIN),
        Error::Setup { .. } => (USAGE, "settings", None),
        Error::Store { .. } => (ENVIRONMENT, "cache-failed", AGAIN),
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use io::ErrorKind;

    use super::*;
    use crate::fetch::{Error, GitFailure};

    fn in_submodule(error: Error) -> Verdict {
        verdict(&Error::Submodule { path: "sub".to_owned(), error: Box::new(error) })
    }

    #[test]
    fn what_is_wrong_with_this_machine_is_told_of_submodules_too() {
        let url = || "https://h.example/b".to_owned();
        let stored = |kind: ErrorKind| Error::Store { url: url(), source: kind.into() };
        assert_eq!(in_submodule(stored(ErrorKind::StorageFull)), verdict(&stored(ErrorKind::StorageFull)));
        assert_eq!(in_submodule(stored(ErrorKind::StorageFull)).1, "disk-full");
        assert_eq!(in_submodule(stored(ErrorKind::PermissionDenied)), verdict(&stored(ErrorKind::PermissionDenied)));
        let refused = Error::Git { url: url(), reason: "no".to_owned(), kind: GitFailure::Refused };
        let (exit, code, hint) = in_submodule(refused);
        assert_eq!((exit, code), (DOWNLOAD, "download-refused"));
        assert!(hint.is_some_and(|hint| hint.contains("#submodules=false")));
    }
}
