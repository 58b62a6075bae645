//! The settings files: `/etc/hardtack/config.toml`, then the user's.

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::environment::Environment;
use super::error::{Report, USAGE};

/// What the files say; the user's wins over the machine's, a flag or a variable over both.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) cache: CacheSettings,
    #[serde(default)]
    pub(super) network: NetworkSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CacheSettings {
    /// Whether the shared cache is used; it is.
    pub(super) enabled: Option<bool>,
    /// Where it is.
    pub(super) path: Option<Utf8PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct NetworkSettings {
    /// Downloads at the same time.
    pub(super) connections: Option<usize>,
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
            let message = format!("settings file `{path}`: {}", error.to_string().trim_end());
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

    fn overlay(&mut self, above: Self) {
        self.cache.enabled = above.cache.enabled.or(self.cache.enabled);
        self.cache.path = above.cache.path.or(self.cache.path.take());
        self.network.connections = above.network.connections.or(self.network.connections);
    }
}
