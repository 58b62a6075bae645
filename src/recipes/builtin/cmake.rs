//! `hardtack:cmake`: packages that are built with CMake, beside their sources.

use super::super::plan::Part;
use super::super::recipe::{About, Build, Opt, Recipe, opt};
use super::super::shell::{folded, quoted};
use super::ours;
use crate::config::{self, SectionOptions};

pub(in super::super) struct Cmake;

const OPTIONS: &[Opt] = &[
    opt("options", "", "Options of cmake, such as -DBUILD_TESTING=OFF"),
    opt("build-type", "Release", "CMAKE_BUILD_TYPE"),
    opt("generator", "", "What cmake writes; that of make where it is left out"),
    opt("targets", "", "What is built; everything where it is left out"),
];

const ABOUT: About = About {
    name: "hardtack:cmake",
    says: "cmake, build and install, beside the sources",
    options: &[ours::SOURCE, OPTIONS, ours::BUILD, ours::AROUND],
    downloads: ours::DOWNLOADS,
    example: "[json]\nrecipe = hardtack:cmake\nurl = https://example.org/json-3.11.tar.xz\nsha256 = …\nuses = zlib\n\
              options = -DJSON_BuildTests=OFF\n",
};

impl Recipe for Cmake {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        ours::initialise(section)
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let mut stages = ours::begin(build);
        let (folder, source) = (ours::BUILD_FOLDER, stages.source_folder());
        let text = |option: &str| folded(stages.build.text(option));
        let build_type = stages.build.optional("build-type").unwrap_or("Release");
        let prefix = quoted(stages.build.text("prefix"));
        let generator = match text("generator").as_str() {
            "" => String::new(),
            generator => format!(" -G {}", quoted(generator)),
        };
        // A library that is linked by its path is found there later, and nothing is looked for on the network.
        let configure = format!(
            "cmake -S {source} -B {folder}{generator} -DCMAKE_BUILD_TYPE={} -DCMAKE_INSTALL_PREFIX={prefix} \
             -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_RPATH={} -DCMAKE_INSTALL_RPATH_USE_LINK_PATH=ON \
             -DFETCHCONTENT_FULLY_DISCONNECTED=ON {}",
            quoted(build_type),
            quoted(&format!("{}/lib", stages.build.text("prefix"))),
            text("options"),
        );
        let targets = match text("targets").as_str() {
            "" => String::new(),
            targets => format!(" --target {targets}"),
        };
        stages.run("configure", configure.trim_end());
        stages.run("build", &format!("cmake --build {folder}{targets}"));
        stages.check(&format!("cd {folder} && ctest --output-on-failure"));
        stages.run("install", &format!("cmake --install {folder}"));
        stages.end();
        stages.part()
    }
}
