//! x
pub mod archive;
pub mod base;
pub mod bundle;
pub mod cache;
pub mod cli;
pub mod config;
#[cfg(feature = "net")]
pub mod fetch;
pub mod install;
pub mod lock;
pub mod recipes;
pub mod report;
