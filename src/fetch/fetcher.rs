//! Downloads that go on where others give up: tries again what may go well later, and leaves hosts alone that ask for it.

use std::fmt;
use std::time::{Duration, Instant};

use super::client::{Client, Get};
use super::credentials::Credentials;
use super::error::Error;
use super::hosts::Hosts;
use super::options::Options;
use super::retry::wait;
use crate::base::{Answer, Sink, SourceUrl};

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
        let options = self.client.options();
        let mut deadline = None;
        let host = host(get.url);
        let mut failures = 0;
        for _ in 0..MAX_TRIES {
            let before = begun(sink);
            let slot = self.hosts.enter(&host);
            let slot = slot.map_err(|reason| Error::HostDown { url: get.url.public(), reason })?;
            // Waiting for a turn takes no time of the file's.
            let limit = options.total_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            deadline = deadline.or(limit);
            let error = match self.client.get(get, deadline, sink) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            drop(slot);
            // A try that brought bytes is a step, not a failure.
            failures = if begun(sink) > before { 1 } else { failures + 1 };
            let asked = match &error {
                Error::Status { retry_after, .. } => *retry_after,
                _ => None,
            };
            let pause = asked.unwrap_or_else(|| wait(options.first_wait, failures - 1));
            let too_long = pause > PATIENCE;
            let too_late = !too_long && deadline.is_some_and(|deadline| Instant::now() + pause > deadline);
            if !error.is_transient() || failures > options.retries || too_long || too_late {
                if error.condemns_host() {
                    self.hosts.bury(&host, reason(&error));
                }
                return Err(error);
            }
            (self.observe)(Retrying { url: get.url.public(), reason: error.to_string(), wait: pause });
            match asked {
                // What the server says holds for all that it is asked for.
                Some(_) => self.hosts.pause(&host, Instant::now() + pause),
                None => std::thread::sleep(pause),
            }
        }
        let (received, announced) = (begun(sink), None);
        Err(Error::Truncated { url: get.url.public(), received, announced })
    }
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
        Error::Connect { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
