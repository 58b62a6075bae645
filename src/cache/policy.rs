//! What may be in the shared cache, decided by one pure function.

use super::registry::{Registries, RegistryKind};
use crate::base::Wanted;

/// The switches the decision depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// `[cache] enabled`, and not `--no-cache`.
    pub enabled: bool,
    /// The servers with rules of their own.
    pub registries: Registries,
}

/// Who may delete packages on a Tatin server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletePolicy {
    /// Nobody: a package is for ever what it is.
    None,
    /// Pre-releases may go.
    JustBetas,
    /// Any package may go, and come back with other bytes.
    Any,
    /// Nobody has said.
    Unknown,
}

impl DeletePolicy {
    /// Reads a server's answer. The documentation calls the second one otherwise than the server.
    pub fn parse(text: &str) -> Self {
        match text.trim().trim_matches('"') {
            "None" => Self::None,
            "JustBetas" | "BetasOnly" => Self::JustBetas,
            "Any" => Self::Any,
            _ => Self::Unknown,
        }
    }
}

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Caching is off.
    Off,
    /// The registry's files are not to be cached.
    Registry,
    /// A file of this machine needs no copy.
    Local,
    /// A pre-release of a Tatin server.
    Beta,
    /// A Tatin server whose packages may be deleted and made anew.
    Deletable,
    /// A Tatin server that does not say who may delete its packages.
    Unsaid,
    /// None of the others.
    Allowed,
}

impl Rule {
    /// Whether the shared cache may be read and written.
    pub fn allows(self) -> bool {
        self == Self::Allowed
    }

    /// Whether what is there already has to go: what was forbidden by a rule, not by a switch.
    pub fn evicts(self) -> bool {
        matches!(self, Self::Registry | Self::Beta | Self::Deletable)
    }

    /// The rule in words, going on after "because".
    pub fn reason(self) -> &'static str {
        match self {
            Self::Off => "caching is off",
            Self::Registry => "the settings say `cache = false` for its registry",
            Self::Local => "it is a file on this machine",
            Self::Beta => "it is a pre-release of a Tatin registry",
            Self::Deletable => "its Tatin registry lets any package be deleted",
            Self::Unsaid => "its Tatin registry has not said who may delete packages",
            Self::Allowed => "nothing speaks against it",
        }
    }

    /// The rule in a word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Registry => "registry",
            Self::Local => "local",
            Self::Beta => "pre-release",
            Self::Deletable => "delete-policy",
            Self::Unsaid => "delete-policy-unknown",
            Self::Allowed => "allowed",
        }
    }
}

/// Decides about one source of the shared cache. A configured `download-cache` and a bundle take everything and do not
/// ask. `deletes` tells what the source's Tatin server says, if it is of one.
pub fn decide(policy: &Policy, wanted: &Wanted, deletes: DeletePolicy) -> Rule {
    if !policy.enabled {
        return Rule::Off;
    }
    let registry = policy.registries.of(&wanted.key);
    if registry.is_some_and(|registry| !registry.cache) {
        return Rule::Registry;
    }
    if wanted.local {
        return Rule::Local;
    }
    let Some(package) = registry.and_then(|registry| registry.tatin_package(&wanted.key)) else {
        return Rule::Allowed;
    };
    match deletes {
        _ if package.is_beta() => Rule::Beta,
        DeletePolicy::Any => Rule::Deletable,
        DeletePolicy::Unknown => Rule::Unsaid,
        DeletePolicy::None | DeletePolicy::JustBetas => Rule::Allowed,
    }
}

impl Policy {
    /// Whether it takes a server's word to decide about a source: the URL to ask.
    pub fn delete_policy_url(&self, wanted: &Wanted) -> Option<String> {
        if decide(self, wanted, DeletePolicy::Unknown) != Rule::Unsaid {
            return None;
        }
        self.registries.of(&wanted.key).map(|registry| registry.delete_policy_url())
    }

    /// The source as its registry makes it: an index or not, and where apk programs look for it.
    pub fn classified(&self, mut wanted: Wanted) -> Wanted {
        let Some(registry) = self.registries.of(&wanted.key) else { return wanted };
        wanted.index |= registry.is_index(&wanted.key);
        if registry.kind == RegistryKind::Apk
            && let Some(url) = wanted.url().map(str::to_owned)
        {
            wanted.views.push(crate::base::View::Apk(url));
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Expected, SourceKey};
    use crate::cache::Registry;

    fn wanted(url: &str, local: bool) -> Wanted {
        let (key, expected) = (SourceKey::url(url), Expected::default());
        Wanted { key, views: Vec::new(), file_name: "x".into(), expected, local, index: false, secret: false }
    }

    #[test]
    fn the_rules_come_in_their_order() {
        let registry = |host: &str, kind, cache| Registry {
            name: host.to_owned(),
            url: format!("https://{host}.example"),
            kind,
            cache,
        };
        let registries = vec![
            registry("tatin", RegistryKind::Tatin, true),
            registry("closed", RegistryKind::Tatin, false),
            registry("plain", RegistryKind::Plain, true),
        ];
        let mut policy = Policy { enabled: true, registries: Registries::new(registries) };
        let decide = |policy: &Policy, url: &str, deletes| super::decide(policy, &wanted(url, false), deletes);
        for (url, deletes, rule) in [
            ("https://closed.example/a-b-1.0.0-beta", DeletePolicy::None, Rule::Registry),
            ("https://tatin.example/a-b-1.0.0-beta-1", DeletePolicy::Any, Rule::Beta),
            ("https://tatin.example/a-b-1.0.0", DeletePolicy::Any, Rule::Deletable),
            ("https://tatin.example/a-b-1.0.0", DeletePolicy::Unknown, Rule::Unsaid),
            ("https://tatin.example/a-b-1.0.0", DeletePolicy::JustBetas, Rule::Allowed),
            ("https://tatin.example/a-b-1.0.0", DeletePolicy::None, Rule::Allowed),
            ("https://tatin.example/v1/packages", DeletePolicy::Unknown, Rule::Allowed),
            ("https://plain.example/zlib-1.3.1-rc1.tar.gz", DeletePolicy::Unknown, Rule::Allowed),
            ("https://else.example/a-b-1.0.0-beta-1", DeletePolicy::Unknown, Rule::Allowed),
        ] {
            assert_eq!(decide(&policy, url, deletes), rule, "{url}");
        }
        assert_eq!(super::decide(&policy, &wanted("file:x#1", true), DeletePolicy::Unknown), Rule::Local);
        policy.enabled = false;
        assert_eq!(decide(&policy, "https://closed.example/x", DeletePolicy::None), Rule::Off);
        assert_eq!(DeletePolicy::parse("JustBetas\n"), DeletePolicy::JustBetas);
        assert_eq!(DeletePolicy::parse("\"Any\""), DeletePolicy::Any);
        assert_eq!(DeletePolicy::parse("<html>"), DeletePolicy::Unknown);
    }
}
