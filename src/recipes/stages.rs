//! The way from an archive or a folder to an installed part that the cmmi recipes share: sources, patches, commands.

use std::collections::{BTreeMap, BTreeSet};

use super::location::Location;
use super::percent;
use super::plan::{Input, Part, Step, StepKind};
use super::recipe::Build;
use super::shell::{quoted, shell};
use super::source::Source;
use super::variable::Variable;
use crate::base::{Expected, Md5, RelPath, normalize};

/// A part that is being put together, step by step.
pub(super) struct Stages<'s, 'b> {
    pub(super) build: &'s mut Build<'b>,
    location: Option<Location>,
    environment: BTreeMap<String, Variable>,
    sources: Vec<Source>,
    steps: Vec<Step>,
    writes: BTreeSet<RelPath>,
}

/// What stands between the top of an archive and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strip {
    /// A folder that holds everything; it is an error if there is none.
    OneFolder,
    /// A folder, if it is the only thing there.
    OnlyFolder,
    /// Nothing.
    Nothing,
}

impl<'s, 'b> Stages<'s, 'b> {
    /// With nothing in it yet, for the location that an option names.
    pub(super) fn new(build: &'s mut Build<'b>, location: &str) -> Self {
        let location = build.location(location);
        Self::at(build, location)
    }

    /// With nothing in it yet, for a part whose files are not at a location of its own.
    pub(super) fn in_own_folder(build: &'s mut Build<'b>) -> Self {
        let location = build.own_folder();
        Self::at(build, location)
    }

    fn at(build: &'s mut Build<'b>, location: Option<Location>) -> Self {
        let (environment, writes) = (BTreeMap::new(), BTreeSet::new());
        Self { build, location, environment, sources: Vec::new(), steps: Vec::new(), writes }
    }

    /// A source that was added.
    pub(super) fn source(&self, index: usize) -> &Source {
        &self.sources[index]
    }

    /// Adds the source that `url` names to the sources; its index.
    pub(super) fn main_source(&mut self) -> Option<usize> {
        let source = self.build.main_source("url", "md5sum", "sha256")?.on_root_shelf();
        self.sources.push(source);
        Some(self.sources.len() - 1)
    }

    /// Adds the file that a text of an option names to the sources, so that it is looked for and packed; its index.
    pub(super) fn file(&mut self, option: &str, text: &str, md5: Option<Md5>) -> Option<usize> {
        let (directory, root) = (&self.build.project.directory, &self.build.project.root);
        let source = Source::new(text, Expected { md5, sha256: None }, directory, root);
        self.sources.push(self.build.sound(option, source)?.on_root_shelf());
        Some(self.sources.len() - 1)
    }

    /// Unpacks the archive that `url` names, and goes to where its files are.
    pub(super) fn unpack(&mut self, strip: Strip) {
        let Some(source) = self.main_source() else { return };
        let step = self.build.unpack(source);
        self.steps.push(step);
        self.enter(strip);
    }

    /// Goes into the one folder that is there.
    pub(super) fn enter(&mut self, strip: Strip) {
        if strip != Strip::Nothing {
            let kind = StepKind::EnterOnlyFolder { unless: Vec::new(), or_fail: strip == Strip::OneFolder };
            self.steps.push(Step { name: "enter", kind });
        }
    }

    /// Copies the folder that an option names, of the project or of another part, to the build folder.
    pub(super) fn copy_in(&mut self, option: &str) {
        let from = normalize(&self.build.project.directory.join(self.build.text(option).trim()));
        match RelPath::below(&self.build.project.root, &from) {
            None if from != self.build.project.root && !self.build.is_shared(&from) => {
                let message =
                    format!("part `{}` is built from `{from}`, which is outside the project", self.build.name);
                let hint = "put it below the project, or name its archive with `url`";
                self.build.problem(option, message, Some(hint));
            }
            _ => self.steps.push(Step { name: "copy", kind: StepKind::CopyIn { from } }),
        }
    }

    /// Applies the patches that an option lists. With `fragments`, what follows a `#` is the MD5 of one.
    pub(super) fn patches(&mut self, option: &str, binary: &str, options: &str, fragments: bool) {
        for text in self.build.text(option).to_owned().split_whitespace() {
            let (url, digest) = if fragments { text.split_once('#').unwrap_or((text, "")) } else { (text, "") };
            let md5 = match digest {
                "" => None,
                digest => match digest.parse() {
                    Ok(digest) => Some(digest),
                    Err(error) => {
                        let message = format!("part `{}`: the MD5 of `{url}`: {error}", self.build.name);
                        self.build.problem(option, message, None);
                        continue;
                    }
                },
            };
            if let Some(patch) = self.file(option, url, md5) {
                self.run_with("patch", format!("{binary} {options}"), Input::Source(patch));
            }
        }
    }

