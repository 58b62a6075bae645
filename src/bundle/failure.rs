//! Why a source could not be had.

use jiff::SignedDuration;

use crate::archive::Refusal;
use crate::base::{Mismatch, PathError};
use crate::cache;

/// A source that could not be had.
#[derive(Debug, thiserror::Error)]
#[error("failed to get {}: {cause}", self.what())]
pub struct Failure {
    /// The source, without credentials.
    pub source_name: String,
    /// The parts that want it; none for a config.
    pub parts: Vec<String>,
    /// Why.
    pub cause: FailureCause,
}

impl Failure {
    fn what(&self) -> String {
        match self.parts.as_slice() {
            [] => format!("config `{}`", self.source_name),
            parts => format!("`{}` for part {}", self.source_name, parts.join(", ")),
        }
    }
}

/// Why a source could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FailureCause {
    /// It is in no cache, and the network may not be used.
    #[error("it is not in the cache, and no network is allowed")]
    Missing,
    /// What the cache has goes by a name without the URL's secret, and nothing says that it is what this one opens.
    #[error("the cache has a file of this name, but the URL has a secret, and no digest says that it is the same file")]
    SecretUnlocked,
    /// Two sources of one name.
    #[error("another URL of this project differs from it only in its secret, so that both would go by one name")]
    SameName,
    /// It is not on this machine.
    #[error("there is no such file")]
    NoFile,
    /// A folder that a part is built from is not there.
    #[error("there is no such folder")]
    NoFolder,
    /// It is a folder.
    #[error("it is a folder; what a part unpacks is a file")]
    Folder,
    /// No part could unpack it.
    #[error("it is not an archive{}", .starts.as_ref().map(|text| format!(": it starts with `{text}`")).unwrap_or_default())]
    NotAnArchive {
        /// Its first characters, where it is text.
        starts: Option<String>,
    },
    /// What is in it was compressed, but is one file.
    #[error("it is one compressed file, not an archive")]
    SingleFile,
    /// It holds something that is never unpacked.
    #[error("it would be refused when it is unpacked: {0}")]
    Refused(Refusal),
    /// It ends early, or makes no sense further on.
    #[error("the archive is damaged: {0}")]
    DamagedArchive(String),
    /// Its files are not those of the commit that is asked for.
    #[error("{0}")]
    NotTheCommit(String),
    /// Its bytes are not those the config or the lock promises.
    #[error("{0}")]
    Wrong(Mismatch),
    /// Its files are those that are locked, and its bytes are others.
    #[error("it has the same files as the locked one, compressed anew: {mismatch}")]
    Recompressed {
        /// How the bytes differ.
        mismatch: Mismatch,
        /// The config says which bytes are meant, too.
        declared: bool,
    },
    /// It could not be downloaded.
    #[error("{}", with_causes(&**.0))]
    Network(Box<dyn std::error::Error + Send + Sync>),
    /// It could be had from none of several places.
    #[error("none of {} places has it: {}", .0.len(), everywhere(.0))]
    Nowhere(Vec<Try>),
    /// What the cache has of an index is older than allowed, and no server speaks for it.
    #[error("what the cache has is {}, and no more than {} is allowed{}", aged(.age), age_in_words(.limit), after(.reason))]
    TooOld {
        /// How long ago the server last spoke for it, if a clock can tell.
        age: Option<SignedDuration>,
        /// What is allowed.
        limit: SignedDuration,
        /// What was wrong with the network, if it was asked.
        reason: Option<String>,
    },
    /// The cache or a file failed.
    #[error("{}", with_causes(.0))]
    Cache(Box<cache::Error>),
}

/// A place where a source was asked for in vain.
#[derive(Debug)]
pub struct Try {
    /// The URL, without credentials.
    pub url: String,
    /// It is the source's own.
    pub own: bool,
    /// What was wrong.
    pub cause: FailureCause,
}

/// What is told of a source that could be had nowhere: the one cause, or all of them.
pub(super) fn gravest(mut tries: Vec<Try>) -> FailureCause {
    match tries.len() {
        0 => FailureCause::Missing,
        1 => tries.remove(0).cause,
        _ => FailureCause::Nowhere(tries),
    }
}

impl From<cache::Error> for FailureCause {
    fn from(error: cache::Error) -> Self {
        match error {
            cache::Error::WrongDigest { mismatch, .. } => Self::Wrong(mismatch),
            other => Self::Cache(Box::new(other)),
        }
    }
}

impl From<Mismatch> for FailureCause {
    fn from(mismatch: Mismatch) -> Self {
        Self::Wrong(mismatch)
    }
}

impl From<PathError> for FailureCause {
    fn from(error: PathError) -> Self {
        Self::Cache(Box::new(error.into()))
    }
}

fn aged(age: &Option<SignedDuration>) -> String {
    age.as_ref().map_or_else(|| "of unknown age".to_owned(), |age| format!("{} old", age_in_words(age)))
}

/// A length of time in days, hours and minutes.
pub fn age_in_words(age: &SignedDuration) -> String {
    let minutes = age.as_mins();
    let units = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")];
    let shown: Vec<_> =
        units.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if shown.is_empty() { format!("{} s", age.as_secs()) } else { shown.join(" ") }
}

fn after(reason: &Option<String>) -> String {
    reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default()
}

fn everywhere(tries: &[Try]) -> String {
    // Most causes name their URL themselves.
    let told = |tried: &Try| {
        let cause = tried.cause.to_string();
        if cause.contains(&tried.url) { cause } else { format!("`{}`: {cause}", tried.url) }
    };
    tries.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// An error with what it was caused by, on one line: a list of failures shows no causes below each.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
