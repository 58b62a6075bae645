//! A request: which sources a site lacks, as it asks for them on the other side of the gap.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::base::{IoContext, Md5, Sha256, SourceKey, write_atomic};

/// The format written and read here.
const FORMAT: u32 = 1;
/// How sources begin that others have, too.
const REMOTE: [&str; 7] = ["https://", "http://", "git+https://", "git+http://", "git+ssh://", "git+git://", "git://"];
/// What a person reads who opens the file.
const HEAD: &str = "\
# What a site lacks. Where there is a network: `hardtack fulfill FILE` makes a bundle of it, and back at the site
# `hardtack cache import BUNDLE` takes it in.
";

/// What a site lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Request {
    format: u32,
    /// What is to be built there.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The site's machine, such as `debian 12 x86_64`.
    pub machine: String,
    /// Programs that the build calls and the machine has not; these are no sources, and somebody must install them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// The sources.
    #[serde(default, rename = "source", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Requested>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Requested {
    /// Its name.
    pub url: SourceKey,
    /// Digest of its bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// MD5 of its bytes, where the config declares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<Md5>,
    /// The parts that want it.
    pub parts: Vec<String>,
}

impl Request {
    /// A request of what is to be built by that name on such a machine.
    pub fn new(name: &str, version: &str, machine: String) -> Self {
        let (name, version) = (name.to_owned(), version.to_owned());
        Self { format: FORMAT, name, version, machine, programs: Vec::new(), sources: Vec::new() }
    }

    /// Whether a source can be asked for at all: a file of the site's own machine cannot.
    pub fn can_ask_for(key: &SourceKey) -> bool {
        REMOTE.iter().any(|scheme| key.as_str().starts_with(scheme))
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        // Strings, numbers, and lists of them always serialise.
        format!("{HEAD}{}", toml::to_string(self).expect("a request serialises"))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Utf8Path) -> Result<(), Error> {
        Ok(write_atomic(path, self.to_text().as_bytes(), 0o644)?)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Request`] where it makes no sense or plays tricks.
    pub fn read(path: &Utf8Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).at("read", path)?;
        let wrong = |reason: String| Error::Request { path: path.to_owned(), reason };
        let request: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        if request.format != FORMAT {
            return Err(wrong(format!("it has format {}, and this hardtack knows {FORMAT}", request.format)));
        }
        // It comes from another place: what it names is got where it is answered, and must be nothing of that machine.
        match request.sources.iter().find(|source| !source.url.is_sound() || !Self::can_ask_for(&source.url)) {
            Some(source) => {
                Err(wrong(format!("`{}` is no source that others have", source.url.as_str().escape_debug())))
            }
            None => Ok(request),
        }
    }
}
