//! Whether builds come to the same files, and why not.
//!
//! Layer 5, and pure: receipts and files in, a verdict out; who builds is the caller's. Where what went in differs, what
//! comes out may: that two builds differ is held against them only where nothing that they were made from does.

mod compare;
mod contents;
mod halving;
mod outcome;
mod page;

pub use compare::{Comparison, FileDifference, Files, HowDifferent, InputDifference, Verdict, differing_files};
pub use contents::{Clock, Clues, Kind, Spot, View, What, differences, printable};
pub use halving::{Build, Cause, Causes, causes};
pub use outcome::{Apart, Differing, Failure, PartOutcome, Reproduction, Span, counted};
pub use page::{junit, page};
