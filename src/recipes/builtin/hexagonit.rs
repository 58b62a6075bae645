//! `hexagonit.recipe.cmmi` and `hexagonit.recipe.download`, as versions 2.0 and 1.7.1 do it.

use super::super::computed::{is_yes, location_below_parts};
use super::super::plan::{Input, Part, Step, StepKind};
use super::super::recipe::{About, Build, Download, Opt, Recipe, opt};
use super::super::shell::{copy_here_to, folded};
use super::super::stages::{Stages, Strip};
use super::slapos_download::write_to;
use crate::config::{self, SectionOptions};

pub(in super::super) struct HexagonitCmmi;
pub(in super::super) struct HexagonitDownload;

const URL: Opt = opt("url", "", "The archive; for hexagonit.recipe.cmmi either this or path");
const MD5SUM: Opt = opt("md5sum", "", "Its MD5");
const SHA256: Opt = opt("sha256", "", "Its SHA-256");
const STRIP: Opt = opt("strip-top-level-dir", "false", "Whether the archive must hold one folder, which is left out");
const EXISTING: Opt = opt("ignore-existing", "false", "Understood; every build starts from nothing");
const HASH_NAME: Opt = opt("hash-name", "true", "Understood; it names a file in the cache");
const ON_UPDATE: Opt = opt("on-update", "false", "Understood; what changed is made again");
const EXCLUDES: Opt = opt("excludes", "", "Patterns of files of the archive that are left out");
/// Options with Python code.
const HOOKS: [&str; 3] = ["pre-configure-hook", "pre-make-hook", "post-make-hook"];

const CMMI: About = About {
    name: "hexagonit.recipe.cmmi",
    says: "configure, make and make install of an archive or a folder",
    options: &[&[
        URL,
        opt("path", "", "A folder of the project or of another part, which is built from a copy"),
        MD5SUM,
        SHA256,
        opt("prefix", "LOCATION", "What --prefix says"),
        opt("configure-command", "./configure", "The program that configures"),
        opt("configure-options", "--prefix=\"PREFIX\"", "Its options; --prefix goes before them where they have none"),
        opt("make-binary", "make", "The program that builds and installs"),
        opt("make-options", "", "Its options"),
        opt("make-targets", "install", "What it makes to install"),
        opt("patches", "", "Paths of patches"),
        opt("patch-options", "-p0", "Options of patch"),
        opt("patch-binary", "patch", "The program that patches"),
        opt("environment", "", "Variables, a line each"),
        opt("environment-section", "", "A section that has more of them"),
        opt("pre-configure-hook", "", "Python code, which is refused"),
        opt("pre-make-hook", "", "Python code, which is refused"),
        opt("post-make-hook", "", "Python code, which is refused"),
        opt("keep-compile-dir", "false", "Understood; the folder of a build that failed is kept"),
        opt("destination", "", "Understood; archives are unpacked to the build folder"),
        STRIP,
        EXISTING,
        opt("download-only", "false", "Understood; the archive is unpacked"),
        opt("filename", "", "Understood; the archive is unpacked"),
        opt("mode", "", "Understood; the archive is unpacked"),
        HASH_NAME,
        ON_UPDATE,
        EXCLUDES,
    ]],
    downloads: &[Download::Urls { option: "url", digests: &["sha256", "md5sum"], fragment: true }],
    example: "[pcre]\nrecipe = hexagonit.recipe.cmmi\nurl = https://example.org/pcre2-10.42.tar.gz\nmd5sum = …\n\
              configure-options = --enable-jit\n",
};

