//! `zc.recipe.egg`: Python distributions, and programs that use them.
//!
//! Options as in zc.recipe.egg 6.0. Distributions come from indexes as pip reads them, not as setuptools did; each part has
//! its own, in its location.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::super::computed::{boolean, location_below_parts};
use super::super::plan::Part;
use super::super::recipe::{About, Build, Opt, Recipe, opt};
use super::super::wants::{Asked, PythonWants, Scripts};
use crate::base::{RelPath, normalize, relative_to};
use crate::config::{self, SectionOptions};

/// `zc.recipe.egg` and `zc.recipe.egg:scripts`, which are the same, and `zc.recipe.egg:eggs`.
pub(in super::super) struct Egg {
    about: &'static About,
    scripts: bool,
}

pub(in super::super) const EGG: Egg = Egg { about: &ABOUT, scripts: true };
pub(in super::super) const SCRIPTS: Egg = Egg { about: &ABOUT_SCRIPTS, scripts: true };
pub(in super::super) const EGGS: Egg = Egg { about: &ABOUT_EGGS, scripts: false };

const DISTRIBUTIONS: &[Opt] = &[
    opt("eggs", "NAME", "Requirements, one a line; the section's own name where it is not set"),
    opt("find-links", "", "Folders and pages with distributions, besides those of [buildout]"),
    opt("index", "", "The package index; else that of [buildout], else pip's own"),
    opt("python", "", "A section whose `executable` is the Python; else [hardtack] python"),
    opt("binary", "yes", "no takes source distributions only, as does [hardtack] binary = no"),
    opt("location", "${buildout:parts-directory}/NAME", "The folder of the distributions"),
];
const PROGRAMS: &[Opt] = &[
    opt(
        "scripts",
        "",
        "Programs to be written, as name or name=new-name; all where it is not set, none where it is empty",
    ),
    opt("entry-points", "", "Further programs, as name=module:function"),
    opt("dependent-scripts", "false", "true writes those of all distributions"),
    opt("interpreter", "", "The name of a Python that knows the distributions; it takes -c, -m, -i and scripts"),
    opt("extra-paths", "", "Folders that programs look in after the distributions"),
    opt("initialization", "", "Python code in each program before its function is called"),
    opt("arguments", "", "What the function is called with, as Python code"),
    opt("bin-directory", "${buildout:bin-directory}", "The folder for programs"),
    opt("relative-paths", "", "Understood; programs name their distributions by absolute paths"),
];

const EXAMPLE: &str =
    "[app]\nrecipe = zc.recipe.egg\neggs = requests[socks]\ninterpreter = py\n\n[versions]\nrequests = 2.32.3\n";

const ABOUT: About = About {
    name: "zc.recipe.egg",
    says: "Python distributions with their dependencies, and their programs in bin",
    options: &[DISTRIBUTIONS, PROGRAMS],
    downloads: &[],
    example: EXAMPLE,
};
const ABOUT_SCRIPTS: About = About {
    name: "zc.recipe.egg:scripts",
    says: "the same as zc.recipe.egg",
    options: &[DISTRIBUTIONS, PROGRAMS],
    downloads: &[],
    example: "[app]\nrecipe = zc.recipe.egg:scripts\neggs = requests\nentry-points = ask=requests:get\n",
};
const ABOUT_EGGS: About = About {
    name: "zc.recipe.egg:eggs",
    says: "Python distributions with their dependencies, without programs",
    options: &[DISTRIBUTIONS],
    downloads: &[],
    example: "[library]\nrecipe = zc.recipe.egg:eggs\neggs = requests\n",
};

