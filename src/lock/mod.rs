//! The lock file: which bytes a project is made from.
//!
//! Layer 3, and pure: text in, text out, and what differs between a lock and a plan. `hardtack.lock` lies beside
//! `buildout.cfg` and is committed; it holds no time, no order that depends on anything but names, and no credentials.

mod error;
mod model;
mod request;

pub use error::Error;
pub use model::{Lock, Locked, file_name};
pub use request::{Request, Requested};
