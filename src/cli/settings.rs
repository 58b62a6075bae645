//! The settings files: `/etc/hardtack/config.toml`, then the user's.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::SignedDuration;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::amounts;
use super::args::Link;
use super::environment::Environment;
use super::error::{Report, USAGE};
use crate::base::{GIT_PREFIX, Repository, SourceUrl, mask};
use crate::bundle::Mirror;
use crate::cache::{GcLimits, Registries, Registry, RegistryKind};

/// What the files say; the user's wins over the machine's, a flag or a variable over both.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) cache: CacheSettings,
    #[serde(default)]
    pub(super) network: NetworkSettings,
    #[serde(default)]
    pub(super) trust: TrustSettings,
    /// By name.
    #[serde(default)]
    registries: BTreeMap<String, RegistrySettings>,
    /// The machine's come after the user's.
    #[serde(default)]
    mirrors: Vec<MirrorSettings>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MirrorSettings {
    /// What URLs start with that are to be had elsewhere.
    #[serde(deserialize_with = "place_prefix")]
    prefix: String,
    /// What stands for it there, best first.
    #[serde(deserialize_with = "urls")]
    urls: Vec<String>,
    /// They are asked only where the file's own server fails.
    #[serde(default)]
    last: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CacheSettings {
    /// Whether the shared cache is used; it is.
    pub(super) enabled: Option<bool>,
    /// Where it is.
    #[serde(default, deserialize_with = "place")]
    pub(super) path: Option<Utf8PathBuf>,
    /// A cache of the machine that is read after it.
    #[serde(default, deserialize_with = "place")]
    pub(super) system_path: Option<Utf8PathBuf>,
    /// What it may grow to.
    max_size: Option<Size>,
    /// How long what nobody uses stays.
    max_age: Option<Age>,
    /// How files of other programs' layouts are made.
    pub(super) link_mode: Option<Link>,
}

/// Whose bundles are taken.
#[derive(Debug, Default, Deserialize, Clone)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TrustSettings {
    /// Public keys of minisign, or their files by whole paths.
    #[serde(default)]
    pub(super) keys: Vec<String>,
    /// What none of them signed is not taken.
    #[serde(default, rename = "require-signature")]
    pub(super) required: bool,
}

/// `"10GiB"`, or a number of bytes.
#[derive(Debug, Clone, Copy)]
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => amounts::size(&text).map(Self).map_err(Error::custom),
        }
    }
}

/// `"30 days"`.
#[derive(Debug, Clone, Copy)]
struct Age(SignedDuration);

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        amounts::time(&String::deserialize(deserializer)?).map(Self).map_err(Error::custom)
    }
}

/// A time that is more than none: `"30s"`.
#[derive(Debug, Clone, Copy)]
struct Wait(Duration);

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Age(time) = Age::deserialize(deserializer)?;
        let time = Duration::try_from(time).ok().filter(|time| !time.is_zero());
        time.map(Self).ok_or_else(|| Error::custom("it takes more than no time"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RegistrySettings {
    /// What lies below is the registry's.
    #[serde(deserialize_with = "url")]
    url: String,
    #[serde(default)]
    kind: Kind,
    /// Whether the shared cache may have its files; it may.
    cache: Option<bool>,
}

/// A folder by its whole path: settings are read wherever one happens to work.
fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Utf8PathBuf>, D::Error> {
    let path = Utf8PathBuf::deserialize(deserializer)?;
    if path.is_absolute() { Ok(Some(path)) } else { Err(Error::custom(format!("`{path}` is no absolute path"))) }
}

fn urls<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let urls = Vec::<String>::deserialize(deserializer)?;
    urls.iter().try_for_each(|url| check_place(url).map_err(Error::custom))?;
    Ok(urls)
}

/// The start of what something can be fetched from.
fn place_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    check_place(&text).map(|()| text).map_err(Error::custom)
}

/// Whether a text starts a URL of a file, or after `git+` one of a repository.
fn check_place(text: &str) -> Result<(), String> {
    match text.strip_prefix(GIT_PREFIX) {
        Some(repository) => Repository::parse(repository, "/".into()).map(drop).map_err(|error| error.to_string()),
        None => SourceUrl::parse(text).map(drop).map_err(|error| error.to_string()),
    }
}

/// A URL that something can be fetched from.
fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    SourceUrl::parse(&text).map(|_| text).map_err(Error::custom)
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Apk,
    Tatin,
    #[default]
    Plain,
}

/// What was said of the network, the options' word before the settings'.
#[cfg_attr(not(feature = "net"), allow(dead_code, reason = "nothing here opens a connection"))]
#[derive(Debug, Clone, Default)]
pub(super) struct Network {
    pub(super) connections: Option<usize>,
    pub(super) per_host: Option<usize>,
    pub(super) retries: Option<u32>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) stall_timeout: Option<Duration>,
    pub(super) total_timeout: Option<Duration>,
    pub(super) ca_file: Option<Utf8PathBuf>,
    pub(super) proxy: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) allow_downgrade: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct NetworkSettings {
    /// Downloads at the same time.
    connections: Option<NonZeroUsize>,
    /// The same from one host.
    connections_per_host: Option<NonZeroUsize>,
    /// Further tries of what may go well later.
    retries: Option<u32>,
    /// Longest wait for a connection.
    connect_timeout: Option<Wait>,
    /// Longest wait for the next byte.
    stall_timeout: Option<Wait>,
    /// Longest time for one file.
    timeout: Option<Wait>,
    /// Authorities that are believed besides the system's.
    ca_file: Option<Utf8PathBuf>,
    /// The proxy for everything.
    proxy: Option<String>,
    /// The name servers see.
    user_agent: Option<String>,
    /// Follow redirects from https to http.
    allow_insecure_redirects: Option<bool>,
}

