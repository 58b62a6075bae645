//! Bundles: what goes in, how it is written, how it is read back.
//!
//! Layer 4. [`ProjectFiles`] says which files are the project's, [`collect`] gets its sources into a cache (the one
//! place where cache and network are joined), [`write()`] packs both with lock, manifest and installer into one file
//! whose bytes depend on nothing else, and [`Bundle`] reads such a file and believes nothing in it before it is
//! checked. Nothing here builds anything.

mod collect;
mod compare;
mod complete;
mod configs;
mod contained;
mod error;
mod failure;
mod framing;
mod get;
mod git;
mod installer;
mod inventory;
mod job;
mod layout;
mod licences;
mod look;
mod manifest;
mod meter;
mod mirror;
mod named;
mod naming;
mod order;
mod partial;
mod products;
mod project;
mod read;
mod rest;
mod root;
mod script;
mod self_extracting;
mod settings;
mod unpacked;
mod walk;
mod write;

pub use collect::{Collected, CollectedSource, collect};
pub use compare::{Comparison, PartChange, Presence, SourceChange};
pub use complete::Base;
pub use configs::{CollectedConfig, ConfigFiles, KnownConfigs, RemoteConfigs, collect_config};
pub use contained::contained;
pub use error::Error;
pub use failure::{Failure, FailureCause, age_in_words};
pub use get::find;
pub use git::Commit;
pub use installer::{Installer, Linkage};
pub use layout::{
    BLOBS, CONFIG_DEFAULTS, CONTRACT, DOWNLOAD_CACHE, LOCK, MANIFEST, OWN, SUMS, check_locations, is_bundle_folder,
    is_project_entry,
};
pub use licences::{Licences, gather_licences};
pub use manifest::{
    ConfigRecord, EntryRecord, EpochSource, InstallerRecord, Manifest, PartRecord, RecordKind, SourceRecord,
};
pub use mirror::Mirror;
pub use naming::{bad_name, bad_prefix};
pub use order::{Caches, Collect, DeletePolicies, Fetch, LockUse, Progress};
pub use partial::{write_since, write_volumes};
pub use products::{ProjectFilter, is_bundle_file};
pub use project::{FileKind, ProjectFile, ProjectFiles};
pub use read::Bundle;
pub use rest::Rest;
pub use root::find_root;
pub use self_extracting::{RUN_ENDING, SelfExtracting};
pub use settings::Settings;
pub use unpacked::{Damage, UnpackedBundle};
pub use walk::Checked;
pub use write::{Pack, Written, sidecar, write};