impl Recipe for HexagonitCmmi {
    fn about(&self) -> &'static About {
        &CMMI
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let location = location_below_parts(section)?;
        section.set("location", location.as_str());
        let prefix = section.get("prefix")?.unwrap_or_else(|| location.as_str().into());
        section.set("prefix", prefix);
        let trimmed = |text: Option<std::sync::Arc<str>>| text.unwrap_or_default().trim().to_owned();
        let (url, path) = (trimmed(section.get("url")?), trimmed(section.get("path")?));
        section.set("url", url.as_str());
        section.set("path", path.as_str());
        match (url.is_empty(), path.is_empty()) {
            (false, false) => return Err(section.refuse("path", "it takes either `url` or `path`, not both")),
            (true, true) => return Err(section.refuse("recipe", "it takes either `url` or `path`")),
            (false, true) => section.set("compile-directory", format!("{location}__compile__")),
            (true, false) => section.set("compile-directory", path),
        }
        let variables = section.get("environment-section")?.unwrap_or_default();
        if !variables.trim().is_empty() {
            section.require(variables.trim(), "environment-section")?;
        }
        let environment = section.get("environment")?.unwrap_or_default();
        if let Some(line) = environment.lines().find(|line| !line.trim().is_empty() && !line.contains('=')) {
            let message = format!("`{line}` in `environment` is not of the form NAME=value");
            return Err(section.refuse("environment", message));
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let mut stages = Stages::new(build, "location");
        stages.refuse_python(&HOOKS, "`slapos.recipe.cmmi` has options for commands between the steps");
        let section = stages.build.text("environment-section").trim().to_owned();
        if !section.is_empty() {
            stages.environment_section("environment-section", &section);
        }
        let environment = stages.build.text("environment").to_owned();
        let pairs = environment.lines().filter_map(|line| line.split_once('='));
        stages.environment("environment", pairs.map(|(name, value)| (name.trim().to_owned(), value.to_owned())));

        match stages.build.text("url").is_empty() {
            true => stages.copy_in("path"),
            false => stages.unpack_but_excludes(),
        }
        stages.enter(Strip::OnlyFolder);
        let patch = stages.build.optional("patch-binary").unwrap_or("patch").trim().to_owned();
        let patch_options = folded(stages.build.optional("patch-options").unwrap_or("-p0"));
        stages.patches("patches", &patch, &patch_options, false);

        let (build, text) = (&*stages.build, |option| folded(stages.build.text(option)));
        let configure = match (build.text("configure-command").trim(), text("configure-options")) {
            ("", options) if options.contains("--prefix") => format!("./configure {options}"),
            ("", options) => format!("./configure --prefix=\"{}\" {options}", build.text("prefix")),
            (command, options) => format!("{command} {options}"),
        };
        let make = build.optional("make-binary").unwrap_or("make").trim();
        let make = format!("{make} {}", text("make-options"));
        let install = format!("{make} {}", folded(build.optional("make-targets").unwrap_or("install")));
        for (name, command) in [("configure", configure), ("make", make), ("install", install)] {
            stages.run(name, command.trim());
        }
        stages.part()
    }
}

const DOWNLOAD: About = About {
    name: "hexagonit.recipe.download",
    says: "a file, or the files of an archive",
    options: &[&[
        URL,
        MD5SUM,
        SHA256,
        opt("destination", "${buildout:parts-directory}/NAME", "The folder for it"),
        STRIP,
        EXISTING,
        opt("download-only", "false", "The file is not unpacked"),
        opt("filename", "", "Its name, where it is not unpacked; else that of the URL"),
        opt("mode", "", "Its permissions, in octal"),
        HASH_NAME,
        ON_UPDATE,
        EXCLUDES,
    ]],
    downloads: &[Download::Urls { option: "url", digests: &["sha256", "md5sum"], fragment: true }],
    example: "[fonts]\nrecipe = hexagonit.recipe.download\nurl = https://example.org/fonts-2.1.zip\nmd5sum = …\n\
              strip-top-level-dir = true\n",
};

impl Recipe for HexagonitDownload {
    fn about(&self) -> &'static About {
        &DOWNLOAD
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let destination = match section.get("destination")? {
            Some(destination) => destination.to_string(),
            None => location_below_parts(section)?,
        };
        section.set("destination", destination.as_str());
        section.set("location", destination);
        let defaults = [STRIP, EXISTING, HASH_NAME, ON_UPDATE].map(|option| (option.name, option.default));
        for (option, default) in defaults.into_iter().chain([("download-only", "false")]) {
            if section.get(option)?.is_none() {
                section.set(option, default);
            }
        }
        for (option, always) in [("filename", true), ("mode", false)] {
            let value = section.get(option)?.unwrap_or_default();
            if always || !value.is_empty() {
                section.set(option, value.trim());
            }
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let location = build.text("location").trim_end_matches('/').to_owned();
        let mut stages = Stages::new(build, "location");
        if !is_yes(stages.build.text("download-only").trim()) {
            stages.unpack_but_excludes();
            stages.add(copy_here_to(&location));
            return stages.part();
        }
        let mode = stages.build.mode("mode")?;
        let name = stages.build.text("filename").to_owned();
        let source = stages.main_source()?;
        let name = if name.is_empty() { stages.source(source).file_name().to_owned() } else { name };
        let name = stages.build.file_name("filename", &name)?;
        stages.run_with("write", write_to(&format!("{location}/{name}"), mode), Input::Source(source));
        stages.part()
    }
}

impl Stages<'_, '_> {
    /// Unpacks the archive, leaves out what `excludes` lists, and goes into its one folder where that is left out.
    fn unpack_but_excludes(&mut self) {
        self.unpack(Strip::Nothing);
        let lines = self.build.text("excludes").lines().map(str::trim).filter(|line| !line.is_empty());
        let patterns: Vec<String> = lines.map(str::to_owned).collect();
        if !patterns.is_empty() {
            self.add(Step { name: "exclude", kind: StepKind::Exclude { patterns } });
        }
        if is_yes(self.build.text("strip-top-level-dir").trim()) {
            self.enter(Strip::OneFolder);
        }
    }
}
