//! What a recipe is, and what it makes parts with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8Path;

use super::computed::{SHARED_PART_LIST, shared_folders};
use super::error::Problem;
use super::location::{Location, SharedPlace};
use super::plan::{NetworkAttempts, Part, Project, Step, StepKind};
use super::source::{Source, SourceProblem};
use super::variable::Variable;
use crate::archive::{LimitError, Limits, Links};
use crate::base::{Digest, Expected, Place, RelPath, normalize};
use crate::config::{self, Loader, Resolved, SectionOptions};

/// What there is to know of a recipe without a config: the one table that its list, its checks and its hints are made from.
#[derive(Debug)]
pub struct About {
    /// The name configs use.
    pub name: &'static str,
    /// What it does, in words that go on after its name.
    pub says: &'static str,
    /// The options it reads, in groups: some it has in common with others.
    pub(super) options: &'static [&'static [Opt]],
    /// Those of them that name something to be downloaded.
    pub(super) downloads: &'static [Download],
    /// A part as a config has it.
    pub example: &'static str,
}

impl About {
    /// The options it reads.
    pub fn options(&self) -> impl Iterator<Item = &'static Opt> + Clone + use<> {
        self.options.iter().copied().flatten()
    }
}

/// An option that a recipe reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// The name; `*` for any.
    pub name: &'static str,
    /// What counts where it is not set; empty where nothing does.
    pub default: &'static str,
    /// What it means, in words without a full stop.
    pub says: &'static str,
}

/// A row of a recipe's table of options.
pub(super) const fn opt(name: &'static str, default: &'static str, says: &'static str) -> Opt {
    Opt { name, default, says }
}

/// An option that names something to be downloaded.
#[derive(Debug)]
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

/// Options that every part may have, whatever its recipe. `version` says what a part is, whether or not its URL is made
/// from it.
pub(super) const OF_ALL: [&str; 8] = [
    "recipe",
    "<",
    "<part-dependencies>",
    "_profile_base_location_",
    "version",
    ALLOW.name,
    LIMITS.name,
    ATTEMPTS.name,
];
const ALLOW: Opt = opt("hardtack-allow", "", "outside-links, where links of its archive may lead anywhere");
const LIMITS: Opt = opt("hardtack-limits", "", "What its archive may come to, such as size=20G");
const ATTEMPTS: Opt = opt("network-attempts", "fail", "warn installs it though it tried to reach the network");

/// The options of every recipe that say something to hardtack.
pub const OF_EVERY_PART: [Opt; 3] = [ALLOW, LIMITS, ATTEMPTS];

/// One recipe.
pub(super) trait Recipe: Sync {
    /// What there is to know of it.
    fn about(&self) -> &'static About;

    /// Computes options when the section is resolved.
    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error>;

    /// Resolves what the section refers to by files it names, where these can be read.
    fn follow(&self, _: &mut SectionOptions<'_, '_>, _: &dyn Loader) -> Result<(), config::Error> {
        Ok(())
    }

    /// Makes the part; what is wrong goes into `build`, and then there is none.
    fn build(&self, build: &mut Build<'_>) -> Option<Part>;
}

/// The config around a section, for a recipe that makes a part of it.
pub(super) trait Surroundings {
    /// The line of an option of the section, else that of its recipe.
    fn place(&mut self, option: &str) -> Option<Place>;

    /// Another section, resolved, and the parts it uses.
    fn section(&mut self, name: &str) -> Option<(Resolved, BTreeSet<String>)>;

    /// An option of any section, and the parts that whoever takes it uses.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn option(&mut self, section: &str, option: &str) -> Result<(Arc<str>, BTreeSet<String>), String>;

    /// A file of the project, by its path.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn read(&mut self, path: &Utf8Path) -> Result<String, String>;
}

/// Reads a text.
pub(super) fn read_text(files: &dyn Loader, path: &Utf8Path) -> Result<String, String> {
    let location = config::Location::Path(path.to_owned());
    let shown = files.display(&location);
    let bytes = files.read(&location).map_err(|_| format!("`{shown}` is not there, or cannot be read"))?;
    String::from_utf8(bytes).map_err(|_| format!("`{shown}` is not UTF-8"))
}

/// Permissions in octal, with or without Python's `0o` before them.
pub(super) fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().trim_start_matches("0o"), 8).ok().filter(|mode| *mode <= 0o7777)
}

