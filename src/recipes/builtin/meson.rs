//! `hardtack:meson`: packages that are built with Meson and Ninja, beside their sources.

use super::super::plan::Part;
use super::super::recipe::{About, Build, Opt, Recipe, opt};
use super::super::shell::{folded, quoted};
use super::ours;
use crate::config::{self, SectionOptions};

pub(in super::super) struct Meson;

const OPTIONS: &[Opt] = &[
    opt("options", "", "Options of meson setup, such as -Dtests=disabled"),
    opt("build-type", "release", "--buildtype"),
];

const ABOUT: About = About {
    name: "hardtack:meson",
    says: "meson setup, compile and install, beside the sources",
    options: &[ours::SOURCE, OPTIONS, ours::BUILD, ours::AROUND],
    downloads: ours::DOWNLOADS,
    example: "[dav1d]\nrecipe = hardtack:meson\nurl = https://example.org/dav1d-1.4.tar.xz\nsha256 = …\noptions = -Denable_tests=false\n",
};

impl Recipe for Meson {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        ours::initialise(section)
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let mut stages = ours::begin(build);
        let (folder, source) = (ours::BUILD_FOLDER, stages.source_folder());
        let build_type = stages.build.optional("build-type").unwrap_or("release");
        let setup = format!(
            "meson setup {folder} {source} --prefix {} --libdir lib --buildtype {} --wrap-mode nodownload {}",
            quoted(stages.build.text("prefix")),
            quoted(build_type),
            folded(stages.build.text("options")),
        );
        stages.run("configure", setup.trim_end());
        stages.run("build", &format!("meson compile -C {folder}"));
        stages.check(&format!("meson test -C {folder} --print-errorlogs"));
        stages.run("install", &format!("meson install -C {folder} --no-rebuild"));
        stages.end();
        stages.part()
    }
}
