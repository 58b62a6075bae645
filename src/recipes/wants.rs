//! What a part asks of Python's package indexes, and what it makes of what it gets.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::Sha256;

/// What a part asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonWants {
    /// What is looked for.
    pub asked: Asked,
    /// The Python that they were found for, such as `3.11`, once they were.
    pub version: Option<String>,
    /// The Python that a part of the same config has, by its path.
    pub(super) program: Option<String>,
    /// The folder for the distributions, as programs know it.
    pub(super) library: String,
    /// The programs to be written; none where the recipe writes none.
    pub(super) scripts: Option<Scripts>,
}

/// What is looked for in package indexes. It is the same wherever the project lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// `[hardtack] python`: a version such as `3.11`, or a program; the machine's `python3` where it is empty.
    pub python: String,
    /// Requirements, as pip reads them.
    pub requirements: Vec<String>,
    /// Which versions may be taken, as pip reads constraints.
    pub constraints: Vec<String>,
    /// Every distribution must have its version among the constraints.
    pub only_constrained: bool,
    /// Folders and pages with files; paths may be seen from the buildout directory.
    pub find_links: Vec<String>,
    /// The index; the one that pip is configured with where it is empty.
    pub index: String,
    /// Nothing that somebody else built is installed.
    pub sdists_only: bool,
    /// The kind of machine that the bundle is for, as `uname -m` names it, if the config says one.
    pub machine: Option<String>,
    /// The oldest C library wheels may be for; that of the machine the bundle is made on where there is none.
    pub glibc: Option<(u32, u32)>,
}

/// The programs that are written to the bin folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Scripts {
    /// The folder.
    pub(super) bin: String,
    /// The distributions whose programs they are.
    pub(super) distributions: Vec<String>,
    /// Those of all others, too.
    pub(super) dependent: bool,
    /// Which of them, and by what names; all where there is none.
    pub(super) chosen: Option<BTreeMap<String, String>>,
    /// Others: name, module, attribute.
    pub(super) entry_points: Vec<(String, String, String)>,
    /// The name of a Python that knows the distributions.
    pub(super) interpreter: String,
    /// Folders that are looked in after them.
    pub(super) extra_paths: Vec<String>,
    /// Code before the call.
    pub(super) initialization: String,
    /// What stands between the parentheses of the call.
    pub(super) arguments: String,
}

impl Asked {
    /// What the lock says was asked for.
    pub fn digest(&self) -> Sha256 {
        // Strings, numbers and lists of them always serialise.
        Sha256::of(serde_json::to_vec(self).expect("what is asked for serialises"))
    }
}