/// A part being made from a resolved section.
pub(super) struct Build<'b> {
    pub(super) name: &'b str,
    pub(super) recipe: &'b str,
    pub(super) options: &'b Resolved,
    pub(super) project: &'b Project,
    pub(super) uses: BTreeSet<String>,
    pub(super) around: &'b mut dyn Surroundings,
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

    /// An option of `[buildout]`; empty where it is not set.
    fn buildout(&mut self, option: &str) -> Arc<str> {
        self.around.option("buildout", option).map(|(value, _)| value).unwrap_or_default()
    }

    /// Records what is wrong with an option.
    pub(super) fn problem(&mut self, option: &str, message: impl Into<String>, hint: Option<&str>) {
        let place = self.around.place(option);
        let (message, hint) = (message.into(), hint.map(str::to_owned));
        self.problems.push(Problem { message, place, hint });
    }

    /// Records something the user should know about an option.
    pub(super) fn note(&mut self, option: &str, message: &str) {
        let place = self.around.place(option).map(|place| format!(" ({place})")).unwrap_or_default();
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

    /// Permissions in octal that an option names; those of a plain file where it is not set.
    pub(super) fn mode(&mut self, option: &str) -> Option<u32> {
        let text = self.text(option).trim().to_owned();
        let mode = if text.is_empty() { Some(0o644) } else { octal(&text) };
        if mode.is_none() {
            self.problem(option, format!("part `{}`: `{text}` is no mode in octal", self.name), None);
        }
        mode
    }

    pub(super) fn digest<const N: usize>(&mut self, option: &str) -> Option<Digest<N>> {
        let text = self.optional(option)?.trim().to_owned();
        match text.parse() {
            Ok(digest) => Some(digest),
            Err(error) => {
                self.problem(option, format!("part `{}`: `{option}`: {error}", self.name), None);
                None
            }
        }
    }

    /// The place that an option names, below the project root or where parts are shared.
    pub(super) fn location(&mut self, option: &str) -> Option<Location> {
        let path = self.text(option).to_owned();
        // A folder of the project is its own, however it is called.
        if RelPath::below(&self.project.root, path.as_str().into()).is_some() {
            return self.below_project(option, &path).map(Location::Project);
        }
        for folder in shared_folders(&self.buildout(SHARED_PART_LIST)) {
            if let Some(path) = RelPath::below(folder.into(), path.as_str().into()) {
                return Some(Location::Shared(SharedPlace { folder: folder.into(), path }));
            }
        }
        self.below_project(option, &path).map(Location::Project)
    }

    /// Whether a path is where parts are shared.
    pub(super) fn is_shared(&mut self, path: &Utf8Path) -> bool {
        shared_folders(&self.buildout(SHARED_PART_LIST)).any(|folder| path.starts_with(folder))
    }

    /// A file's name that an option gives, which leads nowhere else.
    pub(super) fn file_name(&mut self, option: &str, name: &str) -> Option<String> {
        if RelPath::new(name).is_err() {
            let message = format!("part `{}`: `{name}` is no name of a file in its location", self.name);
            self.problem(option, message, None);
            return None;
        }
        Some(name.to_owned())
    }

    /// A path as one below the project root.
    pub(super) fn below_project(&mut self, option: &str, path: &str) -> Option<RelPath> {
        let path = normalize(&self.project.directory.join(path));
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

    /// The folder of the part's own below the parts directory, for recipes that put their files elsewhere.
    pub(super) fn own_folder(&mut self) -> Option<Location> {
        let parts = self.buildout("parts-directory");
        self.below_project("recipe", &format!("{parts}/{}", self.name)).map(Location::Project)
    }

    /// Says why a part that was to be shared is not.
    pub(super) fn note_not_shared(&mut self, location: &Location) {
        let has_folder = shared_folders(&self.buildout(SHARED_PART_LIST)).next().is_some();
        if self.text("shared") == "true" && has_folder && location.of_machine().is_none() {
            let message = "it is built for each installation, since its options do not say which bytes it is made from: \
                           shared parts need `sha256` or `md5sum`, patches their `#MD5`, and no `path`";
            self.note("shared", message);
        }
    }

    /// The finished part, unless something was wrong with it.
    pub(super) fn part(
        &mut self,
        location: Location,
        environment: BTreeMap<String, Variable>,
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
        let writes = BTreeSet::new();
        let (fills, python) = (None, None);
        Some(Part {
            name,
            recipe,
            location,
            uses,
            environment,
            sources,
            steps,
            writes,
            fills,
            python,
            network_attempts,
        })
    }
}
