//! What hardtack's own recipes have in common: where sources come from, which parts they use, what is run around the build.

use super::super::computed::{boolean, environment_lines, location, shared};
use super::super::environment::assignments;
use super::super::recipe::{Build, Download, Opt, opt};
use super::super::shell::quoted;
use super::super::stages::{Stages, Strip};
use crate::config::{self, SectionOptions};

/// Where the sources come from.
pub(super) const SOURCE: &[Opt] = &[
    opt("url", "", "The archive: a URL, a path, or a commit as git+URL@REVISION; either this or path"),
    opt("path", "", "A folder of the project or of another part, which is built from a copy"),
    opt("sha256", "", "The archive's SHA-256"),
    opt("md5sum", "", "Its MD5"),
    opt("mirrors", "", "Other URLs of the same file"),
    opt("subdir", "", "The folder of the sources that is built"),
];
/// What is built from them finds other parts, is put somewhere, and can be tested.
pub(super) const BUILD: &[Opt] = &[
    opt("uses", "", "Parts whose programs, headers, libraries and pkg-config files it finds"),
    opt("prefix", "LOCATION", "Where it is installed to"),
    opt("check", "false", "true runs its tests, before it is installed"),
    opt("environment", "", "Variables, NAME = value a line; %(NAME)s is a value from before"),
];
/// What comes before and after.
pub(super) const AROUND: &[Opt] = &[
    opt("patches", "", "Patches, each a path, or a URL with #MD5"),
    opt("patch-options", "-p1", "Options of patch"),
    opt("pre-configure", "", "Commands in its sources before anything else"),
    opt("post-install", "", "Commands after it is installed"),
    opt("promises", "", "Paths, seen from the location, that must be there in the end"),
    opt("shared", "false", "Built once a machine, below [buildout] shared-part-list"),
];

pub(super) const DOWNLOADS: &[Download] = &[
    Download::Urls { option: "url", digests: &["sha256", "md5sum"], fragment: false },
    Download::Urls { option: "patches", digests: &[], fragment: true },
];

/// The folder that programs which build beside the sources get.
pub(super) const BUILD_FOLDER: &str = "hardtack-build";

/// Computes `location` and `prefix`, and sees to it that the parts in `uses` come first.
pub(super) fn initialise(section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
    boolean(section, "check")?;
    let uses = section.get("uses")?.unwrap_or_default();
    for name in uses.split_whitespace() {
        section.require(name, "uses")?;
    }
    let environment = section.get("environment")?.unwrap_or_default();
    if environment.lines().any(|line| !line.trim().is_empty()) && !environment.contains('=') {
        return Err(section.refuse("environment", "`environment` takes lines of NAME = value"));
    }
    environment_lines(section, &environment)?;
    let of_both = [section.get("url")?, section.get("path")?];
    let given = of_both.iter().flatten().filter(|text| !text.trim().is_empty()).count();
    match given {
        0 => return Err(section.refuse("recipe", "it takes either `url` or `path`")),
        1 => {}
        _ => return Err(section.refuse("path", "it takes either `url` or `path`, not both")),
    }
    let shared = shared(section)?;
    let location = location(section, shared)?;
    section.set("location", location.as_str());
    if section.get("prefix")?.is_none_or(|prefix| prefix.is_empty()) {
        section.set("prefix", location);
    }
    Ok(())
}

/// The start of a part: its sources, patched, and its environment.
pub(super) fn begin<'s, 'b>(build: &'s mut Build<'b>) -> Stages<'s, 'b> {
    let mut stages = Stages::new(build, "location");
    stages.uses();
    let environment = stages.build.text("environment").to_owned();
    stages.more_environment("environment", assignments(&environment));
    match stages.build.text("url").trim().is_empty() {
        true => stages.copy_in("path"),
        false => {
            stages.unpack(Strip::OnlyFolder);
        }
    }
    let options = stages.build.optional("patch-options").unwrap_or("-p1").to_owned();
    stages.patches("patches", "patch", &options, true);
    let commands = stages.build.text("pre-configure").trim().to_owned();
    stages.script("pre-configure", &commands);
    stages
}

