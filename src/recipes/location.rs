//! Where a part's files go.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize, Serializer};

use crate::base::RelPath;

/// Where a part's files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Below the project root, with the installation.
    Project(RelPath),
    /// To a folder for parts that installations of a machine share.
    Shared(SharedPlace),
}

/// A place for a part that is built once a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SharedPlace {
    /// The folder for all of them, absolute.
    pub folder: Utf8PathBuf,
    /// The part's own below it: its name, and a digest of its options.
    pub path: RelPath,
}

impl SharedPlace {
    /// Where it is.
    pub fn path(&self) -> Utf8PathBuf {
        self.folder.join(&self.path)
    }
}

impl Location {
    /// Where it is on a machine where the project root is `root`.
    pub fn within(&self, root: &Utf8Path) -> Utf8PathBuf {
        match self {
            Self::Project(path) => root.join(path),
            Self::Shared(place) => place.path(),
        }
    }

    /// The path below the project root; none for a part that is shared.
    pub fn of_project(&self) -> Option<&RelPath> {
        match self {
            Self::Project(path) => Some(path),
            Self::Shared(_) => None,
        }
    }

    /// The place of a part that is shared.
    pub fn of_machine(&self) -> Option<&SharedPlace> {
        match self {
            Self::Project(_) => None,
            Self::Shared(place) => Some(place),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(path) => path.fmt(formatter),
            Self::Shared(place) => place.path().fmt(formatter),
        }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
