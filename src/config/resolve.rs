//! `${section:option}`, recipes' own options, and the order of parts.
//!
//! A section comes to life when it is first asked for: macros first, then all its substitutions in the order of their
//! names, then the recipe, which may set options that other sections refer to. That order decides what is visible to
//! whom, and in which order parts are installed, so it is the original's exactly.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use camino::Utf8Path;

use super::defaults::STANDARD_DIRECTORIES;
use super::dialect::Dialect;
use super::error::{Error, ErrorKind, similar};
use super::facts::PythonVersion;
use super::layer::{Layer, Value};
use super::macros::{Macros, Options};
use super::substitute::{Piece, pieces};
use crate::base::Place;

/// References nested deeper than any real config has; well within the stack.
const MAX_DEPTH: usize = 150;
/// A longer value than this is a mistake or an attack.
pub(super) const MAX_VALUE: usize = 4 << 20;

/// Options of `[buildout]` that the original reads as `true` or `false` whatever it is asked for.
const BOOLEANS: [&str; 8] = [
    "offline",
    "newest",
    "prefer-final",
    "use-dependency-links",
    "allow-picked-versions",
    "show-picked-versions",
    "abi-tag-eggs",
    "install-from-cache",
];

/// What recipes do to their sections' options when a config is resolved.
pub trait Recipes {
    /// Called once for each section with a recipe, after its substitutions.
    ///
    /// # Errors
    /// What the recipe has against the options, best made with [`SectionOptions::refuse`].
    fn initialise(&self, recipe: &str, section: &mut SectionOptions<'_, '_>) -> Result<(), Error>;
}

/// Resolves sections of a loaded config.
pub struct Resolver<'a> {
    layer: &'a Layer,
    macros: Macros<'a>,
    recipes: &'a dyn Recipes,
    dialect: Dialect,
    sections: HashMap<Arc<str>, Live>,
    /// Sections whose initialisation is under way, outermost first.
    open: Vec<Frame>,
    depth: usize,
    order: Vec<Arc<str>>,
    /// Parts that `[buildout]` and the versions section refer to: the original makes them before it looks at `parts`.
    early: Vec<Arc<str>>,
}

struct Frame {
    name: Arc<str>,
    /// The outermost open section that was looked at while this one was initialised.
    lowest: usize,
}

/// A section that has been asked for.
struct Live {
    raw: Options,
    cooked: HashMap<Arc<str>, Arc<str>>,
    data: BTreeMap<Arc<str>, Arc<str>>,
    /// Initialised without looking at a section that was itself only half initialised, so good for every asker.
    lasting: bool,
    /// The outermost half initialised section it depends on otherwise.
    lowest: usize,
}

/// The way a recipe sees its own section.
pub struct SectionOptions<'r, 'a> {
    resolver: &'r mut Resolver<'a>,
    name: Arc<str>,
}

/// The options of a resolved section, by name.
pub type Resolved = BTreeMap<Arc<str>, Arc<str>>;

impl<'a> Resolver<'a> {
    pub(super) fn new(
        layer: &'a Layer,
        dialect: Dialect,
        python: PythonVersion,
        recipes: &'a dyn Recipes,
    ) -> Result<Self, Error> {
        let macros = Macros::new(layer);
        let sections = HashMap::new();
        let (open, order, early) = (Vec::new(), Vec::new(), Vec::new());
        let mut resolver = Self { layer, macros, recipes, dialect, sections, open, depth: 0, order, early };
        resolver.enter("buildout", None)?;
        resolver.finish_buildout(python)?;
        let made = resolver.order.len();
        let versions = resolver.get("buildout", "versions", &mut Vec::new())?.unwrap_or_default();
        // What is wrong with that section is told when somebody asks for it.
        if !versions.is_empty() && resolver.enter(&versions, None).is_err() {
            resolver.order.truncate(made);
        }
        resolver.early = std::mem::take(&mut resolver.order);
        resolver.forget(true);
        Ok(resolver)
    }

