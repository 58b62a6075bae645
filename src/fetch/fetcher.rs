//! Downloads that go on where others give up: tries again what may go well later, and leaves hosts alone that ask for it.

use std::fmt;
use std::time::{Duration, Instant};

use super::client::{Client, Get};
use super::credentials::Credentials;
use super::error::Error;
use super::git;
use super::hosts::Hosts;
use super::options::Options;
use super::retry::wait;
use crate::base::{Answer, Checkout, KnownVersion, Sink, SourceUrl};

/// Longer than this no server is waited for that asks to be left alone.
const PATIENCE: Duration = Duration::from_secs(300);
/// Tries in all, however many of them brought bytes.
const MAX_TRIES: u32 = 100;

/// Something that happens between two tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrying {
    /// The URL, without credentials.
    pub url: String,
    /// What was wrong.
    pub reason: String,
    /// The wait before the next try.
    pub wait: Duration,
}

/// Told before each further try, from several threads.
type Observe<'o> = Box<dyn Fn(Retrying) + Send + Sync + 'o>;

/// Gets files over http and https.
pub struct Fetcher<'o> {
    client: Client,
    hosts: Hosts,
    observe: Observe<'o>,
}

impl fmt::Debug for Fetcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("client", &self.client).finish_non_exhaustive()
    }
}

impl<'o> Fetcher<'o> {
    /// One that has done nothing yet: certificates are not looked for before one is needed.
    pub fn new(options: Options, credentials: Credentials, observe: Observe<'o>) -> Self {
        let hosts = Hosts::new(options.connections, options.per_host);
        Self { client: Client::new(options, credentials), hosts, observe }
    }

    /// Writes the body of a URL to `sink`, or tells that the known version still is the current one. Waits for its turn
    /// where the host has enough connections; goes on where an earlier try broke off.
    ///
    /// # Errors
    /// That of the last try.
    pub fn get(&self, get: &Get<'_>, sink: &mut dyn Sink) -> Result<Answer, Error> {
        let (url, host) = (get.url.public(), host(get.url));
        self.persist(&url, &host, |deadline| {
            let before = begun(sink);
            let answer = self.client.get(get, deadline, sink);
            answer.map_err(|error| Failed { error, advanced: begun(sink) > before })
        })
    }

    /// Writes the tar of a commit to `sink`, or tells that the known version still is the one its tag or branch names.
    /// What it is made from is had by the git that is installed.
    ///
    /// # Errors
    /// [`Error::NoGit`], [`Error::Revision`], [`Error::Commit`]; those of the last try.
    pub fn checkout(
        &self,
        checkout: &Checkout<'_>,
        known: Option<&KnownVersion>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Error> {
        git::checkout(self, checkout, known, sink)
    }

    /// How downloads behave, and what servers are shown.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Does something with a host until it goes well, or need not be tried again.
    pub(super) fn persist<T>(
        &self,
        url: &str,
        host: &str,
        mut attempt: impl FnMut(Option<Instant>) -> Result<T, Failed>,
    ) -> Result<T, Error> {
        let options = self.client.options();
        let (mut deadline, mut failures, mut tries) = (None, 0, 0);
        loop {
            let slot = self.hosts.enter(host);
            let slot = slot.map_err(|reason| Error::HostDown { url: url.to_owned(), reason })?;
            // Waiting for a turn takes no time of the file's.
            let limit = options.total_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            deadline = deadline.or(limit);
            let Failed { error, advanced } = match attempt(deadline) {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            drop(slot);
            tries += 1;
            // A try that brought bytes is a step, not a failure.
            failures = if advanced { 1 } else { failures + 1 };
            let asked = match &error {
                Error::Status { retry_after, .. } => *retry_after,
                _ => None,
            };
            let pause = asked.unwrap_or_else(|| wait(options.first_wait, failures - 1));
            let too_long = pause > PATIENCE;
            let too_late = !too_long && deadline.is_some_and(|deadline| Instant::now() + pause > deadline);
            let in_vain = failures > options.retries || tries >= MAX_TRIES;
            if !error.is_transient() || in_vain || too_long || too_late {
                if error.condemns_host() {
                    self.hosts.bury(host, reason(&error));
                }
                return Err(error);
            }
            (self.observe)(Retrying { url: url.to_owned(), reason: error.to_string(), wait: pause });
            match asked {
                // What the server says holds for all that it is asked for.
                Some(_) => self.hosts.pause(host, Instant::now() + pause),
                None => std::thread::sleep(pause),
            }
        }
    }
}

/// A try that went wrong.
pub(super) struct Failed {
    pub(super) error: Error,
    /// It brought bytes that the next one goes on from.
    pub(super) advanced: bool,
}

fn begun(sink: &dyn Sink) -> u64 {
    sink.begun().map_or(0, |begun| begun.length)
}

/// Name and port.
fn host(url: &SourceUrl) -> String {
    let url = url.secret();
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// What was wrong with a host, without the URL that happened to be asked for.
fn reason(error: &Error) -> String {
    match error {
        Error::Connect { reason, .. } | Error::Git { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
