//! What a generation has beside the locations of its parts.

use std::collections::{BTreeMap, BTreeSet};

use super::record::ProjectEntry;
use crate::base::RelPath;

/// The project's files, links and empty folders, where a bundle brings them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// What is at each path of the new tree.
    pub files: BTreeMap<RelPath, ProjectEntry>,
    /// Those that no build made anew: where they are at the destination already, nothing is exchanged.
    pub stays: BTreeSet<RelPath>,
}
