//! `slapos.recipe.cmmi`: configure, make, make install with patches and commands between, as slapos.recipe.cmmi 0.23 does it.
//!
//! Other than there, what is built from a `path` is built from a copy, and a promise that is not kept is a failure.

use super::super::computed::{environment_lines, location, require_environment, shared};
use super::super::environment::assignments;
use super::super::plan::Part;
use super::super::recipe::{About, Build, Download, Opt, Recipe, opt};
use super::super::shell::{folded, quoted};
use super::super::stages::{Stages, Strip};
use crate::base::normalize;
use crate::config::{self, SectionOptions};

/// The text that stands for the part's location in any option.
const LOCATION: &str = "@@LOCATION@@";
/// Stands before every command there.
const STRICTLY: &str = "set -e;";
/// Options with Python code.
const HOOKS: [&str; 3] = ["pre-configure-hook", "pre-make-hook", "post-make-hook"];

pub(in super::super) struct SlaposCmmi;

const OPTIONS: &[Opt] = &[
    opt("url", "", "The archive; either this or path"),
    opt("path", "", "A folder of the project or of another part, which is built from a copy"),
    opt("md5sum", "", "The archive's MD5"),
    opt("sha256", "", "Its SHA-256"),
    opt("alternate-url", "", "Other URLs of the same file"),
    opt("offline", "", "Understood; installations never download"),
    opt("strip-top-level-dir", "false", "Whether the archive must hold one folder"),
    opt("shared", "false", "Built once a machine, below [buildout] shared-part-list"),
    opt("prefix", "LOCATION", "What --prefix says"),
    opt("location", "${buildout:parts-directory}/NAME", "Set by the recipe"),
    opt("configure-command", "./configure", "The program that configures"),
    opt("configure-options", "--prefix=\"PREFIX\"", "Its options; --prefix goes before them where they have none"),
    opt("make-binary", "make", "The program that builds and installs"),
    opt("make-options", "", "Its options"),
    opt("make-targets", "install", "What it makes to install"),
    opt("pre-configure", "", "Commands before configure"),
    opt("pre-build", "", "Commands before make"),
    opt("pre-install", "", "Commands before make install"),
    opt("post-install", "", "Commands after it"),
    opt("pre-configure-hook", "", "Python code, which is refused"),
    opt("pre-make-hook", "", "Python code, which is refused"),
    opt("post-make-hook", "", "Python code, which is refused"),
    opt("patches", "", "Patches, each URL#MD5 or a path"),
    opt("patch-options", "-p0", "Options of patch"),
    opt("patch-binary", "patch", "The program that patches"),
    opt("environment", "", "Variables, a line each, or the name of a section that has them"),
    opt("promises", "", "Paths that must be there in the end"),
    opt("keep-compile-dir", "false", "Understood; the folder of a build that failed is kept"),
];

const ABOUT: About = About {
    name: "slapos.recipe.cmmi",
    says: "configure, make and make install of an archive or a folder, with patches and commands between",
    options: &[OPTIONS],
    downloads: &[
        Download::Urls { option: "url", digests: &["sha256", "md5sum"], fragment: true },
        Download::Urls { option: "patches", digests: &[], fragment: true },
    ],
    example: "[libpng]\nrecipe = slapos.recipe.cmmi\nurl = https://example.org/libpng-1.6.43.tar.xz\nmd5sum = …\n\
              environment =\n  CPPFLAGS=-I${zlib:location}/include\n  LDFLAGS=-L${zlib:location}/lib\n",
};

impl Recipe for SlaposCmmi {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let shared = shared(section)?;
        let environment = section.get("environment")?.unwrap_or_default();
        if shared {
            require_environment(section, &environment)?;
        }
        let location = location(section, shared)?;
        if let Some(given) = section.get("location")?
            && given.replace(LOCATION, &location) != location
        {
            return Err(section.refuse("location", "`location` cannot be chosen with this recipe; use `prefix`"));
        }
        section.set("location", location.as_str());
        match section.get("prefix")?.filter(|prefix| !prefix.is_empty()) {
            None => section.set("prefix", location.as_str()),
            Some(prefix) => {
                let prefix = normalize(prefix.replace(LOCATION, &location).as_str().into());
                if shared && !prefix.as_str().starts_with(&location) {
                    return Err(
                        section.refuse("prefix", "with `shared = true`, `prefix` cannot be outside the location")
                    );
                }
            }
        }
        let url = section.get("url")?.filter(|url| !url.is_empty());
        let path = section.get("path")?.filter(|path| !path.is_empty());
        match (url, path) {
            (Some(_), Some(_)) => return Err(section.refuse("path", "it takes either `url` or `path`, not both")),
            (None, None) => return Err(section.refuse("recipe", "it takes either `url` or `path`")),
            (Some(_), None) => section.set("compile-directory", format!("{location}/.build")),
            (None, Some(path)) => section.set("compile-directory", path),
        }
        for (option, value) in section.all()? {
            if value.contains(LOCATION) {
                section.set(&option, value.replace(LOCATION, &location));
            }
        }
        environment_lines(section, &environment)
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let mut stages = Stages::new(build, "location");
        stages.refuse_python(&HOOKS, "write it as commands, in `pre-configure`, `pre-build` or `post-install`");
        let text = |stages: &Stages<'_, '_>, option: &str| stages.build.text(option).trim().to_owned();
        let environment = text(&stages, "environment");
        match environment.contains('=') || environment.is_empty() {
            true => stages.environment("environment", assignments(&environment)),
            false => stages.environment_section("environment", &environment),
        }

