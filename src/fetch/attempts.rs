//! Trying again what may go well later, and leaving hosts alone that ask for it.

use std::time::{Duration, Instant};

use super::client::Client;
use super::credentials::Credentials;
use super::error::Error;
use super::hosts::Hosts;
use super::options::Options;
use super::retry::wait;

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
pub type Observe<'o> = Box<dyn Fn(Retrying) + Send + Sync + 'o>;

/// A client, and what it knows of hosts.
pub(super) struct Attempts<'o> {
    client: Client,
    hosts: Hosts,
    observe: Observe<'o>,
}

impl<'o> Attempts<'o> {
    pub(super) fn new(options: Options, credentials: Credentials, observe: Observe<'o>) -> Self {
        let hosts = Hosts::new(options.connections, options.per_host);
        Self { client: Client::new(options, credentials), hosts, observe }
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

/// What was wrong with a host, without the URL that happened to be asked for.
fn reason(error: &Error) -> String {
    match error {
        Error::Connect { reason, .. } | Error::Git { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
