//! Hardtack's own files at a destination.
//!
//! ```text
//! DEST/.hardtack/state.json         what is installed
//!               records/<part>.json   what each part was made from
//!               logs/<part>.log       what its build printed
//!               next/                 the generation being built
//!               previous/             the one before
//!               left/                 what stood in the way of what was put back
//!               journal               moves under way
//!               rollback.json         where a rollback goes that is under way
//! ```

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::record::{self, PartRecord, State};

/// Where they are.
#[derive(Debug)]
pub(super) struct Own {
    folder: Utf8PathBuf,
}

impl Own {
    /// Those of the destination at `root`.
    pub(super) fn at(root: &Utf8Path) -> Self {
        Self { folder: root.join(".hardtack") }
    }

    pub(super) fn path(&self, name: &str) -> Utf8PathBuf {
        self.folder.join(name)
    }

    pub(super) fn journal(&self) -> Utf8PathBuf {
        self.path("journal")
    }

    /// What is installed now.
    pub(super) fn state(&self) -> Result<Option<State>, Error> {
        record::read(&self.path("state.json"))
    }

    /// The record of an installed part.
    pub(super) fn record(&self, part: &str) -> Result<Option<PartRecord>, Error> {
        self.record_in("records", part)
    }

    /// The records of all parts of what is installed.
    pub(super) fn records(&self, state: &State) -> Result<Vec<PartRecord>, Error> {
        let records = state.parts.iter().map(|part| self.record(part));
        Ok(records.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The record of a part that is whole in the generation being built.
    pub(super) fn next_record(&self, part: &str) -> Result<Option<PartRecord>, Error> {
        self.record_in("next/records", part)
    }

    /// What was installed before.
    pub(super) fn previous_state(&self) -> Result<Option<State>, Error> {
        record::read(&self.path("previous/state.json"))
    }

    /// The record of a part of the generation before.
    pub(super) fn previous_record(&self, part: &str) -> Result<Option<PartRecord>, Error> {
        self.record_in("previous/records", part)
    }

    fn record_in(&self, folder: &str, part: &str) -> Result<Option<PartRecord>, Error> {
        record::read(&self.path(folder).join(format!("{part}.json")))
    }

    /// The note of a rollback under way.
    pub(super) fn rollback(&self) -> Utf8PathBuf {
        self.path("rollback.json")
    }

    /// What a rollback goes back to that was not ended.
    pub(super) fn going_back_to(&self) -> Result<Option<State>, Error> {
        record::read(&self.rollback())
    }

    /// A folder of the generation before.
    pub(super) fn previous(&self, name: &str) -> Utf8PathBuf {
        self.path("previous").join(name)
    }

    /// Whether something was installed here, or is half way.
    pub(super) fn exists(&self) -> bool {
        self.path("state.json").exists() || self.journal().exists()
    }

    /// Parts that are whole in a generation that is not.
    pub(super) fn waiting(&self) -> Vec<String> {
        let records = fs::read_dir(self.path("next/records")).into_iter().flatten().flatten();
        let names = records.filter_map(|entry| entry.file_name().into_string().ok());
        let mut parts: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
        parts.sort();
        parts
    }
}
