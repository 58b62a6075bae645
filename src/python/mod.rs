//! Python distributions: which files a part's requirements come to.
//!
//! Layer 4. Where a bundle is made, the machine's own pip is asked, in a dry run: it knows indexes, markers, extras and
//! platforms as nobody else does. What it picked is locked and fetched like any source, and so is what source distributions
//! are built with, which pip itself tells nobody. Nothing is installed but in folders that go again.

mod error;
mod interpreter;
mod pip;
mod requires;
mod resolve;
mod wheel;

pub use error::Error;
pub use resolve::{Order, resolve};
