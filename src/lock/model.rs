//! What a lock file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::base::{Distributions, Expected, IoContext, Md5, ObjectId, Sha256, SourceKey, write_atomic};

const FORMAT: u32 = 1;
const HEADER: &str = "\
# Written by hardtack. Commit it: with it, the same sources are used everywhere.
# To take sources that have changed since: hardtack lock --update
";

/// A lock: every source with its digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    sources: BTreeMap<SourceKey, Locked>,
    /// Which files parts of Python distributions take, by part.
    distributions: BTreeMap<String, Distributions>,
}

/// One locked source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The source's URL without credentials, or the name of a file outside the project.
    pub url: SourceKey,
    /// `remote`, `git`, `file` or `config`.
    pub kind: String,
    /// The commit, of a source that is one: this one is fetched, wherever its tag or branch is by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// The commit's tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<ObjectId>,
    /// SHA-256 of the bytes.
    pub sha256: Sha256,
    /// SHA-256 of the uncompressed content, of an archive that is compressed: forges compress theirs anew at times, and the
    /// files stay the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Sha256>,
    /// Number of bytes.
    pub size: u64,
    /// The MD5 the config declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<Md5>,
    /// The parts that want it, sorted; none for a config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    #[serde(default, rename = "source")]
    sources: Vec<Locked>,
    #[serde(default, rename = "python", skip_serializing_if = "Vec::is_empty")]
    distributions: Vec<Distributions>,
}

/// The name of the lock file of a config: `hardtack.lock` for `buildout.cfg`, `<stem>.hardtack.lock` for another.
pub fn file_name(config: &Utf8Path) -> Utf8PathBuf {
    match config.file_stem() {
        Some("buildout") | None => config.with_file_name("hardtack.lock"),
        Some(stem) => config.with_file_name(format!("{stem}.hardtack.lock")),
    }
}

