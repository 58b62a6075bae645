//! What a resolve may depend on besides its files.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Machine, platform and Python as section conditions see them.
///
/// They are given, never looked up: the same facts give the same resolve on any machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `platform.machine()`, such as `x86_64`.
    pub machine: String,
    /// `sys.platform`, such as `linux`.
    pub platform: String,
    /// The Python version conditions are told.
    pub python: PythonVersion,
    /// `platform.release()`, the kernel's, such as `6.1.0-18-amd64`.
    #[serde(rename = "kernel-release", default, skip_serializing_if = "Option::is_none")]
    pub kernel_release: Option<String>,
    /// The fields of `/etc/os-release`.
    #[serde(rename = "os-release", default)]
    pub os_release: BTreeMap<String, String>,
    /// Answers to what conditions asked about the machine's files. What is not here is asked of the loader.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: BTreeMap<String, PathKind>,
}

/// What is at a path of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathKind {
    /// Nothing.
    Missing,
    /// A file, or something else that is no folder.
    File,
    /// A folder.
    Folder,
}

/// A Python version of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PythonVersion {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Micro number.
    pub micro: u32,
}

impl PythonVersion {
    /// The version conditions are told where the config does not say: no `python3` of any machine is asked.
    pub const DEFAULT: Self = Self { major: 3, minor: 11, micro: 0 };

    /// `major.minor`.
    pub fn short(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl std::fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

impl From<PythonVersion> for String {
    fn from(version: PythonVersion) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for PythonVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for PythonVersion {
    type Err = String;

    /// Reads `3.11` or `3.11.7`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([major, minor]) => Ok(Self { major: *major, minor: *minor, micro: 0 }),
            Ok([major, minor, micro]) => Ok(Self { major: *major, minor: *minor, micro: *micro }),
            _ => Err(format!("`{text}` is not a Python version such as 3.11")),
        }
    }
}

/// One of the facts, by the name it is reported under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The machine's architecture.
    Machine,
    /// The operating system.
    Platform,
    /// The Python version.
    Python,
    /// The kernel's release.
    KernelRelease,
    /// A field of the operating system's description.
    OsRelease(String),
    /// What is at a path.
    Path(String),
}

impl Facts {
    /// These facts without what none of `read` is about.
    pub(super) fn only<'f>(&self, read: impl Iterator<Item = &'f Fact>) -> Self {
        let (os_release, paths, kernel_release) = (BTreeMap::new(), BTreeMap::new(), None);
        let mut only = Self { os_release, paths, kernel_release, ..self.clone() };
        for fact in read {
            match fact {
                Fact::OsRelease(field) => {
                    only.os_release.extend(self.os_release.get_key_value(field).map(|(k, v)| (k.clone(), v.clone())));
                }
                Fact::Path(path) => {
                    only.paths.extend(self.paths.get_key_value(path).map(|(k, v)| (k.clone(), *v)));
                }
                Fact::KernelRelease => only.kernel_release.clone_from(&self.kernel_release),
                Fact::Machine | Fact::Platform | Fact::Python => {}
            }
        }
        only
    }

    /// What this machine would say for `fact`, as text that can be compared.
    pub fn value(&self, fact: &Fact) -> String {
        match fact {
            Fact::Machine => self.machine.clone(),
            Fact::Platform => self.platform.clone(),
            Fact::Python => self.python.to_string(),
            Fact::KernelRelease => self.kernel_release.clone().unwrap_or_default(),
            Fact::OsRelease(field) => self.os_release.get(field).cloned().unwrap_or_default(),
            Fact::Path(path) => match self.paths.get(path) {
                Some(PathKind::Folder) => "folder".to_owned(),
                Some(PathKind::File) => "file".to_owned(),
                Some(PathKind::Missing) | None => "missing".to_owned(),
            },
        }
    }
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine => f.write_str("machine"),
            Self::Platform => f.write_str("platform"),
            Self::Python => f.write_str("python-version"),
            Self::KernelRelease => f.write_str("kernel-release"),
            Self::OsRelease(field) => write!(f, "os-release:{field}"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

/// A section condition that was evaluated, and what it looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConditionRecord {
    /// `[section : expression]` as written.
    pub condition: String,
    /// File and line.
    pub place: String,
    /// The facts it read.
    pub facts: BTreeSet<Fact>,
    /// Whether the section counts.
    pub holds: bool,
}

/// The fields of an `os-release` file, quotes removed; lines of another form are left out.
pub fn parse_os_release(text: &str) -> BTreeMap<String, String> {
    let fields = text.lines().filter_map(|line| line.split_once('='));
    fields
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_fields_lose_their_quotes() {
        let fields = parse_os_release("NAME=\"Debian GNU/Linux\"\nID=debian\n# x=y\n\nbroken\n");
        assert_eq!(fields.get("NAME").map(String::as_str), Some("Debian GNU/Linux"));
        assert_eq!(fields.len(), 2);
    }
}
