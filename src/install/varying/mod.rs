//! Building under conditions that are not the usual ones, to see whether what is made depends on them.
//!
//! What a condition is, and how a step comes to it, is the sandbox's; here is what that takes, and the proof: a command is
//! run under the first conditions and under the second, and only what it sees differ counts as varied.

mod equipment;
mod probe;

pub use equipment::equip;
pub use probe::{NotVaried, Prepared, Varied, prepare};
