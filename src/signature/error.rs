//! What can be wrong with keys and signatures.

use camino::Utf8PathBuf;

use super::key_id::KeyId;
use crate::base::PathError;

/// An error with a key or a signature.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// A text is no public key.
    #[error("`{text}` is no public key of minisign: {reason}")]
    PublicKey {
        /// The text, or the file.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A file is no secret key, or the password is not its.
    #[error("`{path}` is no secret key, or the password is another: {reason}")]
    SecretKey {
        /// The file.
        path: Utf8PathBuf,
        /// What was found.
        reason: String,
    },
    /// A secret key has a password, and none was given.
    #[error("the secret key `{path}` has a password")]
    NoPassword {
        /// The key's file.
        path: Utf8PathBuf,
    },
    /// A key could not be made, or nothing be signed with it.
    #[error("no signature could be made: {0}")]
    Sign(String),
    /// A file is no signature.
    #[error("`{path}` is no signature of minisign: {reason}")]
    Malformed {
        /// The file.
        path: Utf8PathBuf,
        /// Why not.
        reason: String,
    },
    /// There is no signature.
    #[error("`{path}` is not signed: there is no `{signature}`")]
    Unsigned {
        /// The file that should be.
        path: Utf8PathBuf,
        /// Where its signature would be.
        signature: Utf8PathBuf,
    },
    /// Nobody who is trusted signed.
    #[error("`{path}` is signed with key {signer}, which is not trusted here")]
    Untrusted {
        /// The file.
        path: Utf8PathBuf,
        /// The key's number.
        signer: KeyId,
    },
    /// The signature is of other bytes, or is no signature of this key at all.
    #[error("the signature of `{path}` is wrong: key {signer} did not sign these bytes")]
    Wrong {
        /// The file.
        path: Utf8PathBuf,
        /// The key's number.
        signer: KeyId,
    },
}
