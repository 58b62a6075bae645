//! Loading a project: its config, resolved, and the plan it comes to.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::access::Access;
use super::context::Context;
use super::error::{Report, USAGE};
use super::remote::{FoundConfigs, Remote};
use super::request::Request;
use crate::base::{Distributions, RelPath, Sha256, SourceKey, normalize};
use crate::bundle::{ConfigFiles, Settings, check_locations, find_root};
use crate::cache::DiskFiles;
use crate::config::{Config, Load, Location, Override};
use crate::lock::{Lock, file_name};
use crate::recipes::{self, BuiltinRecipes, Origin, Plan};

/// A config that was read.
pub(super) struct Loaded {
    pub(super) config: Config,
    /// The buildout directory.
    pub(super) directory: Utf8PathBuf,
    /// The config file.
    pub(super) path: Utf8PathBuf,
    pub(super) overrides: Vec<Override>,
    pub(super) user_defaults: Option<Utf8PathBuf>,
    /// Configs it extends by URL.
    pub(super) remote: FoundConfigs,
    /// Reads other files of the project.
    pub(super) files: DiskFiles,
}

/// A project with its plan.
pub(super) struct Project {
    pub(super) loaded: Loaded,
    pub(super) settings: Settings,
    pub(super) plan: Plan,
    /// Which Python distributions parts take, as far as that is known.
    pub(super) distributions: Vec<Distributions>,
}

impl Loaded {
    /// Reads the config with the files `loader` gives.
    pub(super) fn load(request: Request, context: &Context<'_>, loader: &ConfigFiles<'_>) -> Result<Self, Report> {
        let mut load = Load::new(request.facts);
        load.overrides = request.overrides.clone();
        load.user_defaults = request.user_defaults.clone().map(Location::Path);
        load.home = context.environment.home().map(Utf8Path::to_owned);
        load.whole_history = request.whole_history;
        let config = Config::load(loader, &Location::Path(request.path.clone()), &load)?;
        let directory = match config.raw("buildout", "directory") {
            Some(value) => Utf8PathBuf::from(&*value.text),
            None => request.path.parent().unwrap_or(Utf8Path::new("/")).to_owned(),
        };
        let (overrides, user_defaults, remote) = (request.overrides, request.user_defaults, FoundConfigs::default());
        let files = loader.disk.clone();
        Ok(Self { config, directory, path: request.path, overrides, user_defaults, remote, files })
    }

    /// The config in `folder`, read from disk, and what it extends by URL from where `access` lets it.
    pub(super) fn from_disk(
        context: &Context<'_>,
        folder: &Utf8Path,
        overrides: Vec<Override>,
        access: Access,
    ) -> Result<Self, Report> {
        Self::read(context, folder, Request::here(context, folder, overrides), access)
    }

    /// The same with every value's whole history.
    pub(super) fn with_history(
        context: &Context<'_>,
        folder: &Utf8Path,
        overrides: Vec<Override>,
    ) -> Result<Self, Report> {
        let request = Request { whole_history: true, ..Request::here(context, folder, overrides) };
        Self::read(context, folder, request, Access::LOOK)
    }

    fn read(context: &Context<'_>, folder: &Utf8Path, request: Request, access: Access) -> Result<Self, Report> {
        if !request.path.is_file() {
            let message = format!("there is no config `{}` in `{folder}`", context.config);
            return Err(Report::new(USAGE, "config-not-found", message)
                .hint("name the folder with -C DIR, or the config with -c FILE"));
        }
        let (disk, remote) = (DiskFiles::new(folder), Remote::new(context, access, &request));
        let loaded = Loaded::load(request, context, &ConfigFiles { disk, remote: &remote });
        let mut loaded = loaded.map_err(|report| match remote.failure() {
            Some(failure) => Report { places: report.places, ..failure },
            None => report,
        })?;
        loaded.remote = remote.into_found()?;
        loaded.config.notes().iter().for_each(|note| context.console.note(note));
        Ok(loaded)
    }

    /// Makes the plan for a project whose root is known.
    pub(super) fn plan_at(&self, root: &Utf8Path) -> Result<Plan, Report> {
        let project = recipes::Project { root: root.to_owned(), directory: self.directory.clone() };
        let plan = recipes::plan(&self.config, &project, &self.files)?;
        check_locations(&plan)?;
        Ok(plan)
    }

