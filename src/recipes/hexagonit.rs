//! `hexagonit.recipe.cmmi` and `hexagonit.recipe.download`: the options they compute, as versions 2.0 and 1.7.1 do.

use super::computed::location_below_parts;
use super::plan::Part;
use super::recipe::{Build, Download, OptionTable, Recipe};
use crate::config::{self, SectionOptions};

pub(super) struct HexagonitCmmi;
pub(super) struct HexagonitDownload;

impl Recipe for HexagonitCmmi {
    fn name(&self) -> &'static str {
        "hexagonit.recipe.cmmi"
    }

    fn options(&self) -> OptionTable {
        &[
            "url",
            "path",
            "md5sum",
            "prefix",
            "configure-command",
            "configure-options",
            "make-binary",
            "make-options",
            "make-targets",
            "patches",
            "patch-options",
            "patch-binary",
            "environment",
            "environment-section",
            "pre-configure-hook",
            "pre-make-hook",
            "post-make-hook",
            "keep-compile-dir",
            "destination",
            "strip-top-level-dir",
            "ignore-existing",
            "download-only",
            "filename",
            "mode",
            "hash-name",
            "on-update",
            "excludes",
        ]
    }

    fn downloads(&self) -> &'static [Download] {
        &[Download::Urls { option: "url", digests: &["md5sum"], fragment: true }]
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
        let environment = section.get("environment")?.unwrap_or_default();
        if let Some(line) = environment.lines().find(|line| !line.trim().is_empty() && !line.contains('=')) {
            let message = format!("`{line}` in `environment` is not of the form NAME=value");
            return Err(section.refuse("environment", message));
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        build.not_built_yet()
    }
}

impl Recipe for HexagonitDownload {
    fn name(&self) -> &'static str {
        "hexagonit.recipe.download"
    }

    fn options(&self) -> OptionTable {
        &[
            "url",
            "md5sum",
            "destination",
            "strip-top-level-dir",
            "ignore-existing",
            "download-only",
            "filename",
            "mode",
            "hash-name",
            "on-update",
            "excludes",
        ]
    }

    fn downloads(&self) -> &'static [Download] {
        &[Download::Urls { option: "url", digests: &["md5sum"], fragment: true }]
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let destination = match section.get("destination")? {
            Some(destination) => destination.to_string(),
            None => location_below_parts(section)?,
        };
        section.set("destination", destination.as_str());
        section.set("location", destination);
        let defaults = [
            ("strip-top-level-dir", "false"),
            ("ignore-existing", "false"),
            ("download-only", "false"),
            ("hash-name", "true"),
            ("on-update", "false"),
        ];
        for (option, default) in defaults {
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
        build.not_built_yet()
    }
}