    /// The names of all sections, sorted.
    pub fn section_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.layer.keys().map(|name| &**name)
    }

    /// All options of a section, resolved as if nothing else had been asked for before.
    ///
    /// # Errors
    /// The first thing wrong with the section or one it refers to.
    pub fn section(&mut self, name: &str) -> Result<Resolved, Error> {
        let result = self.enter(name, None).and_then(|()| {
            let live = &self.sections[name];
            let options: Vec<Arc<str>> = live.raw.keys().chain(live.data.keys()).cloned().collect();
            let mut resolved = Resolved::new();
            for option in options {
                if let Some(value) = self.get(name, &option, &mut Vec::new())? {
                    resolved.insert(option, self.dialect.used(value));
                }
            }
            Ok(resolved)
        });
        self.forget(result.is_err());
        result
    }

    /// One option of a section.
    ///
    /// # Errors
    /// As [`Resolver::section`], and when there is no such option.
    pub fn option(&mut self, section: &str, option: &str) -> Result<Arc<str>, Error> {
        let result = self.enter(section, None).and_then(|()| self.get(section, option, &mut Vec::new()));
        let result = result.and_then(|value| value.ok_or_else(|| self.no_option(section, option)));
        self.forget(result.is_err());
        result.map(|value| self.dialect.used(value))
    }

    /// The parts in the order they are installed: those `[buildout] parts` names, each after the parts it refers to.
    ///
    /// # Errors
    /// The first thing wrong with a part.
    pub fn parts(&mut self) -> Result<Vec<Arc<str>>, Error> {
        // Every section but [buildout] starts anew, so that each part shows up in the order it is reached.
        self.sections.retain(|name, _| &**name == "buildout");
        self.order.clear();
        let place = self.layer.get("buildout").and_then(|section| section.get("parts"));
        let place = place.and_then(|slot| slot.set.as_ref()).and_then(|value| value.origin().place());
        let early = self.early.clone().into_iter().try_for_each(|part| self.enter(&part, None));
        let parts = early.and_then(|()| self.get("buildout", "parts", &mut Vec::new()));
        let result = parts.and_then(|parts| {
            for part in parts.as_deref().unwrap_or_default().split_whitespace() {
                self.enter(part, place.clone())?;
                // An empty recipe makes no part, and is no mistake to the original.
                if self.get(part, "recipe", &mut Vec::new())?.is_none() {
                    let first = self.live(part).raw.values().find_map(|value| value.origin().place());
                    return Err(self.no_option(part, "recipe").via(first.or(place)));
                }
            }
            Ok(std::mem::take(&mut self.order))
        });
        self.forget(true);
        result
    }

    /// The options of a section as written, with those its macros give it; none where they do not exist.
    pub fn written(&mut self, section: &str) -> Vec<(Arc<str>, Value)> {
        self.macros.options(section).ok().flatten().unwrap_or_default().into_iter().collect()
    }

    /// The place where an option of a section is written, if it is written in a file.
    pub fn place(&mut self, section: &str, option: &str) -> Option<Place> {
        match self.sections.get(section) {
            Some(live) => live.raw.get(option).and_then(|value| value.origin().place()),
            None => self.macros.options(section).ok().flatten()?.get(option)?.origin().place(),
        }
    }

    /// Drops sections that are only valid for the question just answered.
    fn forget(&mut self, failed: bool) {
        if failed {
            self.open.clear();
            self.depth = 0;
        }
        self.sections.retain(|name, live| live.lasting || &**name == "buildout");
    }

    /// Makes sure `name` is alive.
    fn enter(&mut self, name: &str, place: Option<Place>) -> Result<(), Error> {
        if let Some(live) = self.sections.get(name) {
            let open = self.open.iter().position(|frame| &*frame.name == name);
            let depends_on = open.unwrap_or(live.lowest);
            let current = self.open.len().saturating_sub(1);
            // What a section makes of itself is its own affair.
            if let Some(frame) = self.open.last_mut()
                && depends_on < current
            {
                frame.lowest = frame.lowest.min(depends_on);
            }
            return Ok(());
        }
        let raw = self.macros.options(name).map_err(|error| error.via(place.clone()))?;
        let Some(raw) = raw else {
            let kind = ErrorKind::NoSuchSection { name: name.to_owned(), similar: similar(name, self.section_names()) };
            return Err(Error::at(kind, place));
        };
        if self.open.len() >= MAX_DEPTH {
            return Err(Error::at(ErrorKind::TooDeep { limit: MAX_DEPTH }, place));
        }
        let name: Arc<str> = name.into();
        let live = Live { raw, cooked: HashMap::new(), data: BTreeMap::new(), lasting: false, lowest: usize::MAX };
        self.sections.insert(Arc::clone(&name), live);
        self.open.push(Frame { name: Arc::clone(&name), lowest: usize::MAX });
        self.initialise(&name).map_err(|error| error.via(place))?;
        self.close(&name);
        Ok(())
    }

    fn close(&mut self, name: &str) {
        let Some(frame) = self.open.pop() else { return };
        let index = self.open.len();
        if let Some(live) = self.sections.get_mut(name) {
            live.lasting = frame.lowest > index;
            live.lowest = frame.lowest;
        }
        if let Some(parent) = self.open.last_mut()
            && frame.lowest < index
        {
            parent.lowest = parent.lowest.min(frame.lowest);
        }
    }

    fn initialise(&mut self, name: &Arc<str>) -> Result<(), Error> {
        let live = &self.sections[name];
        let substituting = live.raw.iter().filter(|(_, value)| value.text.contains("${"));
        let substituting: Vec<_> = substituting.map(|(option, value)| (option.clone(), value.text.clone())).collect();
        for (option, text) in substituting {
            let mut seen = vec![(Arc::clone(name), Arc::clone(&option))];
            let place = self.place(name, &option);
            let cooked = self.substitute(name, &option, &text, &mut seen).map_err(|error| error.via(place))?;
            self.live(name).cooked.insert(option, cooked);
        }
        if &**name == "buildout" {
            return Ok(());
        }
        let dependencies = self.get(name, super::document::PART_DEPENDENCIES, &mut Vec::new())?;
        for dependency in dependencies.as_deref().unwrap_or_default().split_whitespace() {
            let place = self.place(name, super::document::PART_DEPENDENCIES);
            self.enter(dependency, place)?;
        }
        let recipe = self.get(name, "recipe", &mut Vec::new())?;
        if let Some(recipe) = recipe.filter(|recipe| !recipe.is_empty()) {
            let recipes = self.recipes;
            recipes.initialise(&recipe, &mut SectionOptions { resolver: self, name: Arc::clone(name) })?;
            self.order.push(Arc::clone(name));
        }
        Ok(())
    }

    /// What `[buildout]` computes from its own options once they are substituted.
    fn finish_buildout(&mut self, python: PythonVersion) -> Result<(), Error> {
        for name in BOOLEANS {
            let value = self.get("buildout", name, &mut Vec::new())?;
            if let Some(value) = value.filter(|value| !matches!(&**value, "true" | "false")) {
                let (section, option, value) = ("buildout".to_owned(), name.to_owned(), value.to_string());
                let place = self.place("buildout", name);
                return Err(Error::at(ErrorKind::NotBool { section, option, value }, place));
            }
        }
        let mut get = |option: &str| self.get("buildout", option, &mut Vec::new());
        let directory = get("directory")?.unwrap_or_default();
        let under = |value: &str| -> Arc<str> { Utf8Path::new(&*directory).join(value).into_string().into() };
        let mut set = Vec::new();
        for name in STANDARD_DIRECTORIES {
            if let Some(value) = get(name)? {
                // An escaped reference stays as it is.
                set.push((name, if value.contains("${") { value } else { under(&value) }));
            }
        }
        if let Some(installed) = get("installed")?.filter(|value| !value.is_empty()) {
            set.push(("installed", under(&installed)));
        }
        if let Some(version) = get("eggs-directory-version")?.filter(|value| !value.is_empty())
            && let Some((_, eggs)) = set.iter_mut().find(|(name, _)| *name == "eggs-directory")
        {
            *eggs = Utf8Path::new(&**eggs).join(&*version).into_string().into();
        }
        if get("abi-tag-eggs")?.is_some_and(|value| &*value == "true")
            && let Some((_, eggs)) = set.iter_mut().find(|(name, _)| *name == "eggs-directory")
        {
            // The tag of CPython; there is no other that conditions could be told of.
            *eggs = format!("{eggs}/cp{}{}", python.major, python.minor).into();
        }
        let live = self.live("buildout");
        live.data.extend(set.into_iter().map(|(name, value)| (name.into(), value)));
        Ok(())
    }

    fn live(&mut self, name: &str) -> &mut Live {
        // Only names that `enter` accepted come here.
        self.sections.get_mut(name).expect("the section is alive")
    }

    /// The value of an option; `None` if there is none.
    fn get(&mut self, section: &str, option: &str, seen: &mut Vec<Key>) -> Result<Option<Arc<str>>, Error> {
        let live = self.live(section);
        if let Some(value) = live.data.get(option) {
            return Ok(Some(Arc::clone(value)));
        }
        let cooked = live.cooked.get(option).cloned();
        let Some(text) = cooked.or_else(|| live.raw.get(option).map(|value| Arc::clone(&value.text))) else {
            return Ok(None);
        };
        let mut value = text;
        if value.contains("${") {
            let place = self.place(section, option);
            let key: Key = (section.into(), option.into());
            if let Some(start) = seen.iter().position(|other| *other == key) {
                let circle = seen[start..].iter().chain([&key]);
                let path = circle.map(|(section, option)| format!("{section}:{option}")).collect();
                return Err(Error::at(ErrorKind::SubstitutionCycle { path }, place));
            }
            seen.push(key);
            value = self.substitute(section, option, &value, seen).map_err(|error| error.via(place))?;
            seen.pop();
        }
        self.live(section).data.insert(option.into(), Arc::clone(&value));
        Ok(Some(value))
    }

    fn substitute(&mut self, section: &str, option: &str, text: &str, seen: &mut Vec<Key>) -> Result<Arc<str>, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::new(ErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        self.depth += 1;
        let mut result = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Reference(reference) => {
                    let (target, wanted) = reference.parse().map_err(Error::new)?;
                    let target = if target.is_empty() { section } else { target };
                    self.enter(target, None)?;
                    match self.get(target, wanted, seen)? {
                        Some(value) => result.push_str(&value),
                        None if wanted == "_buildout_section_name_" => result.push_str(section),
                        None => return Err(self.no_option(target, wanted)),
                    }
                }
            }
            if result.len() > MAX_VALUE {
                let (section, option) = (section.to_owned(), option.to_owned());
                return Err(Error::new(ErrorKind::TooLong { section, option, limit: MAX_VALUE }));
            }
        }
        self.depth -= 1;
        Ok(result.into())
    }

    fn no_option(&mut self, section: &str, option: &str) -> Error {
        let live = self.sections.get(section);
        let known = live.into_iter().flat_map(|live| live.raw.keys().chain(live.data.keys()));
        let similar = similar(option, known.map(|name| &**name));
        Error::new(ErrorKind::NoSuchOption { section: section.to_owned(), option: option.to_owned(), similar })
    }
}

