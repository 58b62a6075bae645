//! `zc.recipe.cmmi`: configure, make, make install.
//!
//! Options as in zc.recipe.cmmi 5.1, and `sha256`. The steps are that recipe's, in its order; unlike there, one
//! part's environment does not leak into the next.

use camino::Utf8Path;

use super::super::environment;
use super::super::plan::{Input, Part, Step, StepKind};
use super::super::recipe::{About, Build, Download, Recipe, opt};
use super::super::shell::shell;
use super::super::variable::Variable;
use crate::config::{self, SectionOptions};

pub(in super::super) struct Cmmi;

const ABOUT: About = About {
    name: "zc.recipe.cmmi",
    says: "configure, make and make install of an archive",
    options: &[&[
        opt("url", "", "The archive: a URL, a path, or a commit as git+URL@REVISION"),
        opt("md5sum", "", "Its MD5"),
        opt("sha256", "", "Its SHA-256"),
        opt("alternate-url", "", "Other URLs of the same file"),
        opt("mirrors", "", "The same"),
        opt("extra_options", "", "Appended to the configure line"),
        opt("configure-command", "./configure", "The program that configures"),
        opt("configure-options", "--prefix=\"LOCATION\"", "Its options; they stand instead of --prefix"),
        opt("source-directory-contains", "configure", "The file that shows where the sources are"),
        opt("autogen", "", "A script that makes configure"),
        opt("patch", "", "A patch: a URL or a path"),
        opt("patch-md5sum", "", "Its MD5"),
        opt("patch-sha256", "", "Its SHA-256"),
        opt("patch_options", "-p0", "Options of patch"),
        opt("environment", "", "Variables, as NAME=value words"),
        opt("location", "${buildout:parts-directory}", "The folder above the part's own"),
        opt("shared", "", "Understood; each installation builds its own"),
    ]],
    downloads: &[
        Download::Urls { option: "url", digests: &["sha256", "md5sum"], fragment: false },
        Download::Urls { option: "patch", digests: &["patch-sha256", "patch-md5sum"], fragment: false },
    ],
    example: "[zlib]\nrecipe = zc.recipe.cmmi\nurl = https://example.org/zlib-1.3.1.tar.gz\nsha256 = …\n",
};

impl Recipe for Cmmi {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        if section.get("url")?.is_none() {
            return Err(section.refuse("recipe", format!("part `{}` has no option `url`", section.name())));
        }
        let environment = section.get("environment")?.unwrap_or_default();
        if let Err(word) = environment::parse(&environment) {
            let message = format!("`{word}` in `environment` is not of the form NAME=VALUE");
            return Err(section.refuse("environment", message));
        }
        // The option names the folder above; the part's own name is added.
        let parent = match section.get("location")? {
            Some(location) => location,
            None => section.buildout("parts-directory")?.unwrap_or_default(),
        };
        // The original leaves a relative one as it is, and then installs into the build folder it removes.
        let directory = section.buildout("directory")?.unwrap_or_default();
        let location = Utf8Path::new(&*directory).join(&*parent).join(section.name());
        section.set("location", location.as_str());
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let location = build.location("location");
        let environment = environment::parse(build.text("environment")).unwrap_or_default();
        let environment = environment.into_iter().map(|(name, value)| (name, Variable::text(value))).collect();
        let mut sources = Vec::new();
        sources.extend(build.main_source("url", "md5sum", "sha256"));
        let marker = build.optional("source-directory-contains").unwrap_or("configure").to_owned();
        let autogen = build.text("autogen").to_owned();
        let shared = build.optional("shared").filter(|text| !text.is_empty());
        if shared.is_some() {
            build.note("shared", "`shared` builds are made for each installation, not once a machine");
        }

        let mut steps = vec![build.unpack(0)];
        let mut unless = vec![marker.clone()];
        unless.extend(Some(&autogen).filter(|autogen| !autogen.is_empty()).cloned());
        steps.push(Step { name: "enter", kind: StepKind::EnterOnlyFolder { unless, or_fail: false } });
        if !build.text("patch").is_empty() {
            let input = sources.len();
            sources.extend(build.source("patch", "patch-md5sum", "patch-sha256"));
            let options = build.optional("patch_options").unwrap_or("-p0");
            let (command, input) = (format!("patch {options}"), Some(Input::Source(input)));
            steps.push(Step { name: "patch", kind: StepKind::Shell { command, input } });
        }
        if !autogen.is_empty() {
            steps.push(shell("autogen", format!("./{autogen}")));
        }
        steps.push(Step { name: "enter", kind: StepKind::EnterOnlyFolder { unless: vec![marker], or_fail: true } });
        let location = location?;
        steps.push(shell("configure", configure(build, build.text("location"))));
        steps.push(shell("make", "make".to_owned()));
        steps.push(shell("install", "make install".to_owned()));
        build.part(location, environment, sources, steps)
    }
}

/// The configure line: `configure-options` stands instead of `--prefix`, `extra_options` come after either.
fn configure(build: &Build<'_>, location: &str) -> String {
    let command = build.optional("configure-command").unwrap_or("./configure");
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line = match build.optional("configure-options") {
        Some(options) => format!("{command} {}", folded(options)),
        None => format!("{command} --prefix=\"{location}\""),
    };
    let extra = folded(build.text("extra_options"));
    if !extra.is_empty() {
        line.push(' ');
        line.push_str(&extra);
    }
    line
}
