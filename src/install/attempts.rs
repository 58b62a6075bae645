//! Attempts of a build to reach the network: who asked for what.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::used::{self, UsedFiles};

/// A look-up of a name, or a connection or a message to an address, beyond the sandbox. One with neither name nor address
/// stands for all that came after the ones that are told.
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
            (None, None) => write!(formatter, "{} more, not told one by one", self.times)?,
        }
        match self.programs.is_empty() {
            true => Ok(()),
            false => write!(formatter, " by {}", chain(&self.programs)),
        }
    }
}

/// The program at the end of a chain, and the chain where it is one.
fn chain(programs: &[String]) -> String {
    match programs {
        [] => "a program".to_owned(),
        [program] => program.clone(),
        [.., program] => format!("{program} ({})", programs.join(" > ")),
    }
}

/// Programs that asked for an internet socket where none is to be had. What they wanted it for they had no chance to say,
/// so it is no [`Attempt`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    /// The programs, as an attempt has them.
    pub programs: Vec<String>,
    /// How often.
    pub times: u32,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} was refused an internet socket", chain(&self.programs))
    }
}

/// What was seen of a step's way to the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    /// The attempts, each once.
    pub attempts: Vec<Attempt>,
    /// Why they could not be seen.
    pub unseen: Option<String>,
    /// Sockets that were refused, each program's once.
    pub refusals: Vec<Refusal>,
    /// Why the step could write elsewhere than to its own folders.
    pub unconfined: Option<String>,
    /// The machine's files that it used, where that is watched.
    #[serde(default)]
    pub used: UsedFiles,
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
            self.attempts.push(attempt);
        } else {
            // Nobody reads more, and a build that tries in a loop must not fill a disk.
            match self.attempts.get_mut(MOST) {
                Some(rest) => rest.times = rest.times.saturating_add(attempt.times),
                None => self.attempts.push(Attempt {
                    programs: Vec::new(),
                    host: None,
                    address: None,
                    port: None,
                    ..attempt
                }),
            }
        }
    }

    /// Adds a socket that was refused.
    pub(super) fn add_refusal(&mut self, programs: Vec<String>) {
        let known = self.refusals.iter().position(|known| known.programs == programs);
        match known {
            Some(index) => self.refusals[index].times = self.refusals[index].times.saturating_add(1),
            None if self.refusals.len() < MOST => self.refusals.push(Refusal { programs, times: 1 }),
            None => {}
        }
    }
}

/// A refused socket, and the step that wanted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRefusal {
    /// The step.
    pub step: String,
    /// Who wanted it.
    #[serde(flatten)]
    pub refusal: Refusal,
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
    /// Internet sockets that were refused, where what they were for cannot be seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_sockets: Vec<StepRefusal>,
    /// Why steps could write elsewhere than to their own folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconfined: Option<String>,
    /// The machine's files that it used, where that was watched.
    #[serde(default, skip_serializing_if = "UsedFiles::is_empty")]
    pub used: UsedFiles,
}

impl Seen {
    /// Adds what was seen of a step.
    pub(super) fn add(&mut self, step: &str, sightings: Sightings) {
        let of_step = |attempt| StepAttempt { step: step.to_owned(), attempt };
        self.attempts.extend(sightings.attempts.into_iter().map(of_step));
        self.attempts_unseen = self.attempts_unseen.take().or(sightings.unseen);
        let of_step = |refusal| StepRefusal { step: step.to_owned(), refusal };
        self.refused_sockets.extend(sightings.refusals.into_iter().map(of_step));
        self.unconfined = self.unconfined.take().or(sightings.unconfined);
        used::add(&mut self.used, step, sightings.used);
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
    #[test]
    fn what_goes_beyond_what_anybody_reads_is_counted() {
        let mut sightings = Sightings::default();
        for number in 0..MOST + 3 {
            sightings.add(attempt(&["sh"], Some(&format!("host{number}.example")), None));
        }
        assert_eq!(sightings.attempts.len(), MOST + 1);
        let last = sightings.attempts.last().expect("a rest");
        assert_eq!(last.to_string(), "3 more, not told one by one");
    }
}
