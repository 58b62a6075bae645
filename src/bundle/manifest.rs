//! The manifest: everything a bundle holds and was made from.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::base::{Epoch, IoContext, Md5, RelPath, Sha256, SourceKey, link_stays_below};
use crate::config::{ConditionRecord, Facts, Override};

/// The format written and read here.
pub(super) const FORMAT: u32 = 1;

/// `.hardtack/manifest.json`. What it does not list is not part of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The hardtack that made the bundle.
    pub hardtack: String,
    /// The config, below the project root.
    pub config: RelPath,
    /// The path at which the plan was hashed, and at which rehearsals build.
    pub prefix: String,
    /// Modification time of every file.
    pub epoch: Epoch,
    /// Where that time comes from.
    pub epoch_source: EpochSource,
    /// The commit the files are from, if the project is in git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Files differed from that commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dirty: bool,
    /// What the config was resolved with.
    pub facts: Facts,
    /// Assignments from the command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// The section conditions that were evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionRecord>,
    /// Digest of the plan, resolved at the prefix.
    pub plan: Sha256,
    /// The parts, in order of installation.
    pub parts: Vec<PartRecord>,
    /// The sources, sorted by key.
    pub sources: Vec<SourceRecord>,
    /// The configs that were read by URL, sorted by key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configs: Vec<ConfigRecord>,
    /// The installers, sorted by target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub installers: Vec<InstallerRecord>,
    /// Every file, link and empty folder by path, but for the manifest itself, the index and `SHA256SUMS`.
    pub entries: BTreeMap<RelPath, EntryRecord>,
}

/// Where the time of a bundle's files comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochSource {
    /// The variable `SOURCE_DATE_EPOCH`.
    Environment,
    /// `[hardtack] date`.
    Date,
    /// The commit.
    Commit,
    /// Nothing said one, so it is 1980-01-01, the earliest time all archive formats know.
    Fixed,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Its name.
    pub name: String,
    /// Its recipe.
    pub recipe: String,
    /// The sources it is made from, but for project files.
    pub sources: Vec<SourceKey>,
    /// The Python that its distributions are for, such as `3.11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Its name.
    pub key: SourceKey,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// MD5 of its bytes, where the config declares it.
    pub md5: Option<Md5>,
    /// Number of bytes.
    pub size: u64,
    /// Where it lies in the bundle.
    pub path: RelPath,
    /// The parts that want it.
    pub parts: Vec<String>,
    /// The licences whose texts are in it, by the names they are known by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
}

/// One config that was read by URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigRecord {
    /// Its name.
    pub key: SourceKey,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// Number of bytes.
    pub size: u64,
    /// Where it lies in the bundle.
    pub path: RelPath,
}

/// One installer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallerRecord {
    /// The machine it runs on, as `uname -m` names it, and the system.
    pub target: String,
    /// Where it lies in the bundle.
    pub path: RelPath,
    /// The C library it needs on the machine, such as `glibc 2.34`; none if it is static.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}

/// One file, link or empty folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRecord {
    /// Permission bits: 0644 or 0755.
    pub mode: u32,
    /// What it is.
    #[serde(flatten)]
    pub kind: RecordKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RecordKind {
    /// A file.
    File {
        /// Number of bytes.
        size: u64,
        /// Their digest.
        sha256: Sha256,
    },
    /// A symbolic link.
    Symlink {
        /// Its target, relative and inside the bundle.
        target: String,
    },
    /// An empty folder.
    Folder,
}

impl EntryRecord {
    /// Bytes of its content.
    pub fn size(&self) -> u64 {
        match self.kind {
            RecordKind::File { size, .. } => size,
            RecordKind::Symlink { .. } | RecordKind::Folder => 0,
        }
    }

    /// The digest of a file.
    pub(super) fn sha256(&self) -> Option<Sha256> {
        match &self.kind {
            RecordKind::File { sha256, .. } => Some(*sha256),
            RecordKind::Symlink { .. } | RecordKind::Folder => None,
        }
    }

