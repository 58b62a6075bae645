//! What a config comes to: parts in order, each with its sources and steps.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::location::{Location, SharedPlace};
use super::source::{Origin, Source};
use super::variable::Variable;
use super::wants::PythonWants;
use crate::archive::{Limits, Links};
use crate::base::{RelPath, Sha256, SourceKey, redact};

/// Where a project is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder that is packed.
    pub root: Utf8PathBuf,
    /// The buildout directory: the root, or a folder below it.
    pub directory: Utf8PathBuf,
}

/// Everything there is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub project: Project,
    /// The parts, each after those it refers to.
    pub parts: Vec<Part>,
    /// Things worth telling the user.
    pub notes: Vec<String>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The section's name.
    pub name: String,
    /// The recipe.
    pub recipe: String,
    /// Where its files go.
    pub location: Location,
    /// The parts whose options it uses.
    pub uses: BTreeSet<String>,
    /// Variables added to the environment of every step.
    pub environment: BTreeMap<String, Variable>,
    /// The files it needs; steps name them by index.
    pub sources: Vec<Source>,
    /// What is done, in order, in one build folder.
    pub steps: Vec<Step>,
    /// Files it makes beside its location, as far as its options name them. They follow from the steps, and are in no digest.
    pub writes: BTreeSet<RelPath>,
    /// The folder that its programs are written to, where that is not its location. In no digest either.
    pub fills: Option<RelPath>,
    /// The Python distributions it is made of: sources and steps follow from the files they come to.
    pub python: Option<PythonWants>,
    /// What becomes of it when its build tries to reach the network.
    pub network_attempts: NetworkAttempts,
}

/// What becomes of a part whose build tried to reach the network, and went on when it could not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkAttempts {
    /// It is not installed.
    #[default]
    Fail,
    /// It is, with a warning.
    Warn,
}

impl std::str::FromStr for NetworkAttempts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fail" => Ok(Self::Fail),
            "warn" => Ok(Self::Warn),
            _ => Err(format!("`{text}` is neither `fail` nor `warn`")),
        }
    }
}

/// One thing that is done for a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// A word for logs and messages, such as `configure`.
    pub name: &'static str,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum StepKind {
    /// Unpacks a source into the build folder.
    Unpack {
        /// Index into the part's sources.
        source: usize,
        /// Where the archive's links may lead.
        #[serde(skip_serializing_if = "is_default")]
        links: Links,
        /// What the archive may ask for.
        #[serde(skip_serializing_if = "is_default")]
        limits: Limits,
    },
    /// Copies a folder of the project, or what another part made, into the build folder.
    CopyIn {
        /// The folder, as commands know it.
        from: Utf8PathBuf,
    },
    /// Lays all sources of the part under their names into a folder below the build folder.
    Gather {
        /// The folder.
        folder: String,
    },
    /// Removes from the build folder what matches one of these patterns, in which `*` matches slashes too.
    Exclude {
        /// The patterns, of paths below the build folder.
        patterns: Vec<String>,
    },
    /// Goes into the one folder of the build folder, unless one of these files is there. Without `or_fail` it stays
    /// where it is when there is not just one folder.
    EnterOnlyFolder {
        /// The files that show that this is the right place already.
        unless: Vec<String>,
        /// Fail where neither the first of the files nor a single folder is there.
        or_fail: bool,
    },
    /// Runs a command with `/bin/sh`.
    Shell {
        /// The command.
        command: String,
        /// Its standard input; empty where there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<Input>,
    },
}

/// What a command reads from its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Input {
    /// The bytes of one of the part's sources.
    Source(usize),
    /// This text.
    Text(String),
}

/// What is as it is everywhere stays out of a plan's digest, which so is the same as before there was a choice.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A plan as it is hashed: free of the machine's own paths.
#[derive(Serialize)]
struct Canonical<'a> {
    format: u32,
    parts: Vec<CanonicalPart<'a>>,
}

#[derive(Serialize)]
struct CanonicalPart<'a> {
    name: &'a str,
    recipe: &'a str,
    location: &'a Location,
    uses: &'a BTreeSet<String>,
    environment: &'a BTreeMap<String, Variable>,
    sources: Vec<CanonicalSource>,
    steps: &'a [Step],
    #[serde(skip_serializing_if = "is_default")]
    network_attempts: NetworkAttempts,
}

