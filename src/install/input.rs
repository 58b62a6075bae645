//! What goes into a part, as one digest: the same digest, the same files.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::Sha256;

/// What goes into a part: a name and a value, or its digest, for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Input(BTreeMap<String, String>);

impl Input {
    /// The value of a thing.
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }

    /// Takes a thing out.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// One digest for all of it.
    pub(super) fn digest(&self) -> Sha256 {
        Sha256::of(self.0.iter().map(|(name, value)| format!("{name}\0{value}\n")).collect::<String>())
    }

    /// Why a part that was made of this is not the same when it is made of `new`.
    pub(super) fn reasons(&self, new: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.0.keys().chain(new.0.keys()).collect();
        let differing = names.into_iter().filter(|name| self.0.get(*name) != new.0.get(*name));
        let (users, own): (Vec<_>, Vec<_>) = differing.partition(|name| name.starts_with("uses "));
        // What changed in the part itself says more.
        own.into_iter().chain(users).map(|name| reason(name, self.0.get(name), new.0.get(name))).collect()
    }
}

impl From<BTreeMap<String, String>> for Input {
    fn from(things: BTreeMap<String, String>) -> Self {
        Self(things)
    }
}

fn reason(name: &str, old: Option<&String>, new: Option<&String>) -> String {
    let (kind, rest) = name.split_once(' ').unwrap_or((name, ""));
    let what = match kind {
        "uses" => format!("part {rest}, which it uses,"),
        "source" => format!("source `{}`", rest.split_once(' ').map_or(rest, |(_, source)| source)),
        "file" => format!("file `{rest}`"),
        "variable" => format!("variable {rest}"),
        "step" => format!("step `{}`", rest.split_once(' ').map_or(rest, |(_, step)| step)),
        "toolchain" => "the machine's compiler".to_owned(),
        "engine" => "how hardtack builds".to_owned(),
        "level" => {
            let level = |level: Option<&String>| level.cloned().unwrap_or_default();
            return format!("it was built at level {}, and this is {}", level(old), level(new));
        }
        other => format!("its {other}"),
    };
    match (old, new) {
        (None, _) => format!("{what} is new"),
        (_, None) => format!("{what} is gone"),
        _ => format!("{what} changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_the_parts_own_first() {
        let input = |pairs: &[(&str, &str)]| {
            Input(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let old = input(&[("uses zlib", "1"), ("step 2 configure", "a"), ("level", "full"), ("file x", "1")]);
        let new = input(&[("uses zlib", "2"), ("step 2 configure", "b"), ("level", "seccomp"), ("variable CC", "x")]);
        assert_eq!(
            old.reasons(&new),
            [
                "file `x` is gone",
                "it was built at level full, and this is seccomp",
                "step `configure` changed",
                "variable CC is new",
                "part zlib, which it uses, changed",
            ]
        );
        assert!(old.reasons(&old).is_empty() && old.digest() != new.digest());
    }
}
