//! What a config says that is allowed, and probably not meant.
//!
//! A lint never stops anything. It looks at sections as they were written, after their macros, and as they resolve;
//! sections that do not resolve, which most macro bases are, are left alone.

mod buildout;
mod digests;
mod names;
mod prefix;
mod text;

use std::sync::Arc;

use super::builtin::find;
use super::recipe::Recipe;
use super::registry::BuiltinRecipes;
use crate::base::Place;
use crate::config::{Config, Error, Loader, Resolved, Value};
use names::References;

/// Something that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Which lint it is.
    pub code: LintCode,
    /// What was found, in a sentence without a full stop.
    pub message: String,
    /// The section it is about; none for a whole file.
    pub section: Option<String>,
    /// The line.
    pub place: Option<Place>,
    /// What to do.
    pub hint: Option<String>,
}

/// The lints there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintCode {
    /// An option whose name is close to one the recipe reads.
    MisspelledOption,
    /// A section whose name is close to one that counts.
    MisspelledSection,
    /// A config that builds nothing.
    NoParts,
    /// An option that neither the recipe nor another value reads.
    UnusedOption,
    /// A download without a digest.
    NoDigest,
    /// One that comes over an open connection, too.
    InsecureUrl,
    /// `configure-options` that stand in the place of `--prefix` and do not say where to install.
    LostPrefix,
    /// A value with the path the project has on this machine.
    MachinePath,
    /// Lines that end in a carriage return.
    CarriageReturn,
    /// `x+=` without a blank, which the original reads otherwise.
    TightOperator,
}

impl LintCode {
    /// The stable word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MisspelledOption => "misspelled-option",
            Self::MisspelledSection => "misspelled-section",
            Self::NoParts => "no-parts",
            Self::UnusedOption => "unused-option",
            Self::NoDigest => "no-digest",
            Self::InsecureUrl => "insecure-url",
            Self::LostPrefix => "lost-prefix",
            Self::MachinePath => "machine-path",
            Self::CarriageReturn => "carriage-return",
            Self::TightOperator => "tight-operator",
        }
    }
}

/// The options of a section as written, after macros.
type Written = Vec<(Arc<str>, Value)>;

/// A section with a recipe that is built in.
struct Part<'p> {
    name: &'p str,
    recipe: &'static dyn Recipe,
    written: &'p Written,
    /// Its options as resolved, those the recipe computes among them.
    resolved: &'p Resolved,
    /// The buildout directory, which paths are relative to.
    directory: &'p str,
}

impl Part<'_> {
    /// The line of an option that is written in a file.
    fn place(&self, option: &str) -> Option<Place> {
        self.written.iter().find(|(name, _)| &**name == option)?.1.origin().place()
    }

    fn lint(&self, code: LintCode, option: &str, message: String, hint: Option<String>) -> Lint {
        let place = self.place(option).or_else(|| self.place("recipe"));
        Lint { code, message, section: Some(self.name.to_owned()), place, hint }
    }
}

/// Looks at a config, whose files are read with `files`. `only` are the sections to look at, all where it is `None`; `locked` says whether the digest of a
/// download is known from elsewhere. Each line is told of once, however many sections take it over by `<=`.
///
/// # Errors
/// What is wrong with `[buildout]`.
pub fn lint(
    config: &Config,
    files: &dyn Loader,
    only: Option<&[&str]>,
    locked: &dyn Fn(&str) -> bool,
) -> Result<Vec<Lint>, Error> {
    let recipes = BuiltinRecipes::new(files);
    let mut resolver = config.resolver(&recipes)?;
    let mut lints = Vec::new();
    let mut sections = Vec::new();
    for name in config.section_names() {
        sections.push((name, resolver.written(name)));
    }
    let references = References::of(&sections);
    let directory = resolver.section("buildout").ok().and_then(|options| options.get("directory").cloned());
    let directory = directory.as_deref().unwrap_or("/");
    for (name, written) in &sections {
        if only.is_some_and(|only| !only.contains(name)) {
            continue;
        }
        let Ok(resolved) = resolver.section(name) else { continue };
        let Some(recipe) = resolved.get("recipe").and_then(|recipe| find(recipe)) else { continue };
        let part = Part { name, recipe, written, resolved: &resolved, directory };
        names::check(&part, &references, &mut lints);
        digests::check(&part, locked, &mut lints);
        prefix::check(&part, &mut lints);
    }
    buildout::check(config, &references, &mut lints);
    text::check(config, &mut lints);
    let key = |lint: &Lint| {
        let place = lint.place.as_ref();
        (place.map(|place| (place.file.name.clone(), place.span.start)), lint.code)
    };
    lints.sort_by_cached_key(|lint| (key(lint), lint.section.clone()));
    lints.dedup_by(|later, earlier| later.place.is_some() && key(later) == key(earlier));
    Ok(lints)
}
