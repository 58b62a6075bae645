//! Recipes: from a section's options to what must be downloaded and what must be done.
//!
//! Layer 3, and pure: a recipe reads options and gives back computed options, sources and steps. It touches neither
//! disk nor network, so `bundle`, which uses the sources, and `install`, which uses the steps, cannot disagree.
//! Adding a recipe is a file here and a row in `registry`.

mod checks;
mod cmmi;
mod computed;
mod environment;
mod error;
mod hexagonit;
mod lint;
mod mentions;
mod plan;
mod recipe;
mod references;
mod registry;
mod slapos_build;
mod slapos_cmmi;
mod source;

pub use error::{Error, Problem};
pub use lint::{Lint, LintCode, lint};
pub use plan::{NetworkAttempts, Part, Plan, Project, Step, StepKind};
pub use registry::{BuiltinRecipes, plan};
pub use source::{Origin, Source, SourceProblem};
