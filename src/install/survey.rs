//! What is installed at a place, found out without touching it.

use camino::{Utf8Path, Utf8PathBuf};

use super::claims::all_beside;
use super::error::Error;
use super::own::Own;
use super::record::{PartRecord, ProjectEntry, State};
use super::shared::SharedPart;
use crate::base::RelPath;

/// What was found of an installation, without touching it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What is installed.
    pub state: State,
    /// Its parts' records, in the order of the state.
    pub records: Vec<PartRecord>,
    /// Those of parts that it shares with other installations, and the folders their places are below.
    pub shared: Vec<(Utf8PathBuf, PartRecord)>,
    /// What `rollback` would bring back.
    pub previous: Option<State>,
    /// Parts of a generation that is not whole yet.
    pub waiting: Vec<String>,
    /// The next installation puts something right first.
    pub interrupted: bool,
}

/// What is not as it was installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Files of parts, those that are shared with their whole paths.
    pub parts: Vec<(Utf8PathBuf, Difference)>,
    /// Files of the project, of which the site may change what it likes.
    pub project: Vec<RelPath>,
}

/// How an installed file differs from its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    Missing,
    /// It is something else.
    Changed,
}

/// Whether something is installed at `root`, or an installation there was interrupted.
pub fn is_installed(root: &Utf8Path) -> bool {
    Own::at(root).exists()
}

impl Survey {
    /// Looks at the installation at `root`.
    ///
    /// # Errors
    /// [`Error::NotInstalled`]; those of records that cannot be read.
    pub fn of(root: &Utf8Path) -> Result<Self, Error> {
        let own = Own::at(root);
        let state = own.state()?.ok_or_else(|| Error::NotInstalled { path: root.to_owned() })?;
        let records = own.records(&state)?;
        let shared = state.shared.values().filter_map(|place| {
            let record = SharedPart(place).record().transpose()?;
            Some(record.map(|record| (place.folder.clone(), record)))
        });
        Ok(Self {
            shared: shared.collect::<Result<_, _>>()?,
            records,
            previous: own.previous_state()?,
            waiting: own.waiting(),
            interrupted: own.journal().exists(),
            state,
        })
    }

    /// The records of all parts, shared ones too.
    pub fn all_records(&self) -> impl Iterator<Item = &PartRecord> {
        self.records.iter().chain(self.shared.iter().map(|(_, record)| record))
    }

    /// Compares what is at `root` with the records, byte for byte.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn differences(&self, root: &Utf8Path) -> Result<Differences, Error> {
        let Differences { mut parts, mut project } = Differences::default();
        let own = self.records.iter().map(|record| (root, Utf8Path::new(""), record));
        let shared = self.shared.iter().map(|(folder, record)| (folder.as_path(), folder.as_path(), record));
        for (above, shown, record) in own.chain(shared) {
            let folder = above.join(&record.location);
            for path in record.changed_in(&folder)? {
                let gone = folder.join(&path).symlink_metadata().is_err();
                let difference = if gone { Difference::Missing } else { Difference::Changed };
                parts.push((shown.join(record.location.join(&path)), difference));
            }
        }
        for (part, place) in &self.state.shared {
            if !self.shared.iter().any(|(folder, record)| *folder == place.folder && record.name == *part) {
                parts.push((place.path(), Difference::Missing));
            }
        }
        for (path, entry) in all_beside(&self.state, &self.records) {
            if entry != ProjectEntry::Folder && !entry.is_at(&root.join(&path))? {
                project.push(path);
            }
        }
        Ok(Differences { parts, project })
    }
}
