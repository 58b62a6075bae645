//! Recipes: from a section's options to what must be downloaded and what must be done.
//!
//! Layer 3, and pure: a recipe reads options and gives back computed options, sources and steps. It touches neither
//! disk nor network, so `bundle`, which uses the sources, and `install`, which uses the steps, cannot disagree.
//! Adding a recipe is a file in `builtin`, a row in its table and a folder of tests.

mod builtin;
mod checks;
mod computed;
mod distributions;
mod environment;
mod error;
mod instead;
mod lint;
mod location;
mod mentions;
mod percent;
mod plan;
mod recipe;
mod references;
mod registry;
mod shell;
mod source;
mod stages;
mod template;
mod variable;
mod wants;

pub use builtin::recipes;
pub use error::{Error, Problem};
pub use lint::{Lint, LintCode, lint};
pub use location::{Location, SharedPlace};
pub use plan::{Input, NetworkAttempts, Part, Plan, Project, Step, StepKind};
pub use recipe::{About, OF_EVERY_PART, Opt};
pub use registry::{BuiltinRecipes, plan};
pub use shell::quoted;
pub use source::{Origin, Shelf, Source, SourceProblem};
pub use variable::Variable;
pub use wants::{Asked, PythonWants};
