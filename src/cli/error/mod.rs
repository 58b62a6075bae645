//! Errors as people and programs see them: each gets a code, an exit status and a way out, here and nowhere else.

mod bundle;
mod config;
mod install;
mod network;
mod sources;

use std::error::Error as StdError;

use crate::base::{PathError, Place};

pub(super) use config::describe;
pub(super) use install::AGAIN;
pub(in crate::cli) use sources::failures;

/// Failed in a way none of the others names.
pub(super) const UNSPECIFIC: u8 = 1;
/// Wrong arguments or a config that makes no sense.
pub(super) const USAGE: u8 = 2;
/// A source is not there and no network is allowed.
pub(super) const MISSING: u8 = 3;
/// Disk, permissions, a tool, isolation.
pub(super) const ENVIRONMENT: u8 = 4;
/// A step of a build failed.
pub(super) const BUILD: u8 = 5;
/// Bytes are not what they must be.
pub(super) const DIGEST: u8 = 6;
/// A build tried to use the network.
pub(super) const ATTEMPT: u8 = 7;
/// Two builds differ.
pub(super) const DIFFERENT: u8 = 8;
/// A download failed.
pub(super) const DOWNLOAD: u8 = 9;

/// One error, ready to be shown.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Exit status.
    pub(super) exit: u8,
    /// Stable word for it; empty where nothing is to be shown, as when a pipe was closed.
    pub(super) code: &'static str,
    /// The message.
    pub(super) message: String,
    /// The lines it comes from.
    pub(super) places: Vec<Place>,
    /// What led to it, outermost first.
    pub(super) causes: Vec<String>,
    /// Several errors in one, each as it would be shown alone.
    pub(super) items: Vec<Item>,
    /// Lines of a build's output.
    pub(super) output: Vec<String>,
    /// What to do.
    pub(super) hints: Vec<String>,
}

/// One of several errors.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) message: String,
    pub(super) place: Option<Place>,
    pub(super) hint: Option<String>,
}

impl Report {
    /// A report of one sentence.
    pub(super) fn new(exit: u8, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), ..Self::default() }
    }

    /// Nothing to say: whoever read our output has seen enough.
    pub(super) fn closed_pipe() -> Self {
        Self::default()
    }

    /// Adds a way out.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the line it comes from, if one is known.
    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.places.extend(place);
        self
    }

    /// Message and causes of an error.
    pub(super) fn of(exit: u8, code: &'static str, error: &dyn StdError) -> Self {
        let mut report = Self::new(exit, code, error.to_string());
        let mut cause = error.source();
        while let Some(next) = cause {
            report.causes.push(next.to_string());
            cause = next.source();
        }
        report
    }
}

impl From<PathError> for Report {
    fn from(error: PathError) -> Self {
        use std::io::ErrorKind;
        let (code, hint) = match error.source.kind() {
            ErrorKind::NotFound => ("not-found", None),
            ErrorKind::PermissionDenied => {
                ("permission-denied", Some("run as a user who may, or choose another place"))
            }
            ErrorKind::StorageFull => ("disk-full", Some("make room there, or choose another place")),
            ErrorKind::QuotaExceeded => ("disk-full", Some("your quota is used up there")),
            ErrorKind::ReadOnlyFilesystem => ("read-only", Some("choose a place on a file system that can be written")),
            _ => ("io", None),
        };
        let report = Self::of(ENVIRONMENT, code, &error);
        hint.into_iter().fold(report, Self::hint)
    }
}
