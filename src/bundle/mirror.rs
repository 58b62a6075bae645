//! Where else a file can be had: by the user's rules, and by the config's word.

use crate::base::{SourceUrl, redact};
use crate::recipes::Source;

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
pub(super) struct Candidate {
    pub(super) url: SourceUrl,
    /// The URL that the file goes by.
    pub(super) own: bool,
}

/// The places to ask for a source, in order: mirrors of the user's, its own URL, other URLs of the config's, and mirrors
/// that are to come last.
pub(super) fn candidates(source: &Source, url: &SourceUrl, mirrors: &[Mirror]) -> Vec<Candidate> {
    let of = |last: bool| {
        let rules = mirrors.iter().filter(move |mirror| mirror.last == last);
        rules.flat_map(|mirror| {
            // What a URL keeps secret is for its own server.
            let open = redact(&source.text) == source.text;
            let rest = source.text.strip_prefix(&mirror.prefix).filter(|_| open);
            let urls = rest.into_iter().flat_map(|rest| mirror.urls.iter().map(move |base| format!("{base}{rest}")));
            // What is no URL here was refused when the settings were read.
            urls.filter_map(|text| SourceUrl::parse(&text).ok()).collect::<Vec<_>>()
        })
    };
    let others = |urls: Vec<SourceUrl>| urls.into_iter().map(|url| Candidate { url, own: false });
    let first = others(of(false).collect());
    let own = std::iter::once(Candidate { url: url.clone(), own: true });
    let all = first.chain(own).chain(others(source.alternates.clone())).chain(others(of(true).collect()));
    let mut unique: Vec<Candidate> = Vec::new();
    for candidate in all {
        if !unique.iter().any(|known| known.url == candidate.url) {
            unique.push(candidate);
        }
    }
    unique
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
        let url = SourceUrl::parse(own).expect("a URL");
        let found: Vec<String> =
            candidates(&source, &url, &mirrors).iter().map(|candidate| candidate.url.public()).collect();
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