impl Stages<'_, '_> {
    /// Commands, of which the first that fails ends the step.
    pub(super) fn script(&mut self, name: &'static str, commands: &str) {
        if !commands.trim().is_empty() {
            self.run(name, &format!("set -e\n{commands}"));
        }
    }

    /// Runs the tests, where that is wanted.
    pub(super) fn check(&mut self, command: &str) {
        if self.build.text("check") == "true" {
            self.run("check", command);
        }
    }

    /// What comes after the part is installed.
    pub(super) fn end(&mut self) {
        let commands = self.build.text("post-install").trim().to_owned();
        self.script("post-install", &commands);
        let location = camino::Utf8PathBuf::from(self.build.text("location"));
        let text = self.build.text("promises").to_owned();
        let paths = text.split_whitespace().map(|path| location.join(path).into_string());
        self.promise(&paths.collect::<Vec<_>>());
    }

    /// Has the programs of a build find what other parts installed.
    fn uses(&mut self) {
        let mut locations: Vec<String> = Vec::new();
        let mut waiting: Vec<String> = self.build.text("uses").split_whitespace().map(str::to_owned).collect();
        let direct = waiting.len();
        let mut at = 0;
        // What those use that it uses comes after them.
        while let Some(name) = waiting.get(at).cloned() {
            at += 1;
            let options = self.build.around.section(&name).map(|(options, _)| options).unwrap_or_default();
            match options.get("location") {
                Some(location) => {
                    self.build.uses.insert(name);
                    if !locations.iter().any(|known| **known == **location) {
                        locations.push(location.to_string());
                    }
                    let further = options.get("uses").map(|uses| &**uses).unwrap_or_default();
                    let further: Vec<String> = further.split_whitespace().map(str::to_owned).collect();
                    waiting.extend(further.into_iter().filter(|name| !waiting.contains(name)).collect::<Vec<_>>());
                }
                None if at <= direct => {
                    let message = format!("part `{}` uses `{name}`, which installs nothing", self.build.name);
                    self.build.problem("uses", message, None);
                }
                None => {}
            }
        }
        if locations.is_empty() {
            return;
        }
        let each = |path: &str, between: &str| {
            locations
                .iter()
                .map(|location| format!("{location}/{path}").replace('%', "%%"))
                .collect::<Vec<_>>()
                .join(between)
        };
        let flags = |flag: &str, path: &str| {
            let flag = |location: &String| format!("{flag}{location}/{path}").replace('%', "%%");
            locations.iter().map(flag).collect::<Vec<_>>().join(" ")
        };
        let libraries = [flags("-L", "lib"), flags("-Wl,-rpath,", "lib")].join(" ");
        let variables = [
            ("PATH", format!("{}:%(PATH)s", each("bin", ":"))),
            ("PKG_CONFIG_PATH", format!("{}:{}", each("lib/pkgconfig", ":"), each("share/pkgconfig", ":"))),
            ("CMAKE_PREFIX_PATH", each("", ":").replace("/:", ":").trim_end_matches('/').to_owned()),
            ("ACLOCAL_PATH", each("share/aclocal", ":")),
            ("CPPFLAGS", flags("-I", "include")),
            ("LDFLAGS", libraries),
            // For what looks at neither of these.
            ("CPATH", each("include", ":")),
            ("LIBRARY_PATH", each("lib", ":")),
            ("LD_RUN_PATH", each("lib", ":")),
        ];
        self.environment("uses", variables.map(|(name, value)| (name.to_owned(), value)));
    }

    /// The folder that is built: that of the sources, or one below it.
    pub(super) fn source_folder(&self) -> String {
        match self.build.text("subdir").trim() {
            "" => ".".to_owned(),
            folder => quoted(folder),
        }
    }
}
