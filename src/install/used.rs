//! Files of the machine that builds used.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

/// Files by the path they were called by, whose folders are no links.
pub type UsedFiles = BTreeMap<Utf8PathBuf, Used>;

/// The step whose commands try out what the machine has.
const PROBES: &str = "configure";

/// Adds what a step used.
pub(super) fn add(known: &mut UsedFiles, step: &str, more: UsedFiles) {
    for (path, used) in more {
        let used = Used { probed: step == PROBES, ..used };
        let known = known.entry(path).or_insert_with(|| used.clone());
        known.runs |= used.runs;
        known.probed &= used.probed;
    }
}

/// How a file was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Used {
    /// It was run, or is what a script was run with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runs: bool,
    /// Only by a step that looks around what there is, such as `configure`: the build may do without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probed: bool,
    /// A library that is a text, which tells a linker which others to take.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub script: bool,
    /// The file that it is a link to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Utf8PathBuf>,
}
