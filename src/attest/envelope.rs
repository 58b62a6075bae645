//! Envelopes that carry a statement with its signatures (DSSE v1.0, dead simple signing envelope).

use serde::{Deserialize, Serialize};

use crate::signature::{Error, KeyId, PublicKey, SecretKey};

/// What an envelope of a statement says it carries.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// An envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    payload_type: String,
    /// The statement, in base64.
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Signature {
    /// The number of the key, as minisign shows it.
    #[serde(default)]
    keyid: String,
    /// Ed25519, in base64.
    sig: String,
}

/// A statement that may have been in an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The text of the statement.
    pub statement: Vec<u8>,
    /// Who signed it, and whether that was right; the first that is trusted, else the first there is.
    pub signed: Signed,
}

/// Whose a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// Nobody's.
    No,
    /// Of one whose key is trusted.
    By(KeyId),
    /// Of somebody who says to have this key, which nobody trusts.
    Unknown(String),
    /// Of somebody who says to have this key, which is trusted; and the signature is wrong.
    Wrong(String),
}

impl Envelope {
    /// Signs a statement.
    ///
    /// # Errors
    /// [`Error::Sign`] where the key cannot be used.
    pub fn seal(statement: &[u8], key: &SecretKey) -> Result<Self, Error> {
        let base64 = &data_encoding::BASE64;
        let signature = key.sign_bytes(&encoded(PAYLOAD_TYPE, statement))?;
        let signature = Signature { keyid: key.id().to_string(), sig: base64.encode(&signature) };
        let (payload_type, payload) = (PAYLOAD_TYPE.to_owned(), base64.encode(statement));
        Ok(Self { payload_type, payload, signatures: vec![signature] })
    }

    /// The text of it.
    pub fn to_text(&self) -> Vec<u8> {
        // Strings and lists of them always serialise.
        let mut text = serde_json::to_vec(self).expect("an envelope serialises");
        text.push(b'\n');
        text
    }

    /// Opens an envelope; a text that is none is the statement itself, which nobody signed.
    ///
    /// # Errors
    /// Why it can be neither, in words.
    pub fn open(text: &[u8], trusted: &[PublicKey]) -> Result<Opened, String> {
        let value: serde_json::Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if value.get("payloadType").is_none() {
            return Ok(Opened { statement: text.to_owned(), signed: Signed::No });
        }
        let envelope: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let decode = |text: &str| data_encoding::BASE64.decode(text.as_bytes()).map_err(|error| error.to_string());
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err("the envelope carries something else than a statement".to_owned());
        }
        let statement = decode(&envelope.payload)?;
        let message = encoded(&envelope.payload_type, &statement);
        let mut signed = Signed::No;
        for Signature { keyid, sig } in envelope.signatures {
            let signature = decode(&sig)?;
            // What a signature says of its key is a hint and no more.
            if let Some(key) = trusted.iter().find(|key| key.signed_bytes(&message, &signature)) {
                return Ok(Opened { statement, signed: Signed::By(key.id()) });
            }
            let is_known = trusted.iter().any(|key| key.id().to_string() == keyid);
            if signed == Signed::No {
                // Anybody can write anything there.
                let is_number = keyid.len() == 16 && keyid.bytes().all(|byte| byte.is_ascii_hexdigit());
                let keyid = if is_number { keyid } else { "of no known form".to_owned() };
                signed = if is_known { Signed::Wrong(keyid) } else { Signed::Unknown(keyid) };
            }
        }
        Ok(Opened { statement, signed })
    }
}

/// What is signed: the pre-authentication encoding.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::KeyPair;
    use camino::Utf8Path;

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        let bytes = encoded("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn an_envelope_tells_whose_it_is_and_whether_it_was_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = Utf8Path::from_path(folder.path()).expect("UTF-8").join("own.key");
        let pair = KeyPair::generate(None).expect("makes");
        pair.write(&secret).expect("writes");
        let key = SecretKey::read(&secret, None).expect("reads");
        let stranger = KeyPair::generate(None).expect("makes").public();
        let text = Envelope::seal(b"{\"a\": 1}", &key).expect("seals").to_text();
        let by = |keys: &[PublicKey]| Envelope::open(&text, keys).expect("opens").signed;
        assert_eq!(by(&[stranger.clone(), pair.public()]), Signed::By(key.id()));
        assert_eq!(by(&[stranger]), Signed::Unknown(key.id().to_string()));
        let changed = String::from_utf8(text).expect("UTF-8").replace("eyJhIjogMX0=", "eyJhIjogMn0=");
        let opened = Envelope::open(changed.as_bytes(), &[pair.public()]).expect("opens");
        assert_eq!(
            (opened.statement.as_slice(), opened.signed),
            (&b"{\"a\": 2}"[..], Signed::Wrong(key.id().to_string()))
        );
        assert_eq!(Envelope::open(b"{\"a\": 1}", &[]).expect("opens").signed, Signed::No);
        assert!(Envelope::open(b"nonsense", &[]).is_err());
    }
}