impl Recipe for Egg {
    fn about(&self) -> &'static About {
        self.about
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        boolean(section, "dependent-scripts")?;
        if section.get("location")?.is_none() {
            let location = location_below_parts(section)?;
            section.set("location", location);
        }
        if section.get("bin-directory")?.is_none() {
            let bin = section.buildout("bin-directory")?.unwrap_or_default();
            section.set("bin-directory", bin);
        }
        let python = section.get("python")?.unwrap_or_default();
        if !python.trim().is_empty() {
            let program = section.of(python.trim(), "executable")?;
            section.set("executable", program);
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let location = build.location("location")?;
        let asked = asked(build)?;
        let library = format!("{}/lib", build.text("location"));
        // Set and empty, it says that there are none at all.
        let none = build.optional("scripts").is_some_and(|scripts| scripts.trim().is_empty());
        let scripts = if self.scripts && !none { Some(scripts(build, &asked.requirements)?) } else { None };
        let python = build.text("python").trim().to_owned();
        if !python.is_empty() {
            let (_, uses) = build.around.option(&python, "executable").unwrap_or_default();
            build.uses.extend(uses);
        }
        let program = build.optional("executable").filter(|_| !python.is_empty()).map(str::to_owned);
        let fills =
            scripts.as_ref().and_then(|scripts| RelPath::below(&build.project.root, scripts.bin.as_str().into()));
        let part = build.part(location, BTreeMap::new(), Vec::new(), Vec::new())?;
        Some(Part { python: Some(PythonWants { asked, version: None, program, library, scripts }), fills, ..part })
    }
}

/// The lines of an option that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// What is to be looked for.
fn asked(build: &mut Build<'_>) -> Option<Asked> {
    let eggs = build.optional("eggs").unwrap_or(build.name).to_owned();
    let requirements: Vec<String> = lines(&eggs).map(str::to_owned).collect();
    // Else pip would take it for one of its options, or for a folder.
    let odd =
        |text: &&String| !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || distribution(text).contains('/');
    if let Some(odd) = requirements.iter().find(odd).cloned() {
        let message =
            format!("part `{}`: `{odd}` is no requirement such as `name`, `name==1.0` or `name[extra]`", build.name);
        build.problem("eggs", message, None);
        return None;
    }
    let own = |build: &mut Build<'_>, section: &str, option: &str| {
        build.around.option(section, option).map(|(value, _)| value.trim().to_owned()).unwrap_or_default()
    };
    let mut find_links = Vec::new();
    let links = [build.text("find-links").to_owned(), own(build, "buildout", "find-links")];
    for link in links.iter().flat_map(|links| links.split_whitespace()) {
        find_links.push(place(build, link));
    }
    let index = match build.text("index").trim() {
        "" => own(build, "buildout", "index"),
        index => index.to_owned(),
    };
    let index = if index.is_empty() { index } else { place(build, &index) };
    let binary = match build.text("binary").trim() {
        "" => own(build, "hardtack", "binary"),
        binary => binary.to_owned(),
    };
    let sdists_only = matches!(binary.as_str(), "no" | "false" | "off");
    if !sdists_only && !matches!(binary.as_str(), "" | "yes" | "true" | "on") {
        let message = format!("part `{}`: `binary` is yes or no, not `{binary}`", build.name);
        build.problem("binary", message, None);
        return None;
    }
    Some(Asked {
        python: own(build, "hardtack", "python"),
        constraints: constraints(build),
        only_constrained: matches!(own(build, "buildout", "allow-picked-versions").as_str(), "false" | "no" | "off"),
        requirements,
        find_links,
        index,
        sdists_only,
        machine: target(build)?.map(|(machine, _)| machine),
        glibc: target(build)?.map(|(_, glibc)| glibc),
    })
}

/// A URL, or a path as it is wherever the project lies: one that is named as seen from the buildout directory stays so.
fn place(build: &Build<'_>, text: &str) -> String {
    match config::is_url(text) {
        true => text.to_owned(),
        false => relative_to(&build.project.directory, text.into()).map_or(text.to_owned(), Utf8PathBuf::into_string),
    }
}

