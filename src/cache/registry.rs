//! Registries: servers whose files are cached by rules of their own.

use crate::base::SourceKey;

/// What kind of server a registry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// A repository of apk packages.
    Apk,
    /// A Tatin server.
    Tatin,
    /// Any other server.
    Plain,
}

/// A server, as the user's settings describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Its name in the settings.
    pub name: String,
    /// Its URL; what lies below is the registry's.
    pub url: String,
    /// What kind it is.
    pub kind: RegistryKind,
    /// Whether the shared cache may have its files.
    pub cache: bool,
}

/// All registries of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registries(Vec<Registry>);

impl Registries {
    /// The registries, in any order.
    pub fn new(registries: Vec<Registry>) -> Self {
        Self(registries)
    }

    /// All of them.
    pub fn all(&self) -> &[Registry] {
        &self.0
    }

    /// The registry that a source is of: the one with the longest URL.
    pub fn of(&self, key: &SourceKey) -> Option<&Registry> {
        let below = self.0.iter().filter(|registry| registry.below(key).is_some());
        below.max_by_key(|registry| registry.url.trim_end_matches('/').len())
    }

    /// The registry with this name.
    pub fn named(&self, name: &str) -> Option<&Registry> {
        self.0.iter().find(|registry| registry.name == name)
    }
}

impl Registry {
    /// The path of a source below the registry's URL; `None` where it is not below.
    pub fn below<'k>(&self, key: &'k SourceKey) -> Option<&'k str> {
        let base = SourceKey::url(self.url.trim_end_matches('/'));
        let rest = without_scheme(key.as_str()).strip_prefix(without_scheme(base.as_str()))?;
        match rest.strip_prefix('/') {
            Some(path) => Some(path),
            None if rest.is_empty() => Some(rest),
            None => None,
        }
    }

    /// Whether a source of it is an index: a file that changes under its URL.
    pub fn is_index(&self, key: &SourceKey) -> bool {
        let Some(path) = self.below(key) else { return false };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        match self.kind {
            RegistryKind::Apk => {
                let name = path.rsplit('/').next().unwrap_or_default();
                name == "APKINDEX.tar.gz" || name.ends_with(".rsa.pub") || name == "releases.json"
            }
            RegistryKind::Tatin => path.starts_with("v1/"),
            RegistryKind::Plain => false,
        }
    }

    /// The package that a URL of a Tatin server is of: `group-name-1.2.3`, with what follows the numbers.
    pub fn tatin_package<'k>(&self, key: &'k SourceKey) -> Option<TatinId<'k>> {
        let path = self.below(key).filter(|_| self.kind == RegistryKind::Tatin)?;
        TatinId::parse(path.split(['?', '#']).next().unwrap_or_default())
    }

    /// Where a Tatin server says who may delete its packages.
    pub fn delete_policy_url(&self) -> String {
        format!("{}/v1/delete-policy", self.url.trim_end_matches('/'))
    }
}

/// The full id of a Tatin package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TatinId<'t> {
    /// All of it.
    pub text: &'t str,
    /// The part after group and name.
    version: &'t str,
}

impl<'t> TatinId<'t> {
    /// Reads `group-name-1.2.3`, `group-name-1.2.3-beta-1` and the like.
    pub fn parse(text: &'t str) -> Option<Self> {
        let word = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let mut parts = text.splitn(3, '-');
        let (group, name, version) = (parts.next()?, parts.next()?, parts.next()?);
        let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
        let numbers = version[..end].trim_end_matches('.').split('.');
        let complete = numbers.clone().count() == 3 && numbers.clone().all(|number| !number.is_empty());
        let rest = version.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
        (word(group) && word(name) && complete && rest).then_some(Self { text, version })
    }

    /// Whether it is a pre-release: anything but digits and dots before the build number.
    pub fn is_beta(&self) -> bool {
        let version = self.version.split('+').next().unwrap_or_default();
        version.contains(|c: char| !c.is_ascii_digit() && c != '.')
    }
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(url: &str, kind: RegistryKind) -> Registry {
        Registry { name: url.to_owned(), url: url.to_owned(), kind, cache: true }
    }

    #[test]
    fn the_longest_url_wins_and_half_a_name_is_none() {
        let (all, some) = ("https://host.example/", "https://host.example/a");
        let registries = Registries::new(vec![registry(all, RegistryKind::Plain), registry(some, RegistryKind::Apk)]);
        let of = |url: &str| registries.of(&SourceKey::url(url)).map(|registry| registry.name.as_str());
        assert_eq!(of("https://host.example/a/x"), Some(some));
        assert_eq!(of("http://HOST.example/a/x"), Some(some));
        assert_eq!(of("https://host.example/ab/x"), Some(all));
        assert_eq!(of("https://host.example.org/a"), None);
    }

    #[test]
    fn indexes_change_and_packages_do_not() {
        let apk = registry("https://host.example/a", RegistryKind::Apk);
        let tatin = registry("https://host.example", RegistryKind::Tatin);
        let is_index = |registry: &Registry, url: &str| registry.is_index(&SourceKey::url(url));
        assert!(is_index(&apk, "https://host.example/a/x86_64/APKINDEX.tar.gz"));
        assert!(!is_index(&apk, "https://host.example/a/x86_64/foo-1.0-r0.apk"));
        assert!(!is_index(&apk, "https://host.example/b/x86_64/APKINDEX.tar.gz"));
        assert!(is_index(&tatin, "https://host.example/v1/packages"));
        assert!(!is_index(&tatin, "https://host.example/group-name-1.0.0"));
    }

    #[test]
    fn tatin_ids_are_told_from_other_names() {
        for (text, beta) in [
            ("example-Foo-1.0.0", Some(false)),
            ("example-JustOneBeta-0.1.0-beta-1", Some(true)),
            ("a-b-1.0.1-This-fix", Some(true)),
            ("a-b-1.2.3+456", Some(false)),
            ("a-b-1.2", None),
            ("a-b", None),
            ("1a-b-1.2.3", None),
            ("zlib-1.3.1-rc1.tar.gz", None),
        ] {
            assert_eq!(TatinId::parse(text).map(|id| id.is_beta()), beta, "{text}");
        }
    }
}
