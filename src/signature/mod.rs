//! Signatures: whose a file is, in minisign's files and keys.
//!
//! Layer 1, and knows nothing of bundles. The formats are minisign's own, so that the original program verifies what is
//! signed here and signs what is verified here. What is signed is read once, in small pieces.

mod error;
mod key;
mod key_id;
mod sign;

pub use error::Error;
pub use key::{KeyPair, PublicKey, SecretKey};
pub use key_id::KeyId;
pub use sign::{Good, sign, signature_of, signature_text, verify};
