//! Where the files are that a bundle's file has not itself.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::naming::bad_name;
use crate::base::Sha256;

/// Where the files are that a bundle has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// In an older bundle.
    Since {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Digest of its manifest.
        manifest: Sha256,
    },
    /// In the other volumes.
    Volumes {
        /// Which volume it is, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
}

/// More volumes nobody carries.
const MOST_VOLUMES: usize = 9999;

impl Rest {
    /// Whether it can be what hardtack wrote.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Since { name, version, .. } => [name, version].iter().all(|text| bad_name(text).is_none()),
            Self::Volumes { number, of } => (1..=*of).contains(number) && *of <= MOST_VOLUMES,
        }
    }
}

impl std::fmt::Display for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Since { name, version, .. } => write!(f, "what is new since {name} {version}"),
            Self::Volumes { number, of } => write!(f, "volume {number} of {of}"),
        }
    }
}

/// The other volumes, beside one of them.
pub(super) fn others(path: &Utf8Path, number: usize, of: usize) -> Vec<(usize, Utf8PathBuf)> {
    let name = path.file_name().unwrap_or_default();
    let own = format!(".vol{number}of{of}");
    // One that was given another name does not say how the others are called.
    let of = if name.contains(&own) { of } else { 0 };
    let others = (1..=of).filter(|other| *other != number);
    others.map(|other| (other, path.with_file_name(name.replacen(&own, &format!(".vol{other}of{of}"), 1)))).collect()
}
