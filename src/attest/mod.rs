//! Attestations: what is said of a file in the forms that others check.
//!
//! Layer 3, and pure: a [`Statement`] is about files by their digests, an [`Envelope`] carries one with signatures of the
//! same keys that sign bundles. What a statement says is for the modules above; nothing here reads a file.

mod envelope;
mod statement;

pub use envelope::{Envelope, Opened, Signed};
pub use statement::{Statement, Subject};
