//! What goes into a part, as one digest: the same digest, the same files.
//!
//! The time builds are told is not among it: a release that changes nothing but its date builds nothing anew.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::error::Error;
use super::sandbox::Level;
use super::source::SourceFile;
use crate::base::{Sha256, fingerprint_file};
use crate::recipes::{Part, Plan, Source, StepKind};

/// Counted up when the same plan comes to other files than before, so that everything is built anew.
const ENGINE: u32 = 1;

/// Where inputs are found.
pub(super) struct Inputs<'a> {
    pub(super) plan: &'a Plan,
    pub(super) level: Level,
    /// Variables of every step.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Where the project's files are now, and the path commands know them by.
    pub(super) files: (&'a Utf8Path, &'a Utf8Path),
}

impl Inputs<'_> {
    /// The digest of everything that goes into each part, those it uses included. `file` finds a source's bytes.
    pub(super) fn digests(
        &self,
        file: &dyn Fn(&Source) -> Result<SourceFile, Error>,
    ) -> Result<BTreeMap<String, Sha256>, Error> {
        let mut inputs: BTreeMap<String, Sha256> = BTreeMap::new();
        for part in &self.plan.parts {
            let mut text = format!("engine {ENGINE}\nlevel {}\npart {}\n", self.level.name(), part.digest());
            for source in &part.sources {
                text += &format!("source {}\n", file(source)?.fingerprint.sha256);
            }
            for used in &part.uses {
                if let Some(input) = inputs.get(used) {
                    text += &format!("uses {used} {input}\n");
                }
            }
            for (name, value) in self.environment {
                text += &format!("environment {name}={value}\n");
            }
            for (name, sha256) in self.named_files(part)? {
                text += &format!("file {name} {sha256}\n");
            }
            inputs.insert(part.name.clone(), Sha256::of(text));
        }
        Ok(inputs)
    }

    /// The project's files that a part's commands name by their paths.
    fn named_files(&self, part: &Part) -> Result<BTreeMap<String, Sha256>, Error> {
        let (now, known_as) = self.files;
        let prefix = format!("{known_as}/");
        let commands = part.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Shell { command, .. } => Some(command.as_str()),
            _ => None,
        });
        let mut files = BTreeMap::new();
        for text in commands.chain(part.environment.values().map(String::as_str)) {
            for after in text.split(&prefix).skip(1) {
                let end = after.find(|c: char| c.is_whitespace() || "\"'`;&|<>()$:,=".contains(c));
                let name = &after[..end.unwrap_or(after.len())];
                let path = now.join(name);
                if !name.is_empty() && path.is_file() {
                    files.insert(name.to_owned(), fingerprint_file(&path)?.sha256);
                }
            }
        }
        Ok(files)
    }
}
