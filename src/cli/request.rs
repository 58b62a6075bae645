//! Which config a command is about, and what it is resolved with.

use camino::{Utf8Path, Utf8PathBuf};

use super::context::Context;
use crate::base::normalize;
use crate::config::{Facts, Override};

/// Where a config is, and what it is resolved with.
pub(super) struct Request {
    /// The config file, absolute.
    pub(super) path: Utf8PathBuf,
    pub(super) overrides: Vec<Override>,
    pub(super) user_defaults: Option<Utf8PathBuf>,
    pub(super) facts: Facts,
    /// Keep every value's whole history.
    pub(super) whole_history: bool,
}

impl Request {
    /// The config of `folder` as this machine and its user see it.
    pub(super) fn here(context: &Context<'_>, folder: &Utf8Path, overrides: Vec<Override>) -> Self {
        let user_defaults = context.environment.user_defaults().filter(|_| !context.no_user_defaults);
        Self {
            path: normalize(&folder.join(&context.config)),
            overrides,
            user_defaults,
            facts: context.environment.facts(),
            whole_history: false,
        }
    }
}
