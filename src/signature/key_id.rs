//! The number of a key, which signatures name it by.

use std::fmt;

/// The number that minisign knows a key by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(u64);

impl KeyId {
    /// From the bytes that signatures and keys have it in.
    pub(super) fn of(bytes: &[u8]) -> Self {
        // Keys and signatures have eight of them.
        Self(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}
