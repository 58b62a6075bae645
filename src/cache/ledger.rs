//! The ledger: one small file a source, saying which blob answers it.

use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::base::{IoContext, Md5, Sha256, SourceKey, write_atomic};

/// What is known of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Record {
    pub(super) format: u32,
    pub(super) key: SourceKey,
    pub(super) sha256: Sha256,
    pub(super) md5: Md5,
    pub(super) size: u64,
    /// Taken over from a cache that another program filled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) foreign: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
}

impl Record {
    /// The record at `path`, if there is one for `key`.
    pub(super) fn read(path: &Utf8Path, key: &SourceKey) -> Result<Option<Self>, Error> {
        match Self::open(path) {
            Ok(record) => Ok(Some(record).filter(|record| record.key == *key)),
            Err(Error::Io(error)) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The record at `path`, whatever it is about.
    pub(super) fn open(path: &Utf8Path) -> Result<Self, Error> {
        let text = std::fs::read(path).at("read", path)?;
        serde_json::from_slice(&text)
            .map_err(|error| Error::Ledger { path: path.to_owned(), reason: error.to_string() })
    }

    pub(super) fn write(&self, path: &Utf8Path) -> Result<(), Error> {
        let reason = |error: serde_json::Error| Error::Ledger { path: path.to_owned(), reason: error.to_string() };
        let mut text = serde_json::to_vec_pretty(self).map_err(reason)?;
        text.push(b'\n');
        Ok(write_atomic(path, &text, 0o644)?)
    }
}
