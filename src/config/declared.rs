//! What a config says before it is read: about the facts it is resolved with, and where files with a URL come from.

use camino::{Utf8Path, Utf8PathBuf};

use super::defaults::anchored;
use super::document::{Document, Op};
use super::error::{Error, ErrorKind};
use super::extends::Files;
use super::facts::PythonVersion;
use super::loader::{Loader, Location};
use super::overrides::Override;
use crate::base::Place;

/// `[hardtack] python-version` of the root config. Conditions may depend on it, so it stands in an unconditional
/// section of that file and holds no references.
pub(super) fn declared_python(document: &Document) -> Result<Option<PythonVersion>, Error> {
    let Some(entry) = last_entry(document, "hardtack", "python-version") else { return Ok(None) };
    entry.inline.parse().map(Some).map_err(|reason| {
        let kind = ErrorKind::BadSetting { option: "python-version".to_owned(), reason };
        Error::at(kind, Some(Place::new(&document.file, entry.span.clone())))
    })
}

/// How configs are got that are extended by URL. As in the original, only the user's defaults, the root config and
/// the command line have a say, and nothing is substituted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteOptions {
    /// `[buildout] extends-cache`: where they are kept.
    pub cache: Option<Utf8PathBuf>,
    /// `newest = false`, `offline = true` or `install-from-cache = true`: the cache is asked before the network.
    pub prefer_cache: bool,
}

impl RemoteOptions {
    /// Reads the options.
    ///
    /// # Errors
    /// Where one of the two files cannot be read, and for an `extends-cache` with references.
    pub fn declared(
        loader: &dyn Loader,
        root: &Location,
        user_defaults: Option<&Location>,
        overrides: &[Override],
        home: Option<&Utf8Path>,
    ) -> Result<Self, Error> {
        let (mut options, mut files) = (Self::default(), Files::default());
        for location in user_defaults.into_iter().chain([root]) {
            let document = files.open(loader, location)?;
            for name in ["extends-cache", "newest", "offline", "install-from-cache"] {
                let Some(entry) = last_entry(document, "buildout", name) else { continue };
                let place = || Some(Place::new(&document.file, entry.span.clone()));
                options.set(name, &entry.inline, location.folder(), home).map_err(|kind| Error::at(kind, place()))?;
            }
        }
        for (name, value) in Override::buildout_options(overrides) {
            options.set(name, value, root.folder(), home).map_err(Error::new)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str, folder: &str, home: Option<&Utf8Path>) -> Result<(), ErrorKind> {
        match (name, value) {
            ("extends-cache", "") => self.cache = None,
            ("extends-cache", value) if value.contains("${") => {
                return Err(ErrorKind::EarlyReference { option: name.to_owned(), value: value.to_owned() });
            }
            ("extends-cache", value) => self.cache = Some(anchored(value, folder.into(), home)),
            ("newest", "false") | ("offline" | "install-from-cache", "true") => self.prefer_cache = true,
            _ => {}
        }
        Ok(())
    }
}

/// The last entry that sets an option in a section without condition.
fn last_entry<'d>(document: &'d Document, section: &str, option: &str) -> Option<&'d super::document::Entry> {
    let blocks = document.blocks.iter().filter(|block| &*block.name == section && block.condition.is_none());
    blocks.flat_map(|block| &block.entries).rfind(|entry| &*entry.name == option && entry.op == Op::Set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MemoryLoader;

    fn declared(defaults: &str, root: &str, overrides: &[&str]) -> Result<RemoteOptions, String> {
        let loader = MemoryLoader::new([("/home/u/.buildout/default.cfg", defaults), ("/p/buildout.cfg", root)]);
        let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().expect(text)).collect();
        let (root, defaults) = (Location::Path("/p/buildout.cfg".into()), "/home/u/.buildout/default.cfg");
        let defaults = Location::Path(defaults.into());
        RemoteOptions::declared(&loader, &root, Some(&defaults), &overrides, Some("/home/u".into()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_wins_over_the_root_config_and_that_over_the_users_defaults() {
        let user = "[buildout]\nextends-cache = ~/cache\nnewest = false\n";
        let cache = |options: Result<RemoteOptions, String>| options.map(|options| options.cache);
        assert_eq!(cache(declared(user, "[buildout]\n", &[])), Ok(Some("/home/u/cache".into())));
        assert_eq!(cache(declared(user, "[buildout]\nextends-cache = ec\n", &[])), Ok(Some("/p/ec".into())));
        assert_eq!(cache(declared(user, "[buildout]\n", &["buildout:extends-cache=x"])), Ok(Some("/p/x".into())));
        assert_eq!(cache(declared(user, "[buildout]\nextends-cache =\n", &[])), Ok(None));
        assert!(declared(user, "[a]\n", &[]).is_ok_and(|options| options.prefer_cache));
        let error = declared("[a]\n", "[buildout]\nextends-cache = ${a:b}\n", &[]).expect_err("a reference");
        assert_eq!(error, "option `buildout:extends-cache` is needed before anything is substituted: `${a:b}`");
    }
}
