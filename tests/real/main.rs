//! Tests with real peers: Debian's upstream tarballs and nginx, zc.buildout and zc.recipe.cmmi, a bare chroot, apko,
//! tinyproxy.
//!
//! What a test lacks is said loudly as `skipped: …`. Package clients are the only things here that leave loopback.

#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod apko;
mod bare;
mod buildout;
mod chroot;
mod debian;
mod distributions;
#[path = "../it/generator.rs"]
mod generator;
mod language;
mod network;
mod packages;
mod papers;
mod peers;
mod quickstart;
mod recipes;
mod reproduce;
mod signature;
mod tarballs;
