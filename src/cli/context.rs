//! What a command works with: arguments, environment and settings files made one.

use camino::{Utf8Path, Utf8PathBuf};

use super::args::{Global, Layout};
use super::console::Console;
use super::environment::Environment;
use super::error::{ENVIRONMENT, Report, USAGE};
use super::settings::Settings;
use crate::base::normalize;
use crate::cache::{Cache, CacheKind, Policy, ViewLayout};
use crate::config::Override;

/// Downloads at the same time unless a setting says otherwise.
const CONNECTIONS: usize = 8;

/// The surroundings of a command.
pub(super) struct Context<'a> {
    pub(super) environment: &'a Environment,
    pub(super) console: &'a Console,
    /// The folder the command works in, absolute.
    pub(super) folder: Utf8PathBuf,
    /// The config's path, as given.
    pub(super) config: Utf8PathBuf,
    /// Assignments given with `--set`.
    pub(super) overrides: Vec<Override>,
    /// Do not read the user's buildout defaults.
    pub(super) no_user_defaults: bool,
    pub(super) policy: Policy,
    pub(super) layout: ViewLayout,
    pub(super) connections: usize,
    cache: Option<Utf8PathBuf>,
}

impl<'a> Context<'a> {
    pub(super) fn new(global: &Global, environment: &'a Environment, console: &'a Console) -> Result<Self, Report> {
        let settings = Settings::read(environment)?;
        let folder = match &global.directory {
            Some(folder) => environment.folder.join(folder),
            None => environment.folder.clone(),
        };
        // Links are resolved once, so that paths can be compared as text from here on.
        let folder = folder
            .canonicalize_utf8()
            .map_err(|error| Report::new(USAGE, "not-found", format!("failed to enter `{folder}`: {error}")))?;
        let overrides = global.set.iter().map(|text| text.parse()).collect::<Result<_, crate::config::Error>>()?;
        let cache = global.cache_dir.clone().or(settings.cache.path).or_else(|| environment.default_cache());
        let layout = match global.cache_layout {
            Layout::Modern => ViewLayout::Modern,
            Layout::Classic => ViewLayout::Classic,
            Layout::Both => ViewLayout::Both,
        };
        Ok(Self {
            environment,
            console,
            cache: cache.map(|path| folder.join(path)),
            folder,
            config: global.config.clone(),
            overrides,
            no_user_defaults: global.no_user_defaults,
            policy: Policy { enabled: !global.no_cache && settings.cache.enabled.unwrap_or(true) },
            layout,
            connections: settings.network.connections.unwrap_or(CONNECTIONS),
        })
    }

    /// The shared cache. Without a home folder and a setting there is none, and a policy that would use one is an
    /// error rather than a guess.
    pub(super) fn shared_cache(&self) -> Result<Cache, Report> {
        let Some(path) = &self.cache else {
            let message = "there is no home folder to keep the shared cache in";
            return Err(Report::new(ENVIRONMENT, "no-cache-place", message)
                .hint("set HARDTACK_CACHE_DIR, or go without with --no-cache"));
        };
        self.open_cache(path, CacheKind::Shared)
    }

    /// A cache at `path`.
    pub(super) fn open_cache(&self, path: &Utf8Path, kind: CacheKind) -> Result<Cache, Report> {
        Ok(Cache::open(path, kind, self.layout, self.environment.now)?)
    }

    /// The project folder a command was given, else the one it works in.
    pub(super) fn folder_of(&self, given: Option<&String>) -> Result<Utf8PathBuf, Report> {
        let Some(given) = given else { return Ok(self.folder.clone()) };
        let folder = self.folder.join(given);
        let folder = folder
            .canonicalize_utf8()
            .map_err(|error| Report::new(USAGE, "not-found", format!("failed to enter `{given}`: {error}")))?;
        if folder.is_dir() { Ok(folder) } else { Err(Report::new(USAGE, "usage", format!("`{given}` is no folder"))) }
    }

    /// An absolute path without links in the folders that are there already.
    pub(super) fn real_path(&self, path: &Utf8Path) -> Utf8PathBuf {
        let full = normalize(&self.folder.join(path));
        for above in full.ancestors() {
            if let Ok(real) = above.canonicalize_utf8() {
                return match full.strip_prefix(above) {
                    Ok(below) if below != "" => real.join(below),
                    _ => real,
                };
            }
        }
        full
    }

    /// Takes assignments (`section:option=value`) out of positional words; what is left are at most `most` others.
    pub(super) fn split_words(&self, words: &[String], most: usize) -> Result<(Vec<String>, Vec<Override>), Report> {
        let (assignments, others): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.contains('='));
        if let Some(extra) = others.get(most) {
            return Err(Report::new(USAGE, "usage", format!("unexpected argument `{extra}`")));
        }
        let mut overrides = self.overrides.clone();
        for word in assignments {
            overrides.push(word.parse()?);
        }
        Ok((others.into_iter().cloned().collect(), overrides))
    }
}
