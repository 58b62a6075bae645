//! Attestations: what is said of a file in the forms that others check.
//!
//! Layer 3, and pure: a [`Statement`] is about files by their digests, an [`Envelope`] carries one with signatures of the
//! same keys that sign bundles. What a statement says is for the modules above; nothing here reads a file.

mod envelope;
mod provenance;
pub mod sbom;
mod statement;

pub use envelope::{Envelope, Opened, Signed};
pub use provenance::{PROVENANCE_TYPE, provenance};
pub use statement::{Statement, Subject};

/// A document as people read it.
fn text_of(document: &serde_json::Value) -> Vec<u8> {
    let mut text = format!("{document:#}").into_bytes();
    text.push(b'\n');
    text
}
