//! Downloads that go on where others give up.

use std::fmt;

use super::attempts::{Attempts, Failed, Observe};
use super::client::Get;
use super::credentials::Credentials;
use super::error::Error;
use super::git;
use super::options::Options;
use crate::base::{Answer, Checkout, KnownVersion, Sink};

/// Gets files over http and https, and commits by git.
pub struct Fetcher<'o> {
    attempts: Attempts<'o>,
}

impl fmt::Debug for Fetcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("client", self.attempts.client()).finish_non_exhaustive()
    }
}

impl<'o> Fetcher<'o> {
    /// One that has done nothing yet: certificates are not looked for before one is needed.
    pub fn new(options: Options, credentials: Credentials, observe: Observe<'o>) -> Self {
        Self { attempts: Attempts::new(options, credentials, observe) }
    }

    /// Writes the body of a URL to `sink`, or tells that the known version still is the current one. Waits for its turn
    /// where the host has enough connections; goes on where an earlier try broke off.
    ///
    /// # Errors
    /// That of the last try.
    pub fn get(&self, get: &Get<'_>, sink: &mut dyn Sink) -> Result<Answer, Error> {
        let (url, host) = (get.url.public(), get.url.host());
        self.attempts.persist(&url, &host, |deadline| {
            let before = begun(sink);
            let answer = self.attempts.client().get(get, deadline, sink);
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
        git::checkout(&self.attempts, checkout, known, sink)
    }
}

fn begun(sink: &dyn Sink) -> u64 {
    sink.begun().map_or(0, |begun| begun.length)
}
