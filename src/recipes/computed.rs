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
    let Some(folder) = shared_folders(&list).last() else { return location_below_parts(section) };
    if !Utf8Path::new(folder).is_absolute() {
        let message = format!("`{SHARED_PART_LIST}` names `{folder}`, which is no absolute path");
        return Err(section.refuse("shared", message));
    }
    let mut options = String::new();
    for (name, value) in section.all()? {
        // Where the config lies is no matter of what it makes.
        if &*name != "_profile_base_location_" {
            options += &format!("{}\0{}\0", &*name, &*value);
        }
    }
    let digest = Sha256::of(options).to_string();
    Ok(format!("{folder}/{}/{}", section.name(), &digest[..DIGITS]))
}

/// Digits of the digest in a path: enough to never meet, and short where paths are limited.
const DIGITS: usize = 32;

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
