//! Everything that can be wrong with a config.

use std::sync::Arc;

use crate::base::{PathError, Place};

/// An error in a config, and the lines it comes from.
#[derive(Debug)]
pub struct Error {
    /// What is wrong.
    pub kind: Box<ErrorKind>,
    /// Where; the first place is the main one. Empty when the config is not to blame.
    pub places: Vec<Place>,
}

/// What can be wrong with a config.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// Lines that are neither header, option, continuation nor comment.
    #[error("failed to parse `{file}`: {}", lines(*count))]
    Syntax {
        /// The file.
        file: String,
        /// How many lines are wrong; each is a place of the error.
        count: usize,
    },
    /// An option above the first section header.
    #[error("`{file}` has text before its first [section] header")]
    NoSection {
        /// The file.
        file: String,
    },
    /// Bytes that are no text.
    #[error("`{file}` is not UTF-8: byte {offset} (line {line})")]
    NotUtf8 {
        /// The file.
        file: String,
        /// Offset of the first bad byte, counted from 0.
        offset: usize,
        /// Its line, counted from 1.
        line: usize,
    },
    /// More than any config has.
    #[error("`{file}` is longer than {limit} bytes")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A byte order mark, which would become part of the first header.
    #[error("`{file}` starts with a byte order mark (bytes 0 to 2)")]
    ByteOrderMark {
        /// The file.
        file: String,
    },
    /// A section condition outside the supported language.
    #[error("section condition `{expression}` is not supported: {reason}")]
    Condition {
        /// The expression as written.
        expression: String,
        /// What about it.
        reason: String,
    },
    /// The config file itself, or one it extends, is not there.
    #[error("failed to read config `{name}`: {reason}")]
    Read {
        /// Path or URL.
        name: String,
        /// Why.
        reason: String,
    },
    /// A file that reaches itself through `extends`.
    #[error("`extends` runs in a circle: {}", path.join(" → "))]
    ExtendsCycle {
        /// The files, the first repeated at the end.
        path: Vec<String>,
    },
    /// The option buildout dropped.
    #[error("option `extended-by` is no longer supported")]
    ExtendedBy,
    /// More files, counted once a path, than any real config has.
    #[error("`extends` reaches more than {limit} files, counted once for each path")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// A longer chain of files than any real config has.
    #[error("`extends` leads from file to file more than {limit} times")]
    ChainTooLong {
        /// The limit.
        limit: usize,
    },
    /// `<=` names nothing.
    #[error("section `{section}` takes its options from `{name}`, which does not exist")]
    NoMacro {
        /// The section with `<=`.
        section: String,
        /// The missing section.
        name: String,
        /// A name close to it.
        similar: Option<String>,
    },
    /// `<=` in a circle.
    #[error("`<=` runs in a circle: {}", path.join(" → "))]
    MacroCycle {
        /// The sections, the first repeated at the end.
        path: Vec<String>,
    },
    /// `${…}` without exactly one colon.
    #[error("substitution `{text}` {reason}")]
    BadSubstitution {
        /// The text from `${` to `}`.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A section that is asked for and not there.
    #[error("section `{name}` does not exist")]
    NoSuchSection {
        /// The section.
        name: String,
        /// A name close to it.
        similar: Option<String>,
    },
    /// An option that is asked for and not there.
    #[error("option `{section}:{option}` does not exist")]
    NoSuchOption {
        /// The section.
        section: String,
        /// The option.
        option: String,
        /// A name close to it.
        similar: Option<String>,
    },
    /// Options that need each other.
    #[error("substitutions run in a circle: {}", path.join(" → "))]
    SubstitutionCycle {
        /// The options, as `section:option`, the first repeated at the end.
        path: Vec<String>,
    },
    /// References nested deeper than any real config.
    #[error("references are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A value that grows past all bounds.
    #[error("the value of `{section}:{option}` is longer than {limit} bytes")]
    TooLong {
        /// The section.
        section: String,
        /// The option.
        option: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A yes-or-no option with another value.
    #[error("option `{section}:{option}` is `{value}`: it takes `true` or `false`")]
    NotBool {
        /// The section.
        section: String,
        /// The option.
        option: String,
        /// The value.
        value: String,
    },
    /// What a recipe says about its section's options.
    #[error("{message}")]
    Recipe {
        /// The recipe's words.
        message: String,
    },
    /// A relative folder in a config that was read by URL.
    #[error("option `buildout:{option}` is the relative path `{value}` in a config read from a URL")]
    RemoteRelative {
        /// The option.
        option: String,
        /// Its value.
        value: String,
    },
    /// A reference in an option that says where files are that have yet to be read.
    #[error("option `buildout:{option}` is needed before anything is substituted: `{value}`")]
    EarlyReference {
        /// The option.
        option: String,
        /// Its value.
        value: String,
    },
    /// A `--set` that is no assignment.
    #[error("`{text}` is not of the form SECTION:OPTION=VALUE")]
    BadOverride {
        /// The argument.
        text: String,
    },
    /// A value of the `[hardtack]` section that does not fit.
    #[error("option `hardtack:{option}`: {reason}")]
    BadSetting {
        /// The option.
        option: String,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read for a reason of the system's.
    #[error(transparent)]
    Io(#[from] PathError),
}

fn lines(count: usize) -> String {
    match count {
        1 => "1 line makes no sense".to_owned(),
        _ => format!("{count} lines make no sense"),
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

impl Error {
    /// An error with nothing to point at.
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind: Box::new(kind), places: Vec::new() }
    }

    /// An error at `place`, where it is known.
    pub(crate) fn at(kind: ErrorKind, place: Option<Place>) -> Self {
        Self { kind: Box::new(kind), places: place.into_iter().collect() }
    }

    /// Adds the place of something that led here, unless it is known already.
    pub(crate) fn via(mut self, place: Option<Place>) -> Self {
        if let Some(place) = place {
            let known = |other: &Place| Arc::ptr_eq(&other.file, &place.file) && other.span == place.span;
            if !self.places.iter().any(known) {
                self.places.push(place);
            }
        }
        self
    }
}

/// The name among `names` that `wanted` was probably meant to be.
pub(crate) fn similar<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let best = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, name)| *distance > 0 && *distance <= 1 + wanted.len().min(name.len()) / 4)
        .min()?;
    Some(best.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_close_names_are_suggested() {
        assert_eq!(similar("configure-option", ["configure-options", "url"]), Some("configure-options".into()));
        assert_eq!(similar("url", ["path", "md5sum"]), None);
        assert_eq!(similar("zlip", ["zlib", "zlib2"]), Some("zlib".into()));
    }
}
