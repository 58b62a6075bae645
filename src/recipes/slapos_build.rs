//! The download recipes of `slapos.recipe.build`: the options they compute, as slapos.recipe.build 0.66 does.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::computed::{boolean, environment_lines, location_below_parts, shared};
use super::plan::{Part, Step, StepKind};
use super::recipe::{Build, Download, OptionTable, Recipe};
use super::source::{Source, SourceProblem};
use crate::config::{self, SectionOptions};

pub(super) struct SlaposDownload;
pub(super) struct SlaposUnpacked;
pub(super) struct SlaposGit;

impl Recipe for SlaposDownload {
    fn name(&self) -> &'static str {
        "slapos.recipe.build:download"
    }

    fn options(&self) -> OptionTable {
        &["url", "md5sum", "alternate-url", "filename", "destination", "shared", "offline"]
    }

    fn downloads(&self) -> &'static [Download] {
        &[Download::Urls { option: "url", digests: &["md5sum"], fragment: true }]
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        needs_url(section)?;
        boolean(section, "offline")?;
        if section.get("mode")?.is_some() {
            return Err(section.refuse("mode", "option `mode` is not supported"));
        }
        let shared = shared(section)?;
        if shared && section.get("md5sum")?.is_none_or(|md5sum| md5sum.is_empty()) {
            return Err(section.refuse("shared", "with `shared = true`, `md5sum` must be set"));
        }
        if let Some(destination) = destination(section, shared)? {
            section.set("target", destination);
            return Ok(());
        }
        let location = location_below_parts(section)?;
        let file_name = match section.get("filename")?.filter(|name| !name.is_empty()) {
            Some(name) => name.rsplit('/').next().unwrap_or_default().to_owned(),
            None => section.name().to_owned(),
        };
        section.set("location", location.as_str());
        section.set("target", format!("{location}/{file_name}"));
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        build.not_built_yet()
    }
}

impl Recipe for SlaposUnpacked {
    fn name(&self) -> &'static str {
        "slapos.recipe.build:download-unpacked"
    }

    fn options(&self) -> OptionTable {
        &["url", "md5sum", "alternate-url", "strip-top-level-dir", "destination", "shared", "environment", "offline"]
    }

    fn downloads(&self) -> &'static [Download] {
        &[Download::Urls { option: "url", digests: &["md5sum"], fragment: true }]
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        boolean(section, "strip-top-level-dir")?;
        needs_url(section)?;
        let environment = section.get("environment")?.unwrap_or_default();
        environment_lines(section, &environment)?;
        let shared = shared(section)?;
        let location = match destination(section, shared)? {
            Some(destination) => destination,
            None => location_below_parts(section)?,
        };
        section.set("location", location.as_str());
        section.set("target", location);
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        build.not_built_yet()
    }
}

impl Recipe for SlaposGit {
    fn name(&self) -> &'static str {
        "slapos.recipe.build:gitclone"
    }

    fn options(&self) -> OptionTable {
        &[
            "repository",
            "branch",
            "revision",
            "location",
            "git-executable",
            "sparse-checkout",
            "depth",
            "develop",
            "shared",
            "use-cache",
            "ignore-ssl-certificate",
            "ignore-cloning-submodules",
        ]
    }

    fn downloads(&self) -> &'static [Download] {
        &[Download::Repository { option: "repository" }]
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        if section.get("location")?.is_none() {
            let location = location_below_parts(section)?;
            section.set("location", location);
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        for (option, message) in [
            ("develop", "`develop` keeps a clone that is worked in; every build here starts from the commit"),
            ("shared", "`shared` clones are made for each installation, not once a machine"),
            ("sparse-checkout", "`sparse-checkout` is not looked at: all files of the commit are there"),
            (
                "ignore-ssl-certificate",
                "`ignore-ssl-certificate` is not looked at; certificates are believed with --ca-file",
            ),
        ] {
            if !matches!(build.text(option).trim(), "" | "false" | "no") {
                build.note(option, message);
            }
        }
        let source = commit(&|option| build.text(option), &build.project.directory);
        let source = build.sound("repository", source);
        let location = build.location("location");
        let command = format!("cp -RPp . {}", quoted(build.text("location")));
        let steps = vec![
            build.unpack(0),
            Step { name: "enter", kind: StepKind::EnterOnlyFolder { unless: Vec::new(), or_fail: true } },
            Step { name: "copy", kind: StepKind::Shell { command, input: None } },
        ];
        build.part(location?, BTreeMap::new(), vec![source?], steps)
    }
}

/// The commit that the options of `:gitclone` name.
pub(super) fn commit<'t>(text: &dyn Fn(&str) -> &'t str, directory: &Utf8Path) -> Result<Source, SourceProblem> {
    let words = ["revision", "branch"].map(|option| text(option).trim());
    let revision = words.into_iter().find(|word| !word.is_empty()).unwrap_or("HEAD");
    let submodules = !matches!(text("ignore-cloning-submodules").trim(), "true" | "yes" | "1");
    Source::of_commit(text("repository").trim(), revision, submodules, directory)
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn needs_url(section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
    match section.get("url")? {
        Some(_) => Ok(()),
        None => Err(section.refuse("recipe", format!("section `{}` has no option `url`", section.name()))),
    }
}

fn destination(section: &mut SectionOptions<'_, '_>, shared: bool) -> Result<Option<String>, config::Error> {
    let destination = section.get("destination")?.filter(|destination| !destination.is_empty());
    match destination {
        Some(_) if shared => Err(section.refuse("destination", "with `shared = true`, `destination` cannot be set")),
        Some(destination) => Ok(Some(destination.to_string())),
        None => Ok(None),
    }
}
