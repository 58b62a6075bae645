//! x
pub mod archive;
pub mod base;
pub mod bundle;
pub mod cache;
pub mod config;
#[cfg(feature = "net")]
pub mod fetch;
pub mod lock;
pub mod recipes;
