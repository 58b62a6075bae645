//! Statements of in-toto (in-toto attestation framework, Statement v1).

use serde::{Deserialize, Serialize};

use crate::base::Sha256;

/// The `_type` of all of them.
const TYPE: &str = "https://in-toto.io/Statement/v1";

/// What is said of some files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// A URI that says what the predicate is.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is said.
    pub predicate: P,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its digests, of which only this one counts.
    pub digest: Digests,
}

/// The digests of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// The SHA-256, in hexadecimal digits.
    pub sha256: Sha256,
}

impl Subject {
    /// A file of this name and digest.
    pub fn new(name: &str, sha256: Sha256) -> Self {
        Self { name: name.to_owned(), digest: Digests { sha256 } }
    }
}

impl<P: Serialize> Statement<P> {
    /// Says something of some files.
    pub fn new(subject: Vec<Subject>, predicate_type: &str, predicate: P) -> Self {
        Self { kind: TYPE.to_owned(), subject, predicate_type: predicate_type.to_owned(), predicate }
    }

    /// The text of it.
    ///
    /// # Panics
    /// Where the predicate has a map whose keys are no strings, which is a bug of whoever made it.
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a statement serialises");
        text.push(b'\n');
        text
    }
}

impl<P> Statement<P> {
    /// Whether it is a statement at all, and says this kind of thing.
    pub fn is_of(&self, predicate_type: &str) -> bool {
        self.kind == TYPE && self.predicate_type == predicate_type
    }
}