#[derive(Serialize)]
struct CanonicalSource {
    name: String,
    sha256: Option<String>,
    md5: Option<String>,
}

impl Plan {
    /// Leaves out all parts but those of these names and what they use, directly or not.
    pub fn keep_only(&mut self, names: &BTreeSet<String>) {
        let mut kept = names.clone();
        // A part comes after those it uses.
        for part in self.parts.iter().rev() {
            if kept.contains(&part.name) {
                kept.extend(part.uses.iter().cloned());
            }
        }
        self.parts.retain(|part| kept.contains(&part.name));
    }

    /// The digest of the plan. It is the same on two machines if the config was resolved at the same path and means
    /// the same on both.
    pub fn digest(&self) -> Sha256 {
        let parts = self.parts.iter().map(Part::canonical).collect();
        let canonical = Canonical { format: 1, parts };
        // Strings, numbers and maps with string keys always serialise.
        Sha256::of(serde_json::to_vec(&canonical).expect("a plan serialises"))
    }

    /// The part of that name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// All sources that no project file is, each once, with the parts that want it, in the order of parts.
    pub fn sources(&self) -> Vec<(SourceKey, &Source, Vec<&str>)> {
        let mut all: Vec<(SourceKey, &Source, Vec<&str>)> = Vec::new();
        for part in &self.parts {
            for source in &part.sources {
                let Some(key) = source.key() else { continue };
                match all.iter_mut().find(|(other, _, _)| *other == key) {
                    Some((_, _, parts)) if parts.contains(&part.name.as_str()) => {}
                    Some((_, _, parts)) => parts.push(&part.name),
                    None => all.push((key, source, vec![&part.name])),
                }
            }
        }
        all
    }

    /// The parts that are installed below the project root, with their places there.
    pub fn placed(&self) -> impl Iterator<Item = (&Part, &RelPath)> {
        self.parts.iter().filter_map(|part| Some((part, part.location.of_project()?)))
    }

    /// The parts that are shared by the installations of a machine.
    pub fn shared(&self) -> impl Iterator<Item = (&Part, &SharedPlace)> {
        self.parts.iter().filter_map(|part| Some((part, part.location.of_machine()?)))
    }

    /// Whether a path is where a part puts its files, on a machine where the project root is `root`.
    pub fn is_in_part(&self, path: &Utf8Path, root: &Utf8Path) -> bool {
        self.parts.iter().any(|part| path.starts_with(part.location_in(root)))
    }

    /// The top folders below the project root that parts are put into.
    pub fn top_folders(&self) -> BTreeSet<String> {
        self.placed().map(|(_, location)| location.first().to_owned()).collect()
    }
}

impl Part {
    /// The part's location on a machine where the project root is `root`.
    pub fn location_in(&self, root: &Utf8Path) -> Utf8PathBuf {
        self.location.within(root)
    }

    /// All texts that may name files: commands, their inputs, folders, values of variables.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let of_steps = self.steps.iter().flat_map(|step| match &step.kind {
            StepKind::Shell { command, input: Some(Input::Text(text)) } => vec![command.as_str(), text],
            StepKind::Shell { command, .. } => vec![command.as_str()],
            StepKind::CopyIn { from } => vec![from.as_str()],
            StepKind::Unpack { .. }
            | StepKind::Exclude { .. }
            | StepKind::Gather { .. }
            | StepKind::EnterOnlyFolder { .. } => Vec::new(),
        });
        of_steps.chain(self.environment.values().flat_map(Variable::texts))
    }

    fn canonical(&self) -> CanonicalPart<'_> {
        let sources = self.sources.iter().map(|source| CanonicalSource {
            name: match &source.origin {
                Origin::Remote(_) => redact(&source.text),
                Origin::Project(path) => format!("./{path}"),
                Origin::Git { .. } | Origin::Outside { .. } => {
                    source.key().map(|key| key.to_string()).unwrap_or_default()
                }
            },
            sha256: source.expected.sha256.map(|digest| digest.to_string()),
            md5: source.expected.md5.map(|digest| digest.to_string()),
        });
        CanonicalPart {
            name: &self.name,
            recipe: &self.recipe,
            location: &self.location,
            uses: &self.uses,
            environment: &self.environment,
            sources: sources.collect(),
            steps: &self.steps,
            network_attempts: self.network_attempts,
        }
    }
}
