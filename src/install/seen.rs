//! What was seen of a part's way to the network.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::sandbox::{Attempt, Sightings};

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
