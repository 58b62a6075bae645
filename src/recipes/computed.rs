//! Options that several recipes read or compute in the same way.

use std::collections::BTreeSet;

use camino::Utf8Path;

use crate::base::Sha256;
use crate::config::{self, SectionOptions};

/// `parts-directory/NAME`.
pub(super) fn location_below_parts(section: &mut SectionOptions<'_, '_>) -> Result<String, config::Error> {
    let parts = section.buildout("parts-directory")?.unwrap_or_default();
    Ok(Utf8Path::new(&*parts).join(section.name()).into_string())
}

/// The option of `[buildout]` with folders for parts that the installations of a machine share.
pub(super) const SHARED_PART_LIST: &str = "shared-part-list";

/// The folders of a list of them, a line each.
pub(super) fn shared_folders(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(|line| line.trim().trim_end_matches('/')).filter(|folder| !folder.is_empty())
}

/// Where a part's files go: below the parts directory, or, where it is `shared` and `[buildout]` has a folder for that, below
/// the last of these folders, by a digest of all its options. Those of parts it refers to are among them, through the paths
/// of these parts.
pub(super) fn location(section: &mut SectionOptions<'_, '_>, shared: bool) -> Result<String, config::Error> {
    let list = section.buildout(SHARED_PART_LIST)?.filter(|_| shared).unwrap_or_default();
    if !pins_its_bytes(section)? {
        return location_below_parts(section);
    }
    let Some(folder) = shared_folders(&list).last() else { return location_below_parts(section) };
    if !Utf8Path::new(folder).is_absolute() {
        let message = format!("`{SHARED_PART_LIST}` names `{folder}`, which is no absolute path");
        return Err(section.refuse("shared", message));
    }
    let mut options = String::new();
    // A section of variables counts by what it says.
    let environment = section.get("environment")?.filter(|text| !text.contains('=')).unwrap_or_default();
    if !environment.trim().is_empty() {
        for (name, value) in section.all_of(environment.trim())? {
            options += &format!("{}\0{}\0", &*name, &*value);
        }
    }
    for used in section.get("uses")?.unwrap_or_default().split_whitespace() {
        options += &format!("{}\0", section.of(used, "location")?);
    }
    for (name, value) in section.all()? {
        // Where the config lies is no matter of what it makes.
        if &*name != "_profile_base_location_" {
            options += &format!("{}\0{}\0", &*name, &*value);
        }
    }
    let digest = Sha256::of(options).to_string();
    Ok(format!("{folder}/{}/{}", section.name(), &digest[..DIGITS]))
}

/// Whether a section's options say which bytes its part is made from, so that a digest of them stands for all of it.
pub(super) fn pins_its_bytes(section: &mut SectionOptions<'_, '_>) -> Result<bool, config::Error> {
    let is_set = |text: Option<std::sync::Arc<str>>| text.is_some_and(|text| !text.trim().is_empty());
    let digest = is_set(section.get("md5sum")?) || is_set(section.get("sha256")?);
    let of_commit = section.get("url")?.is_some_and(|url| url.starts_with(crate::base::GIT_PREFIX));
    let patches = section.get("patches")?.unwrap_or_default();
    let patched =
        patches.split_whitespace().all(|patch| patch.split_once('#').is_some_and(|(_, digest)| !digest.is_empty()));
    Ok(digest && !of_commit && !is_set(section.get("path")?) && patched)
}

/// Digits of the digest in a path: enough to never meet, and short where paths are limited.
const DIGITS: usize = 32;

/// Whether a text says yes, as most recipes read it.
pub(super) fn is_yes(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "yes" | "true" | "1" | "on")
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
