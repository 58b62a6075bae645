//! Why a URL cannot be had.

use std::time::Duration;

/// An error of a download. Every variant names the URL, without credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's answer is not the file.
    #[error("the server answered {status} for `{url}`")]
    Status {
        /// The URL.
        url: String,
        /// Code and words, such as `404 Not Found`.
        status: String,
    },
    /// No connection.
    #[error("failed to connect to `{url}`: {reason}")]
    Connect {
        /// The URL.
        url: String,
        /// The innermost cause.
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
    #[error("the download of `{url}` stalled: nothing came for {} s", after.as_secs())]
    Stalled {
        /// The URL.
        url: String,
        /// The time waited.
        after: Duration,
    },
    /// A redirect that must not be followed.
    #[error("`{url}` redirects {reason}")]
    Redirect {
        /// The URL.
        url: String,
        /// Where, or how often.
        reason: String,
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

fn total(announced: Option<u64>) -> String {
    announced.map_or_else(|| "an unknown number of".to_owned(), |bytes| bytes.to_string())
}
