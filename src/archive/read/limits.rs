//! How much an archive may ask for.

use std::io;
use std::str::FromStr;

use camino::Utf8Path;
use serde::Serialize;

use super::super::error::Refusal;
use crate::base::{IoContext, PathError};

/// Bounds that no archive may pass; the default leaves room for the largest real sources.
///
/// A config writes those that are to be others: `entries=5000000 size=100000000000 depth=200 ratio=1000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Number of entries, folders that are only implied included. The largest kernel and compiler sources have some
    /// 200,000.
    pub entries: u64,
    /// Bytes of all files together.
    pub total_size: u64,
    /// Folders above a file. Real sources have up to some 20.
    pub depth: usize,
    /// Bytes of all files together, as a multiple of the archive's own. Real sources have up to some 20; a stream of
    /// zeros has a thousand and more. Archives that unpack to less than [`Limits::SMALL`] may have any.
    pub ratio: u64,
    /// Bytes of a PAX or GNU extension header, which is read into memory.
    pub extension_size: u64,
}

/// Why a text gives no limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no limit: those are entries=NUMBER, size=BYTES, depth=NUMBER and ratio=NUMBER")]
pub struct LimitError(String);

impl Limits {
    /// What any archive may unpack to, in bytes.
    pub const SMALL: u64 = 256 << 20;
    /// Longer targets of links no system takes, in bytes.
    pub const LINK_TARGET: u64 = 4095;

    /// The limits for an archive of so many bytes.
    pub(super) fn of_archive(self, length: u64) -> Self {
        let expanded = length.saturating_mul(self.ratio).max(Self::SMALL);
        Self { total_size: self.total_size.min(expanded), ..self }
    }

    /// The limits for an archive that is a file.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(in crate::archive) fn of_file(self, archive: &Utf8Path) -> Result<Self, PathError> {
        Ok(self.of_archive(std::fs::metadata(archive).at("inspect", archive)?.len()))
    }

    /// What the stream of an archive may be long, headers included.
    pub(super) fn stream_size(&self) -> u64 {
        // Each entry has a header, a name and padding; extension headers are few or small.
        let headers = self.entries.min(self.total_size).saturating_mul(4096);
        self.total_size.saturating_add(headers.min(self.total_size))
    }

    /// The error of a stream that is longer.
    pub(super) fn too_large(limit: u64) -> io::Error {
        Refusal::Limit { what: "more bytes", limit }.into()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 2_000_000, total_size: 64 << 30, depth: 128, ratio: 200, extension_size: 1 << 20 }
    }
}

impl FromStr for Limits {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let mut limits = Self::default();
        for word in text.split_whitespace() {
            let wrong = || LimitError(word.to_owned());
            let (name, value) = word.split_once('=').ok_or_else(wrong)?;
            let value: u64 = value.parse().map_err(|_| wrong())?;
            match name {
                "entries" => limits.entries = value,
                "size" => limits.total_size = value,
                "depth" => limits.depth = usize::try_from(value).map_err(|_| wrong())?,
                "ratio" => limits.ratio = value,
                _ => return Err(wrong()),
            }
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_words() {
        let limits: Limits = "size=10 ratio=3\n depth=4".parse().expect("limits");
        assert_eq!(limits, Limits { total_size: 10, ratio: 3, depth: 4, ..Limits::default() });
        for wrong in ["size", "size=", "size=1k", "width=3", "depth=-1"] {
            assert_eq!(wrong.parse::<Limits>(), Err(LimitError(wrong.to_owned())));
        }
        assert_eq!(Limits::default().of_archive(1).total_size, Limits::SMALL);
        assert_eq!(Limits::default().of_archive(10 << 20).total_size, 2000 << 20);
    }
}
