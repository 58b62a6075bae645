//! Downloads over http and https.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use reqwest::blocking::{self, RequestBuilder};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{StatusCode, Url};

use super::credentials::Credentials;
use super::error::{ConnectKind, Error};
use super::options::Options;
use super::retry::retry_after as retry_after_of;
use crate::base::{Answer, Begun, Head, KnownVersion, Sink, SourceUrl, Validators, redact};

/// More redirects than any mirror network needs.
const MAX_REDIRECTS: usize = 10;

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
pub(super) struct Client {
    options: Options,
    credentials: Credentials,
    client: OnceLock<blocking::Client>,
    /// Where URLs have led to.
    redirected: Arc<Mutex<HashMap<Url, Url>>>,
}

impl Client {
    /// A client that has done nothing yet.
    pub(super) fn new(options: Options, credentials: Credentials) -> Self {
        Self { options, credentials, client: OnceLock::new(), redirected: Arc::default() }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Writes the body of a URL to `sink`, or tells that the known version is still the current one.
    ///
    /// A body that was begun earlier goes on where it broke off, if the server still has the same version.
    ///
    /// # Errors
    /// All of [`Error`]; `sink` may then have got a part of the body.
    /// What is not there by `deadline` is too late.
    pub(super) fn get(&self, get: &Get<'_>, deadline: Option<Instant>, sink: &mut dyn Sink) -> Result<Answer, Error> {
        let url = get.url;
        if let Some(known) = get.known.filter(|known| known.ignores_conditions)
            && self.head(url)?.is_some_and(|now| now.same_bytes(&known.validators))
        {
            return Ok(Answer::Unchanged(known.clone()));
        }
        // What is hashed are the bytes the server keeps, so no transfer compression.
        let request = self.client()?.get(url.secret().clone()).header(ACCEPT_ENCODING, "identity");
        let mut request = self.credentials.show(url, request);
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request = request.timeout(left.min(self.options.stall_timeout));
        }
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
            (StatusCode::PARTIAL_CONTENT, Some(begun)) if goes_on(response.headers(), &validators, begun) => {
                begun.length
            }
            // What was begun cannot be gone on with; once more from the start.
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
                return self.get(get, deadline, &mut FromStart(sink));
            }
            (StatusCode::OK, _) => 0,
            _ => return Err(self.status(url, status, response.headers())),
        };
        if let Some(encoding) = foreign_encoding(url, response.headers()) {
            return Err(Error::Encoded { url: url.public(), encoding });
        }
        let announced = header(response.headers(), &CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        // Of a part, the server says how long the whole is; a part that ends early is gone on with, not taken for it.
        let whole = if from > 0 { content_range(response.headers()).and_then(|(_, whole)| whole) } else { announced };
        let length = whole.or_else(|| announced.map(|length| length + from));
        let head = Head { from, length, validators: validators.clone() };
        sink.start(&head).map_err(|source| Error::Store { url: url.public(), source })?;
        self.copy(url, &mut response, sink, &head, deadline)?;
        Ok(Answer::Body(validators))
    }

    /// What the server says of a file's version, if it says anything; servers without an answer are asked otherwise.
    fn head(&self, url: &SourceUrl) -> Result<Option<Validators>, Error> {
        let request = self.client()?.head(url.secret().clone()).header(ACCEPT_ENCODING, "identity");
        let response = self.credentials.show(url, request).send().map_err(|error| self.refused(url, &error))?;
        Ok(response.status().is_success().then(|| validators(response.headers())))
    }

    fn status(&self, url: &SourceUrl, status: StatusCode, headers: &HeaderMap) -> Error {
        // RFC 9110, section 15, and RFC 6585: what says "later", and what says that somebody on the way failed.
        let transient = matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504);
        let retry_after = header(headers, &RETRY_AFTER).filter(|_| transient);
        let retry_after = retry_after.and_then(|text| retry_after_of(&text, jiff::Timestamp::now()));
        Error::Status { url: url.public(), status: status.to_string(), transient, retry_after }
    }

    fn copy(
        &self,
        url: &SourceUrl,
        body: &mut dyn Read,
        sink: &mut dyn Sink,
        head: &Head,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let mut buffer = vec![0; 128 * 1024];
        let (mut received, announced) = (head.from, head.length);
        loop {
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                let after = self.options.total_timeout.unwrap_or_default();
                return Err(Error::TooLong { url: url.public(), after });
            }
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
        let allow_downgrade = self.options.allow_downgrade;
        let redirected = Arc::clone(&self.redirected);
        let redirects = reqwest::redirect::Policy::custom(move |attempt| {
            if let Some(first) = attempt.previous().first() {
                let mut redirected = redirected.lock().unwrap_or_else(PoisonError::into_inner);
                redirected.insert(first.clone(), attempt.url().clone());
            }
            let from_https = attempt.previous().iter().any(|url| url.scheme() == "https");
            if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error("more than ten times")
            } else if from_https && attempt.url().scheme() != "https" && !allow_downgrade {
                attempt.error("from https to http")
            } else {
                attempt.follow()
            }
        });
        let setup = |reason: String| Error::Setup { reason };
        let mut builder = blocking::Client::builder()
            .user_agent(&self.options.user_agent)
            .connect_timeout(self.options.connect_timeout)
            // In the blocking client this bounds each read of the body, not the whole.
            .timeout(self.options.stall_timeout)
            .redirect(redirects)
            // What a URL's query holds is for its own server.
            .referer(false);
        if let Some(path) = &self.options.ca_file {
            let pem = std::fs::read(path).map_err(|error| setup(format!("failed to read `{path}`: {error}")))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem);
            let certificates = certificates.map_err(|error| setup(format!("`{path}`: {}", innermost(&error))))?;
            if certificates.is_empty() {
                return Err(setup(format!("`{path}` has no certificate in PEM")));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        if let Some(proxy) = &self.options.proxy {
            let proxy = reqwest::Proxy::all(proxy);
            builder = builder.proxy(proxy.map_err(|error| setup(format!("the proxy: {}", innermost(&error))))?);
        }
        let client = builder.build().map_err(|error| setup(innermost(&error)))?;
        Ok(self.client.get_or_init(|| client))
    }

    fn refused(&self, asked: &SourceUrl, error: &reqwest::Error) -> Error {
        let (url, reason) = (asked.public(), innermost(error));
        if error.is_redirect() {
            Error::Redirect { url, reason }
        } else if error.is_timeout() && !error.is_connect() {
            Error::Stalled { url, after: self.options.stall_timeout }
        } else {
            // After a redirect it may be another host that failed.
            let redirected = self.redirected.lock().unwrap_or_else(PoisonError::into_inner);
            let target = redirected.get(asked.secret()).map(|target| redact(target.as_str()));
            let kind = match connect_kind(error) {
                _ if target.is_some() => ConnectKind::Broken,
                ConnectKind::Other if !error.is_connect() => ConnectKind::Broken,
                kind => kind,
            };
            Error::Connect { url: target.unwrap_or(url), kind, reason }
        }
    }
}

