//! The ledger: one small file a source, saying which blobs have answered it, the current one first.

use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::base::{Class, Fingerprint, KnownVersion, Md5, Sha256, SourceKey, Validators, read_limited, write_atomic};

/// More than any record has, in bytes.
const LONGEST: u64 = 1 << 20;
/// Earlier bytes of a source that are kept beside the current ones: projects may be locked to them.
const EARLIER: usize = 3;

/// Who says that bytes are a source's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Its server, or the file itself.
    Server,
    /// Somebody whom the user trusts.
    Trusted,
    /// Somebody.
    Stranger,
}

/// What is known of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Record {
    pub(super) format: u32,
    pub(super) key: SourceKey,
    /// The URL exactly as a config has it, where that is not the key and no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// The URL has a secret, so that only the key is written down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) secret: bool,
    pub(super) class: Class,
    /// Why it may be here.
    pub(super) reason: String,
    /// The current one first; never empty.
    pub(super) generations: Vec<Generation>,
    /// The server sends the body whatever condition is asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ignores_conditions: bool,
}

/// Bytes that a source has or had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Generation {
    pub(super) sha256: Sha256,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) md5: Option<Md5>,
    pub(super) size: u64,
    /// Taken over from another program, or imported: the URL is what somebody else says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) foreign: bool,
    /// What the server said of this version.
    #[serde(default, skip_serializing_if = "Validators::is_empty")]
    pub(super) version: Validators,
}

impl Generation {
    pub(super) fn new(fingerprint: &Fingerprint, foreign: bool, version: Validators) -> Self {
        let Fingerprint { sha256, md5, size } = *fingerprint;
        Self { sha256, md5, size, foreign, version }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint { sha256: self.sha256, md5: self.md5, size: self.size }
    }
}

impl Record {
    /// The bytes the source has now.
    pub(super) fn current(&self) -> &Generation {
        // Reading refuses a record without any, and none is made without.
        &self.generations[0]
    }

    /// The generation with these bytes.
    pub(super) fn generation(&self, sha256: &Sha256) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.sha256 == *sha256)
    }

    /// Takes what somebody else says into the record: bytes that are known stay as they are known, others come after
    /// what the server gave.
    pub(super) fn hear(&mut self, generation: Generation) {
        match self.generations.iter_mut().find(|known| known.sha256 == generation.sha256) {
            // Trust in somebody's word takes the doubt away, and nothing else.
            Some(known) => known.foreign &= generation.foreign,
            None => {
                let place = usize::from(!self.current().foreign || generation.foreign);
                self.generations.insert(place.min(self.generations.len()), generation);
                self.generations.truncate(1 + EARLIER);
            }
        }
    }

    /// Makes bytes that the server gave the current ones; what was current is an earlier one now.
    pub(super) fn renew(&mut self, generation: Generation) {
        self.generations.retain(|earlier| earlier.sha256 != generation.sha256);
        self.generations.insert(0, generation);
        self.generations.truncate(1 + EARLIER);
    }

    /// The URL exactly as a config has it, if it is known and may be written down.
    pub(super) fn exact_url(&self) -> Option<String> {
        let known = !self.secret && self.key.as_str().contains("://");
        self.url.clone().or_else(|| known.then(|| self.key.to_string()))
    }

    /// The current version, for asking the server whether it still is.
    pub(super) fn version(&self) -> Option<KnownVersion> {
        let Generation { version, foreign, .. } = self.current();
        let known = KnownVersion { validators: version.clone(), ignores_conditions: self.ignores_conditions };
        Some(known).filter(|known| !known.validators.is_empty() && !foreign)
    }

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
        let damaged = |reason: String| Error::Ledger { path: path.to_owned(), reason };
        let text = read_limited(path, LONGEST)?;
        let record: Self = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if record.generations.is_empty() {
            return Err(damaged("it names no bytes".to_owned()));
        }
        let agrees = |url: &String| !record.key.as_str().contains("://") || SourceKey::url(url) == record.key;
        if !record.key.is_sound() || !record.url.as_ref().is_none_or(agrees) {
            return Err(damaged("its key is no source's".to_owned()));
        }
        Ok(record)
    }

    pub(super) fn write(&self, path: &Utf8Path) -> Result<(), Error> {
        let reason = |error: serde_json::Error| Error::Ledger { path: path.to_owned(), reason: error.to_string() };
        let mut text = serde_json::to_vec_pretty(self).map_err(reason)?;
        text.push(b'\n');
        Ok(write_atomic(path, &text, 0o644)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(bytes: &str, foreign: bool) -> Generation {
        let (sha256, md5) = (Sha256::of(bytes), Some(Md5::of(bytes)));
        Generation { sha256, md5, size: bytes.len() as u64, foreign, version: Validators::default() }
    }

    #[test]
    fn the_newest_bytes_come_first_and_the_oldest_go() {
        let key = SourceKey::url("http://host.example/x");
        let (class, reason, generations) = (Class::ByUrl, String::new(), vec![generation("0", true)]);
        let mut record =
            Record { format: 1, key, url: None, secret: false, class, reason, generations, ignores_conditions: false };
        for bytes in ["1", "2", "3", "4", "2"] {
            record.renew(generation(bytes, false));
        }
        let sizes: Vec<_> = record.generations.iter().map(|generation| generation.sha256).collect();
        assert_eq!(sizes, ["2", "4", "3", "1"].map(Sha256::of));
        let before = record.clone();
        record.hear(Generation {
            version: Validators { etag: Some("\"x\"".to_owned()), last_modified: None },
            ..generation("4", true)
        });
        assert_eq!(record, before, "a stranger's word changes nothing of what is known");
        record.hear(generation("5", true));
        let order: Vec<_> = record.generations.iter().map(|generation| generation.sha256).collect();
        assert_eq!(order, ["2", "5", "4", "3"].map(Sha256::of), "nor takes it the place of the server's");
    }
}
