//! Two receipts, side by side.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use serde::Serialize;

use crate::base::RelPath;
use crate::install::{InstalledFile, ProjectEntry, Receipt};

/// What two builds have in common, and what not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// How many different paths both have together.
    pub files: usize,
    /// Files that are not the same.
    pub differing: Vec<FileDifference>,
    /// What they were made from that is not the same.
    pub inputs: Vec<InputDifference>,
}

/// What is to be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All files are the same, whatever they were made from.
    Equal,
    /// They are made from the same, and differ.
    Different,
    /// They differ, and are made from different things.
    NotComparable,
}

impl Verdict {
    /// The words for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::NotComparable => "not comparable",
        }
    }
}

/// A file that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileDifference {
    /// Its path below the destination.
    pub path: RelPath,
    /// How it differs.
    pub how: HowDifferent,
}

/// How a file differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HowDifferent {
    /// Only the first build has it.
    OnlyFirst,
    /// Only the second has it.
    OnlySecond,
    /// It has other bytes.
    Content,
    /// It has another mode: those of the first and of the second.
    Mode(u32, u32),
    /// It is a link that leads elsewhere: to where in the first and in the second.
    Target(String, String),
    /// It is a file in one, and in the other a link or a folder.
    Type,
}

impl std::fmt::Display for HowDifferent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnlyFirst => f.write_str("only the first has it"),
            Self::OnlySecond => f.write_str("only the second has it"),
            Self::Content => f.write_str("other bytes"),
            Self::Mode(first, second) => write!(f, "mode {first:04o}, and {second:04o}"),
            Self::Target(first, second) => write!(f, "a link to {first}, and to {second}"),
            Self::Type => f.write_str("of another type"),
        }
    }
}

/// Something that went into the builds and is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InputDifference {
    /// What it is.
    pub input: String,
    /// What it is of the first; none where the first has none.
    pub first: Option<String>,
    /// The same of the second.
    pub second: Option<String>,
}

impl std::fmt::Display for InputDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        write!(f, "{}: {}, and {}", self.input, words(&self.first), words(&self.second))
    }
}

impl Comparison {
    /// Compares two builds.
    pub fn of(first: &Receipt, second: &Receipt) -> Self {
        let (files, differing) = differing_files(Files::of(first), Files::of(second));
        Self { files, differing, inputs: inputs(first, second) }
    }

    /// How many files differ.
    pub fn differing_files(&self) -> usize {
        distinct(self.differing.iter().map(|file| &file.path))
    }

    /// What is to be said of it.
    pub fn verdict(&self) -> Verdict {
        match (self.differing.is_empty(), self.inputs.is_empty()) {
            (true, _) => Verdict::Equal,
            (false, true) => Verdict::Different,
            (false, false) => Verdict::NotComparable,
        }
    }
}

/// How many different paths there are: one that has other bytes may have another mode, too.
pub(super) fn distinct<'p>(paths: impl Iterator<Item = &'p RelPath>) -> usize {
    paths.collect::<BTreeSet<_>>().len()
}

/// What a build installed.
#[derive(Debug, Clone, Copy)]
pub struct Files<'f> {
    /// Files and links of its parts.
    pub of_parts: &'f BTreeMap<RelPath, InstalledFile>,
    /// What it made beside their locations.
    pub beside: &'f BTreeMap<RelPath, ProjectEntry>,
}

impl<'f> Files<'f> {
    /// Those that a receipt has.
    fn of(receipt: &'f Receipt) -> Self {
        Self { of_parts: &receipt.files, beside: &receipt.beside }
    }

    /// The folders with something in them.
    fn folders(&self) -> BTreeSet<&'f Utf8Path> {
        let paths = self.of_parts.keys().chain(self.beside.keys());
        paths.flat_map(|path| <RelPath as AsRef<Utf8Path>>::as_ref(path).ancestors().skip(1)).collect()
    }
}

