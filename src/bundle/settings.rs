//! The `[hardtack]` section: what the bundle is called and how it is made.

use super::error::Error;
use super::naming::{bad_name, bad_prefix};
use crate::base::Epoch;
use crate::config::{Config, Resolver};

/// What the config says about its bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `name`: what the bundle is called.
    pub name: Option<String>,
    /// `version`: its version.
    pub version: Option<String>,
    /// `date`: the time all files in the bundle get.
    pub date: Option<Epoch>,
    /// `exclude`: gitignore patterns of files that stay out.
    pub exclude: Vec<String>,
    /// `prefix`: the absolute path that rehearsals and comparisons build at.
    pub prefix: Option<String>,
}

/// Options of `[hardtack]` that have a meaning.
const OPTIONS: [&str; 10] =
    ["name", "version", "date", "exclude", "prefix", "python-version", "dialect", "python", "target", "binary"];

impl Settings {
    /// Reads the section, if there is one.
    ///
    /// # Errors
    /// [`Error::Setting`] for an option that is not known or a value that does not fit.
    pub fn read(config: &Config, resolver: &mut Resolver<'_>) -> Result<Self, Error> {
        if config.raw_section("hardtack").is_none() {
            return Ok(Self::default());
        }
        let options = resolver.section("hardtack")?;
        for option in options.keys() {
            if !OPTIONS.contains(&&**option) && !option.starts_with('_') {
                let close = crate::config::similar(option, OPTIONS);
                let hint = close.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
                let reason = format!("there is no such option{hint}");
                return Err(Error::Setting {
                    option: option.to_string(),
                    reason,
                    place: resolver.place("hardtack", option).map(Box::new),
                });
            }
        }
        let text = |option: &str| options.get(option).map(|value| value.trim().to_owned()).filter(|v| !v.is_empty());
        let mut fail = |option: &str, reason: String| Error::Setting {
            option: option.to_owned(),
            reason,
            place: resolver.place("hardtack", option).map(Box::new),
        };
        let date = match text("date").map(|date| date.parse()) {
            Some(Ok(date)) => Some(date),
            Some(Err(error)) => return Err(fail("date", format!("{error}"))),
            None => None,
        };
        for (option, value) in [("name", text("name")), ("version", text("version"))] {
            if let Some(reason) = value.as_deref().and_then(bad_name) {
                return Err(fail(option, reason));
            }
        }
        let prefix = text("prefix");
        if let Some(reason) = prefix.as_deref().and_then(bad_prefix) {
            return Err(fail("prefix", reason));
        }
        let exclude = text("exclude").unwrap_or_default().lines().map(|line| line.trim().to_owned()).collect();
        Ok(Self { name: text("name"), version: text("version"), date, exclude, prefix })
    }
}
