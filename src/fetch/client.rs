//! Downloads over http and https.

use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{self, RequestBuilder};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};

use super::error::Error;
use crate::base::{Answer, Begun, Head, KnownVersion, Sink, SourceUrl, Validators, redact};

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

/// One download.
#[derive(Debug, Clone, Copy)]
pub struct Get<'a> {
    /// What is wanted.
    pub url: &'a SourceUrl,
    /// The version that is here already, if that would do.
    pub known: Option<&'a KnownVersion>,
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

    /// Writes the body of a URL to `sink`, or tells that the known version is still the current one.
    ///
    /// A body that was begun earlier goes on where it broke off, if the server still has the same version.
    ///
    /// # Errors
    /// All of [`Error`]; `sink` may then have got a part of the body.
    pub fn get(&self, get: &Get<'_>, sink: &mut dyn Sink) -> Result<Answer, Error> {
        let url = get.url;
        if let Some(known) = get.known.filter(|known| known.ignores_conditions)
            && self.head(url)?.is_some_and(|now| now.same_bytes(&known.validators))
        {
            return Ok(Answer::Unchanged(known.clone()));
        }
        // What is hashed are the bytes the server keeps, so no transfer compression.
        let mut request = self.client()?.get(url.secret().clone()).header(ACCEPT_ENCODING, "identity");
        let begun = if get.known.is_none() { sink.begun() } else { None };
        if let Some(known) = get.known.filter(|known| !known.ignores_conditions) {
            request = with(request, IF_NONE_MATCH, known.validators.etag.as_ref());
            request = with(request, IF_MODIFIED_SINCE, known.validators.last_modified.as_ref());
        }
        if let Some(begun) = &begun {
            request = request.header(RANGE, format!("bytes={}-", begun.length));
            request = with(request, IF_RANGE, Some(&begun.etag));
        }
        let mut response = request.send().map_err(|error| self.refused(url, &error))?;
        let status = response.status();
        let validators = validators(response.headers());
        if let Some(known) = get.known {
            if status == StatusCode::NOT_MODIFIED {
                return Ok(Answer::Unchanged(known.updated(validators)));
            }
            // The server sends the body regardless; what it says of it is enough.
            if status.is_success() && validators.same_bytes(&known.validators) {
                return Ok(Answer::Unchanged(KnownVersion { validators, ignores_conditions: true }));
            }
        }
        let from = match (status, &begun) {
            (StatusCode::PARTIAL_CONTENT, Some(begun)) if starts_at(response.headers(), begun.length) => begun.length,
            // What was begun cannot be gone on with; once more from the start.
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
                return self.get(get, &mut FromStart(sink));
            }
            (StatusCode::OK, _) => 0,
            _ => return Err(Error::Status { url: url.public(), status: status.to_string() }),
        };
        let announced = header(response.headers(), &CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        let length = announced.map(|length| length + from);
        let head = Head { from, length, validators: validators.clone() };
        sink.start(&head).map_err(|source| Error::Store { url: url.public(), source })?;
        self.copy(url, &mut response, sink, &head)?;
        Ok(Answer::Body(validators))
    }

    /// What the server says of a file's version, if it says anything; servers without an answer are asked otherwise.
    fn head(&self, url: &SourceUrl) -> Result<Option<Validators>, Error> {
        let response = self.client()?.head(url.secret().clone()).header(ACCEPT_ENCODING, "identity").send();
        let response = response.map_err(|error| self.refused(url, &error))?;
        Ok(response.status().is_success().then(|| validators(response.headers())))
    }

    fn copy(&self, url: &SourceUrl, body: &mut dyn Read, sink: &mut dyn Sink, head: &Head) -> Result<(), Error> {
        let mut buffer = vec![0; 128 * 1024];
        let (mut received, announced) = (head.from, head.length);
        loop {
            match body.read(&mut buffer) {
                Ok(0) if announced.is_none_or(|announced| announced == received) => return Ok(()),
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

/// A sink that has forgotten what was begun.
struct FromStart<'s>(&'s mut dyn Sink);

impl Write for FromStart<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Sink for FromStart<'_> {
    fn begun(&self) -> Option<Begun> {
        None
    }

    fn start(&mut self, head: &Head) -> io::Result<()> {
        self.0.start(head)
    }
}

/// A header that is sent if there is a value that can be.
fn with(request: RequestBuilder, name: HeaderName, value: Option<&String>) -> RequestBuilder {
    match value.and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => request.header(name, value),
        None => request,
    }
}

fn validators(headers: &HeaderMap) -> Validators {
    Validators { etag: header(headers, &ETAG), last_modified: header(headers, &LAST_MODIFIED) }
}

/// Whether a part of a body starts at this byte (RFC 9110, section 14.4).
fn starts_at(headers: &HeaderMap, byte: u64) -> bool {
    let range = header(headers, &CONTENT_RANGE).unwrap_or_default();
    let start = range.strip_prefix("bytes ").and_then(|range| range.split('-').next());
    start.and_then(|start| start.trim().parse().ok()) == Some(byte)
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
