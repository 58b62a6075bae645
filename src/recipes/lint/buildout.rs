//! `[buildout]` itself: sections and options that were probably meant to be its own.

use super::names::References;
use super::{Lint, LintCode};
use crate::config::{self, Config, similar};

/// Options of `[buildout]` that zc.buildout, its usual extensions or the SlapOS fork read, beyond those with a default.
const OPTIONS: [&str; 23] = [
    "abi-tag-eggs",
    "always-checkout",
    "auto-checkout",
    "dependency-links",
    "develop",
    "directory",
    "download-cache",
    "eggs",
    "extends-cache",
    "extensions",
    "index",
    "networkcache-section",
    "optional-extends",
    "parts",
    "relative-paths",
    "shared-part-list",
    "sources",
    "sources-dir",
    "unzip",
    "user",
    "verbosity",
    "versions",
    "extends",
];

/// Finds sections and options with names close to those that count, and configs without parts.
pub(super) fn check(config: &Config, references: &References, lints: &mut Vec<Lint>) {
    let parts = config.raw("buildout", "parts").map(|value| value.text.clone()).unwrap_or_default();
    for section in config.section_names().filter(|name| !parts.split_whitespace().any(|part| part == *name)) {
        let Some(meant) = similar(section, ["buildout", "hardtack"]) else { continue };
        let place = config.raw_section(section).into_iter().flatten().find_map(|(_, value)| value.origin().place());
        lints.push(Lint {
            code: LintCode::MisspelledSection,
            message: format!("section `{section}` means nothing to hardtack"),
            section: Some(section.to_owned()),
            place,
            hint: Some(format!("did you mean `[{meant}]`?")),
        });
    }
    for (option, value) in config.raw_section("buildout").into_iter().flatten() {
        let Some(place) = value.origin().place() else { continue };
        if OPTIONS.contains(&option)
            || config::default_options().any(|known| known == option)
            || references.has("buildout", option)
        {
            continue;
        }
        let known = OPTIONS.into_iter().chain(config::default_options());
        let Some(meant) = similar(option, known) else { continue };
        lints.push(Lint {
            code: LintCode::MisspelledOption,
            message: format!("section `buildout` has no option `{option}`"),
            section: Some("buildout".to_owned()),
            place: Some(place),
            hint: Some(format!("did you mean `{meant}`?")),
        });
    }
    if parts.trim().is_empty() {
        lints.push(Lint {
            code: LintCode::NoParts,
            message: "the config has no parts: nothing would be built".to_owned(),
            section: Some("buildout".to_owned()),
            place: config.raw("buildout", "parts").and_then(|value| value.origin().place()),
            hint: Some("name them in section [buildout]: `parts = …`".to_owned()),
        });
    }
}
