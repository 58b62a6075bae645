//! `hardtack:copy`: files that are installed as they are.

use super::super::plan::{Input, Part};
use super::super::recipe::{About, Build, Opt, Recipe, opt};
use super::super::shell::quoted;
use super::ours;
use super::slapos_download::write_to;
use crate::config::{self, SectionOptions};

pub(in super::super) struct Copy;

const OPTIONS: &[Opt] = &[
    opt("unpack", "true", "false takes the file as it is"),
    opt("filename", "", "The file's name, where it is not unpacked; else that of the URL"),
    opt("mode", "", "Its permissions, in octal"),
    opt("to", "", "The folder for the files below the location"),
];

const ABOUT: About = About {
    name: "hardtack:copy",
    says: "files of an archive, a folder or a URL, as they are",
    options: &[ours::SOURCE, OPTIONS, ours::AROUND],
    downloads: ours::DOWNLOADS,
    example: "[model]\nrecipe = hardtack:copy\nurl = https://example.org/model-7.bin\nsha256 = …\nunpack = false\nto = share\n",
};

impl Recipe for Copy {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let unpacks = super::super::computed::boolean(section, "unpack")?;
        if unpacks == Some(false) && section.get("url")?.is_none() {
            return Err(section.refuse("unpack", "only what a `url` names is unpacked"));
        }
        ours::initialise(section)
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let to = match build.text("to").trim().trim_matches('/') {
            "" => build.text("location").to_owned(),
            folder => format!("{}/{folder}", build.text("location")),
        };
        if !build.text("to").trim().is_empty() {
            let folder = build.text("to").trim().trim_matches('/').to_owned();
            build.file_name("to", &folder)?;
        }
        if build.text("unpack") == "false" {
            let mode = build.mode("mode")?;
            let name = build.text("filename").trim().to_owned();
            let mut stages = super::super::stages::Stages::new(build, "location");
            let source = stages.main_source()?;
            let name = if name.is_empty() { stages.source(source).file_name().to_owned() } else { name };
            let name = stages.build.file_name("filename", &name)?;
            stages.run_with("write", write_to(&format!("{to}/{name}"), mode), Input::Source(source));
            stages.end();
            return stages.part();
        }
        let mut stages = ours::begin(build);
        let (source, to) = (stages.source_folder(), quoted(&to));
        stages.run("copy", &format!("mkdir -p {to} && cp -RPp {source}/. {to}"));
        stages.end();
        stages.part()
    }
}