    /// Runs a command, if there is one.
    pub(super) fn run(&mut self, name: &'static str, command: &str) {
        if !command.trim().is_empty() {
            self.steps.push(shell(name, command.to_owned()));
        }
    }

    /// Runs a command with an input.
    pub(super) fn run_with(&mut self, name: &'static str, command: String, input: Input) {
        self.steps.push(Step { name, kind: StepKind::Shell { command, input: Some(input) } });
    }

    /// Fails where one of these paths is not there.
    pub(super) fn promise(&mut self, paths: &[String]) {
        let paths: Vec<String> = paths.iter().filter(|path| !path.is_empty()).map(|path| quoted(path)).collect();
        if !paths.is_empty() {
            let test = "[ -e \"$path\" ] || { echo \"promised and not there: $path\"; kept=1; }";
            self.run("promises", &format!("kept=0; for path in {}; do {test}; done; exit $kept", paths.join(" ")));
        }
    }

    /// Adds a step.
    pub(super) fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// A text of an option with the values of others filled in, as `%(option)s` asks for them.
    pub(super) fn filled(&mut self, option: &str, text: &str) -> String {
        let value = |name: &str| self.build.optional(name).map(str::to_owned);
        let pieces = percent::parse(text).map_err(|error| error.to_string());
        let text = pieces.and_then(|pieces| {
            percent::fill(&pieces, &value)
                .map_err(|name| format!("`%({name})s` stands for an option `{name}`, which is not there"))
        });
        text.unwrap_or_else(|reason| {
            let message = format!("part `{}`: option `{option}`: {reason}", self.build.name);
            self.build.problem(option, message, None);
            String::new()
        })
    }

    /// Sets variables to values in which those of others may stand, as `%(NAME)s`.
    pub(super) fn environment(&mut self, option: &str, variables: impl IntoIterator<Item = (String, String)>) {
        self.set_variables(option, variables, |value, _| value);
    }

    /// The same; a value that is asked for is one that was set here before, if there is one.
    pub(super) fn more_environment(&mut self, option: &str, variables: impl IntoIterator<Item = (String, String)>) {
        self.set_variables(option, variables, Variable::with);
    }

    fn set_variables(
        &mut self,
        option: &str,
        variables: impl IntoIterator<Item = (String, String)>,
        meant: fn(Variable, &BTreeMap<String, Variable>) -> Variable,
    ) {
        for (name, text) in variables {
            match Variable::of_percent(&text) {
                Ok(value) => drop(self.environment.insert(name, meant(value, &self.environment))),
                Err(error) => {
                    let message = format!("part `{}`: variable {name} in `{option}`: {error}", self.build.name);
                    self.build.problem(option, message, None);
                }
            }
        }
    }

    /// Takes the variables of a section, and what it uses.
    pub(super) fn environment_section(&mut self, option: &str, section: &str) {
        match self.build.around.section(section) {
            Some((options, uses)) => {
                self.build.uses.extend(uses);
                let pairs = options.iter().map(|(name, value)| (name.to_string(), value.to_string()));
                self.environment(option, pairs.collect::<Vec<_>>());
            }
            None => {
                let message = format!("part `{}`: there is no section `{section}`", self.build.name);
                self.build.problem(option, message, None);
            }
        }
    }

    /// Refuses options that name Python code.
    pub(super) fn refuse_python(&mut self, options: &[&str], instead: &str) {
        for option in options {
            if !self.build.text(option).trim().is_empty() {
                let message =
                    format!("part `{}`: `{option}` is Python code, which hardtack does not run", self.build.name);
                self.build.problem(option, message, Some(instead));
            }
        }
    }

    /// Says that a file is made where an option names it, if that is not in the location.
    pub(super) fn writes(&mut self, path: &str) {
        let path = normalize(&self.build.project.directory.join(path));
        let root = &self.build.project.root;
        let in_location = self.location.as_ref().is_some_and(|location| path.starts_with(location.within(root)));
        self.writes.extend(RelPath::below(root, &path).filter(|_| !in_location));
    }

    /// The finished part.
    pub(super) fn part(self) -> Option<Part> {
        let location = self.location?;
        self.build.note_not_shared(&location);
        let part = self.build.part(location, self.environment, self.sources, self.steps)?;
        Some(Part { writes: self.writes, ..part })
    }
}
