//! The network: the one module that opens connections.
//!
//! Layer 2. Gives the bytes of a URL to a sink and says what came; it knows neither caches nor configs, and `install`
//! never imports it. Built without the feature `net`, nothing of it is there.

mod client;
mod error;

pub use client::{Client, Get, Options};
pub use error::Error;
