//! The file.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::super::error::Error;
use crate::base::{read_limited, write_atomic};

/// Its name, beside the lock.
pub const CONTRACT: &str = "hardtack.contract.toml";
/// More than any contract has, in bytes.
const LONGEST: u64 = 16 << 20;
/// The format written and read here.
const FORMAT: u32 = 1;
/// What a person reads who opens the file.
const HEAD: &str = "\
# What builds of this project use of the machine they run on, as a rehearsal saw it. Sites look for it before they build.
# What only `configure` looked at is marked `probed`, and not asked for. If a build can do without something else, say
# `needed = false`: that stays when this is written anew.
";

/// What builds use of their machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contract {
    /// Version of this format.
    format: u32,
    /// The machine that it was seen on, such as `debian 12 x86_64`.
    pub seen_on: String,
    /// Programs, by the names they are called by.
    #[serde(default, rename = "program", skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Need>,
    /// Headers, by the names they are included by.
    #[serde(default, rename = "header", skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Need>,
    /// Libraries that something was linked with: `libz` for `libz.so` or `libz.a`.
    #[serde(default, rename = "library", skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<Need>,
    /// Descriptions of libraries for pkg-config, by the names they are asked for by.
    #[serde(default, rename = "pkg-config", skip_serializing_if = "Vec::is_empty")]
    pub pkg_configs: Vec<Need>,
}

/// One thing that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Need {
    /// What it is called by.
    pub name: String,
    /// The package it belongs to where it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The parts that use it.
    pub parts: Vec<String>,
    /// Only what looks around used it, such as `configure`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probed: bool,
    /// Nobody said that builds can do without it.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub needed: bool,
}

impl Need {
    /// Whether builds are expected to fail without it.
    pub fn is_needed(&self) -> bool {
        self.needed && !self.probed
    }
}

fn yes() -> bool {
    true
}

/// What kind of thing is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A program.
    Program,
    /// A header.
    Header,
    /// A library.
    Library,
    /// A description for pkg-config.
    PkgConfig,
}

impl Kind {
    /// So many of them, in words.
    pub fn counted(self, count: usize) -> String {
        match self {
            _ if count == 1 => format!("1 {}", self.name()),
            Self::Library => format!("{count} libraries"),
            Self::Program | Self::Header | Self::PkgConfig => format!("{count} {}s", self.name()),
        }
    }

    /// The word for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Header => "header",
            Self::Library => "library",
            Self::PkgConfig => "pkg-config file",
        }
    }
}

impl Contract {
    /// One that asks for nothing yet.
    pub(super) fn new(seen_on: &str) -> Self {
        let seen_on = seen_on.to_owned();
        Self { format: FORMAT, seen_on, programs: vec![], headers: vec![], libraries: vec![], pkg_configs: vec![] }
    }

    /// All it asks for, kind by kind.
    pub fn needs(&self) -> impl Iterator<Item = (Kind, &Need)> {
        let lists = [
            (Kind::Program, &self.programs),
            (Kind::Header, &self.headers),
            (Kind::Library, &self.libraries),
            (Kind::PkgConfig, &self.pkg_configs),
        ];
        lists.into_iter().flat_map(|(kind, needs)| needs.iter().map(move |need| (kind, need)))
    }

    pub(super) fn list(&mut self, kind: Kind) -> &mut Vec<Need> {
        match kind {
            Kind::Program => &mut self.programs,
            Kind::Header => &mut self.headers,
            Kind::Library => &mut self.libraries,
            Kind::PkgConfig => &mut self.pkg_configs,
        }
    }

    /// Takes over from an earlier contract what a person said there: that something is not needed.
    #[must_use]
    pub fn with_words_of(mut self, earlier: &Self) -> Self {
        for (kind, need) in earlier.needs().filter(|(_, need)| !need.needed) {
            if let Some(same) = self.list(kind).iter_mut().find(|other| other.name == need.name) {
                same.needed = false;
            }
        }
        self
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        // Strings, numbers, and lists of them always serialise.
        format!("{HEAD}{}", toml::to_string(self).expect("a contract serialises"))
    }

    /// Reads the text of a contract; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Contract`].
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Contract { path: path.to_owned(), reason };
        let malformed = |error: toml::de::Error| wrong(error.to_string().trim_end().to_owned());
        let format =
            toml::from_str::<toml::Table>(text).map_err(malformed)?.get("format").and_then(toml::Value::as_integer);
        if format.is_some_and(|format| format != i64::from(FORMAT)) {
            let found = format.unwrap_or_default();
            return Err(wrong(format!("it has format {found}, and this hardtack knows {FORMAT}")));
        }
        let contract: Self = toml::from_str(text).map_err(malformed)?;
        // What it says is shown to people.
        let texts =
            contract.needs().flat_map(|(_, need)| [&need.name].into_iter().chain(&need.package).chain(&need.parts));
        let odd = texts.chain([&contract.seen_on]).find(|text| text.contains(char::is_control));
        match odd.map(|text| format!("`{}` has control characters", text.escape_debug())) {
            Some(reason) => Err(wrong(reason)),
            None => Ok(contract),
        }
    }

    /// Reads a contract, if there is one.
    ///
    /// # Errors
    /// [`Error::Contract`], [`Error::Io`].
    pub fn read(path: &Utf8Path) -> Result<Option<Self>, Error> {
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let text = read_limited(path, LONGEST)?;
        Self::parse(&String::from_utf8_lossy(&text), path).map(Some)
    }

    /// Where the contract of the project with this lock is.
    pub fn beside(lock: &Utf8Path) -> Utf8PathBuf {
        let name = lock.file_name().unwrap_or_default();
        // `hardtack.lock` is the lock of `buildout.cfg`; other configs have their own before it.
        lock.with_file_name(name.strip_suffix("hardtack.lock").unwrap_or_default().to_owned() + CONTRACT)
    }

    /// Writes the file, unless that is what it says already; whether it was written.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Utf8Path) -> Result<bool, Error> {
        let text = self.to_text();
        if std::fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(false);
        }
        write_atomic(path, text.as_bytes(), 0o644)?;
        Ok(true)
    }
}
