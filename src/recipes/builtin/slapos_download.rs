//! `slapos.recipe.build:download` and `:download-unpacked`, as slapos.recipe.build 0.66 does it.

use super::super::computed::{boolean, environment_lines, location, shared};
use super::super::plan::{Input, Part};
use super::super::recipe::{About, Build, Download, Recipe, opt};
use super::super::shell::{copy_here_to, quoted};
use super::super::stages::{Stages, Strip};
use crate::config::{self, SectionOptions};

pub(in super::super) struct SlaposDownload;
pub(in super::super) struct SlaposUnpacked;

const DOWNLOAD: About = About {
    name: "slapos.recipe.build:download",
    says: "a file, as it is",
    options: &[&[
        opt("url", "", "The file"),
        opt("md5sum", "", "Its MD5"),
        opt("sha256", "", "Its SHA-256"),
        opt("alternate-url", "", "Other URLs of the same file"),
        opt("filename", "NAME", "Its name in the location"),
        opt("destination", "", "Its path, instead of one in the location"),
        opt("shared", "false", "Made once a machine, below [buildout] shared-part-list; needs md5sum"),
        opt("offline", "", "Understood; installations never download"),
    ]],
    downloads: &[Download::Urls { option: "url", digests: &["sha256", "md5sum"], fragment: true }],
    example: "[logo]\nrecipe = slapos.recipe.build:download\nurl = https://example.org/logo.svg\nmd5sum = …\n",
};

impl Recipe for SlaposDownload {
    fn about(&self) -> &'static About {
        &DOWNLOAD
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
        let location = location(section, shared)?;
        let file_name = match section.get("filename")?.filter(|name| !name.is_empty()) {
            Some(name) => name.rsplit('/').next().unwrap_or_default().to_owned(),
            None => section.name().to_owned(),
        };
        section.set("location", location.as_str());
        section.set("target", format!("{location}/{file_name}"));
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let target = build.text("target").to_owned();
        let mut stages = match build.text("destination").is_empty() {
            true => Stages::new(build, "location"),
            false => {
                build.below_project("destination", &target)?;
                Stages::in_own_folder(build)
            }
        };
        let source = stages.main_source()?;
        stages.writes(&target);
        stages.run_with("write", write_to(&target, 0o644), Input::Source(source));
        stages.part()
    }
}

const UNPACKED: About = About {
    name: "slapos.recipe.build:download-unpacked",
    says: "the files of an archive",
    options: &[&[
        opt("url", "", "The archive"),
        opt("md5sum", "", "Its MD5"),
        opt("sha256", "", "Its SHA-256"),
        opt("alternate-url", "", "Other URLs of the same file"),
        opt(
            "strip-top-level-dir",
            "",
            "true: it must hold one folder, which is left out; false: nothing is; else, if there is one",
        ),
        opt("destination", "", "The folder for it, instead of the location"),
        opt("shared", "false", "Made once a machine, below [buildout] shared-part-list"),
        opt("environment", "", "Understood; no program unpacks"),
        opt("offline", "", "Understood; installations never download"),
    ]],
    downloads: &[Download::Urls { option: "url", digests: &["sha256", "md5sum"], fragment: true }],
    example: "[fonts]\nrecipe = slapos.recipe.build:download-unpacked\nurl = https://example.org/fonts-2.1.zip\nmd5sum = …\n",
};

impl Recipe for SlaposUnpacked {
    fn about(&self) -> &'static About {
        &UNPACKED
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        boolean(section, "strip-top-level-dir")?;
        needs_url(section)?;
        let environment = section.get("environment")?.unwrap_or_default();
        environment_lines(section, &environment)?;
        let shared = shared(section)?;
        let location = match destination(section, shared)? {
            Some(destination) => destination,
            None => location(section, shared)?,
        };
        section.set("location", location.as_str());
        section.set("target", location);
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let strip = match build.text("strip-top-level-dir") {
            "true" => Strip::OneFolder,
            "false" => Strip::Nothing,
            _ => Strip::OnlyFolder,
        };
        let location = build.text("location").to_owned();
        let mut stages = Stages::new(build, "location");
        stages.unpack(strip);
        stages.add(copy_here_to(&location));
        stages.part()
    }
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

/// A command that makes its input a file.
pub(in super::super) fn write_to(path: &str, mode: u32) -> String {
    let folder = path.rsplit_once('/').map(|(folder, _)| folder).filter(|folder| !folder.is_empty()).unwrap_or("/");
    let (folder, path) = (quoted(folder), quoted(path));
    format!("mkdir -p {folder} && rm -f {path} && cat > {path} && chmod {mode:o} {path}")
}
