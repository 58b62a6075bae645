//! Options that several recipes read or compute in the same way.

use std::collections::BTreeSet;

use camino::Utf8Path;

use crate::config::{self, SectionOptions};

/// `parts-directory/NAME`.
pub(super) fn location_below_parts(section: &mut SectionOptions<'_, '_>) -> Result<String, config::Error> {
    let parts = section.buildout("parts-directory")?.unwrap_or_default();
    Ok(Utf8Path::new(&*parts).join(section.name()).into_string())
}

/// Where a part's files go: below the parts directory, or where [buildout] names folders for builds that a machine's projects
/// share and the part is `shared`, below one of those.
pub(super) fn location(section: &mut SectionOptions<'_, '_>, shared: bool) -> Result<String, config::Error> {
    let _ = shared;
    location_below_parts(section)
}

/// Option `shared`, which must be exactly `true` or `false`.
pub(super) fn shared(section: &mut SectionOptions<'_, '_>) -> Result<bool, config::Error> {
    Ok(boolean(section, "shared")? == Some(true))
}

/// An option that must be exactly `true` or `false`.
pub(super) fn boolean(section: &mut SectionOptions<'_, '_>, option: &str) -> Result<Option<bool>, config::Error> {
    match section.get(option)?.as_deref() {
        None => Ok(None),
        Some("") if option == "offline" => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => {
            let message = format!("option `{option}` is `{other}`: it takes `true` or `false`");
            Err(section.refuse(option, message))
        }
    }
}

/// Takes the environment from the section it names, where it names one.
pub(super) fn require_environment(
    section: &mut SectionOptions<'_, '_>,
    environment: &str,
) -> Result<(), config::Error> {
    if environment.is_empty() || environment.contains('=') {
        return Ok(());
    }
    section.require(environment, "environment")
}

/// Checks `NAME = value` lines, or takes the section that is named instead.
pub(super) fn environment_lines(section: &mut SectionOptions<'_, '_>, text: &str) -> Result<(), config::Error> {
    if !text.contains('=') {
        return require_environment(section, text);
    }
    let mut names = BTreeSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, _)) = line.split_once('=') else {
            let message = format!("`{line}` in `environment` is not of the form NAME = value");
            return Err(section.refuse("environment", message));
        };
        if !names.insert(name.trim_end()) {
            return Err(section.refuse("environment", format!("`{}` is set twice in `environment`", name.trim_end())));
        }
    }
    Ok(())
}
