//! The name a source goes by wherever it is written down.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Md5, Sha256, redact};

/// What identifies a source in ledger, lock and manifest: its URL without credentials, or for a file outside the
/// project its name and a digest of where it was, so that no home folder is written anywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceKey(String);

impl SourceKey {
    /// The key of a URL, which loses user and password. Scheme and host mean the same in any case (RFC 3986, section
    /// 6.2.2.1), so they get small letters.
    pub fn url(url: &str) -> Self {
        let mut key = redact(url);
        if let Some(authority) = key.find("://").map(|at| at + 3) {
            let end = key[authority..].find(['/', '?', '#']).map_or(key.len(), |length| authority + length);
            key[..end].make_ascii_lowercase();
        }
        Self(key)
    }

    /// The key of a file outside the project.
    pub fn outside_file(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let place = Sha256::of(path).to_string();
        Self(format!("file:{name}#{}", &place[..16]))
    }

    /// The key of a commit of a repository that is no URL: the repository's, and what names the commit there.
    pub fn at_revision(repository: &Self, revision: &str) -> Self {
        Self(format!("{repository}{revision}"))
    }

    /// The key of a file that buildout's layouts have under a digest of its URL, where nobody knows the URL.
    pub fn of_hashed_url(md5: &Md5) -> Self {
        Self(format!("buildout:{md5}"))
    }

    /// The key of a file in a folder of distributions, where nobody knows the URL.
    pub fn of_distribution(name: &str) -> Self {
        Self(format!("dist:{name}"))
    }

    /// Whether it is a file of some machine, not one that was downloaded.
    pub fn is_local(&self) -> bool {
        self.0.starts_with("file:")
    }

    /// The MD5 of the URL, of a key that is [made of one](Self::of_hashed_url).
    pub fn hashed_url(&self) -> Option<Md5> {
        self.0.strip_prefix("buildout:")?.parse().ok()
    }

    /// Whether it can be a source's: a URL without secrets, or one of the other kinds, and nothing that plays tricks where
    /// it is shown.
    pub fn is_sound(&self) -> bool {
        let known = ["file:", "buildout:", "dist:"].iter().any(|kind| self.0.starts_with(kind));
        let url = self.0.contains("://") && *self == Self::url(&self.0);
        (known || url) && !self.0.contains(char::is_control)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A short name for files that belong to the source, the same on every machine.
    pub fn id(&self) -> String {
        Sha256::of(&self.0).to_string()
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A source as caches look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub key: SourceKey,
    /// Where other programs' layouts have it, the first one being where people look; none when the URL holds
    /// credentials, which must not get into any file's name.
    pub views: Vec<View>,
    /// The last element of the URL's path.
    pub file_name: String,
    /// Digests the bytes must have.
    pub expected: Expected,
    /// Whether the source is a file on this machine rather than on a server.
    pub local: bool,
    /// Whether it is an index: a file that is meant to change under its URL.
    pub index: bool,
    /// Whether the URL has a secret that its name has not, so that two files may go by one name.
    pub secret: bool,
}

impl Wanted {
    /// By which rule a cache may answer for it.
    pub fn class(&self) -> Class {
        match self {
            Self { index: true, .. } => Class::Index,
            Self { expected, .. } if expected.is_some() => Class::ByDigest,
            _ => Class::ByUrl,
        }
    }

    /// The URL exactly as the config has it, if it may be written down.
    pub fn url(&self) -> Option<&str> {
        self.views.first().map(View::url)
    }
}

/// How long what a cache has of a source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// For ever: a digest says what the bytes are.
    ByDigest,
    /// For ever: one URL, one file. Other bytes later are an error.
    ByUrl,
    /// Until the server has others: it is asked each time.
    Index,
}

impl Class {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByDigest => "immutable by digest",
            Self::ByUrl => "immutable by URL",
            Self::Index => "index",
        }
    }
}

/// Where another program's layout has a source, named by its URL exactly as the config has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// In the folder that zc.recipe.cmmi has for itself.
    Cmmi(String),
    /// In the cache's own folder, as configs that are extended and most other recipes' sources are.
    Root(String),
    /// In a folder of its apk repository, below the cache's own.
    Apk(String),
}

impl View {
    /// The URL.
    pub fn url(&self) -> &str {
        match self {
            Self::Cmmi(url) | Self::Root(url) | Self::Apk(url) => url,
        }
    }
}

/// Digests that bytes must have to be taken for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// Declared or locked SHA-256.
    pub sha256: Option<Sha256>,
    /// Declared MD5.
    pub md5: Option<Md5>,
}

/// Bytes that have another digest than they must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{algorithm} is {found}, expected {expected}")]
pub struct Mismatch {
    /// `SHA-256` or `MD5`.
    pub algorithm: &'static str,
    /// The digest the bytes have.
    pub found: String,
    /// The digest they must have.
    pub expected: String,
}

impl Expected {
    /// Whether any digest is known.
    pub fn is_some(&self) -> bool {
        self.sha256.is_some() || self.md5.is_some()
    }

    /// Compares with what bytes have.
    ///
    /// # Errors
    /// The first digest that differs.
    pub fn check(&self, found: &super::Fingerprint) -> Result<(), Mismatch> {
        if let Some(sha256) = self.sha256
            && sha256 != found.sha256
        {
            let (found, expected) = (found.sha256.to_string(), sha256.to_string());
            return Err(Mismatch { algorithm: "SHA-256", found, expected });
        }
        if let Some(md5) = self.md5
            && found.md5 != Some(md5)
        {
            let found = found.md5.map_or_else(|| "not known".to_owned(), |md5| md5.to_string());
            let expected = md5.to_string();
            return Err(Mismatch { algorithm: "MD5", found, expected });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_neither_passwords_nor_home_folders() {
        assert_eq!(SourceKey::url("https://u:p@host.example/x").as_str(), "https://host.example/x");
        assert_eq!(SourceKey::url("HTTPS://Host.Example?X").as_str(), "https://host.example?X");
        assert_eq!(SourceKey::url("Relative/Path").as_str(), "Relative/Path");
        let key = SourceKey::outside_file("/home/ann/src/foo.tgz");
        assert!(key.as_str().starts_with("file:foo.tgz#") && !key.as_str().contains("ann"), "{key}");
        assert_ne!(key, SourceKey::outside_file("/home/bob/src/foo.tgz"));
    }
}
