//! Recipes that make empty folders: `z3c.recipe.mkdir` 2.1 and `slapos.recipe.build:mkdirectory` 0.66.

use super::super::computed::{is_yes, location_below_parts};
use super::super::plan::Part;
use super::super::recipe::{About, Build, OF_ALL, Recipe, octal, opt};
use super::super::shell::quoted;
use super::super::stages::Stages;
use crate::base::normalize;
use crate::config::{self, SectionOptions};

pub(in super::super) struct Z3cMkdir;
pub(in super::super) struct SlaposMkdirectory;

const MKDIR: About = About {
    name: "z3c.recipe.mkdir",
    says: "folders",
    options: &[&[
        opt("paths", "${buildout:parts-directory}/NAME", "The folders, a line each"),
        opt("mode", "", "Their permissions, in octal"),
        opt("create-intermediate", "yes", "Whether folders above them are made"),
        opt("remove-on-update", "no", "Understood; folders that hold something are never removed"),
        opt("user", "", "Refused: an installation belongs to whoever installs it"),
        opt("group", "", "Refused, like user"),
    ]],
    downloads: &[],
    example: "[folders]\nrecipe = z3c.recipe.mkdir\npaths =\n  ${buildout:directory}/var/log\n  ${buildout:directory}/var/run\n",
};

impl Recipe for Z3cMkdir {
    fn about(&self) -> &'static About {
        &MKDIR
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let default = location_below_parts(section)?;
        let directory = section.buildout("directory")?.unwrap_or_default();
        let paths = section.get("paths")?.map_or(default, |paths| paths.to_string());
        let paths = paths.lines().map(str::trim).filter(|path| !path.is_empty());
        let absolute = |path| normalize(&camino::Utf8Path::new(&*directory).join(path)).into_string();
        let mut paths: Vec<String> = paths.map(absolute).collect();
        paths.sort();
        section.set("paths", paths.join("\n"));
        for (option, default) in [("create-intermediate", true), ("remove-on-update", false)] {
            let value = section.get(option)?.map_or(default, |value| is_yes(&value));
            section.set(option, if value { "True" } else { "False" });
        }
        if let Some(mode) = section.get("mode")? {
            let Some(number) = octal(&mode) else {
                return Err(section.refuse("mode", format!("`{mode}` is no mode in octal")));
            };
            section.set("mode", format!("0o{number:o}"));
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        for option in ["user", "group"] {
            if !build.text(option).is_empty() {
                let message = format!("part `{}`: folders cannot be given to another {option}", build.name);
                build.problem(option, message, Some("do that at the site, after the installation"));
            }
        }
        let paths: Vec<String> = build.text("paths").lines().map(str::to_owned).collect();
        let mode = build.text("mode").trim_start_matches("0o").to_owned();
        let above = build.text("create-intermediate") == "True";
        folders(build, "paths", &paths, &mode, above)
    }
}

const MKDIRECTORY: About = About {
    name: "slapos.recipe.build:mkdirectory",
    says: "folders, one for each option",
    options: &[&[
        opt("mode", "", "Their permissions, in octal"),
        opt("*", "", "The path of a folder, whatever the option's name"),
    ]],
    downloads: &[],
    example: "[directory]\nrecipe = slapos.recipe.build:mkdirectory\nlog = ${buildout:directory}/var/log\nrun = ${buildout:directory}/var/run\n",
};

impl Recipe for SlaposMkdirectory {
    fn about(&self) -> &'static About {
        &MKDIRECTORY
    }

    fn initialise(&self, _: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let is_folder = |name: &str| name != "mode" && !OF_ALL.contains(&name);
        let others = build.options.iter().filter(|(name, _)| is_folder(name));
        let mut paths: Vec<String> =
            others.map(|(_, path)| path.trim().to_owned()).filter(|path| !path.is_empty()).collect();
        paths.sort();
        let mode = if build.text("mode").is_empty() { String::new() } else { format!("{:o}", build.mode("mode")?) };
        folders(build, "recipe", &paths, &mode, true)
    }
}

/// The part that makes folders; `above` are made too where they are not there.
fn folders(build: &mut Build<'_>, option: &str, paths: &[String], mode: &str, above: bool) -> Option<Part> {
    let sound: Vec<bool> = paths.iter().map(|path| build.below_project(option, path).is_some()).collect();
    if sound.contains(&false) {
        return None;
    }
    let mut stages = Stages::in_own_folder(build);
    for path in paths {
        let path = quoted(path);
        let make = match (above, mode) {
            (true, "") => format!("mkdir -p {path}"),
            // Those above it get the same permissions.
            (true, mode) => {
                format!("umask \"$(printf %o $((0777 & ~0{mode})))\" && mkdir -p {path} && chmod {mode} {path}")
            }
            (false, "") => format!("mkdir {path}"),
            (false, mode) => format!("mkdir -m {mode} {path}"),
        };
        stages.run("mkdir", &format!("test -d {path} || {{ {make}; }}"));
    }
    stages.part()
}
