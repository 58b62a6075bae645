//! What stands between a config and a plan.

use crate::base::Place;
use crate::config;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The config does not resolve.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The config asks for things that cannot be done; all of them are listed.
    #[error("{}", summary(.0))]
    Problems(Vec<Problem>),
}

/// One thing a config asks for that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What, in a sentence without a full stop.
    pub message: String,
    /// The line that asks for it.
    pub place: Option<Place>,
    /// What to do instead.
    pub hint: Option<String>,
}

fn summary(problems: &[Problem]) -> String {
    match problems {
        [one] => one.message.clone(),
        many => format!("{} things in this config cannot be done", many.len()),
    }
}
