//! The recipes there are, and the way from a config to a plan.

use camino::Utf8Path;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::builtin::{RECIPES, find};
use super::checks;
use super::error::{Error, Problem};
use super::instead::instead;
use super::mentions;
use super::plan::{Plan, Project};
use super::recipe::{Build, Surroundings, read_text};
use super::references;
use crate::base::Place;
use crate::config::{self, Config, Loader, Recipes, Resolved, Resolver, SectionOptions, similar};

/// The built-in recipes, as the config language asks them for computed options.
///
/// A recipe that is not built in gets what nearly every recipe sets: a `location` below the parts directory. So configs
/// can be looked at whose parts cannot be built here.
#[derive(Clone, Copy)]
pub struct BuiltinRecipes<'f> {
    files: &'f dyn Loader,
}

impl<'f> BuiltinRecipes<'f> {
    /// For a config whose sections may name files, which are read with `files`.
    pub fn new(files: &'f dyn Loader) -> Self {
        Self { files }
    }
}

impl Recipes for BuiltinRecipes<'_> {
    fn initialise(&self, recipe: &str, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        match find(recipe) {
            Some(recipe) => {
                recipe.initialise(section)?;
                recipe.follow(section, self.files)
            }
            None => {
                if section.get("location")?.is_none() {
                    let parts = section.buildout("parts-directory")?.unwrap_or_default();
                    let location = Utf8Path::new(&*parts).join(section.name());
                    section.set("location", location.as_str());
                }
                Ok(())
            }
        }
    }
}

/// A section among the others of its config.
struct Around<'r, 'a> {
    config: &'a Config,
    resolver: &'r mut Resolver<'a>,
    /// The parts.
    names: &'r [Arc<str>],
    /// The section's own name.
    name: &'r str,
    files: &'r dyn Loader,
}

impl Surroundings for Around<'_, '_> {
    fn place(&mut self, option: &str) -> Option<Place> {
        self.resolver.place(self.name, option).or_else(|| self.resolver.place(self.name, "recipe"))
    }

    fn section(&mut self, name: &str) -> Option<(Resolved, BTreeSet<String>)> {
        let options = self.resolver.section(name).ok()?;
        let mut uses = references::find(self.config, name, self.names);
        uses.remove(self.name);
        Some((options, uses))
    }

    fn option(&mut self, section: &str, option: &str) -> Result<(Arc<str>, BTreeSet<String>), String> {
        let value = self.resolver.option(section, option).map_err(|error| error.to_string())?;
        let uses = match self.names.iter().any(|name| &**name == section) {
            true if section == self.name => BTreeSet::new(),
            true => BTreeSet::from([section.to_owned()]),
            false if section == "buildout" => BTreeSet::new(),
            false => references::find(self.config, section, self.names),
        };
        Ok((value, uses))
    }

    fn read(&mut self, path: &Utf8Path) -> Result<String, String> {
        read_text(self.files, path)
    }
}

/// Makes the plan of a config. `files` reads the project's files where recipes take text from them.
///
/// # Errors
/// [`Error::Problems`] with all that cannot be done, found before anything is fetched; [`Error::Config`] where the
/// config does not resolve.
pub fn plan(config: &Config, project: &Project, files: &dyn Loader) -> Result<Plan, Error> {
    let recipes = BuiltinRecipes::new(files);
    let mut problems = unsupported(config);
    problems.extend(checks::folder(project));
    let mut resolver = config.resolver(&recipes)?;
    let names = match resolver.parts() {
        Ok(names) => names,
        // The list is worth more than the first thing that went wrong in a config that cannot be built anyway.
        Err(_) if !problems.is_empty() => return Err(Error::Problems(problems)),
        Err(error) => return Err(error.into()),
    };
    let (mut parts, mut notes) = (Vec::new(), Vec::new());
    for name in &names {
        if let Some(reason) = checks::bad_part_name(name) {
            let message = format!("`{name}` cannot be a part: {reason}");
            let hint = Some("give it another name".to_owned());
            problems.push(Problem { message, place: resolver.place(name, "recipe"), hint });
            continue;
        }
        let options = resolver.section(name)?;
        let recipe_name = options.get("recipe").map(|recipe| &**recipe).unwrap_or_default();
        let Some(recipe) = find(recipe_name) else {
            let similar = similar(recipe_name, RECIPES.iter().map(|recipe| recipe.about().name));
            let known = || RECIPES.iter().map(|recipe| recipe.about().name).collect::<Vec<_>>().join(", ");
            problems.push(Problem {
                message: format!("part `{name}` uses recipe `{recipe_name}`, which is not built in"),
                place: resolver.place(name, "recipe"),
                hint: Some(match (instead(recipe_name), similar) {
                    (Some(instead), _) => instead.to_owned(),
                    (None, Some(similar)) => format!("did you mean `{similar}`?"),
                    (None, None) => format!("built in: {}; more on each: hardtack recipes NAME", known()),
                }),
            });
            continue;
        };
        let uses = references::find(config, name, &names);
        let mut around = Around { config, resolver: &mut resolver, names: &names, name, files };
        let mut build = Build {
            name,
            recipe: recipe_name,
            options: &options,
            project,
            uses,
            around: &mut around,
            problems: &mut problems,
            notes: &mut notes,
        };
        parts.extend(recipe.build(&mut build));
    }
    mentions::add(&mut parts, &project.root);
    problems.extend(checks::clashes(&parts, &project.root));
    problems.extend(checks::merge_digests(&mut parts, &mut |part| resolver.place(part, "url")));
    match problems.is_empty() {
        true => Ok(Plan { project: project.clone(), parts, notes }),
        false => Err(Error::Problems(problems)),
    }
}

/// What the config asks for that no built-in recipe could give it.
fn unsupported(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |option: &str, message: String, hint: &str| {
        if let Some(value) = config.raw("buildout", option).filter(|value| !value.text.trim().is_empty()) {
            let place = value.origin().place();
            problems.push(Problem { message, place, hint: Some(hint.to_owned()) });
        }
    };
    let words = |option: &str| -> String {
        let value = config.raw("buildout", option).map(|value| value.text.split_whitespace().collect::<Vec<_>>());
        value.unwrap_or_default().join(" ")
    };
    refuse(
        "develop",
        format!("`develop` ({}) installs Python packages from source, which is not built in", words("develop")),
        "leave it out, with `--set buildout:develop=`",
    );
    refuse(
        "extensions",
        format!("`extensions` ({}) loads Python code into buildout, which hardtack is not", words("extensions")),
        "leave it out, with `--set buildout:extensions=`",
    );
    // mr.developer's checkouts; its section has another name only where `sources` says so.
    let section = words("sources");
    let section = if section.is_empty() { "sources" } else { &section };
    let checkouts = words("auto-checkout");
    if (!checkouts.is_empty() || config.raw("buildout", "sources").is_some())
        && let Some(mut options) = config.raw_section(section)
    {
        let place = options.next().and_then(|(_, value)| value.origin().place());
        problems.push(Problem {
            message: format!("[{section}] lists checkouts for mr.developer, which is not built in"),
            place,
            hint: Some("make them parts with a `url`, or files of the project".to_owned()),
        });
    }
    problems
}
