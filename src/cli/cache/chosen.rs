//! Which sources of a cache a word means.

use globset::{Glob, GlobMatcher};

use crate::base::SourceKey;
use crate::cache::{Cache, Entry, Registries, Registry};
use crate::cli::error::{Report, UNSPECIFIC, USAGE};

/// Fewer digits of a SHA-256 name none.
const MIN_DIGITS: usize = 8;

/// Sources that a word means: a URL, a host, a registry, the name of a file or a package, a SHA-256, or a pattern.
pub(super) struct Chosen<'c> {
    word: String,
    glob: Option<GlobMatcher>,
    registry: Option<&'c Registry>,
}

impl<'c> Chosen<'c> {
    pub(super) fn new(word: &str, registries: &'c Registries) -> Result<Self, Report> {
        let glob = match word.contains('*') {
            true => Some(Glob::new(word).map_err(|error| Report::new(USAGE, "usage", error.to_string()))?),
            false => None,
        };
        let glob = glob.map(|glob| glob.compile_matcher());
        Ok(Self { word: word.to_owned(), glob, registry: registries.named(word) })
    }

    pub(super) fn has(&self, entry: &Entry) -> bool {
        let key = entry.key.as_str();
        if let Some(glob) = &self.glob {
            return glob.is_match(key);
        }
        if let Some(registry) = self.registry {
            return registry.below(&entry.key).is_some();
        }
        let (word, whole) = (self.word.as_str(), SourceKey::url(&self.word));
        let path = key.split(['?', '#']).next().unwrap_or_default();
        let authority = key.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        let host = authority.map(|authority| authority.split(':').next().unwrap_or_default());
        let digits = word.len() >= MIN_DIGITS && word.chars().all(|c| c.is_ascii_hexdigit());
        entry.key == whole
            || authority == Some(word)
            || host == Some(word)
            || path.rsplit('/').next() == Some(word)
            || digits && entry.fingerprint.sha256.to_string().starts_with(&word.to_ascii_lowercase())
            || word.ends_with('/') && key.starts_with(whole.as_str())
    }

    /// What to say where the cache has none of them.
    pub(super) fn nothing(&self, cache: &Cache) -> Report {
        let message = format!("no source in `{}` is called `{}`", cache.root(), crate::base::redact(&self.word));
        let hint = "give a URL, a host, a registry, a file's name, or a pattern such as `*/zlib-*`";
        Report::new(UNSPECIFIC, "no-such-source", message).hint(hint)
    }
}
