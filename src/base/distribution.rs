//! Python distributions: the files that pip was found to take for a part, as the lock has them.

use serde::{Deserialize, Serialize};

use super::Sha256;

/// What a part takes from package indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distributions {
    /// The part.
    pub part: String,
    /// The Python they are for, such as `3.11`.
    pub python: String,
    /// Digest of what was asked for: when that is something else, they are looked for anew.
    pub wants: Sha256,
    /// The files.
    #[serde(rename = "file")]
    pub files: Vec<Distribution>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// What it is taken for.
    #[serde(rename = "for")]
    pub role: Role,
    /// Where it is: a URL, or a path as seen from the buildout directory.
    pub url: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
}

/// What a distribution is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It is installed.
    Run,
    /// What is installed is built with it.
    Build,
    /// It is the pip that installs the others.
    Pip,
}
