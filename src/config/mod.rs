//! The buildout config language.
//!
//! Layer 1. Turns config files into resolved sections: parsing, `extends`, `+=` and `-=`, macros, section conditions
//! and `${section:option}`, with the meaning zc.buildout 6.0.1 gives them. Nothing here does I/O: files come from a
//! [`Loader`], everything else a resolve may depend on from [`Facts`]. What recipes add to their sections comes through
//! [`Recipes`].
//!
//! ```
//! use hardtack::config::{Config, Facts, Load, Location, MemoryLoader, NoRecipes, PythonVersion};
//!
//! let loader = MemoryLoader::new([("/p/buildout.cfg", "[a]\nx = 1\n[b]\ny = ${a:x}2\n")]);
//! let facts = Facts {
//!     machine: "x86_64".into(),
//!     platform: "linux".into(),
//!     python: PythonVersion::DEFAULT,
//!     os_release: Default::default(),
//!     paths: Default::default(),
//!     kernel_release: None,
//! };
//! let config = Config::load(&loader, &Location::Path("/p/buildout.cfg".into()), &Load::new(facts))?;
//! assert_eq!(&*config.resolver(&NoRecipes)?.option("b", "y")?, "12");
//! # Ok::<(), hardtack::config::Error>(())
//! ```
//!
#![doc = include_str!("GRAMMAR.md")]

mod active;
mod annotate;
mod condition;
mod declared;
mod defaults;
mod dialect;
mod document;
mod error;
mod extends;
mod facts;
mod layer;
mod loader;
mod macros;
mod memory;
mod merge;
mod overrides;
mod parse;
mod resolve;
mod substitute;
mod text;

use camino::Utf8PathBuf;

pub use annotate::{Annotated, AnnotatedOption, AnnotatedSection};
pub use declared::RemoteOptions;
pub use defaults::{BUILDOUT_VERSION, default_options};
pub use error::{Error, ErrorKind};
pub use facts::{ConditionRecord, Fact, Facts, PathKind, PythonVersion, parse_os_release};
pub use layer::{Change, ChangeKind, FileOrigin, Origin, Value};
pub use loader::{Loader, Location, MAX_CONFIG_SIZE, is_url};
pub use memory::{MemoryLoader, NoRecipes};
pub use overrides::Override;
pub use resolve::{Recipes, Resolved, Resolver, SectionOptions};

pub(crate) use error::similar;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::SourceFile;
use dialect::Dialect;
use extends::{Files, Sequence, Walk};
use layer::{Layer, update};

/// What a config is resolved with besides its files.
#[derive(Debug, Clone)]
pub struct Load {
    /// Machine, platform and Python. The config's own `[hardtack] python-version` wins over the one given here.
    pub facts: Facts,
    /// Assignments from the command line.
    pub overrides: Vec<Override>,
    /// The user's `default.cfg`, applied before everything else.
    pub user_defaults: Option<Location>,
    /// What `~` stands for; left alone when `None`.
    pub home: Option<Utf8PathBuf>,
    /// The buildout directory; the config file's folder when `None`.
    pub directory: Option<Utf8PathBuf>,
    /// Keep every step of every value's history, as `annotate -v` shows it.
    pub whole_history: bool,
}

impl Load {
    /// No overrides, no user defaults, no home.
    pub fn new(facts: Facts) -> Self {
        let (overrides, user_defaults, home, directory) = (Vec::new(), None, None, None);
        Self { facts, overrides, user_defaults, home, directory, whole_history: false }
    }
}

/// A config with all its files read and merged, nothing substituted yet.
#[derive(Debug)]
pub struct Config {
    layer: Layer,
    annotated: Layer,
    dialect: Dialect,
    facts: Facts,
    conditions: Vec<ConditionRecord>,
    notes: Vec<String>,
    texts: Vec<Arc<SourceFile>>,
    files: Vec<Location>,
    user_files: Vec<Location>,
}

