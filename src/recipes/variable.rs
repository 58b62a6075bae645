//! Variables of a build's environment.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::percent::{self, PercentError, Piece};

/// The value of a variable: a text, in which values of variables that were there before may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable(Vec<Piece>);

impl Variable {
    /// A value that is just this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    /// A text in which `%(NAME)s` stands for the value of NAME, and `%%` for a `%`.
    ///
    /// # Errors
    /// What is neither.
    pub(super) fn of_percent(text: &str) -> Result<Self, PercentError> {
        percent::parse(text).map(Self)
    }

    /// The same, with the values that are among these in it.
    pub(super) fn with(self, known: &BTreeMap<String, Self>) -> Self {
        let pieces = self.0.into_iter().flat_map(|piece| match piece {
            Piece::Name(name) => known.get(&name).map_or_else(|| vec![Piece::Name(name)], |value| value.0.clone()),
            text => vec![text],
        });
        Self(pieces.collect())
    }

    /// Its value where these variables are set; the error is the name of one that is not.
    ///
    /// # Errors
    /// The name of a variable that is not set.
    pub fn fill(&self, variables: &BTreeMap<String, String>) -> Result<String, String> {
        percent::fill(&self.0, &|name| variables.get(name).cloned())
    }

    /// The texts of it, without what is filled in.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Name(_) => None,
        })
    }

    /// Whether the value of another variable goes into it.
    fn is_filled(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Name(_)))
    }
}

/// As it stands in a config: with `%(NAME)s` where another's value goes.
impl fmt::Display for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(text),
            Piece::Name(name) => write!(formatter, "%({name})s"),
        })
    }
}

/// A text, or its pieces where one of them is filled in.
impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_filled() {
            true => self.0.serialize(serializer),
            false => serializer.collect_str(self),
        }
    }
}