impl NetworkSettings {
    pub(super) fn into_network(self) -> Network {
        let time = |wait: Option<Wait>| wait.map(|wait| wait.0);
        Network {
            connections: self.connections.map(NonZeroUsize::get),
            per_host: self.connections_per_host.map(NonZeroUsize::get),
            retries: self.retries,
            connect_timeout: time(self.connect_timeout),
            stall_timeout: time(self.stall_timeout),
            total_timeout: time(self.timeout),
            ca_file: self.ca_file,
            proxy: self.proxy,
            user_agent: self.user_agent,
            allow_downgrade: self.allow_insecure_redirects.unwrap_or(false),
        }
    }

    fn overlay(&mut self, above: Self) {
        self.connections = above.connections.or(self.connections);
        self.connections_per_host = above.connections_per_host.or(self.connections_per_host);
        self.retries = above.retries.or(self.retries);
        self.connect_timeout = above.connect_timeout.or(self.connect_timeout);
        self.stall_timeout = above.stall_timeout.or(self.stall_timeout);
        self.timeout = above.timeout.or(self.timeout);
        self.ca_file = above.ca_file.or(self.ca_file.take());
        self.proxy = above.proxy.or(self.proxy.take());
        self.user_agent = above.user_agent.or(self.user_agent.take());
        self.allow_insecure_redirects = above.allow_insecure_redirects.or(self.allow_insecure_redirects);
    }
}

impl Settings {
    /// Reads the files that are there.
    pub(super) fn read(environment: &Environment) -> Result<Self, Report> {
        let mut merged = Self::default();
        for path in Self::places(environment) {
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(Report::new(USAGE, "settings", format!("failed to read `{path}`: {error}")));
                }
            };
            merged.overlay(Self::parse(&text, &path)?);
        }
        Ok(merged)
    }

    fn parse(text: &str, path: &Utf8Path) -> Result<Self, Report> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            // It quotes the line, in which there may be a password.
            let message = format!("settings file `{path}`: {}", mask(error.to_string().trim_end()));
            Report::new(USAGE, "settings", message)
        })
    }

    fn places(environment: &Environment) -> Vec<Utf8PathBuf> {
        let user = match environment.variable("XDG_CONFIG_HOME") {
            Some(folder) if folder.starts_with('/') => Some(Utf8PathBuf::from(folder)),
            _ => environment.home().map(|home| home.join(".config")),
        };
        let user = user.map(|folder| folder.join("hardtack/config.toml"));
        std::iter::once("/etc/hardtack/config.toml".into()).chain(user).collect()
    }

    /// The servers with rules of their own.
    pub(super) fn registries(&self) -> Registries {
        let registry = |(name, settings): (&String, &RegistrySettings)| Registry {
            name: name.clone(),
            url: settings.url.clone(),
            kind: match settings.kind {
                Kind::Apk => RegistryKind::Apk,
                Kind::Tatin => RegistryKind::Tatin,
                Kind::Plain => RegistryKind::Plain,
            },
            cache: settings.cache.unwrap_or(true),
        };
        Registries::new(self.registries.iter().map(registry).collect())
    }

    /// Where files can be had as well.
    pub(super) fn mirrors(&self) -> Vec<Mirror> {
        let mirror = |MirrorSettings { prefix, urls, last }| Mirror { prefix, urls, last };
        self.mirrors.iter().cloned().map(mirror).collect()
    }

    /// What the shared cache may grow to.
    pub(super) fn gc_limits(&self) -> GcLimits {
        let CacheSettings { max_size, max_age, .. } = &self.cache;
        GcLimits { max_size: max_size.map(|size| size.0), max_age: max_age.map(|age| age.0) }
    }

    fn overlay(&mut self, above: Self) {
        self.cache.enabled = above.cache.enabled.or(self.cache.enabled);
        self.cache.path = above.cache.path.or(self.cache.path.take());
        self.cache.system_path = above.cache.system_path.or(self.cache.system_path.take());
        self.cache.max_size = above.cache.max_size.or(self.cache.max_size);
        self.cache.max_age = above.cache.max_age.or(self.cache.max_age);
        self.cache.link_mode = above.cache.link_mode.or(self.cache.link_mode);
        self.registries.extend(above.registries);
        self.mirrors.splice(0..0, above.mirrors);
        self.network.overlay(above.network);
        self.trust.keys.extend(above.trust.keys);
        // What the machine's administrator asks for, no user takes back.
        self.trust.required |= above.trust.required;
    }
}
