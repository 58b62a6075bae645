//! Where else a file can be had: by the user's rules, and by the config's word.

use camino::Utf8Path;

use crate::base::{GIT_PREFIX, GitSource, Repository, SourceUrl, redact};
use crate::recipes::{Origin, Source};

/// Servers that have the same files as another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// What URLs start with that it has.
    pub prefix: String,
    /// What stands for that there, best first.
    pub urls: Vec<String>,
    /// They are asked only where the file's own server fails.
    pub last: bool,
}

/// A place where a file can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate<'s> {
    pub(super) place: Place<'s>,
    /// The place that the file goes by.
    pub(super) own: bool,
}

/// Where and how a file can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place<'s> {
    /// From a server.
    Web(SourceUrl),
    /// As a commit.
    Git {
        /// What the config asks for.
        source: &'s GitSource,
        /// The repository that has it.
        repository: Repository,
    },
}

impl Place<'_> {
    /// The place without credentials.
    pub(super) fn public(&self) -> String {
        match self {
            Self::Web(url) => url.public(),
            Self::Git { source, repository } => source.shown_at(repository),
        }
    }
}

/// The places to ask for a source, in order: mirrors of the user's, its own URL, other URLs of the config's, and mirrors
/// that are to come last. None for a file of this machine.
pub(super) fn candidates<'s>(source: &'s Source, mirrors: &[Mirror]) -> Vec<Candidate<'s>> {
    let own = match &source.origin {
        Origin::Remote(url) => Place::Web(url.clone()),
        Origin::Git { git, .. } => Place::Git { source: git, repository: git.repository.clone() },
        Origin::Project(_) | Origin::Outside { .. } => return Vec::new(),
    };
    let of = |last: bool| -> Vec<Place<'s>> {
        match &own {
            Place::Git { source, repository } => {
                let mirrors = mirrored(repository, mirrors, last).into_iter();
                mirrors.map(|repository| Place::Git { source, repository }).collect()
            }
            // What a URL keeps secret is for its own server.
            Place::Web(_) if redact(&source.text) != source.text => Vec::new(),
            Place::Web(_) => {
                let texts = elsewhere(&source.text, mirrors, last).into_iter();
                // What is no URL here was refused when the settings were read.
                texts.filter_map(|text| SourceUrl::parse(&text).ok().map(Place::Web)).collect()
            }
        }
    };
    let others = |places: Vec<Place<'s>>| places.into_iter().map(|place| Candidate { place, own: false });
    let (first, last) = (others(of(false)), others(of(true)));
    let alternates = others(source.alternates.iter().cloned().map(Place::Web).collect());
    let own = std::iter::once(Candidate { place: own.clone(), own: true });
    let mut unique: Vec<Candidate<'_>> = Vec::new();
    for candidate in first.chain(own).chain(alternates).chain(last) {
        if !unique.iter().any(|known| known.place == candidate.place) {
            unique.push(candidate);
        }
    }
    unique
}

/// The places to ask for a submodule's repository, in the same order.
pub(super) fn repositories(own: &Repository, mirrors: &[Mirror]) -> Vec<Repository> {
    let (first, last) = (mirrored(own, mirrors, false), mirrored(own, mirrors, true));
    first.into_iter().chain([own.clone()]).chain(last).collect()
}

/// Mirrors of a repository.
fn mirrored(own: &Repository, mirrors: &[Mirror], last: bool) -> Vec<Repository> {
    if own.is_secret() {
        return Vec::new();
    }
    let texts = elsewhere(&format!("{GIT_PREFIX}{}", own.secret()), mirrors, last).into_iter();
    texts.filter_map(|text| Repository::parse(text.strip_prefix(GIT_PREFIX)?, Utf8Path::new("/")).ok()).collect()
}

/// What mirrors make of a URL.
fn elsewhere(text: &str, mirrors: &[Mirror], last: bool) -> Vec<String> {
    let rules = mirrors.iter().filter(|mirror| mirror.last == last);
    let made = rules.flat_map(|mirror| {
        let rest = text.strip_prefix(&mirror.prefix);
        rest.into_iter().flat_map(|rest| mirror.urls.iter().map(move |base| format!("{base}{rest}")))
    });
    made.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Expected;

    #[test]
    fn places_come_in_their_order_and_once() {
        let own = "https://ftp.example/gnu/zlib/zlib-1.tgz";
        let source = Source::new(own, Expected::default(), "/p".into(), "/p".into()).expect("a URL");
        let source = source.or_from(["https://a.example/z/", "https://b.example/zlib.tgz"]).expect("URLs");
        let mirror = |prefix: &str, urls: &[&str], last| Mirror {
            prefix: prefix.to_owned(),
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            last,
        };
        let mirrors = [
            mirror("https://ftp.example/gnu/", &["https://m1.example/", "https://m2.example/g/"], false),
            mirror("https://ftp.example/", &["https://b.example/", "https://m1.example/gnu-"], true),
            mirror("https://other.example/", &["https://m3.example/"], false),
        ];
        let found: Vec<String> =
            candidates(&source, &mirrors).iter().map(|candidate| candidate.place.public()).collect();
        assert_eq!(
            found,
            [
                "https://m1.example/zlib/zlib-1.tgz",
                "https://m2.example/g/zlib/zlib-1.tgz",
                own,
                "https://a.example/z/zlib-1.tgz",
                "https://b.example/zlib.tgz",
                "https://b.example/gnu/zlib/zlib-1.tgz",
                "https://m1.example/gnu-gnu/zlib/zlib-1.tgz",
            ]
        );
    }
}
