//! Whether two builds came to the same files.
//!
//! Layer 5, and pure: receipts in, a verdict out. Where what went in differs, what comes out may: that two builds differ is
//! held against them only where nothing that they were made from does.

mod compare;

pub use compare::{Comparison, FileDifference, HowDifferent, InputDifference, Verdict};
