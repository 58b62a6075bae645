//! Building and installing, without a network and never half.
//!
//! Layer 4. Takes a plan and the files of its sources, checks everything that can be checked before the first step
//! ([`preflight`]), runs the steps of each part in a sandbox whose kernel says no to the network ([`sandbox`]), and
//! puts the finished generation in place when all of it is there ([`Destination`]). It does not import `fetch`: there
//! is no way from here to a server.

mod asking;
mod attempts;
mod beside;
mod building;
mod causes;
mod claims;
pub mod contract;
mod copying;
mod destination;
mod engine;
mod error;
mod event;
mod fixed_jobs;
mod generations;
mod given;
mod image;
mod input;
mod inputs;
mod jobserver;
mod libraries;
mod making;
mod moves;
mod own;
mod placing;
mod preflight;
mod preview;
mod receipt;
mod record;
mod run;
pub mod sandbox;
mod schedule;
mod shared;
mod source;
mod survey;
mod used;
pub mod varying;

pub use asking::toolchain;
pub use attempts::{Attempt, Refusal, Seen, Sightings, StepAttempt, StepRefusal};
pub use causes::Cause;
pub use destination::{Destination, Open};
pub use engine::{Installed, install};
pub use error::{Error, MissingSource};
pub use event::Event;
pub use generations::{Uninstalled, roll_back, uninstall};
pub use given::Install;
pub use image::Image;
pub use input::Input;
pub use preflight::{Preflight, Room, check_space, differing_conditions, on_path, preflight, programs, room};
pub use preview::{Fate, Foreseen, Preview};
pub use receipt::{Machine, PartReceipt, RECEIPT_TYPE, Receipt};
pub use record::{InstalledFile, PartRecord, ProjectEntry, Release, State};
pub use run::check_visible;
pub use source::{SourceFile, SourcePlace, check_project_sources};
pub use survey::{Difference, Differences, Survey, is_installed};
pub use used::{Used, UsedFiles};