/// What kept a connection from being made, told by the causes below an error.
fn connect_kind(error: &reqwest::Error) -> ConnectKind {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    for cause in causes {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return ConnectKind::Refused;
        }
        let text = cause.to_string();
        if text.contains("dns error") || text.contains("lookup address") {
            return ConnectKind::Lookup;
        }
        if text.contains("certificate") {
            return ConnectKind::Certificate;
        }
    }
    ConnectKind::Other
}

/// A compression that changes the file: servers name that of an archive, too, where there is nothing to undo.
fn foreign_encoding(url: &SourceUrl, headers: &HeaderMap) -> Option<String> {
    let encoding = header(headers, &CONTENT_ENCODING)?.to_ascii_lowercase();
    let path = url.secret().path().to_ascii_lowercase();
    let is_gzip = [".gz", ".tgz", ".apk"].iter().any(|end| path.ends_with(end));
    let own = matches!(encoding.as_str(), "gzip" | "x-gzip") && is_gzip;
    (!own && encoding != "identity" && !encoding.is_empty()).then_some(encoding)
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

/// Whether a part of a body goes on with what was begun: at its next byte, and of the same version. Some servers know
/// ranges and not `If-Range`.
fn goes_on(headers: &HeaderMap, validators: &Validators, begun: &Begun) -> bool {
    let starts = content_range(headers).is_some_and(|(start, whole)| {
        let same_length = whole.is_none() || begun.whole.is_none() || whole == begun.whole;
        start == begun.length && same_length
    });
    starts && validators.strong_etag() == Some(begun.etag.as_str())
}

/// The first byte of a part of a body, and the length of the whole if it is known (RFC 9110, section 14.4).
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let range = header(headers, &CONTENT_RANGE)?;
    let (part, whole) = range.strip_prefix("bytes ")?.split_once('/')?;
    Some((part.split('-').next()?.trim().parse().ok()?, whole.trim().parse().ok()))
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
