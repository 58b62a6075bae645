//! The download cache: what was fetched once is there, whole and unchanged, or not at all.
//!
//! Layer 2. Blobs, named by their SHA-256, are the only truth ([`Cache`]); the ledger says which blobs have answered a
//! source; views are the layouts other programs read and write. Nothing here opens a connection: what is not in the
//! cache is the caller's to fetch, and what a server has to say is the caller's to ask. The module `layout` spells out
//! what lies where.

mod clear;
mod contents;
mod error;
mod event;
mod export;
mod files;
mod folders;
mod foreign;
mod freed;
mod gc;
mod identity;
mod import;
mod keep;
mod layout;
mod ledger;
mod lookup;
mod place;
mod policy;
mod registry;
mod session;
mod staged;
mod store;
mod views;

pub use clear::Cleared;
pub use contents::{Contents, Entry, Finding, FindingKind, Times};
pub use error::Error;
pub use event::Event;
pub use export::{ExportLayout, Exported};
pub use files::DiskFiles;
pub use foreign::{Foreign, ForeignBytes, ForeignCache};
pub use gc::{Cleaned, GcHow, GcLimits};
pub use import::Imported;
pub use layout::{ViewLayout, blobs_of};
pub use lookup::{Depth, Hit, Lookup, Standing, Wrong};
pub use place::{CacheBase, default_place};
pub use policy::{DeletePolicy, Policy, Rule, decide};
pub use registry::{Registries, Registry, RegistryKind, TatinId};
pub use session::{KeyLock, Session};
pub use staged::Staged;
pub use store::{Cache, CacheKind, CacheOptions};

#[cfg(test)]
mod tests;
