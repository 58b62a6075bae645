//! Signatures: whose a file is, in minisign's files and keys.
//!
//! Layer 1, and knows nothing of bundles. The formats are minisign's own, so that the original program verifies what is
//! signed here and signs what is verified here. What is signed is read once, in small pieces.

mod error;
mod key;
mod sign;

pub use error::Error;
pub use key::{KeyId, KeyPair, PublicKey, SecretKey};
pub use sign::{Good, sign, verify};
