//! Errors of setting the walls up.

use std::io;

/// What failed, for a person who administers the machine.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub(super) struct WallError {
    pub(super) what: String,
    pub(super) source: io::Error,
}

/// Names what was being done.
pub(super) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, WallError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, WallError> {
        self.map_err(|error| WallError { what: what.into(), source: error.into() })
    }
}
