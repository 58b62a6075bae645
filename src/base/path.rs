//! Paths that cannot leave the folder they are joined to.

use std::fmt;
use std::str::FromStr;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// A relative path of plain names: no `..`, no `.`, no root, no control characters, never empty.
///
/// They are ordered by their bytes, as archives are. Joining one to a folder gives a path below that folder, as long as no link on the way leads out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

/// Why a text is not a [`RelPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelPathError {
    /// Nothing at all.
    #[error("a path is empty")]
    Empty,
    /// Starts at the root.
    #[error("path `{0}` is absolute")]
    Absolute(String),
    /// Climbs with `..`, or has empty or `.` components.
    #[error("path `{0}` has a `.`, `..` or empty component")]
    Component(String),
    /// Has a NUL, a newline or another control character.
    #[error("path `{}` has a control character", .0.escape_debug())]
    Control(String),
}

impl RelPath {
    /// Checks `text` and wraps it.
    pub fn new(text: impl Into<String>) -> Result<Self, RelPathError> {
        let text = text.into();
        if text.is_empty() {
            return Err(RelPathError::Empty);
        }
        if text.starts_with('/') {
            return Err(RelPathError::Absolute(text));
        }
        if text.chars().any(char::is_control) {
            return Err(RelPathError::Control(text));
        }
        if text.split('/').any(|name| matches!(name, "" | "." | "..")) {
            return Err(RelPathError::Component(text));
        }
        Ok(Self(text))
    }

    /// `path` as seen from `base`, if it lies below it. Both are compared as written.
    pub fn below(base: &Utf8Path, path: &Utf8Path) -> Option<Self> {
        Self::new(path.strip_prefix(base).ok()?.as_str()).ok()
    }

    /// This path continued by `more`.
    pub fn join(&self, more: &RelPath) -> Self {
        Self(format!("{}/{}", self.0, more.0))
    }

    /// The path as text, with `/` between names.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first name of the path.
    pub fn first(&self) -> &str {
        self.as_str().split('/').next().unwrap_or_default()
    }
}

impl AsRef<Utf8Path> for RelPath {
    fn as_ref(&self) -> &Utf8Path {
        Utf8Path::new(&self.0)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RelPath {
    type Err = RelPathError;

    fn from_str(text: &str) -> Result<Self, RelPathError> {
        Self::new(text)
    }
}

impl Serialize for RelPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A path as seen from `base`, if it is relative or lies below; both are compared as written.
pub fn relative_to(base: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let seen = path.strip_prefix(base).unwrap_or(path);
    (!seen.is_absolute()).then(|| normalize(seen))
}

/// Removes `.` and resolves `..` by text alone, as a URL would; links are not looked at.
pub fn normalize(path: &Utf8Path) -> Utf8PathBuf {
    let mut clean = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                let climbs = matches!(clean.components().next_back(), None | Some(Utf8Component::ParentDir));
                if climbs {
                    clean.push("..");
                } else {
                    clean.pop();
                }
            }
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_pass() {
        assert_eq!(RelPath::new("a/b c/d").map(|path| path.to_string()), Ok("a/b c/d".into()));
        for bad in ["", "/etc", "a/../b", "..", "./a", "a//b", "a/", "a\nb", "a\0"] {
            assert!(RelPath::new(bad).is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn normalizing_never_climbs_above_the_root() {
        for (from, to) in [("/a/../../b", "/b"), ("a/./b/../c", "a/c"), ("../a/..", ".."), ("/", "/")] {
            assert_eq!(normalize(from.into()), to, "{from}");
        }
    }
}