    /// Path and target, if the entry is a link.
    fn link<'e>((path, entry): (&'e RelPath, &'e Self)) -> Option<(&'e [u8], &'e str)> {
        match &entry.kind {
            RecordKind::Symlink { target } => Some((path.as_str().as_bytes(), target)),
            RecordKind::File { .. } | RecordKind::Folder => None,
        }
    }
}

impl Manifest {
    /// The bundle's top folder, `NAME-VERSION`.
    pub fn root(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// The part of that name.
    pub fn part(&self, name: &str) -> Option<&PartRecord> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// The source of that key.
    pub fn source(&self, key: &SourceKey) -> Option<&SourceRecord> {
        self.sources.iter().find(|source| source.key == *key)
    }

    /// The text of the file.
    pub fn to_text(&self) -> Vec<u8> {
        // Strings, numbers and maps with string keys always serialise.
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest serialises");
        text.push(b'\n');
        text
    }

    /// Reads the file of a manifest that was taken out of its bundle.
    ///
    /// # Errors
    /// [`Error::Manifest`], [`Error::Newer`], [`Error::Io`].
    pub fn read(path: &Utf8Path) -> Result<Self, Error> {
        let text = std::fs::read(path).at("read", path)?;
        Self::parse(&text).map_err(|problem| match problem {
            ManifestProblem::Malformed(reason) => Error::Manifest { path: path.to_owned(), reason },
            ManifestProblem::Newer(found) => Error::Newer { path: path.to_owned(), found, known: FORMAT },
        })
    }

    /// Reads the text of a manifest and checks that it does not contradict itself; the error is a reason in words.
    ///
    /// # Errors
    /// [`ManifestProblem`].
    pub(super) fn parse(text: &[u8]) -> Result<Self, ManifestProblem> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let malformed = |error: serde_json::Error| ManifestProblem::Malformed(error.to_string());
        let found = serde_json::from_slice::<Version>(text).map_err(malformed)?.format;
        if found != FORMAT {
            return Err(ManifestProblem::Newer(found));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(malformed)?;
        manifest.check().map_err(ManifestProblem::Malformed)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        for (option, text) in [("name", &self.name), ("version", &self.version)] {
            if let Some(reason) = super::naming::bad_name(text) {
                return Err(format!("{option}: {reason}"));
            }
        }
        if let Some(reason) = super::naming::bad_prefix(&self.prefix) {
            return Err(format!("prefix: {reason}"));
        }
        let sources = self.sources.iter().map(|source| (&source.key, source.size, source.sha256, &source.path));
        let configs = self.configs.iter().map(|config| (&config.key, config.size, config.sha256, &config.path));
        for (key, size, sha256, path) in sources.chain(configs) {
            let listed = self.entries.get(path).map(|entry| &entry.kind);
            if listed != Some(&RecordKind::File { size, sha256 }) {
                return Err(format!("source `{key}` is not the file listed at `{path}`"));
            }
        }
        let links: BTreeMap<&[u8], &str> = self.entries.iter().filter_map(EntryRecord::link).collect();
        let target_at = |path: &[u8]| links.get(path).map(|target| target.as_bytes().to_vec());
        for (path, entry) in &self.entries {
            if let RecordKind::Symlink { target } = &entry.kind
                && !link_stays_below(path.as_str().as_bytes(), &target_at)
            {
                return Err(format!("link `{path}` leads out of the bundle, to `{target}`"));
            }
            if !matches!(entry.mode, 0o644 | 0o755) {
                return Err(format!("`{path}` has mode {:o}", entry.mode));
            }
        }
        Ok(())
    }
}

/// Why a manifest cannot be used.
#[derive(Debug)]
pub(super) enum ManifestProblem {
    /// It makes no sense.
    Malformed(String),
    /// It has another format.
    Newer(u32),
}
