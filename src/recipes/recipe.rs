//! What a recipe is, and what it makes parts with.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Problem;
use super::plan::{NetworkAttempts, Part, Project, Step, StepKind};
use super::source::{Source, SourceProblem};
use crate::archive::{LimitError, Limits, Links};
use crate::base::{Digest, Expected, Place, RelPath, normalize};
use crate::config::{self, Resolved, SectionOptions};

/// Names of the options a recipe reads.
pub(super) type OptionTable = &'static [&'static str];

/// An option that names something to be downloaded.
pub(super) enum Download {
    /// URLs, of files or of commits.
    Urls {
        /// The option.
        option: &'static str,
        /// The options that say which bytes are meant, best first.
        digests: &'static [&'static str],
        /// A digest may stand in the URL, after a `#`.
        fragment: bool,
    },
    /// A repository; `revision` and `branch` say which commit of it.
    Repository {
        /// The option.
        option: &'static str,
    },
}

/// One recipe.
pub(super) trait Recipe: Sync {
    /// The name configs use.
    fn name(&self) -> &'static str;

    /// The options it reads.
    fn options(&self) -> OptionTable;

    /// The options that name something to be downloaded.
    fn downloads(&self) -> &'static [Download];

    /// Computes options when the section is resolved.
    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error>;

    /// Makes the part; what is wrong goes into `build`, and then there is none.
    fn build(&self, build: &mut Build<'_>) -> Option<Part>;
}

/// A part being made from a resolved section.
pub(super) struct Build<'b> {
    pub(super) name: &'b str,
    pub(super) recipe: &'b str,
    pub(super) options: &'b Resolved,
    pub(super) project: &'b Project,
    pub(super) uses: BTreeSet<String>,
    pub(super) place: &'b mut dyn FnMut(&str) -> Option<Place>,
    pub(super) problems: &'b mut Vec<Problem>,
    pub(super) notes: &'b mut Vec<String>,
}

impl Build<'_> {
    /// An option; empty where it is not set.
    pub(super) fn text(&self, option: &str) -> &str {
        self.optional(option).unwrap_or_default()
    }

    /// An option, if it is set.
    pub(super) fn optional(&self, option: &str) -> Option<&str> {
        self.options.get(option).map(|value| &**value)
    }

    /// Records what is wrong with an option.
    pub(super) fn problem(&mut self, option: &str, message: impl Into<String>, hint: Option<&str>) {
        let place = (self.place)(option);
        let (message, hint) = (message.into(), hint.map(str::to_owned));
        self.problems.push(Problem { message, place, hint });
    }

    /// Says that the recipe's options are understood but parts of it cannot be built.
    pub(super) fn not_built_yet(&mut self) -> Option<Part> {
        let message =
            format!("part `{}` uses recipe `{}`, which can be resolved but not built", self.name, self.recipe);
        self.problem("recipe", message, Some("for a part of configure, make and make install, use `zc.recipe.cmmi`"));
        None
    }

    /// Records something the user should know about an option.
    pub(super) fn note(&mut self, option: &str, message: &str) {
        let place = (self.place)(option).map(|place| format!(" ({place})")).unwrap_or_default();
        self.notes.push(format!("part `{}`: {message}{place}", self.name));
    }

    /// The source that an option names, with the digests of two others.
    pub(super) fn source(&mut self, url: &str, md5: &str, sha256: &str) -> Option<Source> {
        let expected = Expected { md5: self.digest(md5), sha256: self.digest(sha256) };
        let source = Source::new(self.text(url).trim(), expected, &self.project.directory, &self.project.root);
        self.sound(url, source)
    }

    /// A source, unless what an option says of it is wrong.
    pub(super) fn sound(&mut self, option: &str, source: Result<Source, SourceProblem>) -> Option<Source> {
        match source {
            Ok(source) => Some(source),
            Err(problem) => {
                let message = format!("part `{}`: {problem}", self.name);
                self.problem(option, message, None);
                None
            }
        }
    }

    /// The source that an option names, and the other places where it can be had: `alternate-url` and `mirrors`.
    pub(super) fn main_source(&mut self, url: &str, md5: &str, sha256: &str) -> Option<Source> {
        let mut source = self.source(url, md5, sha256)?;
        for option in ["alternate-url", "mirrors"] {
            let text = self.text(option).to_owned();
            match source.clone().or_from(text.split_whitespace()) {
                Ok(with) => source = with,
                Err(problem) => {
                    let message = format!("part `{}`: `{option}`: {problem}", self.name);
                    self.problem(option, message, None);
                    return None;
                }
            }
        }
        Some(source)
    }

    /// The step that unpacks a source, as strictly as `hardtack-allow` and `hardtack-limits` have it.
    pub(super) fn unpack(&mut self, source: usize) -> Step {
        let mut links = Links::default();
        for word in self.text("hardtack-allow").to_owned().split_whitespace() {
            match word {
                "outside-links" => links = Links::Anywhere,
                other => {
                    let message = format!("part `{}`: `{other}` is nothing that can be allowed", self.name);
                    self.problem("hardtack-allow", message, Some("known: outside-links"));
                }
            }
        }
        let limits = self.text("hardtack-limits").parse().unwrap_or_else(|error: LimitError| {
            self.problem("hardtack-limits", format!("part `{}`: {error}", self.name), None);
            Limits::default()
        });
        Step { name: "unpack", kind: StepKind::Unpack { source, links, limits } }
    }

    fn digest<const N: usize>(&mut self, option: &str) -> Option<Digest<N>> {
        let text = self.optional(option)?.trim().to_owned();
        match text.parse() {
            Ok(digest) => Some(digest),
            Err(error) => {
                self.problem(option, format!("part `{}`: `{option}`: {error}", self.name), None);
                None
            }
        }
    }

    /// A folder below the project root that an option names.
    pub(super) fn location(&mut self, option: &str) -> Option<RelPath> {
        let path = normalize(&self.project.directory.join(self.text(option)));
        let below = RelPath::below(&self.project.root, &path);
        let below = below.filter(|path| path.first() != ".hardtack");
        if below.is_none() {
            let message = format!(
                "part `{}` would be put to `{path}`, which is outside the project or hardtack's own",
                self.name
            );
            let hint = "parts lie below the buildout directory, so that they can be replaced and removed together";
            self.problem(option, message, Some(hint));
        }
        below
    }

    /// The finished part, unless something was wrong with it.
    pub(super) fn part(
        &mut self,
        location: RelPath,
        environment: BTreeMap<String, String>,
        sources: Vec<Source>,
        steps: Vec<Step>,
    ) -> Option<Part> {
        let (name, recipe) = (self.name.to_owned(), self.recipe.to_owned());
        let uses = std::mem::take(&mut self.uses);
        let network_attempts = match self.text("network-attempts").trim() {
            "" => NetworkAttempts::default(),
            text => text.parse().unwrap_or_else(|error| {
                self.problem("network-attempts", format!("part `{}`: {error}", self.name), None);
                NetworkAttempts::default()
            }),
        };
        Some(Part { name, recipe, location, uses, environment, sources, steps, network_attempts })
    }
}
