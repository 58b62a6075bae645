//! Tests of the built program, a module a command.
//!
//! Each test works in a folder of its own, with a pinned environment and servers of its own on loopback.

#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod beside;
mod bundle;
mod cache;
mod check;
mod compare;
mod config;
mod damage;
mod determinism;
mod extends;
mod failures;
mod fetch;
mod fuzz;
mod generator;
mod git;
mod install;
mod installed;
mod layers;
mod lock;
mod network;
mod papers;
mod parallel;
mod partial;
mod recipes;
mod rehearse;
mod reproduce;
mod sandbox;
mod seeds;
mod self_extracting;
mod server;
mod signature;
mod supply;
mod support;
mod upgrade;
