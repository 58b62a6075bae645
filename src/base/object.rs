//! How git names its objects: by the digest of what they hold.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

use super::{Sha1, Sha256};

/// The full name of an object, written as 40 hexadecimal digits, or as 64 in a repository of SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectId {
    /// As all repositories have them for long.
    Sha1(Sha1),
    /// `extensions.objectFormat = sha256`.
    Sha256(Sha256),
}

impl ObjectId {
    /// Reads a full name; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let sha1 = text.parse().map(Self::Sha1);
        sha1.or_else(|_| text.parse().map(Self::Sha256)).ok()
    }

    /// Wraps the raw bytes, as a tree holds them; `None` when they are too many or too few.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sha1 = bytes.try_into().map(|bytes| Self::Sha1(Sha1::from_bytes(bytes)));
        sha1.or_else(|_| bytes.try_into().map(|bytes| Self::Sha256(Sha256::from_bytes(bytes)))).ok()
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(digest) => digest.as_bytes(),
            Self::Sha256(digest) => digest.as_bytes(),
        }
    }

    /// How objects of its repository are named.
    pub fn format(&self) -> ObjectFormat {
        match self {
            Self::Sha1(_) => ObjectFormat::Sha1,
            Self::Sha256(_) => ObjectFormat::Sha256,
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(digest) => digest.fmt(f),
            Self::Sha256(digest) => digest.fmt(f),
        }
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
        match self {
            Self::Sha1(hasher) => ObjectId::Sha1(Sha1::from_bytes(hasher.finalize().into())),
            Self::Sha256(hasher) => ObjectId::Sha256(Sha256::from_bytes(hasher.finalize().into())),
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
        assert_eq!(empty.to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(ObjectFormat::Sha1.id_of("tree", b"").to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let empty = ObjectFormat::Sha256.id_of("blob", b"");
        assert_eq!(empty.to_string(), "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
        assert_eq!(empty.as_bytes()[..2], [0x47, 0x3a]);
    }
}
