//! What an installation would do, found out without doing it.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::error::Error;
use super::input::Input;
use super::inputs::Inputs;
use super::own::Own;
use super::record::{PartRecord, ProjectEntry};
use super::sandbox::Level;
use super::shared;
use super::source::{SourceFile, file_of};
use crate::base::{RelPath, SourceKey};
use crate::recipes::{Part, Plan};

/// What becomes of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is built for the first time.
    New,
    /// It is built again, for what goes into it changed.
    Outdated(String),
    /// It is built again, for its files are not what they were.
    Broken,
    /// It stays as it is.
    Kept,
}

impl Fate {
    /// Of a part with this record, given what would go into it now; with the destination, and the folder that the record's
    /// location is below.
    pub(super) fn of(
        part: &Part,
        record: Option<&PartRecord>,
        input: &Input,
        (root, above): (&Utf8Path, &Utf8Path),
    ) -> Self {
        let Some(record) = record else { return Self::New };
        // Others use a part that is shared; its place says what it was made from.
        if part.location.of_machine().is_none() && record.input != input.digest() {
            return Self::Outdated(match record.made_of == Input::default() {
                true => "it was installed by an older hardtack".to_owned(),
                false => record.made_of.reasons(input).join("; "),
            });
        }
        // An empty folder that is gone is nothing that anybody misses.
        let is_there = |(path, entry): (&RelPath, &ProjectEntry)| {
            *entry == ProjectEntry::Folder || root.join(path).symlink_metadata().is_ok()
        };
        match record.is_whole_in(&above.join(&record.location)) && record.beside.iter().all(is_there) {
            true => Self::Kept,
            false => Self::Broken,
        }
    }
}

/// An installation that might be.
pub struct Preview<'a> {
    /// Where to.
    pub root: &'a Utf8Path,
    /// What to do, resolved there.
    pub plan: &'a Plan,
    /// The sources, by key.
    pub sources: &'a BTreeMap<SourceKey, SourceFile>,
    /// Where the project's files are now.
    pub files: &'a Utf8Path,
    /// The isolation all steps would have.
    pub level: Level,
    /// Variables of every step, PATH among them.
    pub environment: &'a BTreeMap<String, String>,
}

/// What would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// The parts of the plan, in its order.
    pub parts: Vec<(String, Fate)>,
    /// Installed parts that would go.
    pub removed: Vec<String>,
}

impl Preview<'_> {
    /// Looks at what is installed, and changes nothing.
    ///
    /// # Errors
    /// When a source or a record cannot be read.
    pub fn foresee(&self) -> Result<Foreseen, Error> {
        let Self { root, plan, sources, files, level, environment } = *self;
        let own = Own::at(root);
        let inputs = Inputs { plan, level, environment, files: (files, root), own: &own };
        let inputs = inputs.of_parts(&|source| file_of(source, sources, files))?;
        let mut foreseen = Foreseen::default();
        for part in &plan.parts {
            let (record, folder) = shared::installed(part, &own, root)?;
            let input = inputs.get(&part.name).cloned().unwrap_or_default();
            foreseen.parts.push((part.name.clone(), Fate::of(part, record.as_ref(), &input, (root, &folder))));
        }
        let installed = own.state()?.map(|state| state.parts).unwrap_or_default();
        foreseen.removed = installed.into_iter().filter(|part| plan.part(part).is_none()).collect();
        Ok(foreseen)
    }
}
