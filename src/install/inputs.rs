//! Finding out what goes into each part.
//!
//! The time builds are told is not among it: a release that changes nothing but its date builds nothing anew.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::time::UNIX_EPOCH;

use camino::Utf8Path;

use super::copying::Places;
use super::error::Error;
use super::input::Input;
use super::own::Own;
use super::sandbox::Level;
use super::source::SourceFile;
use crate::base::{IoContext, Sha256, fingerprint_file};
use crate::recipes::{Part, Plan, Source, StepKind};

/// Counted up when the same plan comes to other files than before, so that everything is built anew.
const ENGINE: u32 = 3;
/// Programs that make files what they are; another one makes others.
const TOOLCHAIN: [&str; 6] = ["cc", "c++", "gcc", "g++", "ld", "as"];

/// Where inputs are found.
pub(super) struct Inputs<'a> {
    pub(super) plan: &'a Plan,
    pub(super) level: Level,
    /// Variables of every step.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Where the project's files are now, and the path commands know them by.
    pub(super) files: (&'a Utf8Path, &'a Utf8Path),
    /// The records of the destination.
    pub(super) own: &'a Own,
}

impl Inputs<'_> {
    /// The files that a part's own builds made or changed, which therefore do not go into it.
    fn outputs(&self, part: &Part) -> Result<BTreeSet<String>, Error> {
        // In a bundle's destination the project's files are where no build writes.
        if self.files.0 != self.files.1 {
            return Ok(BTreeSet::new());
        }
        let records = [self.own.record(&part.name)?, self.own.next_record(&part.name)?];
        Ok(records.into_iter().flatten().flat_map(|record| record.outputs).collect())
    }

    /// Everything that goes into each part, those it uses included. `file` finds a source's bytes.
    pub(super) fn of_parts(
        &self,
        file: &dyn Fn(&Source) -> Result<SourceFile, Error>,
    ) -> Result<BTreeMap<String, Input>, Error> {
        let toolchain = self.toolchain();
        let mut inputs: BTreeMap<String, Input> = BTreeMap::new();
        for part in &self.plan.parts {
            let mut input = BTreeMap::from([
                ("engine".to_owned(), ENGINE.to_string()),
                ("level".to_owned(), self.level.name().to_owned()),
                ("toolchain".to_owned(), toolchain.clone()),
                ("recipe".to_owned(), part.recipe.clone()),
                ("location".to_owned(), part.location.to_string()),
            ]);
            for (index, source) in part.sources.iter().enumerate() {
                // Where it comes from is nothing that goes into a part.
                let name = format!("source {index} {}", source.file_name());
                input.insert(name, file(source)?.fingerprint.sha256.to_string());
            }
            for used in &part.uses {
                if let Some(other) = inputs.get(used) {
                    input.insert(format!("uses {used}"), other.digest().to_string());
                }
            }
            let own = part.environment.iter().map(|(name, value)| (name, value.to_string()));
            let of_all = self.environment.iter().map(|(name, value)| (name, value.clone()));
            for (name, value) in of_all.chain(own) {
                let name = format!("variable {name}");
                // One that is made longer is made of both.
                let before = input.get(&name).map(|before| format!("{before}\0")).unwrap_or_default();
                input.insert(name, before + &value);
            }
            let outputs = self.outputs(part)?;
            for (name, sha256) in self.named_files(part)?.into_iter().filter(|(name, _)| !outputs.contains(name)) {
                input.insert(format!("file {name}"), sha256.to_string());
            }
            for (index, step) in part.steps.iter().enumerate() {
                // Strings, numbers and lists of them always serialise.
                let text = serde_json::to_string(step).expect("a step serialises");
                input.insert(format!("step {index} {}", step.name), Sha256::of(text).to_string());
            }
            inputs.insert(part.name.clone(), Input::from(input));
        }
        Ok(inputs)
    }

    /// Which compilers the steps find: where they are, how long and of what time.
    fn toolchain(&self) -> String {
        let path = self.environment.get("PATH").map(String::as_str).unwrap_or_default();
        let found = TOOLCHAIN.iter().filter_map(|name| {
            let candidates = path.split(':').map(|folder| Utf8Path::new(folder).join(name));
            let program = candidates.filter_map(|program| program.canonicalize_utf8().ok()).next()?;
            let metadata = std::fs::metadata(&program).ok()?;
            let time = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs();
            Some(format!("{name} {program} {} {time}\n", metadata.len()))
        });
        Sha256::of(found.collect::<String>()).to_string()
    }

    /// Takes out of what went into a part the files that its build made or changed; their names.
    pub(super) fn take_outputs(&self, part: &Part, input: &mut Input) -> Result<BTreeSet<String>, Error> {
        let mut outputs = self.outputs(part)?;
        for (name, sha256) in self.named_files(part)? {
            let key = format!("file {name}");
            if input.get(&key) != Some(&sha256.to_string()) {
                input.remove(&key);
                outputs.insert(name);
            }
        }
        Ok(outputs)
    }

    /// The project's files that a part's commands name by their paths.
    fn named_files(&self, part: &Part) -> Result<BTreeMap<String, Sha256>, Error> {
        let (now, known_as) = self.files;
        let prefix = format!("{known_as}/");
        let places = Places { plan: self.plan, root: known_as, files: now, generation: now };
        let mut files = BTreeMap::new();
        for text in part.texts() {
            for after in text.split(&prefix).skip(1) {
                let end = after.find(|c: char| c.is_whitespace() || "\"'`;&|<>()$:,=".contains(c));
                let name = &after[..end.unwrap_or(after.len())];
                let path = now.join(name);
                if !name.is_empty() && places.is_of_project(&known_as.join(name)) && path.is_file() {
                    let sha256 = fingerprint_file(&path)?.sha256;
                    let runs = path.metadata().at("inspect", &path)?.permissions().mode() & 0o100 != 0;
                    files.insert(name.to_owned(), if runs { Sha256::of(format!("runs {sha256}")) } else { sha256 });
                }
            }
        }
        for step in &part.steps {
            if let StepKind::CopyIn { from } = &step.kind
                && places.is_of_project(from)
            {
                let name = from.strip_prefix(known_as).map(|below| below.to_string()).unwrap_or_default();
                files.insert(format!("{name}/"), places.digest(from)?);
            }
        }
        Ok(files)
    }
}
