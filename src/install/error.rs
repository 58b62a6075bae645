//! What can go wrong with an installation.

use camino::Utf8PathBuf;

use super::attempts::{StepAttempt, StepRefusal};
use super::causes::Cause;
use crate::archive;
use crate::base::{Mismatch, PathError, RelPath};

/// An error of an installation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// A source cannot be unpacked.
    #[error("failed to unpack a source of part `{part}`")]
    Archive {
        /// The part.
        part: String,
        /// Why.
        source: archive::Error,
    },
    /// Sources that are not there, all of them.
    #[error("{}", missing(.0))]
    Missing(Vec<MissingSource>),
    /// Sources that are there and are something else.
    #[error("{}", wrong(.0))]
    Wrong(Vec<MissingSource>),
    /// The destination belongs to something else.
    #[error("`{path}` is not empty, and hardtack did not install it")]
    Foreign {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// The destination's own files are of a newer hardtack.
    #[error("`{path}` was made by a newer hardtack (format {found})")]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its format.
        found: u32,
    },
    /// One of the destination's own files makes no sense.
    #[error("`{path}` is damaged: {reason}")]
    State {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no installation.
    #[error("nothing is installed at `{path}`")]
    NotInstalled {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// There is no way back.
    #[error("`{path}` has no generation before this one")]
    NoPrevious {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// A file that a rollback would bring back is not there.
    #[error("`{path}` of the generation before is gone")]
    PreviousGone {
        /// The file.
        path: Utf8PathBuf,
    },
    /// Another process installs to the same place.
    #[error("another hardtack is working on `{path}`")]
    Busy {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// Programs the plan calls that are not there.
    #[error("the build calls programs that are not on PATH ({path}): {}", tools.join(", "))]
    Tools {
        /// The programs.
        tools: Vec<String>,
        /// The PATH that was searched.
        path: String,
    },
    /// A host contract makes no sense.
    #[error("`{path}` is no host contract: {reason}")]
    Contract {
        /// The file.
        path: Utf8PathBuf,
        /// Why not.
        reason: String,
    },
    /// The machine lacks what builds of the bundle were seen to use.
    #[error("this machine lacks what the rehearsal of this bundle on {seen_on} was seen to use:{}", unmet.iter().map(|unmet| format!("\n  {unmet}")).collect::<String>())]
    Unmet {
        /// What it lacks, in words.
        unmet: Vec<String>,
        /// The machine of the rehearsal.
        seen_on: String,
    },
    /// Too little room.
    #[error("`{path}` has {free} MiB free; the build needs at least {needed} MiB")]
    Space {
        /// The folder.
        path: Utf8PathBuf,
        /// Room there is, in MiB.
        free: u64,
        /// Room needed, in MiB.
        needed: u64,
    },
    /// A file system that runs no programs.
    #[error("`{path}` is on a file system mounted noexec, where nothing can be built")]
    NoExec {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// The bundle was made for another kind of machine.
    #[error("this machine differs from the one the bundle was made for: {}", .0.join("; "))]
    Conditions(Vec<String>),
    /// No isolation to be had.
    #[error("the network cannot be shut out here: {reason}")]
    Isolation {
        /// What was tried, and what the system said.
        reason: String,
    },
    /// A sandbox worked when it was tried and then did not.
    #[error("failed to set up the sandbox for step `{step}` of part `{part}`: {reason}")]
    Sandbox {
        /// The part.
        part: String,
        /// The step.
        step: String,
        /// What the system said.
        reason: String,
    },
    /// A destination that builds could not see.
    #[error("nothing can be installed below `{hidden}`, where builds work at level `full`")]
    Hidden {
        /// The folder that is another one for builds.
        hidden: &'static str,
    },
    /// An upgrade that cannot be built aside.
    #[error("at level `{level}` an upgrade is built in place of the running installation")]
    Downtime {
        /// The level of isolation.
        level: &'static str,
    },
    /// Something of the site's stands where the release needs a folder.
    #[error("`{path}` cannot be installed: `{by}` is in the way, and nothing hardtack put there")]
    Blocked {
        /// What the release has.
        path: Utf8PathBuf,
        /// The file or link that is there instead.
        by: Utf8PathBuf,
    },
    /// A step of a build failed.
    #[error("step `{step}` of part `{part}` {outcome}")]
    Step {
        /// The part.
        part: String,
        /// The step.
        step: String,
        /// How it ended.
        outcome: String,
        /// What it, and steps before it, tried to reach.
        attempts: Vec<StepAttempt>,
        /// Internet sockets it was refused, where what they were for cannot be seen.
        refusals: Vec<StepRefusal>,
        /// What it probably misses.
        cause: Option<Box<Cause>>,
        /// Its last lines of output.
        tail: Vec<String>,
        /// The whole output.
        log: Utf8PathBuf,
        /// The folder it ran in, which is kept.
        folder: Utf8PathBuf,
    },
    /// A variable of a part is made of one that is not set.
    #[error("part `{part}` sets {variable} to a value with that of {missing} in it, which is not set")]
    NoVariable {
        /// The part.
        part: String,
        /// The variable that is set.
        variable: String,
        /// The one that is not.
        missing: String,
    },
    /// Builds tried to reach the network, and went on when they could not.
    #[error("the build tried to reach the network")]
    Attempts(Vec<(String, StepAttempt)>),
    /// Several parts could not be built.
    #[error("{} parts could not be built", .0.len())]
    Several(Vec<Error>),
    /// A build took away what the release brings.
    #[error("while part `{part}` was built, `{path}` was removed, which is a file of the project")]
    Removed {
        /// The part.
        part: String,
        /// The file.
        path: RelPath,
    },
    /// The unpacked source has no place to build in.
    #[error("part `{part}`: {}", no_marker(.wanted.as_deref()))]
    NoMarker {
        /// The part.
        part: String,
        /// The file that was looked for; none where the source must be one folder.
        wanted: Option<String>,
    },
}

impl Error {
    /// Whether it says of parts that they cannot be built, and nothing of the others.
    pub(super) fn is_of_parts(&self) -> bool {
        match self {
            Self::Step { .. }
            | Self::Archive { .. }
            | Self::NoMarker { .. }
            | Self::Removed { .. }
            | Self::NoVariable { .. }
            | Self::Attempts(_) => true,
            Self::Several(errors) => errors.iter().all(Self::is_of_parts),
            _ => false,
        }
    }
}

/// A source that cannot be used, and who wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSource {
    /// The source, without credentials.
    pub source: String,
    /// The part.
    pub part: String,
    /// How it differs, where it is there.
    pub mismatch: Option<Mismatch>,
}

fn no_marker(wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) => format!("there is no `{wanted}` in the source, nor a single folder to look for it in"),
        None => "the source is not a single folder, which is to be left out".to_owned(),
    }
}

fn each(sources: &[MissingSource]) -> String {
    let line = |missing: &MissingSource| {
        let why = missing.mismatch.as_ref().map(|mismatch| format!(": {mismatch}")).unwrap_or_default();
        format!("\n  `{}` of part `{}`{why}", missing.source, missing.part)
    };
    sources.iter().map(line).collect()
}

fn missing(sources: &[MissingSource]) -> String {
    match sources {
        [one] => format!("source `{}` of part `{}` is missing", one.source, one.part),
        many => format!("{} sources are missing:{}", many.len(), each(many)),
    }
}

fn wrong(sources: &[MissingSource]) -> String {
    match sources {
        [one] => {
            let why = one.mismatch.as_ref().map(|mismatch| format!(": {mismatch}")).unwrap_or_default();
            format!("source `{}` of part `{}` is not what it must be{why}", one.source, one.part)
        }
        many => format!("{} sources are not what they must be:{}", many.len(), each(many)),
    }
}
