//! What passes between a download and the place its bytes are kept: neither knows the other.

use std::io::{self, Write};

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::{GitSource, ObjectId, Repository};

/// What a server says about the version of a file, for asking again later (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Validators {
    /// The `ETag` header, as sent: quotes, `W/` and all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The `Last-Modified` header, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    /// Those of a commit's files: its name says all.
    pub fn of_commit(id: &ObjectId) -> Self {
        Self { etag: Some(format!("\"{id}\"")), last_modified: None }
    }

    /// Whether there is nothing to ask with.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    /// The etag if equal ones promise equal bytes. Weak etags promise only the same meaning, and times only seconds.
    pub fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| etag.starts_with('"') && etag.ends_with('"') && etag.len() >= 2)
    }

    /// Whether both have the same strong etag.
    pub fn same_bytes(&self, other: &Self) -> bool {
        self.strong_etag().is_some() && self.strong_etag() == other.strong_etag()
    }
}

/// A version of a file that is here already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVersion {
    /// What the server said of it.
    pub validators: Validators,
    /// The server is known to send the body whatever condition is asked for, so that asking for the head alone is
    /// cheaper.
    pub ignores_conditions: bool,
}

impl KnownVersion {
    /// The same version with what the server says of it now; an answer without a validator takes none away.
    pub fn updated(&self, now: Validators) -> Self {
        let Validators { etag, last_modified } = self.validators.clone();
        let validators = Validators { etag: now.etag.or(etag), last_modified: now.last_modified.or(last_modified) };
        Self { validators, ignores_conditions: self.ignores_conditions }
    }
}

/// The first part of a body, from an attempt that broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Bytes that are there.
    pub length: u64,
    /// The strong etag of the body they are of.
    pub etag: String,
    /// Length of that body, if the server said it.
    pub whole: Option<u64>,
}

/// What is known of a body before its first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The byte it starts at: nothing but 0, or the length of what was [begun](Sink::begun).
    pub from: u64,
    /// Length of the whole body, if the server says it.
    pub length: Option<u64>,
    /// Its version.
    pub validators: Validators,
}

/// A commit's files that are to be had.
#[derive(Clone, Copy)]
pub struct Checkout<'a> {
    /// What the config asks for. Its repository's name is in the files, and submodules are relative to it.
    pub source: &'a GitSource,
    /// The repository that is asked: that one, or a mirror of it.
    pub place: &'a Repository,
    /// The commit that is meant, whatever tags and branches say now.
    pub commit: Option<ObjectId>,
    /// What the names of folders for git's objects start with, which are made and gone afterwards. Nobody else uses
    /// such names meanwhile.
    pub work: &'a Utf8Path,
    /// Where a submodule's repository can be had, its own place included, best first.
    pub places: &'a dyn Fn(&Repository) -> Vec<Repository>,
}

/// What became of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The known version still is the current one.
    Unchanged(KnownVersion),
    /// The sink has got the body of this version.
    Body(Validators),
}

/// Where a download goes.
pub trait Sink: Write {
    /// What is there already of the same file.
    fn begun(&self) -> Option<Begun>;

    /// Makes ready for a body; with `from` at 0, what was begun is dropped.
    ///
    /// # Errors
    /// When there is no room for it, or the file cannot be cut.
    fn start(&mut self, head: &Head) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strong_etags_promise_equal_bytes() {
        let version = |etag: &str| Validators { etag: Some(etag.to_owned()), last_modified: None };
        assert!(version("\"a\"").same_bytes(&version("\"a\"")));
        for weak in ["W/\"a\"", "a", "\""] {
            assert!(!version(weak).same_bytes(&version(weak)), "{weak}");
        }
        assert!(!Validators::default().same_bytes(&Validators::default()));
    }
}
