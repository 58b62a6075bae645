//! Views of results: the same data as text for people and as JSON for programs.
//!
//! Layer 5. Everything here returns strings or JSON values; printing them is the command line's.

mod annotated;
mod numbers;
mod resolved;

pub use annotated::annotated;
pub use numbers::{bytes, plural, seconds};
pub use resolved::{ResolvedConfig, section_text};

/// The version of all JSON that hardtack prints.
pub const JSON_FORMAT: u32 = 1;
