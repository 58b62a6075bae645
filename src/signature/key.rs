//! Keys, as minisign has them.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use minisign::{PublicKeyBox, SecretKeyBox};

use super::error::Error;
use super::key_id::KeyId;
use crate::base::{IoContext, write_atomic};

/// What the file of a public key ends in, beside that of the secret one.
const PUBLIC: &str = "pub";
/// Where the key itself is in the bytes of a public and of a secret key of minisign: after the algorithms, the numbers and
/// what the password is stretched with.
const PUBLIC_AT: usize = 2 + 8;
const SECRET_AT: usize = 3 * 2 + 32 + 2 * 8 + 8;
/// Length of the checksum that a secret key ends in, in bytes.
const CHECKSUM: usize = 32;
/// Who may read a secret key.
const OWNER_ONLY: u32 = 0o600;

/// A key that others may have.
#[derive(Debug, Clone)]
pub struct PublicKey(pub(super) minisign::PublicKey);

impl PublicKey {
    /// Reads a key as people write it down, or as minisign's files have it.
    ///
    /// # Errors
    /// [`Error::PublicKey`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let read = match text.contains('\n') {
            true => PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key),
            false => minisign::PublicKey::from_base64(text),
        };
        read.map(Self).map_err(|error| Error::PublicKey { text: text.to_owned(), reason: error.to_string() })
    }

    /// Reads the file of a key.
    ///
    /// # Errors
    /// [`Error::PublicKey`], [`Error::Io`].
    pub fn read(path: &Utf8Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).at("read", path)?;
        Self::parse(&text).map_err(|error| match error {
            Error::PublicKey { reason, .. } => Error::PublicKey { text: path.to_string(), reason },
            other => other,
        })
    }

    /// The key's number.
    pub fn id(&self) -> KeyId {
        KeyId::of(self.0.keynum())
    }

    /// Whether `signature` is this key's of just these bytes, of which nothing else is said: Ed25519 without minisign's
    /// file around it.
    pub fn signed_bytes(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let key = self.0.to_bytes();
        let key = key.get(PUBLIC_AT..).and_then(|key| ed25519_compact::PublicKey::from_slice(key).ok());
        let signature = ed25519_compact::Signature::from_slice(signature).ok();
        key.zip(signature).is_some_and(|(key, signature)| key.verify(bytes, &signature).is_ok())
    }

    /// The key as people write it down.
    pub fn to_text(&self) -> String {
        self.0.to_base64()
    }
}

/// A key that nobody else may have.
#[derive(Debug)]
pub struct SecretKey(pub(super) minisign::SecretKey);

impl SecretKey {
    /// Reads the file of a key.
    ///
    /// # Errors
    /// [`Error::NoPassword`], [`Error::SecretKey`], [`Error::Io`].
    pub fn read(path: &Utf8Path, password: Option<String>) -> Result<Self, Error> {
        let text = fs::read_to_string(path).at("read", path)?;
        let wrong = |error: minisign::PError| Error::SecretKey { path: path.to_owned(), reason: error.to_string() };
        let read = || SecretKeyBox::from_string(&text).map_err(wrong);
        if let Ok(key) = read()?.into_unencrypted_secret_key() {
            return Ok(Self(key));
        }
        if let Some(key) = without_checksum(&text) {
            return Ok(Self(key));
        }
        let password = password.ok_or_else(|| Error::NoPassword { path: path.to_owned() })?;
        read()?.into_secret_key(Some(password)).map(Self).map_err(wrong)
    }

    /// The key's number.
    pub fn id(&self) -> KeyId {
        KeyId::of(self.0.keynum())
    }

    /// Signs bytes and nothing else: Ed25519 without minisign's file around it.
    ///
    /// # Errors
    /// [`Error::Sign`] where the key is none of Ed25519.
    pub fn sign_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.0.to_bytes();
        let key = key.get(SECRET_AT..SECRET_AT + ed25519_compact::SecretKey::BYTES).unwrap_or_default();
        let key = ed25519_compact::SecretKey::from_slice(key).map_err(|error| Error::Sign(error.to_string()))?;
        Ok(key.sign(bytes, None).to_vec())
    }

    /// The key that others may have.
    ///
    /// # Errors
    /// [`Error::Sign`] where the file has only half of it.
    pub fn public(&self) -> Result<PublicKey, Error> {
        minisign::PublicKey::from_secret_key(&self.0).map(PublicKey).map_err(|error| Error::Sign(error.to_string()))
    }
}

/// A key without a password that the original program wrote: it leaves the checksum of such a one empty.
fn without_checksum(text: &str) -> Option<minisign::SecretKey> {
    let bytes = data_encoding::BASE64.decode(text.lines().nth(1)?.trim().as_bytes()).ok()?;
    let checksum = bytes.len().checked_sub(CHECKSUM).and_then(|start| bytes.get(start..))?;
    let key = minisign::SecretKey::from_bytes(&bytes).ok()?;
    (!key.is_encrypted() && checksum.iter().all(|byte| *byte == 0)).then_some(key)
}

/// A new pair of keys.
pub struct KeyPair(minisign::KeyPair);

impl KeyPair {
    /// Makes one; without a password whoever has the file can sign.
    ///
    /// # Errors
    /// [`Error::Sign`] where the machine gives no chance.
    pub fn generate(password: Option<String>) -> Result<Self, Error> {
        let made = match password {
            Some(password) => minisign::KeyPair::generate_encrypted_keypair(Some(password)),
            None => minisign::KeyPair::generate_unencrypted_keypair(),
        };
        made.map(Self).map_err(|error| Error::Sign(error.to_string()))
    }

    /// The key that others may have.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.pk.clone())
    }

    /// Where the public key of a secret one is written.
    pub fn public_path(secret: &Utf8Path) -> Utf8PathBuf {
        secret.with_extension(PUBLIC)
    }

    /// Writes the secret key to a file that only its owner may read, and the public one beside.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Sign`].
    pub fn write(&self, secret: &Utf8Path) -> Result<(), Error> {
        let failed = |error: minisign::PError| Error::Sign(error.to_string());
        let comment = format!("hardtack secret key {}", self.public().id());
        let text = self.0.sk.to_box(Some(&comment)).map_err(failed)?.into_string();
        write_atomic(secret, text.as_bytes(), OWNER_ONLY)?;
        let text = self.0.pk.to_box().map_err(failed)?.into_string();
        Ok(write_atomic(&Self::public_path(secret), text.as_bytes(), 0o644)?)
    }
}
