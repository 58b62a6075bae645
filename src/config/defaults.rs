//! The options `[buildout]` has before any file says anything.

use camino::{Utf8Path, Utf8PathBuf};

use super::error::{Error, ErrorKind, similar};
use super::layer::{Layer, Origin, Section, Slot, Value};
use super::loader::Location;

/// The version of the original whose language this is; its default `[versions]` name it as the floor.
pub const BUILDOUT_VERSION: &str = "6.0.1";

const OPTIONS: [(&str, &str); 22] = [
    ("allow-hosts", "*"),
    ("allow-picked-versions", "true"),
    ("allow-unknown-extras", "false"),
    ("bin-directory", "bin"),
    ("develop-eggs-directory", "develop-eggs"),
    ("eggs-directory", "eggs"),
    ("eggs-directory-version", "v5"),
    // The original names its own Python here; hardtack has none.
    ("executable", "/usr/bin/python3"),
    ("find-links", ""),
    ("install-from-cache", "false"),
    ("installed", ".installed.cfg"),
    ("log-format", ""),
    ("log-level", "INFO"),
    ("newest", "true"),
    ("offline", "false"),
    ("parts-directory", "parts"),
    ("prefer-final", "true"),
    ("python", "buildout"),
    ("show-picked-versions", "false"),
    ("socket-timeout", ""),
    ("update-versions-file", ""),
    ("use-dependency-links", "true"),
];

/// The names of all options of `[buildout]` that have a default.
pub fn default_options() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

/// The defaults, for a config in `directory`.
pub(super) fn layer(directory: &Utf8Path) -> Layer {
    let mut options: Section = OPTIONS
        .iter()
        .map(|(name, value)| ((*name).into(), Slot::value(Value::new(*value, Origin::Default))))
        .collect();
    options.insert("directory".into(), Slot::value(Value::new(directory.as_str(), Origin::Computed)));
    Layer::from([("buildout".into(), options)])
}

/// Adds the `[versions]` section where the config does not name another, and the floors in the one that is named.
///
/// # Errors
/// [`ErrorKind::NoSuchSection`] where the one that is named does not exist.
pub(super) fn add_versions(layer: &mut Layer) -> Result<(), Error> {
    let buildout = layer.entry("buildout".into()).or_default();
    let slot = buildout.entry("versions".into()).or_default();
    let place = slot.set.as_ref().map(|value| value.origin().place());
    let name = slot.set.get_or_insert_with(|| Value::new("versions", Origin::Default)).text.clone();
    if name.is_empty() {
        return Ok(());
    }
    if let Some(place) = place
        && !layer.contains_key(&name)
    {
        let similar = similar(&name, layer.keys().map(|name| &**name));
        return Err(Error::at(ErrorKind::NoSuchSection { name: name.to_string(), similar }, place));
    }
    let versions = layer.entry(name).or_default();
    let floors = [("zc.buildout", format!(">={BUILDOUT_VERSION}")), ("zc.recipe.egg", ">=2.0.6".to_owned())];
    for (package, floor) in floors {
        let slot = versions.entry(package.into()).or_default();
        slot.set.get_or_insert_with(|| Value::new(floor, Origin::Default));
    }
    Ok(())
}

/// Makes the three folders absolute that are relative to the file which names them.
pub(super) fn anchor_caches(layer: &mut Layer, directory: &str, home: Option<&Utf8Path>) -> Result<(), Error> {
    let Some(buildout) = layer.get_mut("buildout") else { return Ok(()) };
    let declared = buildout.get("directory").and_then(|slot| slot.set.as_ref()).map(|value| value.text.clone());
    // What no file says is relative to the buildout directory, whoever says which that is.
    let directory = declared.filter(|text| !text.contains("${")).unwrap_or_else(|| directory.into());
    for option in ["download-cache", "eggs-directory", "extends-cache"] {
        let Some(value) = buildout.get_mut(option).and_then(|slot| slot.set.as_mut()) else { continue };
        let written = value.text.clone();
        if written.contains("${") || written.starts_with('/') {
            continue;
        }
        let base = match value.origin() {
            Origin::File(origin, _) => match &origin.location {
                Location::Url(_) => {
                    let kind = ErrorKind::RemoteRelative { option: option.to_owned(), value: written.to_string() };
                    return Err(Error::at(kind, value.origin().place()));
                }
                path => Utf8PathBuf::from(path.folder()),
            },
            _ => Utf8PathBuf::from(&*directory),
        };
        value.set_directory(anchored(&written, &base, home).as_str());
    }
    Ok(())
}

/// A folder that is relative to `base` unless it is absolute or starts with `~`.
pub(super) fn anchored(written: &str, base: &Utf8Path, home: Option<&Utf8Path>) -> Utf8PathBuf {
    let expanded = match (written.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => base.join(written),
    };
    crate::base::normalize(&expanded)
}

/// Makes the four standard folders absolute, as `[buildout]` does before anything is substituted.
pub(super) fn anchor_directories(layer: &mut Layer) {
    let Some(buildout) = layer.get_mut("buildout") else { return };
    let Some(directory) = buildout.get("directory").and_then(|slot| slot.set.as_ref()) else { return };
    let directory = Utf8PathBuf::from(&*directory.text);
    for name in STANDARD_DIRECTORIES {
        if let Some(value) = buildout.get_mut(name).and_then(|slot| slot.set.as_mut())
            && !value.text.contains("${")
        {
            value.text = directory.join(&*value.text).into_string().into();
        }
    }
}

/// The folders that are relative to the buildout directory.
pub(super) const STANDARD_DIRECTORIES: [&str; 4] =
    ["bin-directory", "parts-directory", "eggs-directory", "develop-eggs-directory"];
