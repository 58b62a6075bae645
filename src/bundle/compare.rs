//! How two releases differ, as far as their manifests say: parts, sources, project files.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::layout::is_project_entry;
use super::manifest::{EntryRecord, Manifest, PartRecord, SourceRecord};
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

/// What a source's name says: of what it is, and which version. A guess, as people make it: the version begins at the first
/// digit after a `-`, `_` or `v`, or is what follows the `@` of a commit.
fn named(key: &str) -> (String, Option<String>) {
    let key = key.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if let Some((repository, revision)) = key.strip_prefix("git+").and_then(|key| key.rsplit_once('@')) {
        return (repository.to_owned(), Some(revision.trim_start_matches('v').to_owned()));
    }
    let file = key.rsplit('/').next().unwrap_or_default();
    let wheel = file.ends_with(".whl");
    let endings = [".gz", ".xz", ".bz2", ".zst", ".lz", ".lzma", ".Z", ".tgz", ".txz", ".tbz2", ".tbz", ".zip", ".whl"];
    let stem = endings.iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(file);
    let stem = stem.strip_suffix(".tar").unwrap_or(stem);
    let starts = |(at, c): (usize, char)| {
        let before = stem[..at].chars().next_back();
        let one_more = stem[..at].trim_end_matches('v').chars().next_back();
        let after_mark = |c: Option<char>| matches!(c, None | Some('-' | '_' | '/'));
        c.is_ascii_digit() && (after_mark(before) || before == Some('v') && after_mark(one_more))
    };
    let Some((at, _)) = stem.char_indices().find(|found| starts(*found)) else { return (stem.to_owned(), None) };
    let version = &stem[at..];
    // A wheel's name goes on with what it is for.
    let version = if wheel { version.split('-').next().unwrap_or(version) } else { version };
    let name = stem[..at].trim_end_matches('v').trim_end_matches(['-', '_']);
    // One that is nothing but a version is of what its folder says.
    let name = if name.is_empty() { key.rsplit('/').nth(1).unwrap_or_default() } else { name };
    (name.to_owned(), Some(version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_versions() {
        for (key, name, version) in [
            ("https://h.example/zlib-1.3.1.tar.gz", "zlib", Some("1.3.1")),
            ("https://h.example/a/archive/v1.2.tar.gz", "archive", Some("1.2")),
            ("https://h.example/pcre2-10.42.tar.bz2?x=1", "pcre2", Some("10.42")),
            ("https://h.example/cheroot-11.1.2-py3-none-any.whl", "cheroot", Some("11.1.2")),
            ("https://h.example/sqlite-autoconf-3450100.tar.gz", "sqlite-autoconf", Some("3450100")),
            ("https://h.example/libfoo_2.0+dfsg.orig.tar.xz", "libfoo", Some("2.0+dfsg.orig")),
            ("git+https://h.example/p.git@v1.4", "https://h.example/p.git", Some("1.4")),
            ("https://h.example/data.bin", "data.bin", None),
            ("../x86_64/thing.tgz", "thing", None),
        ] {
            assert_eq!(named(key), (name.to_owned(), version.map(str::to_owned)), "{key}");
        }
    }
}
