//! The receipt of a rehearsal: what was built, of what, on which machine, and what came of it.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contract::Contract;
use super::record::{InstalledFile, PartRecord, ProjectEntry};
use crate::base::{Epoch, RelPath, Sha256};

/// What the predicate of a receipt's statement is called.
pub const RECEIPT_TYPE: &str = "urn:hardtack:rehearsal:v1";

/// What a rehearsal says of a bundle. The times are real: two rehearsals have two receipts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The hardtack that rehearsed.
    pub hardtack: String,
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest of the bundle's manifest.
    pub manifest: Option<Sha256>,
    /// The path that the build knew its destination by.
    pub prefix: String,
    /// The time that builds were told.
    pub epoch: Epoch,
    /// The level of isolation.
    pub isolation: String,
    /// Variables that steps were given, beside those that all builds have.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// When it began.
    pub started: Timestamp,
    /// When it was done.
    pub finished: Timestamp,
    /// Where it was built.
    pub machine: Machine,
    /// The parts, in order.
    pub parts: Vec<PartReceipt>,
    /// Every installed file and link of the parts, below the destination.
    pub files: BTreeMap<RelPath, InstalledFile>,
    /// What else builds made beside their parts' locations, links and empty folders included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<RelPath, ProjectEntry>,
    /// What the builds used of the machine.
    pub host: Contract,
    /// How many files of the machine that were.
    pub host_files: usize,
}

/// A machine that something was built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Its system and kind, such as `debian 12 x86_64`.
    pub system: String,
    /// It was a folder with the files of such a machine, on another one.
    pub other_root: bool,
    /// The kernel.
    pub kernel: String,
    /// What its compilers say of themselves.
    pub toolchain: BTreeMap<String, String>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartReceipt {
    /// Its name.
    pub name: String,
    /// Its recipe.
    pub recipe: String,
    /// Where its files are, below the destination.
    pub location: Utf8PathBuf,
    /// Digest of everything that went into it.
    pub input: Sha256,
    /// How long its build took, in seconds.
    pub seconds: f64,
    /// It was not built now but by an earlier rehearsal, from the same input.
    pub reused: bool,
    /// Attempts of its build to reach the network, in words. There are some only where the config allows them.
    pub attempts: Vec<String>,
}

impl PartReceipt {
    /// Of a part with this record.
    pub fn of(record: &PartRecord, reused: bool) -> Self {
        Self {
            name: record.name.clone(),
            recipe: record.recipe.clone(),
            location: record.location.as_str().into(),
            input: record.input,
            seconds: record.took.unwrap_or_default().as_secs_f64(),
            reused,
            attempts: record.seen.attempts.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Receipt {
    /// Everything that parts with these records installed.
    pub fn files_of(records: &[PartRecord]) -> BTreeMap<RelPath, InstalledFile> {
        let of_part = |record: &PartRecord| {
            let location = record.location.clone();
            record.files.clone().into_iter().map(move |(path, file)| (location.join(&path), file))
        };
        records.iter().flat_map(of_part).collect()
    }
}
