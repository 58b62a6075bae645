//! Downloads over http and https.

use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::blocking;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};

use super::error::Error;
use crate::base::{SourceUrl, redact};

/// More redirects than any mirror network needs.
const MAX_REDIRECTS: usize = 10;

/// How downloads behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name servers see.
    pub user_agent: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the next byte.
    pub stall_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_agent: concat!("hardtack/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
        }
    }
}

/// What came with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Length of the body in bytes.
    pub size: u64,
    /// The `ETag` header, as sent.
    pub etag: Option<String>,
    /// The `Last-Modified` header, as sent.
    pub last_modified: Option<String>,
}

/// A client, set up on its first download: certificates are not looked for before one is needed.
#[derive(Debug)]
pub struct Client {
    options: Options,
    client: OnceLock<blocking::Client>,
}

impl Client {
    /// A client that has done nothing yet.
    pub fn new(options: Options) -> Self {
        Self { options, client: OnceLock::new() }
    }

    /// Writes the body of `url` to `sink`.
    ///
    /// # Errors
    /// All of [`Error`]; `sink` may then have got a part of the body.
    pub fn get(&self, url: &SourceUrl, sink: &mut dyn Write) -> Result<Fetched, Error> {
        // What is hashed are the bytes the server keeps, so no transfer compression.
        let request = self.client()?.get(url.secret().clone()).header(ACCEPT_ENCODING, "identity");
        let mut response = request.send().map_err(|error| self.refused(url, &error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(Error::Status { url: url.public(), status: status.to_string() });
        }
        let announced = header(response.headers(), &CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let (etag, last_modified) = (header(response.headers(), &ETAG), header(response.headers(), &LAST_MODIFIED));
        let size = self.copy(url, &mut response, sink, announced)?;
        Ok(Fetched { size, etag, last_modified })
    }

    fn copy(
        &self,
        url: &SourceUrl,
        body: &mut dyn Read,
        sink: &mut dyn Write,
        announced: Option<u64>,
    ) -> Result<u64, Error> {
        let mut buffer = vec![0; 128 * 1024];
        let mut received = 0;
        loop {
            match body.read(&mut buffer) {
                Ok(0) if announced.is_none_or(|announced| announced == received) => return Ok(received),
                Ok(0) => return Err(Error::Truncated { url: url.public(), received, announced }),
                Ok(count) => {
                    received += count as u64;
                    let stored = sink.write_all(&buffer[..count]);
                    stored.map_err(|source| Error::Store { url: url.public(), source })?;
                }
                Err(error) if timed_out(&error) => {
                    return Err(Error::Stalled { url: url.public(), after: self.options.stall_timeout });
                }
                Err(_) => return Err(Error::Truncated { url: url.public(), received, announced }),
            }
        }
    }

    fn client(&self) -> Result<&blocking::Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // rustls wants one provider a process; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let redirects = reqwest::redirect::Policy::custom(|attempt| {
            let from_https = attempt.previous().iter().any(|url| url.scheme() == "https");
            if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error("more than ten times")
            } else if from_https && attempt.url().scheme() != "https" {
                attempt.error("from https to http")
            } else {
                attempt.follow()
            }
        });
        let client = blocking::Client::builder()
            .user_agent(&self.options.user_agent)
            .connect_timeout(self.options.connect_timeout)
            // In the blocking client this bounds each read of the body, not the whole.
            .timeout(self.options.stall_timeout)
            .redirect(redirects)
            .build()
            .map_err(|error| Error::Setup { reason: innermost(&error) })?;
        Ok(self.client.get_or_init(|| client))
    }

    fn refused(&self, url: &SourceUrl, error: &reqwest::Error) -> Error {
        let (url, reason) = (url.public(), innermost(error));
        if error.is_redirect() {
            Error::Redirect { url, reason }
        } else if error.is_timeout() && !error.is_connect() {
            Error::Stalled { url, after: self.options.stall_timeout }
        } else {
            Error::Connect { url, reason }
        }
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn timed_out(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}

/// The cause at the bottom of a chain, which is the one a person can act on.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    redact(&cause.to_string())
}
