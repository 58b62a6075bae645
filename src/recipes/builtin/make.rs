//! `hardtack:make`: packages that are built with make, with or without a configure script.

use super::super::plan::Part;
use super::super::recipe::{About, Build, Opt, Recipe, opt};
use super::super::shell::{folded, quoted};
use super::ours;
use crate::config::{self, SectionOptions};

pub(in super::super) struct Make;

const OPTIONS: &[Opt] = &[
    opt("configure", "", "The command that configures, such as ./configure; it gets --prefix and the options"),
    opt("configure-options", "", "Its options"),
    opt("build-folder", "", "The folder to build in, beside the sources; they are then at .. for configure"),
    opt("options", "", "Variables and options of make, for building and installing"),
    opt("targets", "", "What is built; what make builds by itself where it is left out"),
    opt("install-targets", "install", "What installs"),
    opt("check-targets", "check", "What runs its tests"),
];

const ABOUT: About = About {
    name: "hardtack:make",
    says: "make and make install, after configure where there is one",
    options: &[ours::SOURCE, OPTIONS, ours::BUILD, ours::AROUND],
    downloads: ours::DOWNLOADS,
    example: "[tool]\nrecipe = hardtack:make\npath = src/tool\noptions = CFLAGS=-O2\ncheck = true\n",
};

impl Recipe for Make {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        ours::initialise(section)
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let mut stages = ours::begin(build);
        let text = |option: &str| folded(stages.build.text(option));
        let prefix = stages.build.text("prefix").to_owned();
        let subdir = stages.source_folder();
        // Every step begins in the folder of the sources.
        let (make_folder, enter) = match text("build-folder").as_str() {
            "" if subdir == "." => (String::new(), String::new()),
            "" => (format!("cd {subdir} && "), format!("cd {subdir} && ")),
            folder => {
                let folder = quoted(folder);
                let enter = format!("cd {subdir} && cd {folder} && ");
                (format!("cd {subdir} && mkdir -p {folder} && cd {folder} && "), enter)
            }
        };
        let configure = match (text("configure"), text("configure-options")) {
            (command, _) if command.is_empty() => None,
            (command, options) => {
                // Seen from a folder of its own, the script is one further up.
                let command = match command.strip_prefix("./").filter(|_| !text("build-folder").is_empty()) {
                    Some(script) => format!("{}{script}", "../".repeat(folders_in(&text("build-folder")))),
                    None => command,
                };
                Some(format!("{command} --prefix={} {options}", quoted(&prefix)))
            }
        };
        let (options, targets) = (text("options"), text("targets"));
        let or = |option: &str, default: &str| match text(option) {
            text if text.is_empty() => default.to_owned(),
            text => text,
        };
        let (install, check) = (or("install-targets", "install"), or("check-targets", "check"));
        // A makefile that no configure told where to install is told now, by the two names that are in use.
        let place = match configure {
            Some(_) => String::new(),
            None => format!(" PREFIX={} prefix={0}", quoted(&prefix)),
        };
        if let Some(configure) = &configure {
            stages.run("configure", format!("{make_folder}{configure}").trim_end());
        }
        let into = if configure.is_some() { &enter } else { &make_folder };
        stages.run("make", &format!("{into}{}", folded(&format!("make {options} {targets}{place}"))));
        stages.check(&format!("{enter}{}", folded(&format!("make {options} {check}{place}"))));
        stages.run("install", &format!("{enter}{}", folded(&format!("make {options} {install}{place}"))));
        stages.end();
        stages.part()
    }
}

/// The number of folders of a path below the one it is seen from.
fn folders_in(path: &str) -> usize {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).count()
}