/// An option, as the search for circles knows it.
type Key = (Arc<str>, Arc<str>);

impl SectionOptions<'_, '_> {
    /// The section's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An option of the section, substituted.
    ///
    /// # Errors
    /// Whatever is wrong with the value.
    pub fn get(&mut self, option: &str) -> Result<Option<Arc<str>>, Error> {
        let name = Arc::clone(&self.name);
        let value = self.resolver.get(&name, option, &mut Vec::new())?;
        Ok(value.map(|value| self.resolver.dialect.used(value)))
    }

    /// An option of `[buildout]`.
    ///
    /// # Errors
    /// Whatever is wrong with the value.
    pub fn buildout(&mut self, option: &str) -> Result<Option<Arc<str>>, Error> {
        self.resolver.enter("buildout", None)?;
        let value = self.resolver.get("buildout", option, &mut Vec::new())?;
        Ok(value.map(|value| self.resolver.dialect.used(value)))
    }

    /// An option of any section, which thereby is one that this section refers to.
    ///
    /// # Errors
    /// Whatever is wrong with the value, and when there is no such option.
    pub fn of(&mut self, section: &str, option: &str) -> Result<Arc<str>, Error> {
        self.resolver.enter(section, None)?;
        match self.resolver.get(section, option, &mut Vec::new())? {
            Some(value) => Ok(self.resolver.dialect.used(value)),
            None => Err(self.resolver.no_option(section, option)),
        }
    }

