//! What hardtack and buildout write themselves, and what the config excludes: none of it is the project's.

use std::cell::RefCell;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::error::Error;
use super::layout::{OWN, is_bundle_folder};
use super::look::{Look, look_inside};
use crate::base::{RelPath, TEMPORARY};

/// What stays out of a bundle.
#[derive(Debug, Clone, Default)]
pub struct ProjectFilter {
    /// Folders that buildout and hardtack write: parts, bin, eggs, caches.
    pub folders: Vec<Utf8PathBuf>,
    /// The bundle that is being made, whatever it is called.
    pub output: Option<Utf8PathBuf>,
    /// gitignore patterns.
    pub exclude: Vec<String>,
    /// What hardtack writes for the project, such as the lock: it is packed even if git does not know it.
    pub kept: Vec<Utf8PathBuf>,
    /// Files that parts are made from: they are packed even if they are bundles.
    pub sources: Vec<RelPath>,
}

/// A filter, ready for use.
pub(super) struct Products<'a> {
    root: Utf8PathBuf,
    folders: Vec<RelPath>,
    filter: &'a ProjectFilter,
    exclude: Gitignore,
    /// Folders that were looked at, and whether something is installed there.
    installations: RefCell<BTreeMap<Utf8PathBuf, bool>>,
}

impl<'a> Products<'a> {
    pub(super) fn new(root: &Utf8Path, filter: &'a ProjectFilter) -> Result<Self, Error> {
        let folders = filter.folders.iter().filter_map(|folder| RelPath::below(root, folder)).collect();
        let mut exclude = GitignoreBuilder::new(root);
        for pattern in &filter.exclude {
            exclude.add_line(None, pattern).map_err(|error| bad_pattern(&error))?;
        }
        let exclude = exclude.build().map_err(|error| bad_pattern(&error))?;
        Ok(Self { root: root.to_owned(), folders, filter, exclude, installations: RefCell::default() })
    }

    /// Whether a file stays out for where it is or what it is called.
    pub(super) fn contains(&self, path: &RelPath) -> bool {
        let utf8: &Utf8Path = path.as_ref();
        let in_folder = self.folders.iter().any(|folder| utf8.starts_with(folder.as_str()));
        let is_own = |name: &str| matches!(name, ".hardtack" | ".git") || name.starts_with(TEMPORARY);
        let own = utf8.components().any(|name| is_own(name.as_str()));
        let name = utf8.file_name().unwrap_or_default();
        in_folder
            || own
            || matches!(name, ".installed.cfg" | ".mr.developer.cfg")
            || self.is_output(path)
            || self.is_installation(utf8)
            || self.exclude.matched_path_or_any_parents(utf8.as_std_path(), false).is_ignore()
    }

    /// Whether the file belongs to something that was installed or unpacked below the project.
    fn is_installation(&self, path: &Utf8Path) -> bool {
        path.ancestors().skip(1).filter(|above| *above != "").any(|above| {
            let folder = self.root.join(above);
            let look = || is_bundle_folder(&folder) || holds_release(&folder);
            *self.installations.borrow_mut().entry(above.to_owned()).or_insert_with(look)
        })
    }

    /// Whether a bundle at this path is a source.
    pub(super) fn is_source(&self, path: &RelPath) -> bool {
        self.filter.sources.contains(path)
    }

    /// The bundle that is being made, or what lies beside a bundle.
    fn is_output(&self, path: &RelPath) -> bool {
        let full = self.root.join(path);
        let beside = |end: &&str| full.as_str().strip_suffix(*end).map(Utf8Path::new);
        let endings =
            [".sha256", ".SHA256SUMS.minisig", ".minisig", ".receipt.json", ".provenance.json", ".contract.toml"];
        let stem = endings.iter().find_map(beside);
        let output = self.filter.output.as_deref();
        // A folder is listed only where it is empty, as that of the bundle is before the first one.
        let is_folder_of_output = output.and_then(Utf8Path::parent) == Some(&full) && full.is_dir();
        is_folder_of_output
            || Some(full.as_path()) == output
            || stem.is_some_and(|stem| Some(stem) == output || is_bundle_file(stem))
    }
}

/// Whether a bundle was installed to a folder, or was about to be. A project that was installed where it is has no
/// release, and goes on being a project.
fn holds_release(folder: &Utf8Path) -> bool {
    let own = folder.join(OWN);
    let state = std::fs::read(own.join("state.json")).ok();
    let state = state.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    state.is_some_and(|state| !state["release"].is_null()) || own.join("next/bundle").is_dir()
}

/// Whether a file is a bundle, by its content.
pub fn is_bundle_file(path: &Utf8Path) -> bool {
    let name = path.file_name().and_then(|name| RelPath::new(name).ok());
    path.is_file() && name.is_some_and(|name| matches!(look_inside(path, &name), Ok(Look::Bundle)))
}

fn bad_pattern(error: &ignore::Error) -> Error {
    Error::Setting { option: "exclude".to_owned(), reason: error.to_string(), place: None }
}