    /// Says which options of the config do not count when installing.
    pub(super) fn note_forced(&self, context: &Context<'_>) {
        for (option, meant) in [("install-from-cache", "false"), ("offline", "true")] {
            let written = self.config.raw("buildout", option);
            if let Some(place) = written.filter(|value| &*value.text == meant).and_then(|value| value.origin().place())
            {
                context.console.note(format!(
                    "`{option} = {meant}` ({place}) does not count: hardtack install always installs from the cache"
                ));
            }
        }
    }

    /// The project: root, settings and plan.
    pub(super) fn project(self, context: &Context<'_>) -> Result<Project, Report> {
        let files = self.config.files().iter().filter_map(|location| match location {
            Location::Path(path) => Some(normalize(path)),
            Location::Url(_) => None,
        });
        let configs: Vec<Utf8PathBuf> = files.collect();
        let home = context.environment.home();
        let base = self.path.parent().unwrap_or(Utf8Path::new("/")).to_owned();
        let mut root = find_root(&base, &configs, &[], home)?;
        let mut plan = self.plan_at(&root)?;
        // Local sources in the same repository widen the project, as config files do.
        let outside = plan.parts.iter().flat_map(|part| &part.sources).filter_map(|source| match &source.origin {
            Origin::Outside { path, .. } => Some(path.clone()),
            _ => None,
        });
        let outside: Vec<Utf8PathBuf> = outside.collect();
        let wider = find_root(&base, &configs, &outside, home)?;
        if wider != root {
            root = wider;
            plan = self.plan_at(&root)?;
        }
        let recipes = BuiltinRecipes::new(&self.files);
        let settings = Settings::read(&self.config, &mut self.config.resolver(&recipes)?)?;
        plan.notes.iter().for_each(|note| context.console.note(note));
        let distributions = Lock::read(&file_name(&self.path))?.unwrap_or_default().distributions();
        plan.complete(&distributions)?;
        Ok(Project { loaded: self, settings, plan, distributions })
    }
}

impl Project {
    /// The project root.
    pub(super) fn root(&self) -> &Utf8Path {
        &self.plan.project.root
    }

    /// Gives parts the Python distributions that were found for them.
    pub(super) fn know(&mut self, found: Vec<Distributions>) -> Result<(), Report> {
        self.distributions.retain(|old| !found.iter().any(|new| new.part == old.part));
        self.distributions.extend(found);
        Ok(self.plan.complete(&self.distributions)?)
    }

    /// The config below the root.
    pub(super) fn config_path(&self) -> Result<RelPath, Report> {
        RelPath::below(self.root(), &self.loaded.path).ok_or_else(|| {
            Report::new(USAGE, "unpackable", format!("config `{}` is outside the project", self.loaded.path))
        })
    }

    /// The digest of the plan as it would be with the project at `prefix`: the same for every machine and folder.
    pub(super) fn plan_digest(&self, context: &Context<'_>, prefix: &Utf8Path) -> Result<Sha256, Report> {
        let request = Request {
            path: prefix.join(self.config_path()?),
            overrides: self.loaded.overrides.clone(),
            user_defaults: self.loaded.user_defaults.clone(),
            facts: self.loaded.config.facts().clone(),
            whole_history: false,
        };
        let (disk, remote) = (DiskFiles::standing_in(prefix, self.root()), self.loaded.remote.known());
        let loaded = Loaded::load(request, context, &ConfigFiles { disk, remote: &remote })?;
        let mut there = loaded.plan_at(prefix)?;
        there.complete(&self.distributions)?;
        let keys = |plan: &Plan| plan.sources().into_iter().map(|(key, _, _)| key).collect::<BTreeSet<SourceKey>>();
        let (keys_here, keys_there) = (keys(&self.plan), keys(&there));
        let mut sources = self.plan.sources().into_iter().chain(there.sources());
        let Some((_, source, parts)) = sources.find(|(key, _, _)| keys_here.contains(key) != keys_there.contains(key))
        else {
            return Ok(there.digest());
        };
        let (shown, part, root) = (source.shown(), parts.join(", "), self.root());
        let message = format!(
            "source `{shown}` of part `{part}` is one file with the project in `{root}`, another in `{prefix}`"
        );
        Err(Report::new(USAGE, "unpackable", message).hint("write its path as seen from the project"))
    }

    /// The value of an option of `[buildout]`, substituted.
    pub(super) fn buildout_option(&self, option: &str) -> Result<Option<String>, Report> {
        let recipes = BuiltinRecipes::new(&self.loaded.files);
        let mut resolver = self.loaded.config.resolver(&recipes)?;
        let options = resolver.section("buildout")?;
        Ok(options.get(option).map(|value| value.to_string()).filter(|value| !value.is_empty()))
    }
}
