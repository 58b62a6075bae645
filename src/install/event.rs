//! What an installation does, as data.

use std::time::Duration;

use camino::Utf8PathBuf;

use super::attempts::StepAttempt;
use super::sandbox::Level;

/// One step of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The isolation all steps will have.
    Level {
        /// The level.
        level: Level,
        /// Why it is not a better one; empty for the best.
        reason: String,
    },
    /// An interrupted installation was put right first.
    Recovered,
    /// Something that a build made beside its part's location cannot be installed: no record could name it.
    LeftOut {
        /// The part.
        part: String,
        /// The path, as far as it is UTF-8.
        name: String,
    },
    /// A part's files are removed with the new generation.
    Uninstalling {
        /// The part.
        part: String,
        /// Why.
        reason: String,
    },
    /// An installed part does for the new generation no longer and is built again.
    Outdated {
        /// The part.
        part: String,
        /// Why.
        reason: String,
    },
    /// A part is built.
    Installing {
        /// The part.
        part: String,
        /// Its place in the order, from 1.
        index: usize,
        /// How many there are.
        total: usize,
    },
    /// A part is there already, built from the same input.
    Keeping {
        /// The part.
        part: String,
    },
    /// Somebody else builds a part that is shared; this installation waits for it.
    Waiting {
        /// The part.
        part: String,
    },
    /// A step starts.
    Step {
        /// The part.
        part: String,
        /// The step.
        step: String,
        /// The command, for steps that run one.
        command: Option<String>,
    },
    /// A build tried to reach the network, and got nowhere.
    Attempted {
        /// The part.
        part: String,
        /// What it tried.
        attempt: StepAttempt,
        /// That does not keep it from being installed.
        allowed: bool,
    },
    /// A part is built and whole.
    Built {
        /// The part.
        part: String,
        /// The time it took.
        took: Duration,
    },
    /// A part could not be built. The error comes at the end.
    Failed {
        /// The part.
        part: String,
        /// Others that are being built, and go on to their end.
        running: Vec<String>,
        /// Those that will not be built, since they use one that failed.
        skipped: Vec<String>,
    },
    /// A project file was changed at the site and stays; the new one lies beside it.
    KeptChanged {
        /// The file that stays.
        path: Utf8PathBuf,
        /// Where the new one is.
        new: Utf8PathBuf,
    },
    /// Everything was there already.
    NothingToDo,
    /// The new generation is in place.
    Switched,
    /// What is whole of the new generation is in place.
    SwitchedPartly {
        /// The parts it lacks.
        missing: Vec<String>,
    },
}
