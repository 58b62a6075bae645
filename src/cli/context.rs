//! What a command works with: arguments, environment and settings files made one.

use camino::{Utf8Path, Utf8PathBuf};

use super::args::{Global, Layout, Link};
use super::console::Console;
use super::environment::Environment;
use super::error::{ENVIRONMENT, Report, USAGE};
use super::settings::{Network, Settings, TrustSettings};
use crate::base::{LinkMode, normalize};
use crate::bundle::Mirror;
use crate::cache::{Cache, CacheKind, CacheOptions, GcLimits, Policy, ViewLayout};
use crate::config::Override;

/// Downloads at the same time unless a setting says otherwise.
const CONNECTIONS: usize = 16;

/// The surroundings of a command.
#[derive(Clone)]
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
    /// What the shared cache may grow to.
    pub(super) gc_limits: GcLimits,
    /// Where files can be had as well.
    pub(super) mirrors: Vec<Mirror>,
    /// Whose bundles are taken.
    pub(super) trusted: TrustSettings,
    /// What the settings say of the network.
    pub(super) network: Network,
    layout: ViewLayout,
    link_mode: LinkMode,
    cache: Option<Utf8PathBuf>,
    system_cache: Option<Utf8PathBuf>,
    command: &'static str,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        global: &Global,
        command: &'static str,
        environment: &'a Environment,
        console: &'a Console,
    ) -> Result<Self, Report> {
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
        let policy = Policy {
            enabled: !global.no_cache && settings.cache.enabled.unwrap_or(true),
            registries: settings.registries(),
        };
        let (gc_limits, mirrors) = (settings.gc_limits(), settings.mirrors());
        let mut network = settings.network.into_network();
        network.connections = global.connections.map(std::num::NonZero::get).or(network.connections);
        network.retries = global.retries.or(network.retries);
        network.ca_file = global.ca_file.clone().or(network.ca_file);
        if global.cache_dir.as_ref().is_some_and(|path| path == "") {
            return Err(Report::new(USAGE, "usage", "--cache-dir: the path is empty"));
        }
        let cache = global.cache_dir.clone().or(settings.cache.path).or_else(|| environment.default_cache());
        let layout = match global.cache_layout {
            Layout::Modern => ViewLayout::Modern,
            Layout::Classic => ViewLayout::Classic,
            Layout::Both => ViewLayout::Both,
        };
        let link_mode = match global.link_mode.or(settings.cache.link_mode).unwrap_or(Link::Auto) {
            Link::Auto => LinkMode::Auto,
            Link::Reflink => LinkMode::Reflink,
            Link::Hardlink => LinkMode::Hardlink,
            Link::Copy => LinkMode::Copy,
        };
        Ok(Self {
            environment,
            console,
            cache: cache.map(|path| folder.join(path)),
            system_cache: settings.cache.system_path,
            command,
            folder,
            config: global.config.clone(),
            overrides,
            no_user_defaults: global.no_user_defaults,
            policy,
            gc_limits,
            layout,
            link_mode,
            mirrors,
            trusted: settings.trust,
            network,
        })
    }

    /// The shared cache, for looking into it and caring for it.
    pub(super) fn shared_cache(&self) -> Result<Cache, Report> {
        Ok(Cache::open(self.cache_place()?, self.cache_options(CacheKind::Shared))?)
    }

    /// The shared cache's folder. Without a home folder and a setting there is none, and a policy that would use one is
    /// an error rather than a guess.
    pub(super) fn cache_place(&self) -> Result<&Utf8Path, Report> {
        self.cache.as_deref().ok_or_else(|| {
            let message = "there is no home folder to keep the shared cache in";
            Report::new(ENVIRONMENT, "no-cache-place", message)
                .hint("set HARDTACK_CACHE_DIR, or go without with --no-cache")
        })
    }

    /// A cache of the machine that is read after the user's own.
    pub(super) fn system_cache(&self) -> Option<&Utf8Path> {
        self.system_cache.as_deref()
    }

    /// How caches are opened.
    pub(super) fn cache_options(&self, kind: CacheKind) -> CacheOptions {
        CacheOptions { kind, views: self.layout, link_mode: self.link_mode, now: self.environment.now }
    }

    /// Downloads at the same time.
    pub(super) fn connections(&self) -> usize {
        self.network.connections.unwrap_or(CONNECTIONS)
    }

    /// Threads for what keeps a processor busy.
    pub(super) fn threads(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    /// Hardtack's own program, which starts itself anew for each step.
    pub(super) fn program(&self) -> Result<&Utf8Path, Report> {
        self.environment.program.as_deref().ok_or_else(|| {
            Report::new(ENVIRONMENT, "no-program", "failed to find hardtack's own program; is /proc mounted?")
        })
    }

    /// This command, for those who wait for it.
    pub(super) fn user(&self) -> String {
        format!("hardtack {}", self.command)
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
