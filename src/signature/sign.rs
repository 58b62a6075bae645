//! Signing a file, and finding out who did.

use std::fs::File;
use std::io::{BufReader, Read};

use camino::{Utf8Path, Utf8PathBuf};
use minisign::SignatureBox;

use super::error::Error;
use super::key::{PublicKey, SecretKey};
use super::key_id::KeyId;
use crate::base::{IoContext, read_limited, write_atomic};

/// More than any signature with its comments has, in bytes.
const LONGEST: u64 = 16 << 10;

/// A signature that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// Whose it is.
    pub signer: KeyId,
    /// What the signer says of the file; signed, too.
    pub comment: String,
}

/// Where the signature of a file is: beside it, as minisign has it.
pub fn signature_of(path: &Utf8Path) -> Utf8PathBuf {
    format!("{path}.minisig").into()
}

/// Signs a file; `comment` is signed with it, and must be one line. Where the signature was written.
///
/// # Errors
/// [`Error::Io`], [`Error::Sign`].
pub fn sign(path: &Utf8Path, key: &SecretKey, comment: &str) -> Result<Utf8PathBuf, Error> {
    let file = BufReader::new(File::open(path).at("open", path)?);
    let signature_path = signature_of(path);
    write_atomic(&signature_path, signature_text(file, key, comment)?.as_bytes(), 0o644)?;
    Ok(signature_path)
}

/// The text of a signature's file, of what is read.
///
/// # Errors
/// [`Error::Sign`].
pub fn signature_text(content: impl Read, key: &SecretKey, comment: &str) -> Result<String, Error> {
    let untrusted = format!("signature from hardtack secret key {}", key.id());
    let signature = minisign::sign(None, &key.0, content, Some(comment), Some(&untrusted));
    Ok(signature.map_err(|error| Error::Sign(error.to_string()))?.into_string())
}

/// Whether one of `keys` signed a file, which is read to its end, and not taken for anything. Whose signature there is, and
/// whether it is right, is told even where no key is given: then nothing is trusted.
///
/// # Errors
/// [`Error::Unsigned`], [`Error::Untrusted`], [`Error::Wrong`], [`Error::Malformed`], [`Error::Io`].
pub fn verify(path: &Utf8Path, keys: &[PublicKey]) -> Result<Good, Error> {
    let signature_path = signature_of(path);
    if !signature_path.is_file() {
        return Err(Error::Unsigned { path: path.to_owned(), signature: signature_path });
    }
    let malformed = |reason: String| Error::Malformed { path: signature_path.clone(), reason };
    let text = read_limited(&signature_path, LONGEST)?;
    let text = String::from_utf8(text).map_err(|error| malformed(error.to_string()))?;
    let signature = SignatureBox::from_string(&text).map_err(|error| malformed(error.to_string()))?;
    if !signature.is_prehashed() {
        return Err(malformed("it is of the old kind, which is of the whole file in memory; sign anew".to_owned()));
    }
    let signer = KeyId::of(signature.keynum());
    let Some(key) = keys.iter().find(|key| key.id() == signer) else {
        return Err(Error::Untrusted { path: path.to_owned(), signer });
    };
    let file = BufReader::new(File::open(path).at("open", path)?);
    minisign::verify(&key.0, &signature, file, true, false, false)
        .map_err(|_| Error::Wrong { path: path.to_owned(), signer })?;
    let comment = signature.trusted_comment().map_err(|error| malformed(error.to_string()))?;
    Ok(Good { signer, comment })
}

#[cfg(test)]
mod tests {
    use super::super::key::KeyPair;
    use super::*;

    #[test]
    fn what_was_signed_is_known_and_what_was_changed_is_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let (file, secret) = (root.join("file"), root.join("own.key"));
        std::fs::write(&file, "bytes").expect("writes");
        let pair = KeyPair::generate(None).expect("makes");
        pair.write(&secret).expect("writes");
        let other = KeyPair::generate(None).expect("makes").public();
        let own = PublicKey::read(&KeyPair::public_path(&secret)).expect("reads");
        assert_eq!(PublicKey::parse(&own.to_text()).expect("reads").id(), own.id());
        assert!(matches!(verify(&file, std::slice::from_ref(&own)), Err(Error::Unsigned { .. })));
        let key = SecretKey::read(&secret, None).expect("reads");
        sign(&file, &key, "file:file").expect("signs");
        let good = verify(&file, &[other.clone(), own.clone()]).expect("is right");
        assert_eq!((good.signer, good.comment.as_str()), (own.id(), "file:file"));
        assert!(matches!(verify(&file, &[other]), Err(Error::Untrusted { .. })));
        // The comment is signed, too.
        let signature = root.join("file.minisig");
        let text = std::fs::read_to_string(&signature).expect("reads");
        std::fs::write(&signature, text.replace("file:file", "file:fine")).expect("writes");
        assert!(matches!(verify(&file, std::slice::from_ref(&own)), Err(Error::Wrong { .. })));
        std::fs::write(&signature, &text).expect("writes");
        std::fs::write(&file, "Bytes").expect("writes");
        assert!(matches!(verify(&file, std::slice::from_ref(&own)), Err(Error::Wrong { .. })));
        std::fs::write(&signature, "untrusted comment: x\nnonsense\n").expect("writes");
        assert!(matches!(verify(&file, &[own]), Err(Error::Malformed { .. })));
        assert!(PublicKey::parse("RWnonsense").is_err());
    }
}
