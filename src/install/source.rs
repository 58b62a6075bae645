//! The files of sources.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::{Error, MissingSource};
use crate::base::{Fingerprint, PathError, RelPath, SourceKey, fingerprint_file};
use crate::recipes::{Origin, Plan, Source};

/// A source's bytes on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, for logs.
    pub name: String,
    /// The file.
    pub place: SourcePlace,
    /// Its digests.
    pub fingerprint: Fingerprint,
}

/// Where a source's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourcePlace {
    /// At a path that stays.
    Fixed(Utf8PathBuf),
    /// Among the project's files, which move into place with their generation.
    Project(RelPath),
}

impl SourceFile {
    /// The file, when the project's files are below `root`.
    pub fn path(&self, root: &Utf8Path) -> Utf8PathBuf {
        match &self.place {
            SourcePlace::Fixed(path) => path.clone(),
            SourcePlace::Project(path) => root.join(path),
        }
    }
}

/// The file of a source; those of the project are looked up where its files are now.
pub(super) fn file_of(
    source: &Source,
    sources: &BTreeMap<SourceKey, SourceFile>,
    files: &Utf8Path,
) -> Result<SourceFile, Error> {
    if let Origin::Project(path) = &source.origin {
        let fingerprint = fingerprint_file(&files.join(path))?;
        return Ok(SourceFile { name: source.shown(), place: SourcePlace::Project(path.clone()), fingerprint });
    }
    let found = source.key().and_then(|key| sources.get(&key));
    let missing = || {
        let path = Utf8PathBuf::from(source.shown());
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        PathError { action: "find source", path, source }
    };
    Ok(found.cloned().ok_or_else(missing)?)
}

/// The sources of `plan` that are project files below `root` and are not there, and those that are something else.
///
/// # Errors
/// When a file cannot be read.
pub fn check_project_sources(plan: &Plan, root: &Utf8Path) -> Result<(Vec<MissingSource>, Vec<MissingSource>), Error> {
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for part in &plan.parts {
        for source in &part.sources {
            let Origin::Project(path) = &source.origin else { continue };
            let full = root.join(path);
            let bad = |mismatch| MissingSource { source: source.shown(), part: part.name.clone(), mismatch };
            if !full.is_file() {
                missing.push(bad(None));
            } else if let Err(mismatch) = source.expected.check(&fingerprint_file(&full)?) {
                wrong.push(bad(Some(mismatch)));
            }
        }
    }
    Ok((missing, wrong))
}