/// The versions that may be taken.
fn constraints(build: &mut Build<'_>) -> Vec<String> {
    let section = build.around.option("buildout", "versions").map(|(value, _)| value.trim().to_owned());
    let section = section.ok().filter(|section| !section.is_empty()).unwrap_or_else(|| "versions".to_owned());
    let versions = build.around.section(&section).map(|(options, _)| options).unwrap_or_default();
    let mut constraints = Vec::new();
    for (name, version) in versions.iter().map(|(name, version)| (name.trim(), version.trim())) {
        if version.is_empty() || name.starts_with(['_', '<']) || name.contains('[') {
            continue;
        }
        let is_range = version.starts_with(['<', '>', '=', '!', '~']);
        let fits = |c: char| c.is_ascii_alphanumeric() || ".!+*_-".contains(c);
        if !is_range && !version.chars().all(fits) {
            let message = format!("`{name} = {version}` in [{section}] is no version, and no range such as >=1.0");
            build.problem("recipe", message, None);
            continue;
        }
        constraints.push(if is_range { format!("{name}{version}") } else { format!("{name}=={version}") });
    }
    constraints.sort();
    constraints
}

/// The machine and the C library that `[hardtack] target` names.
fn target(build: &mut Build<'_>) -> Option<Option<(String, (u32, u32))>> {
    let Ok((target, _)) = build.around.option("hardtack", "target") else { return Some(None) };
    let found = target.trim().split_once("-linux-gnu-").and_then(|(machine, version)| {
        let (major, minor) = version.split_once('.')?;
        Some((machine.to_owned(), (major.parse().ok()?, minor.parse().ok()?)))
    });
    if found.is_none() && !target.trim().is_empty() {
        let message = format!("`[hardtack] target` is of the form x86_64-linux-gnu-2.28, which `{target}` is not");
        build.problem("recipe", message, None);
        return None;
    }
    Some(found)
}

/// The name of what a requirement asks for.
fn distribution(requirement: &str) -> &str {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    requirement.find(|c| !is_of_name(c)).map_or(requirement, |end| &requirement[..end])
}

/// The programs to be written.
fn scripts(build: &mut Build<'_>, requirements: &[String]) -> Option<Scripts> {
    let chosen = build.optional("scripts").map(|text| {
        let pair = |word: &str| match word.split_once('=') {
            Some((name, new)) => (name.to_owned(), new.to_owned()),
            None => (word.to_owned(), word.to_owned()),
        };
        text.split_whitespace().map(pair).collect::<BTreeMap<_, _>>()
    });
    let mut entry_points = Vec::new();
    for word in build.text("entry-points").to_owned().split_whitespace() {
        let parts = word.split_once('=').and_then(|(name, code)| Some((name, code.split_once(':')?)));
        match parts {
            Some((name, (module, attribute))) if is_code_name(module) && is_code_name(attribute) => {
                entry_points.push((name.to_owned(), module.to_owned(), attribute.to_owned()));
            }
            _ => {
                let message = format!("part `{}`: `{word}` is no entry point such as name=module:function", build.name);
                build.problem("entry-points", message, None);
                return None;
            }
        }
    }
    let interpreter = build.text("interpreter").trim().to_owned();
    let names = chosen.iter().flat_map(|chosen| chosen.values()).chain(entry_points.iter().map(|(name, _, _)| name));
    if let Some(bad) = names.chain([&interpreter]).find(|name| name.contains('/') || *name == "..").cloned() {
        build.problem("recipe", format!("part `{}`: `{bad}` is no name of a program", build.name), None);
        return None;
    }
    let bin = normalize(&build.project.directory.join(build.text("bin-directory")));
    build.below_project("bin-directory", bin.as_str())?;
    // Wherever a program is started, they are where the config says.
    let folder = build.project.directory.clone();
    let extra_paths = lines(build.text("extra-paths")).map(|path| normalize(&folder.join(path)));
    Some(Scripts {
        bin: bin.into_string(),
        distributions: requirements.iter().map(|requirement| distribution(requirement).to_owned()).collect(),
        dependent: matches!(build.text("dependent-scripts"), "true"),
        chosen,
        entry_points,
        interpreter,
        extra_paths: extra_paths.map(Utf8PathBuf::into_string).collect(),
        initialization: build.text("initialization").to_owned(),
        arguments: build.text("arguments").trim().to_owned(),
    })
}

/// Whether a text is names with dots between them, as Python has them.
fn is_code_name(text: &str) -> bool {
    let is_name = |name: &str| {
        name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    text.split('.').all(|name| !name.is_empty() && is_name(name))
}
