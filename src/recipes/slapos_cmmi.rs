//! `slapos.recipe.cmmi`: the options it computes, as slapos.recipe.cmmi 0.23 does.

use super::computed::{environment_lines, location_below_parts, require_environment, shared};
use super::plan::Part;
use super::recipe::{Build, Download, OptionTable, Recipe};
use crate::base::normalize;
use crate::config::{self, SectionOptions};

/// The text that stands for the part's location in any option.
const LOCATION: &str = "@@LOCATION@@";

pub(super) struct SlaposCmmi;

const OPTIONS: OptionTable = &[
    "url",
    "path",
    "md5sum",
    "alternate-url",
    "offline",
    "strip-top-level-dir",
    "shared",
    "prefix",
    "location",
    "configure-command",
    "configure-options",
    "make-binary",
    "make-options",
    "make-targets",
    "pre-configure",
    "pre-build",
    "pre-install",
    "post-install",
    "pre-configure-hook",
    "pre-make-hook",
    "post-make-hook",
    "patches",
    "patch-options",
    "patch-binary",
    "environment",
    "promises",
    "keep-compile-dir",
];

impl Recipe for SlaposCmmi {
    fn name(&self) -> &'static str {
        "slapos.recipe.cmmi"
    }

    fn options(&self) -> OptionTable {
        OPTIONS
    }

    fn downloads(&self) -> &'static [Download] {
        &[
            Download::Urls { option: "url", digests: &["md5sum"], fragment: true },
            Download::Urls { option: "patches", digests: &[], fragment: true },
        ]
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let shared = shared(section)?;
        let environment = section.get("environment")?.unwrap_or_default();
        if shared {
            require_environment(section, &environment)?;
        }
        let location = location_below_parts(section)?;
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
        build.not_built_yet()
    }
}
