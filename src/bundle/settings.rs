//! The `[hardtack]` section: what the bundle is called and how it is made.

use camino::Utf8Path;

use super::error::Error;
use crate::base::{Epoch, normalize};
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

/// Folders without which nothing is built, and in which builds work.
const OF_THE_SYSTEM: [&str; 15] = [
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/var/tmp",
];

/// Why a path cannot be the one that builds know their destination by; `None` if it can.
pub fn bad_prefix(prefix: &str) -> Option<String> {
    if !prefix.starts_with('/') || prefix.contains("..") {
        return Some("it is not an absolute path".to_owned());
    }
    let prefix = normalize(Utf8Path::new(prefix));
    let own = |folder: &&str| prefix.starts_with(folder) || Utf8Path::new(folder).starts_with(&prefix);
    let hidden = OF_THE_SYSTEM.iter().find(|folder| own(folder))?;
    // Below its libraries some systems have their optional software.
    (!(prefix.starts_with("/usr/lib/") && prefix != "/usr/lib"))
        .then(|| format!("at `{prefix}`, builds would not find `{hidden}` of their machine"))
}

/// Why a text cannot be the name or version in a file name; `None` if it can.
pub fn bad_name(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '~' | '-');
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain) && text.len() <= 100;
    (!fits).then(|| format!("`{text}` takes letters, digits and `. _ + ~ -` only, starts with a letter or digit"))
}