        if text(&stages, "url").is_empty() {
            stages.copy_in("path");
        } else {
            let strip = text(&stages, "strip-top-level-dir") == "true";
            stages.unpack(if strip { Strip::OneFolder } else { Strip::Nothing });
        }
        stages.enter(Strip::OnlyFolder);
        let patch = stages.build.optional("patch-binary").unwrap_or("patch").trim().to_owned();
        let patch_options = folded(stages.build.optional("patch-options").unwrap_or("-p0"));
        stages.patches("patches", &patch, &patch_options, true);

        stages.commands("pre-configure", "pre-configure");
        let line = configure(stages.build);
        stages.strictly("configure", "configure-command", &line);
        stages.commands("pre-build", "pre-build");
        let make = stages.build.optional("make-binary").unwrap_or("make").trim().to_owned();
        let line = folded(&format!("{make} {}", stages.build.text("make-options")));
        stages.strictly("make", "make-options", &line);
        stages.commands("pre-install", "pre-install");
        let mut targets = folded(stages.build.optional("make-targets").unwrap_or("install"));
        if !text(&stages, "configure-command").is_empty() && make == "make" && targets == "install" {
            // For makefiles that were written by hand, which no configure told where to install.
            targets += &format!(" prefix=\"{}\"", stages.build.text("prefix"));
        }
        stages.strictly("install", "make-targets", format!("{line} {targets}").trim());
        stages.commands("post-install", "post-install");
        let promises = text(&stages, "promises");
        stages.promise(&promises.lines().map(|path| path.trim().to_owned()).collect::<Vec<_>>());
        stages.long_shebangs();
        stages.part()
    }
}

/// The configure line.
fn configure(build: &Build<'_>) -> String {
    let options = folded(build.text("configure-options"));
    match build.text("configure-command").trim() {
        "" if options.contains("--prefix") => format!("./configure {options}"),
        "" => format!("./configure --prefix=\"{}\" {options}", build.text("prefix")).trim_end().to_owned(),
        command => format!("{command} {options}").trim_end().to_owned(),
    }
}

/// Scripts whose first line is longer than what kernels before Linux 5.1 read of it. They are given a shell script that does
/// what the kernel would have done, as the original does.
const LONG_SHEBANGS: &str = r##"for program in LOCATION/bin/* LOCATION/sbin/*; do
  if [ ! -f "$program" ] || [ -L "$program" ]; then continue; fi
  if [ "$(head -c 2 "$program" | tr -d '\0')" != '#!' ]; then continue; fi
  if [ "$(head -n 1 "$program" | wc -c)" -le 128 ]; then continue; fi
  mv "$program" "$program.shebang"
  cat > "$program" <<'END'
#!/bin/sh
read -r program argument < "$0.shebang"
program=${program#\#!}
[ -n "$program" ] || read -r _ program argument < "$0.shebang"
exec $program ${argument:+"$argument"} "$0.shebang" "$@"
END
  chmod "$(stat -c %a "$program.shebang")" "$program"
done"##;

impl Stages<'_, '_> {
    /// Runs the commands of an option.
    fn commands(&mut self, name: &'static str, option: &str) {
        let text = self.build.text(option).trim().to_owned();
        self.strictly(name, option, &text);
    }

    /// Runs commands that came from an option, of which the first that fails ends the step.
    fn strictly(&mut self, name: &'static str, option: &str, text: &str) {
        let commands = self.filled(option, text);
        if !commands.trim().is_empty() {
            self.run(name, &format!("{STRICTLY}{commands}"));
        }
    }

    fn long_shebangs(&mut self) {
        let location = quoted(self.build.text("location"));
        self.run("shebangs", &LONG_SHEBANGS.replace("LOCATION", &location));
    }
}
