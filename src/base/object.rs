//! How git names its objects: by the digest of what they hold.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use sha2::Digest as _;

/// The full name of an object: 40 hexadecimal digits, or 64 in a repository of SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ObjectId(String);

impl ObjectId {
    /// Reads a full name; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let full = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        full.then(|| Self(text.to_ascii_lowercase()))
    }

    /// As hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How objects of its repository are named.
    pub fn format(&self) -> ObjectFormat {
        if self.0.len() == 40 { ObjectFormat::Sha1 } else { ObjectFormat::Sha256 }
    }

    /// The raw bytes, as a tree holds them.
    pub fn bytes(&self) -> Vec<u8> {
        let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
        self.0.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no full name of a git object")))
    }
}

/// How a repository names its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFormat {
    /// As all repositories did for long.
    Sha1,
    /// `extensions.objectFormat = sha256`.
    Sha256,
}

impl ObjectFormat {
    /// The word git has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// The name of an object that is held in memory.
    pub fn id_of(self, kind: &str, content: &[u8]) -> ObjectId {
        let mut hasher = ObjectHasher::new(self, kind, content.len() as u64);
        hasher.update(content);
        hasher.finish()
    }
}

/// Takes an object's name from its bytes.
pub enum ObjectHasher {
    /// As all repositories did for long.
    Sha1(sha1::Sha1),
    /// `extensions.objectFormat = sha256`.
    Sha256(sha2::Sha256),
}

impl ObjectHasher {
    /// Starts an object of a kind (`blob`, `tree`, `commit`) and a length in bytes (gitformat, "loose objects").
    pub fn new(format: ObjectFormat, kind: &str, length: u64) -> Self {
        let mut hasher = match format {
            ObjectFormat::Sha1 => Self::Sha1(sha1::Sha1::new()),
            ObjectFormat::Sha256 => Self::Sha256(sha2::Sha256::new()),
        };
        hasher.update(format!("{kind} {length}\0").as_bytes());
        hasher
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The name.
    pub fn finish(self) -> ObjectId {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Sha1(hasher) => ObjectId(hex(&hasher.finalize())),
            Self::Sha256(hasher) => ObjectId(hex(&hasher.finalize())),
        }
    }
}

impl std::io::Write for ObjectHasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_as_git_names_them() {
        let empty = ObjectFormat::Sha1.id_of("blob", b"");
        assert_eq!(empty.as_str(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(ObjectFormat::Sha1.id_of("tree", b"").as_str(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let empty = ObjectFormat::Sha256.id_of("blob", b"");
        assert_eq!(empty.as_str(), "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
        assert_eq!(empty.bytes()[..2], [0x47, 0x3a]);
    }
}