    /// All options of another section, which thereby is one that this section refers to.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn all_of(&mut self, section: &str) -> Result<Resolved, Error> {
        let place = self.resolver.place(&self.name, "recipe");
        self.resolver.enter(section, place)?;
        let live = self.resolver.live(section);
        let names: Vec<Arc<str>> = live.raw.keys().chain(live.data.keys()).cloned().collect();
        let mut options = Resolved::new();
        for name in names {
            options.insert(Arc::clone(&name), self.of(section, &name)?);
        }
        Ok(options)
    }

    /// All options of the section with their values, sorted by name.
    ///
    /// # Errors
    /// Whatever is wrong with a value.
    pub fn all(&mut self) -> Result<Resolved, Error> {
        let live = self.resolver.live(&self.name);
        let names: Vec<Arc<str>> = live.raw.keys().chain(live.data.keys()).cloned().collect();
        let mut options = Resolved::new();
        for name in names {
            if let Some(value) = self.get(&name)? {
                options.insert(name, value);
            }
        }
        Ok(options)
    }

    /// Makes sure another section is resolved, as recipes do that take values from one.
    ///
    /// # Errors
    /// Whatever is wrong with that section.
    pub fn require(&mut self, section: &str, option: &str) -> Result<(), Error> {
        let place = self.resolver.place(&self.name, option);
        self.resolver.enter(section, place)
    }

    /// Sets an option, so that other sections see it.
    pub fn set(&mut self, option: &str, value: impl Into<Arc<str>>) {
        let name = Arc::clone(&self.name);
        self.resolver.live(&name).data.insert(option.into(), value.into());
    }

    /// An error about an option of the section, at its line.
    pub fn refuse(&mut self, option: &str, message: impl Into<String>) -> Error {
        let name = Arc::clone(&self.name);
        let place = self.resolver.place(&name, option);
        let place = place.or_else(|| self.resolver.place(&name, "recipe"));
        Error::at(ErrorKind::Recipe { message: message.into() }, place)
    }
}