impl Config {
    /// Reads the config at `root` and everything it extends.
    ///
    /// # Errors
    /// What is wrong with a file, or with the way they fit together.
    pub fn load(loader: &dyn Loader, root: &Location, load: &Load) -> Result<Self, Error> {
        let (mut facts, mut files) = (load.facts.clone(), Files::default());
        if let Some(python) = declared::declared_python(files.open(loader, root)?)? {
            facts.python = python;
        }
        let (mut conditions, mut notes) = (Vec::new(), Vec::new());
        let mut walk = Walk {
            loader,
            start: root,
            facts: &mut facts,
            files: &mut files,
            conditions: &mut conditions,
            notes: &mut notes,
        };
        let mut sequence = Sequence::default();
        if let Some(defaults) = &load.user_defaults {
            walk.append(defaults, &mut sequence)?;
        }
        let user_steps = sequence.len();
        walk.append(root, &mut sequence)?;
        let mut more = Vec::new();
        for name in Override::extends(&load.overrides).unwrap_or_default().split_whitespace() {
            let mut sequence = Sequence::default();
            walk.append(&root.relative(name), &mut sequence)?;
            more.push(sequence);
        }

        let directory = load.directory.clone().unwrap_or_else(|| Utf8PathBuf::from(root.folder()));
        let mut layer = defaults::layer(&directory);
        for sequence in std::iter::once(&sequence).chain(&more) {
            update(&mut layer, merge::merge(&files, sequence, load.whole_history)?);
        }
        update(&mut layer, Override::layer(&load.overrides));
        defaults::add_versions(&mut layer)?;
        defaults::anchor_caches(&mut layer, directory.as_str(), load.home.as_deref())?;
        let dialect = Dialect::declared(&layer)?;
        let annotated = layer.clone();
        defaults::anchor_directories(&mut layer);
        let own = sequence.documents().skip(user_steps).chain(more.iter().flat_map(Sequence::documents));
        let own: BTreeSet<usize> = own.collect();
        let texts = (0..files.len()).map(|document| Arc::clone(&files.document(document).file)).collect();
        let (own, user): (Vec<usize>, Vec<usize>) = (0..files.len()).partition(|document| own.contains(document));
        let locations = |documents: Vec<usize>| documents.into_iter().map(|at| files.location(at).clone()).collect();
        let (files, user_files) = (locations(own), locations(user));
        Ok(Self { layer, annotated, dialect, facts, conditions, notes, texts, files, user_files })
    }

    /// A resolver over the config, with `[buildout]` already resolved.
    ///
    /// # Errors
    /// What is wrong with `[buildout]`.
    pub fn resolver<'a>(&'a self, recipes: &'a dyn Recipes) -> Result<Resolver<'a>, Error> {
        Resolver::new(&self.layer, self.dialect, self.facts.python, recipes)
    }

    /// An option as written, if it is there.
    pub fn raw(&self, section: &str, option: &str) -> Option<&Value> {
        self.layer.get(section)?.get(option)?.set.as_ref()
    }

    /// The names and raw values of a section's options, if it is there.
    pub fn raw_section(&self, section: &str) -> Option<impl Iterator<Item = (&str, &Value)>> {
        let options = self.layer.get(section)?.iter();
        Some(options.filter_map(|(name, slot)| Some((&**name, slot.set.as_ref()?))))
    }

    /// The names of all sections, sorted.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        self.layer.keys().map(|name| &**name)
    }

    /// The facts the config was resolved with.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The section conditions that were evaluated, with the facts each of them read.
    pub fn conditions(&self) -> &[ConditionRecord] {
        &self.conditions
    }

    /// Things worth telling the user.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Every file that was read for the project, once.
    pub fn files(&self) -> &[Location] {
        &self.files
    }

    /// The texts of all files that were read.
    pub fn texts(&self) -> &[Arc<SourceFile>] {
        &self.texts
    }

    /// The user's defaults, and files that were read only because those extend them.
    pub fn user_files(&self) -> &[Location] {
        &self.user_files
    }

    /// The facts that section conditions looked at; the machine and its platform always.
    pub fn facts_read(&self) -> Facts {
        self.facts.only(self.conditions.iter().flat_map(|condition| &condition.facts))
    }

    /// Where each value came from.
    pub fn annotated(&self) -> Annotated {
        Annotated::new(&self.annotated)
    }
}

#[cfg(test)]
mod tests;
