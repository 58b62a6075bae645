//! Attempts of a build to reach the network: who asked for what.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A look-up of a name, or a connection or a message to an address, beyond the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attempt {
    /// The programs, from the step's own to the one that asked: `make`, `sh`, `git`, `git-remote-https`.
    pub programs: Vec<String>,
    /// The name that was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The address, where no name led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The port; none where it came to no more than a look-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How often.
    pub times: u32,
}

impl fmt::Display for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        match (&self.host, self.address) {
            (Some(host), _) => write!(formatter, "{host}{port}")?,
            (None, Some(IpAddr::V6(address))) => write!(formatter, "[{address}]{port}")?,
            (None, Some(address)) => write!(formatter, "{address}{port}")?,
            (None, None) => write!(formatter, "somewhere")?,
        }
        match self.programs.as_slice() {
            [] => Ok(()),
            [program] => write!(formatter, " by {program}"),
            [.., program] => write!(formatter, " by {program} ({})", self.programs.join(" > ")),
        }
    }
}

/// What was seen of a step's way to the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    /// The attempts, each once.
    pub attempts: Vec<Attempt>,
    /// Why they could not be seen.
    pub unseen: Option<String>,
}

impl Sightings {
    /// Adds an attempt; one that says more of an earlier one takes its place.
    pub(super) fn add(&mut self, attempt: Attempt) {
        let same = |other: &&mut Attempt| {
            let ports = (other.port, attempt.port);
            let is_same_port = ports.0 == ports.1 || ports.0.is_none() || ports.1.is_none();
            (&other.programs, &other.host, other.address) == (&attempt.programs, &attempt.host, attempt.address)
                && is_same_port
        };
        if let Some(known) = self.attempts.iter_mut().find(same) {
            known.port = known.port.or(attempt.port);
            known.times = known.times.saturating_add(attempt.times);
        } else if self.attempts.len() < MOST {
            // Nobody reads more, and a build that tries in a loop must not fill a disk.
            self.attempts.push(attempt);
        }
    }
}

/// An attempt, and the step that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepAttempt {
    /// The step.
    pub step: String,
    /// What it tried.
    #[serde(flatten)]
    pub attempt: Attempt,
}

impl fmt::Display for StepAttempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "step `{}`: {}", self.step, self.attempt)
    }
}

/// What was seen while a part was built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// Attempts to reach the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<StepAttempt>,
    /// Why some could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_unseen: Option<String>,
}

impl Seen {
    /// Adds what was seen of a step.
    pub(super) fn add(&mut self, step: &str, sightings: Sightings) {
        let of_step = |attempt| StepAttempt { step: step.to_owned(), attempt };
        self.attempts.extend(sightings.attempts.into_iter().map(of_step));
        self.attempts_unseen = self.attempts_unseen.take().or(sightings.unseen);
    }
}

/// Different attempts of one step that are told.
const MOST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(programs: &[&str], host: Option<&str>, port: Option<u16>) -> Attempt {
        let programs = programs.iter().map(|program| (*program).to_owned()).collect();
        Attempt { programs, host: host.map(str::to_owned), address: None, port, times: 1 }
    }

    #[test]
    fn a_look_up_and_the_connection_it_was_for_are_one_attempt() {
        let mut sightings = Sightings::default();
        sightings.add(attempt(&["make", "curl"], Some("a.example"), None));
        sightings.add(attempt(&["make", "curl"], Some("a.example"), Some(443)));
        sightings.add(attempt(&["make", "curl"], Some("a.example"), Some(80)));
        sightings.add(attempt(&["make", "git"], Some("a.example"), None));
        let shown: Vec<String> = sightings.attempts.iter().map(ToString::to_string).collect();
        let curl = |port| format!("a.example:{port} by curl (make > curl)");
        assert_eq!(shown, [curl(443), curl(80), "a.example by git (make > git)".to_owned()]);
        assert_eq!(sightings.attempts[0].times, 2);
    }
}
