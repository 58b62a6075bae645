//! The network: the one module that opens connections.
//!
//! Layer 2. Gives the bytes of a URL to a sink and says what came ([`Fetcher`]); it knows neither caches nor configs, and
//! `install` never imports it. Built without the feature `net`, nothing of it is there.

mod attempts;
mod client;
mod credentials;
mod error;
mod fetcher;
mod git;
mod hosts;
mod options;
mod retry;

pub use attempts::{Observe, Retrying};
pub use client::Get;
pub use credentials::{Credential, Credentials};
pub use error::{ConnectKind, Error, GitFailure};
pub use fetcher::Fetcher;
pub use options::Options;
