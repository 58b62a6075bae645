//! Why a URL cannot be had.

use std::time::Duration;

/// An error of a download. Every variant names the URL, without credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's answer is not the file.
    #[error("the server answered {status} for `{url}`{}", asks(*.retry_after))]
    Status {
        /// The URL.
        url: String,
        /// Code and words, such as `404 Not Found`.
        status: String,
        /// Whether it may answer otherwise later.
        transient: bool,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// No connection.
    #[error("failed to connect to `{url}`: {reason}")]
    Connect {
        /// The URL.
        url: String,
        /// What kept it from being made.
        kind: ConnectKind,
        /// The innermost cause.
        reason: String,
    },
    /// The host did not answer before.
    #[error("`{url}` was not asked for: its host did not answer before in this run ({reason})")]
    HostDown {
        /// The URL.
        url: String,
        /// What was wrong then.
        reason: String,
    },
    /// The connection ended before the body did.
    #[error("the download of `{url}` broke off after {received} of {} bytes", total(*.announced))]
    Truncated {
        /// The URL.
        url: String,
        /// Bytes that came.
        received: u64,
        /// Bytes that were promised, if they were.
        announced: Option<u64>,
    },
    /// No byte for too long.
    #[error("the download of `{url}` stalled: nothing came for {} s", after.as_secs_f64())]
    Stalled {
        /// The URL.
        url: String,
        /// The time waited.
        after: Duration,
    },
    /// All of it took too long.
    #[error("the download of `{url}` took longer than {} s", after.as_secs_f64())]
    TooLong {
        /// The URL.
        url: String,
        /// The time it may take.
        after: Duration,
    },
    /// Other bytes than the server keeps.
    #[error("the server sent `{url}` compressed for the way (`Content-Encoding: {encoding}`), which was not asked for")]
    Encoded {
        /// The URL.
        url: String,
        /// How.
        encoding: String,
    },
    /// A redirect that must not be followed.
    #[error("`{url}` redirects {reason}")]
    Redirect {
        /// The URL.
        url: String,
        /// Where, or how often.
        reason: String,
    },
    /// Git could not have a repository's objects.
    #[error("git failed to get `{url}`: {reason}")]
    Git {
        /// The repository.
        url: String,
        /// What git says.
        reason: String,
        /// What kind of failure that is.
        kind: GitFailure,
    },
    /// No such tag, branch or commit.
    #[error("`{url}` has no tag, branch or commit `{revision}`")]
    Revision {
        /// The repository.
        url: String,
        /// What was asked for.
        revision: String,
    },
    /// A commit that cannot be packed as it is.
    #[error("the commit of `{url}` cannot be packed: {reason}")]
    Commit {
        /// The repository.
        url: String,
        /// What is in the way.
        reason: String,
    },
    /// A submodule that the repository has and does not declare.
    #[error("the commit of `{url}` cannot be packed: `.gitmodules` does not say where submodule `{path}` is")]
    Undeclared {
        /// The repository.
        url: String,
        /// The submodule's path in the top repository.
        path: String,
    },
    /// A submodule that cannot be had.
    #[error("submodule `{path}`: {error}")]
    Submodule {
        /// Its path in the top repository.
        path: String,
        /// What is wrong.
        error: Box<Error>,
    },
    /// Git is not there, or cannot be started.
    #[error("failed to run `git`, which gets `{url}`")]
    NoGit {
        /// The repository.
        url: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The client cannot be set up.
    #[error("failed to set up downloads: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
    /// The bytes could not be stored.
    #[error("failed to store `{url}`")]
    Store {
        /// The URL.
        url: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What kept a connection from being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectKind {
    /// Nobody listens there.
    Refused,
    /// The name has no address.
    Lookup,
    /// The certificate is not to be believed.
    Certificate,
    /// No answer that makes sense, or the failure of another host that this one led to.
    Broken,
    /// Anything else.
    Other,
}

/// What kind of failure git had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitFailure {
    /// It may go better later.
    Transient,
    /// The host does not answer.
    NoHost,
    /// The server does not give a commit by its name alone.
    NoSuchCommit,
    /// The server wants to know who asks.
    Unauthorized,
    /// Anything else.
    Refused,
}

impl Error {
    /// What was wrong with the submodule at fault, or with what was asked for itself.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::Submodule { error, .. } => error.innermost(),
            other => other,
        }
    }

    /// Whether the same may go well later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { transient, .. } => *transient,
            Self::Connect { kind, .. } => matches!(kind, ConnectKind::Other | ConnectKind::Broken),
            Self::Truncated { .. } | Self::Stalled { .. } => true,
            Self::Git { kind, .. } => *kind == GitFailure::Transient,
            Self::Submodule { error, .. } => error.is_transient(),
            _ => false,
        }
    }

    /// Whether the host need not be asked for anything else in this run.
    pub(super) fn condemns_host(&self) -> bool {
        match self {
            Self::Connect { kind, .. } => !matches!(kind, ConnectKind::Certificate | ConnectKind::Broken),
            Self::Git { kind, .. } => *kind == GitFailure::NoHost,
            _ => false,
        }
    }
}

fn total(announced: Option<u64>) -> String {
    announced.map_or_else(|| "an unknown number of".to_owned(), |bytes| bytes.to_string())
}

fn asks(retry_after: Option<Duration>) -> String {
    retry_after.map(|time| format!(", and asks to be left alone for {} s", time.as_secs())).unwrap_or_default()
}