impl Lock {
    /// The lock at `path`; `None` if there is no such file.
    ///
    /// # Errors
    /// When the file is no lock, or one of a newer format.
    pub fn read(path: &Utf8Path) -> Result<Option<Self>, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("read", path).map_err(Error::Io),
        }
    }

    /// Reads the text of a lock; `path` is for messages.
    ///
    /// # Errors
    /// As [`Lock::read`].
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let malformed = |error: toml::de::Error| Error::Malformed {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        };
        // A newer format is told as such before its new fields are.
        let found = toml::from_str::<Version>(text).map_err(malformed)?.format;
        if found != FORMAT {
            return Err(Error::Newer { path: path.to_owned(), found, known: FORMAT });
        }
        let file: File = toml::from_str(text).map_err(malformed)?;
        let distributions = file.distributions.into_iter().map(|taken| (taken.part.clone(), taken)).collect();
        let sources = file.sources.into_iter().map(|source| (source.url.clone(), source)).collect();
        Ok(Self { sources, distributions })
    }

    /// The text of the lock file.
    pub fn to_text(&self) -> String {
        let distributions = self.distributions.values().cloned().collect();
        let file = File { format: FORMAT, sources: self.sources.values().cloned().collect(), distributions };
        // Strings, numbers and lists of them always serialise.
        let body = toml::to_string(&file).expect("a lock serialises");
        format!("{HEADER}{body}")
    }

    /// Writes the lock file, unless it has this text already. Returns whether it was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Utf8Path) -> Result<bool, Error> {
        let text = self.to_text();
        if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
            return Ok(false);
        }
        write_atomic(path, text.as_bytes(), 0o644)?;
        Ok(true)
    }

    /// The locked sources, sorted by key.
    pub fn sources(&self) -> impl Iterator<Item = &Locked> {
        self.sources.values()
    }

    /// What is locked for a source.
    pub fn get(&self, key: &SourceKey) -> Option<&Locked> {
        self.sources.get(key)
    }

    /// Adds or replaces a source.
    pub fn insert(&mut self, source: Locked) {
        self.sources.insert(source.url.clone(), source);
    }

    /// Which files parts of Python distributions take.
    pub fn distributions(&self) -> Vec<Distributions> {
        self.distributions.values().cloned().collect()
    }

    /// Adds or replaces what a part takes.
    pub fn insert_distributions(&mut self, taken: Distributions) {
        self.distributions.insert(taken.part.clone(), taken);
    }

    /// Whether a source is locked.
    pub fn knows(&self, key: &SourceKey) -> bool {
        self.sources.contains_key(key)
    }

    /// What the bytes of a source must be: what the config declares, and what is locked.
    ///
    /// # Errors
    /// [`Error::Contradiction`] where the two differ.
    pub fn expected(&self, key: &SourceKey, declared: Expected) -> Result<Expected, Error> {
        let Some(locked) = self.get(key) else { return Ok(declared) };
        let contradiction = |algorithm, declared: String, locked: String| {
            Err(Error::Contradiction { key: key.clone(), algorithm, declared, locked })
        };
        if let Some(sha256) = declared.sha256
            && sha256 != locked.sha256
        {
            return contradiction("SHA-256", sha256.to_string(), locked.sha256.to_string());
        }
        if let (Some(declared), Some(locked)) = (declared.md5, locked.md5)
            && declared != locked
        {
            return contradiction("MD5", declared.to_string(), locked.to_string());
        }
        Ok(Expected { sha256: Some(locked.sha256), md5: declared.md5 })
    }

    /// How this lock differs from `newer`, a line each.
    pub fn changes(&self, newer: &Self) -> Vec<String> {
        let mut changes = self.name_changes(&newer.sources.keys().cloned().collect());
        for (key, source) in &newer.sources {
            match self.sources.get(key) {
                Some(old) if old.sha256 != source.sha256 => {
                    changes.push(format!("`{key}` has other bytes (SHA-256 {}, locked {})", source.sha256, old.sha256));
                }
                Some(old) if old != source => changes.push(format!("what is said of `{key}` has changed")),
                _ => {}
            }
        }
        for part in self.distributions.keys().chain(newer.distributions.keys()).collect::<BTreeSet<_>>() {
            if self.distributions.get(part) != newer.distributions.get(part) {
                changes.push(format!("part `{part}` takes other Python distributions"));
            }
        }
        changes
    }

    /// How the locked sources differ from those that are wanted, a line each; by name alone.
    pub fn name_changes(&self, wanted: &BTreeSet<SourceKey>) -> Vec<String> {
        let new = wanted.iter().filter(|key| !self.sources.contains_key(*key));
        let gone = self.sources.keys().filter(|key| !wanted.contains(*key));
        let new = new.map(|key| format!("`{key}` is not locked"));
        new.chain(gone.map(|key| format!("`{key}` is locked and nothing wants it"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(url: &str, bytes: &str) -> Locked {
        let (md5, parts) = (Some(Md5::of(bytes)), vec!["a".to_owned()]);
        let (url, kind) = (SourceKey::url(url), "remote".to_owned());
        let (commit, tree, content, size) = (None, None, None, bytes.len() as u64);
        Locked { url, kind, commit, tree, sha256: Sha256::of(bytes), content, size, md5, parts }
    }

    #[test]
    fn locks_read_back_what_they_print_sorted() {
        let mut lock = Lock::default();
        lock.insert(locked("http://host.example/b", "b"));
        lock.insert(locked("http://host.example/a", "a"));
        let text = lock.to_text();
        assert!(text.find("example/a") < text.find("example/b"));
        assert_eq!(Lock::parse(&text, "x".into()).expect("parses"), lock);
    }

    #[test]
    fn other_configs_have_other_locks() {
        assert_eq!(file_name("buildout.cfg".into()), "hardtack.lock");
        assert_eq!(file_name("sub/production.cfg".into()), "sub/production.hardtack.lock");
    }

    #[test]
    fn a_newer_format_and_nonsense_are_told_apart() {
        let newer = Lock::parse("format = 2\nnew = 1\n", "l".into()).expect_err("newer");
        assert_eq!(newer.to_string(), "lock file `l` has format 2, this hardtack knows format 1");
        assert!(matches!(Lock::parse("nonsense", "l".into()), Err(Error::Malformed { .. })));
    }

    #[test]
    fn contradictions_and_changes_are_named() {
        let (mut old, mut new) = (Lock::default(), Lock::default());
        old.insert(locked("http://h.example/a", "a"));
        old.insert(locked("http://h.example/gone", "g"));
        new.insert(locked("http://h.example/a", "A"));
        new.insert(locked("http://h.example/new", "n"));
        let changes = old.changes(&new);
        assert_eq!(changes.len(), 3, "{changes:?}");
        let key = SourceKey::url("http://h.example/a");
        let declared = Expected { sha256: Some(Sha256::of("A")), md5: None };
        assert!(matches!(old.expected(&key, declared), Err(Error::Contradiction { .. })));
        let expected = old.expected(&key, Expected::default()).expect("fits");
        assert_eq!(expected.sha256, Some(Sha256::of("a")));
    }
}