/// How many different paths two builds have together, and how those differ that do: one that has other bytes may have
/// another mode, too, and comes twice then.
pub fn differing_files(first: Files<'_>, second: Files<'_>) -> (usize, Vec<FileDifference>) {
    let (inside, beside) = (paths(first.of_parts, second.of_parts), paths(first.beside, second.beside));
    let of_parts = inside.iter().map(|path| (*path, how(first.of_parts.get(*path), second.of_parts.get(*path))));
    let others = beside.iter().map(|path| (*path, how_beside(first.beside.get(*path), second.beside.get(*path))));
    let others = others.map(|(path, how)| (path, Vec::from_iter(how)));
    let folders = [first.folders(), second.folders()];
    let differing = of_parts.chain(others).flat_map(|(path, all)| {
        let in_place = |folders: &BTreeSet<&Utf8Path>| folders.contains::<Utf8Path>(path.as_ref());
        let (first, second) = (in_place(&folders[0]), in_place(&folders[1]));
        all.into_iter().map(move |how| {
            let how = match how {
                HowDifferent::OnlyFirst if second => HowDifferent::Type,
                HowDifferent::OnlySecond if first => HowDifferent::Type,
                how => how,
            };
            FileDifference { path: path.clone(), how }
        })
    });
    (inside.len() + beside.len(), differing.collect())
}

/// The paths of both.
fn paths<'p, T>(first: &'p BTreeMap<RelPath, T>, second: &'p BTreeMap<RelPath, T>) -> BTreeSet<&'p RelPath> {
    first.keys().chain(second.keys()).collect()
}

/// How what was made beside the parts differs, of which no modes are known.
fn how_beside(first: Option<&ProjectEntry>, second: Option<&ProjectEntry>) -> Option<HowDifferent> {
    use ProjectEntry::{File, Symlink};
    match (first, second) {
        (Some(first), Some(second)) if first == second => None,
        (None, None) => None,
        (Some(_), None) => Some(HowDifferent::OnlyFirst),
        (None, Some(_)) => Some(HowDifferent::OnlySecond),
        (Some(File(_)), Some(File(_))) => Some(HowDifferent::Content),
        (Some(Symlink(target)), Some(Symlink(other))) => Some(HowDifferent::Target(target.clone(), other.clone())),
        _ => Some(HowDifferent::Type),
    }
}

fn how(first: Option<&InstalledFile>, second: Option<&InstalledFile>) -> Vec<HowDifferent> {
    use InstalledFile::{File, Symlink};
    match (first, second) {
        (Some(first), Some(second)) if first == second => Vec::new(),
        (None, None) => Vec::new(),
        (Some(_), None) => vec![HowDifferent::OnlyFirst],
        (None, Some(_)) => vec![HowDifferent::OnlySecond],
        (Some(File { sha256, mode, .. }), Some(File { sha256: other, mode: other_mode, .. })) => {
            let content = (sha256 != other).then_some(HowDifferent::Content);
            let modes = (mode != other_mode).then_some(HowDifferent::Mode(*mode, *other_mode));
            content.into_iter().chain(modes).collect()
        }
        (Some(Symlink { target }), Some(Symlink { target: other })) => {
            vec![HowDifferent::Target(target.clone(), other.clone())]
        }
        _ => vec![HowDifferent::Type],
    }
}

/// What went into builds: the bundle, the path, the time, the isolation, the machine with its compilers. The kernel is none of
/// it: builds are not told which it is, but by what they ask it themselves.
fn inputs(first: &Receipt, second: &Receipt) -> Vec<InputDifference> {
    let of = |receipt: &Receipt| -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = receipt.machine.toolchain.clone();
        all.extend(receipt.manifest.map(|manifest| ("the bundle's manifest".to_owned(), manifest.to_string())));
        all.insert("the prefix".to_owned(), receipt.prefix.clone());
        all.insert("the variables of all steps".to_owned(), variables(receipt));
        all.insert("the time builds are told".to_owned(), receipt.epoch.to_string());
        all.insert("the isolation".to_owned(), receipt.isolation.clone());
        all.insert("the machine".to_owned(), receipt.machine.system.clone());
        all
    };
    let (first, second) = (of(first), of(second));
    let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let differing = names.into_iter().filter(|name| first.get(*name) != second.get(*name));
    let difference = |name: &String| InputDifference {
        input: name.clone(),
        first: first.get(name).cloned(),
        second: second.get(name).cloned(),
    };
    differing.map(difference).collect()
}

/// The variables that steps were given, as a person writes them down.
fn variables(receipt: &Receipt) -> String {
    let words = receipt.environment.iter().map(|(name, value)| format!("{name}={value}"));
    words.collect::<Vec<_>>().join(" ")
}
