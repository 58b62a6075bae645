//! The host contract: what a bundle's builds need of the machine they run on, and take from nowhere else.
//!
//! A rehearsal sees what is opened and run ([`gather`]) and asks the machine whose packages those files are ([`owners`]);
//! the site looks whether it has the same ([`Contract::look`]) before it builds for an hour.

mod c_library;
mod check;
mod gather;
mod model;
mod owners;

pub use check::{Looked, Unmet};
pub use gather::gather;
pub use model::{CONTRACT, Contract, Kind, Need};
pub use owners::{Owners, owners};
