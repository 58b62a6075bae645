//! The download cache: what was fetched once is there, whole and unchanged, or not at all.
//!
//! Layer 2. Blobs, named by their SHA-256, are the only truth ([`Cache`]); the ledger says which blob answers which
//! source; views are the layouts buildout's own recipes read and write. Nothing here opens a connection: what is not
//! in the cache is the caller's to fetch. DESIGN's page on files has the layout; the module `layout` spells it.

mod clear;
mod contents;
mod error;
mod event;
mod files;
mod layout;
mod ledger;
mod place;
mod policy;
mod store;
mod views;

pub use clear::Cleared;
pub use contents::{Contents, Entry, Finding, FindingKind};
pub use error::Error;
pub use event::Event;
pub use files::DiskFiles;
pub use layout::ViewLayout;
pub use place::{CacheBase, default_place};
pub use policy::{Decision, Policy, decide};
pub use store::{Cache, CacheKind, Found, Hit, Lookup, Retrieved, Staged, Wrong};
