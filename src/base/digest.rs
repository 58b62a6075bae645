//! Digests as types, so that an MD5 can never stand where a SHA-256 is meant.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::{IoContext, PathError, open_file};

/// A digest of `N` bytes, written as lower-case hexadecimal.
///
/// The length names the algorithm: [`Md5`], [`Sha1`] and [`Sha256`] are the only ones in use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest<const N: usize>([u8; N]);

/// MD5, which buildout configs declare as `md5sum`. It never selects a file by itself.
pub type Md5 = Digest<16>;
/// SHA-1, which names the folders of the download cache's classic layout.
pub type Sha1 = Digest<20>;
/// SHA-256, the only digest that identifies a blob.
pub type Sha256 = Digest<32>;

/// Text that is not a digest of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {algorithm}: it takes {digits} hexadecimal digits")]
pub struct DigestError {
    text: String,
    algorithm: &'static str,
    digits: usize,
}

impl<const N: usize> Digest<N> {
    /// Wraps raw digest bytes.
    pub fn from_bytes(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The raw digest bytes.
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    fn algorithm() -> &'static str {
        match N {
            16 => "an MD5",
            20 => "a SHA-1",
            _ => "a SHA-256",
        }
    }
}

impl Md5 {
    /// The MD5 of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(md5::Md5::digest(bytes.as_ref()).into())
    }
}

impl Sha1 {
    /// The SHA-1 of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha1::Sha1::digest(bytes.as_ref()).into())
    }
}

impl Sha256 {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha2::Sha256::digest(bytes.as_ref()).into())
    }
}

impl<const N: usize> fmt::Display for Digest<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Digest<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> FromStr for Digest<N> {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError { text: text.to_owned(), algorithm: Self::algorithm(), digits: 2 * N };
        let digits = text.as_bytes();
        if digits.len() != 2 * N {
            return Err(error());
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let nibble = |digit: u8| (digit as char).to_digit(16).ok_or_else(error);
            *byte = (nibble(pair[0])? * 16 + nibble(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for Digest<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Digest<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What one pass over a file tells about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// SHA-256 of the bytes.
    pub sha256: Sha256,
    /// MD5 of the bytes, where it was taken: it costs more than the SHA-256.
    pub md5: Option<Md5>,
    /// Number of bytes.
    pub size: u64,
}

/// Takes a [`Fingerprint`] of the bytes it is fed.
#[derive(Clone, Default)]
pub struct Hasher {
    sha256: sha2::Sha256,
    md5: Option<md5::Md5>,
    size: u64,
}

impl Hasher {
    /// One that takes the MD5 too.
    pub fn with_md5() -> Self {
        Self { md5: Some(md5::Md5::default()), ..Self::default() }
    }

    /// Feeds more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// The fingerprint of everything fed so far.
    pub fn finish(self) -> Fingerprint {
        Fingerprint {
            sha256: Digest(self.sha256.finalize().into()),
            md5: self.md5.map(|md5| Digest(md5.finalize().into())),
            size: self.size,
        }
    }
}

/// A reader that takes the SHA-256 and the length of what passes through it.
pub struct HashingReader<R> {
    inner: R,
    sha256: sha2::Sha256,
    size: u64,
}

impl<R: Read> HashingReader<R> {
    /// Hashes what is read from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, sha256: sha2::Sha256::new(), size: 0 }
    }

    /// Reads what is left and returns digest and length of the whole.
    pub fn drain(mut self) -> io::Result<(Sha256, u64)> {
        io::copy(&mut self, &mut io::sink())?;
        Ok((Digest(self.sha256.finalize().into()), self.size))
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// A writer that takes the SHA-256 and the length of what passes through it.
pub struct HashingWriter<W> {
    inner: W,
    sha256: sha2::Sha256,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Hashes what is written to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, sha256: sha2::Sha256::new(), size: 0 }
    }

    /// The inner writer, with digest and length of what went through.
    pub fn finish(self) -> (W, Sha256, u64) {
        (self.inner, Digest(self.sha256.finalize().into()), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads the file at `path` once and takes its fingerprint, MD5 and all.
pub fn fingerprint_file(path: &Utf8Path) -> Result<Fingerprint, PathError> {
    let mut file = open_file(path)?;
    let mut hasher = Hasher::with_md5();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer).at("read", path)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// The SHA-256 of the file at `path`, where nothing else is asked: MD5 costs more than it.
pub fn sha256_file(path: &Utf8Path) -> Result<Sha256, PathError> {
    let mut file = open_file(path)?;
    let mut sha256 = sha2::Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer).at("read", path)? {
            0 => return Ok(Digest(sha256.finalize().into())),
            count => sha256.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_read_back_what_they_print() {
        let digest = Sha256::of("foo");
        assert_eq!(digest.to_string(), "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.to_string().to_uppercase().parse(), Ok(digest));
    }

    #[test]
    fn the_cache_keys_of_both_layouts_are_those_measured_with_the_real_recipes() {
        let url = "http://127.0.0.1:18733/foo-1.0.tar.gz";
        assert_eq!(Md5::of(url).to_string(), "49af323dcd858dbc8e0c7b0b1aab18a1");
        assert_eq!(Sha1::of(url).to_string(), "c28da714316aba148769a6959577eb76212b976d");
    }

    #[test]
    fn a_digest_of_another_kind_is_refused_by_name() {
        let error = "d41d8cd98f00b204e9800998ecf8427e".parse::<Sha256>().expect_err("too short");
        assert_eq!(
            error.to_string(),
            "`d41d8cd98f00b204e9800998ecf8427e` is not a SHA-256: it takes 64 hexadecimal digits"
        );
        assert!("zz1d8cd98f00b204e9800998ecf8427e".parse::<Md5>().is_err());
        assert!("+11d8cd98f00b204e9800998ecf8427e".parse::<Md5>().is_err());
    }
}
