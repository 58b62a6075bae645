//! Hardtack bundles a project that is built from source into one tarball, and installs it on a machine with no network.
//!
//! The program `hardtack` is a thin shell around this library. A config in buildout's language is resolved
//! ([`config`]), recipes make a plan of it ([`recipes`]), the sources it names are downloaded once and kept (`fetch`,
//! [`cache`]) and their digests written down ([`lock`]); all of it is packed into one file whose bytes depend on nothing
//! else ([`bundle`]). On the other side the same plan is made from the same config and carried out in a sandbox whose
//! kernel says no to the network ([`install`]).
//!
//! # Layers
//!
//! Imports go down only, and modules of one layer do not import each other; a test checks it.
//!
//! | layer | modules | what they must not do |
//! |---|---|---|
//! | 6 | [`cli`] | — the only place that prints, reads the environment or looks for a home folder |
//! | 5 | [`report`], [`reproduce`] | print |
//! | 4 | [`bundle`], [`install`], [`python`] | `install` has no way to a server |
//! | 3 | [`recipes`], [`lock`], [`attest`] | touch the network; recipes and `attest` touch nothing at all |
//! | 2 | `fetch`, [`cache`] | know each other |
//! | 1 | [`config`], [`archive`], [`signature`] | `config`: any I/O; `archive`: trust what it reads |
//! | 0 | [`base`] | know what a config, a cache or a bundle is |
//!
//! Without the feature `net`, which is on by default, nothing that can open a connection is compiled in.

pub mod archive;
pub mod attest;
pub mod base;
pub mod bundle;
pub mod cache;
pub mod cli;
pub mod config;
#[cfg(feature = "net")]
pub mod fetch;
pub mod install;
pub mod lock;
pub mod python;
pub mod recipes;
pub mod report;
pub mod reproduce;
pub mod signature;
