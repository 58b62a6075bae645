//! How two releases differ, as far as their manifests say: parts, sources, project files.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::layout::is_project_entry;
use super::manifest::{EntryRecord, Manifest, PartRecord, SourceRecord};
use super::named::named;
use crate::base::RelPath;

/// What is not the same in two bundles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// Parts of which something differs, in the order of the second bundle, and those that it has not at the end.
    pub parts: Vec<PartChange>,
    /// Project files that only the second has.
    pub added_files: Vec<RelPath>,
    /// Project files that only the first has.
    pub removed_files: Vec<RelPath>,
    /// Project files of other content, mode or target.
    pub changed_files: Vec<RelPath>,
    /// Both come to the same plan at their prefix: they install the same.
    pub same_plan: bool,
}

/// How a part differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartChange {
    /// Its name.
    pub name: String,
    /// Which of the two has it.
    pub presence: Presence,
    /// The recipe in the first and in the second, where both have the part and they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<(String, String)>,
    /// Its sources that differ.
    pub sources: Vec<SourceChange>,
}

/// Which of two bundles has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Only the second.
    Added,
    /// Only the first.
    Removed,
    /// Both.
    Both,
}

/// How a part's source differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum SourceChange {
    /// The second has one that the first had in no version.
    Added(SourceRecord),
    /// The first has one that the second has in no version.
    Removed(SourceRecord),
    /// Both have it, by its name, which says another version in each.
    Version {
        /// What their names have in common.
        name: String,
        /// The version in the first.
        from: String,
        /// The version in the second.
        to: String,
        /// What the second has.
        source: SourceRecord,
    },
    /// The same name, and other bytes.
    Bytes(SourceRecord),
}

impl Comparison {
    /// Compares two bundles.
    pub fn of(first: &Manifest, second: &Manifest) -> Self {
        let mut comparison = Self { same_plan: first.plan == second.plan, ..Self::default() };
        for new in &second.parts {
            let old = first.part(&new.name);
            let presence = if old.is_some() { Presence::Both } else { Presence::Added };
            let recipe = old.filter(|old| old.recipe != new.recipe);
            let recipe = recipe.map(|old| (old.recipe.clone(), new.recipe.clone()));
            let sources = changes(sources(first, old), sources(second, Some(new)));
            if presence == Presence::Added || recipe.is_some() || !sources.is_empty() {
                comparison.parts.push(PartChange { name: new.name.clone(), presence, recipe, sources });
            }
        }
        for old in first.parts.iter().filter(|old| second.part(&old.name).is_none()) {
            let sources = changes(sources(first, Some(old)), Vec::new());
            let (name, presence) = (old.name.clone(), Presence::Removed);
            comparison.parts.push(PartChange { name, presence, recipe: None, sources });
        }
        let (old, new) = (project_files(first), project_files(second));
        for path in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            match (old.get(path), new.get(path)) {
                (None, _) => comparison.added_files.push((*path).clone()),
                (_, None) => comparison.removed_files.push((*path).clone()),
                (old, new) if old != new => comparison.changed_files.push((*path).clone()),
                _ => {}
            }
        }
        comparison
    }

    /// Whether nothing differs but when and by which hardtack they were made.
    pub fn is_empty(&self) -> bool {
        let files = [&self.added_files, &self.removed_files, &self.changed_files];
        self.same_plan && self.parts.is_empty() && files.iter().all(|files| files.is_empty())
    }
}

fn sources(manifest: &Manifest, part: Option<&PartRecord>) -> Vec<SourceRecord> {
    let keys = part.into_iter().flat_map(|part| &part.sources);
    keys.filter_map(|key| manifest.source(key).cloned()).collect()
}

fn project_files(manifest: &Manifest) -> BTreeMap<&RelPath, &EntryRecord> {
    manifest.entries.iter().filter(|(path, _)| is_project_entry(path, false)).collect()
}

/// How the sources of a part differ. Where they come from is no difference.
fn changes(mut old: Vec<SourceRecord>, new: Vec<SourceRecord>) -> Vec<SourceChange> {
    let mut changes = Vec::new();
    let mut left = Vec::new();
    for source in new {
        match old.iter().position(|old| old.sha256 == source.sha256) {
            Some(same) => drop(old.remove(same)),
            None => left.push(source),
        }
    }
    for source in left {
        let own = named(source.key.as_str());
        let Some(same) = old.iter().position(|old| named(old.key.as_str()).0 == own.0) else {
            changes.push(SourceChange::Added(source));
            continue;
        };
        let before = named(old.remove(same).key.as_str());
        changes.push(match (before.1, own.1) {
            (Some(from), Some(to)) if from != to => SourceChange::Version { name: own.0, from, to, source },
            _ => SourceChange::Bytes(source),
        });
    }
    changes.extend(old.into_iter().map(SourceChange::Removed));
    changes
}
