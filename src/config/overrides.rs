//! Assignments from the command line: `--set SECTION:OPTION=VALUE`, also with `+=` and `-=`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::document::Op;
use super::error::{Error, ErrorKind};
use super::layer::{Layer, Origin, Slot, Value};
use crate::base::redact_all;

/// One assignment, applied after all files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Override {
    section: String,
    option: String,
    op: Op,
    value: String,
}

impl Override {
    /// Sets an option.
    pub fn set(section: &str, option: &str, value: &str) -> Self {
        Self { section: section.to_owned(), option: option.to_owned(), op: Op::Set, value: value.to_owned() }
    }

    /// The assignment without passwords and tokens in its value.
    pub fn redacted(&self) -> Self {
        Self { value: redact_all(&self.value), ..self.clone() }
    }

    /// The files named by an `extends=` among the assignments, the last of which counts.
    pub(super) fn extends(overrides: &[Self]) -> Option<&str> {
        let found = overrides.iter().rev().find(|item| item.is_extends());
        found.map(|item| item.value.as_str())
    }

    /// The options of `[buildout]` that are set, with their values.
    pub(super) fn buildout_options(overrides: &[Self]) -> impl Iterator<Item = (&str, &str)> {
        let set = overrides.iter().filter(|item| item.section == "buildout" && item.op == Op::Set);
        set.map(|item| (item.option.as_str(), item.value.as_str()))
    }

    fn is_extends(&self) -> bool {
        self.section == "buildout" && self.option == "extends" && self.op == Op::Set
    }

    /// The assignments as a layer above all files.
    pub(super) fn layer(overrides: &[Self]) -> Layer {
        let mut layer = Layer::new();
        for item in overrides.iter().filter(|item| !item.is_extends()) {
            let slot: &mut Slot =
                layer.entry(item.section.as_str().into()).or_default().entry(item.option.as_str().into()).or_default();
            let value = Some(Value::new(item.value.as_str(), Origin::CommandLine));
            match item.op {
                Op::Set => slot.set = value,
                Op::Add => slot.add = value,
                Op::Remove => slot.remove = value,
            }
        }
        layer
    }
}

impl FromStr for Override {
    type Err = Error;

    /// Reads `SECTION:OPTION=VALUE` or `OPTION=VALUE`, which means `[buildout]`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let error = || Error::new(ErrorKind::BadOverride { text: text.to_owned() });
        let (name, value) = text.split_once('=').ok_or_else(error)?;
        let (name, op) = match name.strip_suffix(['+', '-']) {
            Some(stripped) => (stripped, if name.ends_with('+') { Op::Add } else { Op::Remove }),
            None => (name, Op::Set),
        };
        let (section, option) = name.split_once(':').unwrap_or(("buildout", name));
        let (section, option) = (section.trim(), option.trim());
        if section.is_empty() || option.is_empty() || option.contains(':') {
            return Err(error());
        }
        Ok(Self { section: section.to_owned(), option: option.to_owned(), op, value: value.trim().to_owned() })
    }
}

impl TryFrom<String> for Override {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Override> for String {
    fn from(item: Override) -> Self {
        let sign = match item.op {
            Op::Set => "=",
            Op::Add => "+=",
            Op::Remove => "-=",
        };
        format!("{}:{}{sign}{}", item.section, item.option, item.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_read_back_what_they_print() {
        for (text, printed) in [
            ("a:b=c", "a:b=c"),
            ("offline=true", "buildout:offline=true"),
            ("a:b += c=d", "a:b+=c=d"),
            ("a:b-=c", "a:b-=c"),
            ("a:b=", "a:b="),
        ] {
            let item: Override = text.parse().expect(text);
            assert_eq!(String::from(item), printed);
        }
        for text in ["a:b", "=x", ":b=c", "a:=c", "a:b:c=d"] {
            assert!(text.parse::<Override>().is_err(), "{text}");
        }
    }
}
