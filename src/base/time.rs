//! The one clock value that may reach an output: a fixed number of seconds.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01 UTC, as `SOURCE_DATE_EPOCH` counts them; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch(u32);

/// Text that is neither a count of seconds nor a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither seconds since 1970 nor a date such as 2026-11-22")]
pub struct EpochError(String);

impl Epoch {
    /// Wraps a count of seconds. A tar header of the plain kind holds no more than 33 bits, an epoch 32.
    pub fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The count of seconds.
    pub fn seconds(self) -> u64 {
        self.0.into()
    }
}

impl FromStr for Epoch {
    type Err = EpochError;

    /// Reads seconds (`1795305600`), a date (`2026-11-22`, midnight UTC) or a time (`2026-11-22T10:00:00Z`).
    fn from_str(text: &str) -> Result<Self, EpochError> {
        let error = || EpochError(text.to_owned());
        if let Ok(seconds) = text.parse() {
            return Ok(Self(seconds));
        }
        let timestamp = match text.parse::<Timestamp>() {
            Ok(timestamp) => timestamp,
            Err(_) => {
                let date: Date = text.parse().map_err(|_| error())?;
                date.to_zoned(TimeZone::UTC).map_err(|_| error())?.timestamp()
            }
        };
        timestamp.as_second().try_into().map(Self).map_err(|_| error())
    }
}

impl fmt::Display for Epoch {
    /// The time in UTC, such as `2026-11-22T00:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_second(self.0.into()) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_times_are_read() {
        for text in ["1795305600", "2026-11-22", "2026-11-22T00:00:00Z"] {
            assert_eq!(text.parse(), Ok(Epoch::from_seconds(1_795_305_600)), "{text}");
        }
        assert_eq!(Epoch::from_seconds(1_795_305_600).to_string(), "2026-11-22T00:00:00Z");
        for text in ["", "yesterday", "1969-12-31", "99999999999"] {
            assert!(text.parse::<Epoch>().is_err(), "{text}");
        }
    }
}
