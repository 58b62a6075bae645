//! What building twice came to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::compare::{FileDifference, HowDifferent, Verdict, distinct};
use super::contents::{Spot, What};
use super::halving::Cause;
use crate::base::RelPath;
use crate::install::sandbox::{Aid, Condition};
use crate::install::varying::{NotVaried, Varied};

/// A first build, another under other conditions, and what differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reproduction {
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The machine's system and kind.
    pub system: String,
    /// What is to be said of it: equal or different.
    pub verdict: Verdict,
    /// How many files and links there are.
    pub files: usize,
    /// There was a second build; else no part was compared.
    pub compared: bool,
    /// The parts, with what differs in each, in the order in which they are built.
    pub parts: Vec<PartOutcome>,
    /// Conditions that were not the same.
    pub varied: Vec<Varied>,
    /// Conditions that were, though they were not to be.
    pub not_varied: Vec<NotVaried>,
    /// What builds were made without.
    pub without: Vec<Aid>,
    /// What is not the same and counts for nothing.
    pub apart: Apart,
    /// How many builds there were until the causes were known.
    pub builds: usize,
    /// Why causes are not known, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_causes: Option<String>,
    /// When what was done in the first build.
    pub first: Vec<Span>,
    /// The same of the second.
    pub second: Vec<Span>,
}

/// What became of a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartOutcome {
    /// Its name.
    pub name: String,
    /// How many files and links it has.
    pub files: usize,
    /// Seconds that its two builds took.
    pub seconds: [f64; 2],
    /// What differs.
    pub differing: Vec<Differing>,
    /// Under these conditions it does not build at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Differing {
    /// Its path below the destination.
    pub path: RelPath,
    /// How.
    pub how: HowDifferent,
    /// Why; empty where nobody looked.
    pub causes: Vec<Cause>,
    /// Where its bytes differ.
    pub spots: Vec<Spot>,
    /// What another program says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_opinion: Option<String>,
}

/// A part that is built in the first build and not in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// What the other build failed with.
    pub message: String,
    /// Under which conditions it does.
    pub causes: Vec<Cause>,
}

/// What differs between any two builds, and is no part of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Apart {
    /// Files whose times are not the same.
    pub times: usize,
    /// Files whose owners are not the same.
    pub owners: usize,
}

/// A step of a build.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Span {
    /// The part.
    pub part: String,
    /// The step.
    pub step: String,
    /// When it began, in seconds after the build did.
    pub from: f64,
    /// When it was done.
    pub to: f64,
}

impl Reproduction {
    /// How many files differ.
    pub fn differing_files(&self) -> usize {
        self.parts.iter().map(PartOutcome::differing_files).sum()
    }

    /// All files that differ.
    pub fn differing(&self) -> impl Iterator<Item = &Differing> {
        self.parts.iter().flat_map(|part| &part.differing)
    }

    /// Parts that do not build under all conditions.
    pub fn failures(&self) -> impl Iterator<Item = (&PartOutcome, &Failure)> {
        self.parts.iter().filter_map(|part| Some((part, part.failure.as_ref()?)))
    }
}

impl PartOutcome {
    /// How many of its files differ.
    pub fn differing_files(&self) -> usize {
        distinct(self.differing.iter().map(|file| &file.path))
    }
}

impl Differing {
    /// A file that differs, before anybody asked why.
    pub fn new(difference: FileDifference) -> Self {
        let FileDifference { path, how } = difference;
        Self { path, how, causes: Vec::new(), spots: Vec::new(), other_opinion: None }
    }

    /// What can be done about it, each once, in the order of its spots.
    pub fn fixes(&self) -> Vec<&'static str> {
        let of_umask = self.causes.is_empty() || self.causes.contains(&Cause::Condition(Condition::Umask));
        let of_mode = match self.how {
            HowDifferent::Mode(..) if of_umask => Some("set modes with install -m; installations use umask 022"),
            _ => None,
        };
        let is_order = |spot: &Spot| matches!(spot.what, What::LineOrder | What::MemberOrder);
        let of_order = self.spots.iter().any(is_order).then(|| self.fix_for_order());
        let mut fixes: Vec<&'static str> = Vec::new();
        for fix in self.spots.iter().filter_map(|spot| spot.what.fix()).chain(of_mode).chain(of_order) {
            if !fixes.contains(&fix) {
                fixes.push(fix);
            }
        }
        fixes
    }

    /// What can be done about an order depends on who makes it.
    fn fix_for_order(&self) -> &'static str {
        let is_cause = |condition| self.causes.contains(&Cause::Condition(condition));
        if is_cause(Condition::Jobs) || is_cause(Condition::Cpus) || self.causes.contains(&Cause::Unsteady) {
            return "whoever is done first comes first: let one target wait for the other";
        }
        match is_cause(Condition::Locale) {
            true => "sort it with LC_ALL=C; installations set C.UTF-8",
            false => "sort what folders list: tar --sort=name, find | LC_ALL=C sort, $(sort $(wildcard …)) in make",
        }
    }

    /// Nothing is known but that it differs.
    pub fn is_unexplained(&self) -> bool {
        let says_nothing = |spot: &Spot| matches!(spot.what, What::Bytes | What::Compression);
        self.how == HowDifferent::Content && self.spots.iter().all(says_nothing)
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsteady => f.write_str("each time"),
            Self::Condition(condition) => write!(f, "{condition}"),
            Self::Together(conditions) => {
                let names: Vec<_> = conditions.iter().map(|condition| condition.name()).collect();
                write!(f, "{} together", names.join("+"))
            }
        }
    }
}

/// How many files have which cause, the most frequent first.
pub fn counted<'d>(differing: impl Iterator<Item = &'d Differing>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for cause in differing.flat_map(|differing| &differing.causes) {
        *counts.entry(cause.to_string()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}
