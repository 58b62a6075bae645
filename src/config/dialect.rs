//! `[hardtack] dialect`: whose buildout a config is written for.

use std::sync::Arc;

use super::error::{Error, ErrorKind};
use super::layer::Layer;

/// Whose buildout a config is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Dialect {
    /// zc.buildout: `$${` keeps a reference from being one, and stays as it is.
    #[default]
    Stock,
    /// The fork of the SlapOS project: `$${` becomes `${` where a value is used. `$$` before anything else stays, since
    /// shell scripts and makefiles in values rely on it.
    Slapos,
}

impl Dialect {
    /// The one a config names.
    pub(super) fn declared(layer: &Layer) -> Result<Self, Error> {
        let value = layer.get("hardtack").and_then(|section| section.get("dialect")?.set.as_ref());
        match value.map(|value| value.text.trim()) {
            None | Some("buildout") => Ok(Self::Stock),
            Some("slapos") => Ok(Self::Slapos),
            Some(other) => {
                let reason = format!("`{other}` is not a dialect: it takes `buildout` or `slapos`");
                let kind = ErrorKind::BadSetting { option: "dialect".to_owned(), reason };
                Err(Error::at(kind, value.and_then(|value| value.origin().place())))
            }
        }
    }

    /// A value as recipes and users see it; references of other values see it as it is.
    pub(super) fn used(self, value: Arc<str>) -> Arc<str> {
        match self {
            Self::Slapos if value.contains("$${") => value.replace("$${", "${").into(),
            _ => value,
        }
    }
}
