//! Where an apk cache has a file, by the rule its vectors were measured with: repository, architecture, name.
//!
//! The repository is a URL escaped twice: once as a path, then whole as a query value, so that it is one folder.

use crate::base::{RelPath, redact};

use super::MAX_NAME;

/// A URL cut up as apk caches do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cache) struct ApkPlace {
    /// The repository's URL, without escapes in its path.
    pub(in crate::cache) repository: String,
    /// The folder below it; empty for files beside no architecture.
    pub(in crate::cache) arch: String,
    /// The file's name, decoded.
    pub(in crate::cache) file: String,
}

impl ApkPlace {
    /// Cuts a URL up; `None` for what is no URL of a file, or has credentials, which must not get into names.
    pub(in crate::cache) fn of(url: &str) -> Option<Self> {
        if redact(url) != url {
            return None;
        }
        let (scheme, rest) = url.split_once("://")?;
        let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(rest, fragment)| (rest, Some(fragment)));
        let rest = rest.split('?').next().unwrap_or_default();
        let (host, path) = rest.split_at(rest.find('/')?);
        let decoded = decode(path)?;
        let mut names: Vec<&str> = decoded.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        if host.is_empty() || names.contains(&"..") || decoded.contains('\0') {
            return None;
        }
        let file = names.pop()?.to_owned();
        let arch = names.pop().unwrap_or_default().to_owned();
        let fragment = fragment.map(|text| format!("#{text}")).unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        let repository = format!("{scheme}://{host}/{}{fragment}", escape_path(&names.join("/")));
        Some(Self { repository, arch, file })
    }

    /// The folder of its repository and architecture, below the cache's; `None` where a name is too long to be one.
    pub(in crate::cache) fn folder(&self) -> Option<RelPath> {
        let repository = escape_query(&self.repository);
        let names = [repository.as_str(), &self.arch].into_iter().filter(|name| !name.is_empty());
        let names: Vec<&str> = names.collect();
        let fits = names.iter().all(|name| name.len() <= MAX_NAME);
        RelPath::new(names.join("/")).ok().filter(|_| fits)
    }

    /// The URL that a cached file has, of the folder's name and what is below.
    pub(in crate::cache) fn url_of(folder: &str, arch: &str, file: &str) -> Option<String> {
        let repository = decode(&folder.replace('+', " "))?;
        let arch = if arch.is_empty() { String::new() } else { format!("{}/", escape_path(arch)) };
        repository.contains("://").then(|| format!("{}/{arch}{}", repository.trim_end_matches('/'), escape_path(file)))
    }
}

/// Where an apk cache has the file with this URL; `None` where it can have none.
pub(in crate::cache) fn apk_path(url: &str) -> Option<RelPath> {
    let place = ApkPlace::of(url)?;
    let file = RelPath::new(place.file.clone()).ok().filter(|file| file.as_str().len() <= MAX_NAME)?;
    Some(place.folder()?.join(&file))
}

/// The bytes behind percent signs; `None` where they are no text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|digit| (*digit as char).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            bytes.push((high * 16 + low) as u8);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

fn escape(text: &str, plain: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(byte as char),
            other if plain.as_bytes().contains(&other) => escaped.push(other as char),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

/// A path in a URL.
fn escape_path(text: &str) -> String {
    escape(text, "$&+,/:;=@")
}

/// A value in a query; a blank becomes a plus there.
fn escape_query(text: &str) -> String {
    escape(text, " ").replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_those_of_the_original() {
        for (url, path) in [
            (
                "https://repo.example/alpine/v3.14/main/x86_64/APKINDEX.tar.gz",
                "https%3A%2F%2Frepo.example%2Falpine%2Fv3.14%2Fmain/x86_64/APKINDEX.tar.gz",
            ),
            ("https://repo.example/os/signing.rsa.pub", "https%3A%2F%2Frepo.example%2F/os/signing.rsa.pub"),
            ("https://repo.example/releases.json", "https%3A%2F%2Frepo.example%2F/releases.json"),
            (
                "https://host.example:8443/a%20b/r/x86_64/f.apk?page=abc",
                "https%3A%2F%2Fhost.example%3A8443%2Fa%2520b%2Fr/x86_64/f.apk",
            ),
            (
                "https://host.example/a+b/r/x86_64/foo-1.0~x-r0.apk",
                "https%3A%2F%2Fhost.example%2Fa%2Bb%2Fr/x86_64/foo-1.0~x-r0.apk",
            ),
            (
                "https://host.example/a%2Fb/r/x86_64/foo%2B%2B-1.0-r0.apk",
                "https%3A%2F%2Fhost.example%2Fa%2Fb%2Fr/x86_64/foo++-1.0-r0.apk",
            ),
            ("https://host.example//os//x86_64/foo.apk", "https%3A%2F%2Fhost.example%2Fos/x86_64/foo.apk"),
            (
                "https://HOST.example/\u{dc}n\u{ef}/x86_64/foo.apk",
                "https%3A%2F%2FHOST.example%2F%25C3%259Cn%25C3%25AF/x86_64/foo.apk",
            ),
            (
                "https://host.example/alpine/keys/alpine-devel%40lists.example-4a6a0840.rsa.pub",
                "https%3A%2F%2Fhost.example%2Falpine/keys/alpine-devel@lists.example-4a6a0840.rsa.pub",
            ),
            ("https://h.example/c!d/x/f.apk", "https%3A%2F%2Fh.example%2Fc%2521d/x/f.apk"),
            ("https://h.example/a'(b)*/x/f.apk", "https%3A%2F%2Fh.example%2Fa%2527%2528b%2529%252A/x/f.apk"),
            (
                "https://h.example/a=b&c;d,e:f@g$h/x/f.apk",
                "https%3A%2F%2Fh.example%2Fa%3Db%26c%3Bd%2Ce%3Af%40g%24h/x/f.apk",
            ),
            ("https://h.example/a%25b/x/f.apk", "https%3A%2F%2Fh.example%2Fa%2525b/x/f.apk"),
            (
                "http://127.0.0.1:8000/repo/x86_64/APKINDEX.tar.gz#frag",
                "http%3A%2F%2F127.0.0.1%3A8000%2Frepo%23frag/x86_64/APKINDEX.tar.gz",
            ),
        ] {
            assert_eq!(apk_path(url).map(|path| path.to_string()).as_deref(), Some(path), "{url}");
        }
    }

    #[test]
    fn what_has_secrets_or_climbs_or_is_too_long_has_no_path() {
        let long = format!("https://host.example/{}/x86_64/f.apk", "a".repeat(250));
        for url in ["https://u:p@host.example/r/x/f.apk", "https://host.example/r/../x/f.apk", "https://h", &long] {
            assert_eq!(apk_path(url), None, "{url}");
        }
        assert_eq!(apk_path("https://host.example/r/%2e%2e/f.apk"), None);
    }

    #[test]
    fn a_folder_and_a_name_lead_back_to_the_url() {
        for url in ["https://repo.example/a%20b/main/x86_64/foo++-1.apk", "https://repo.example/os/signing.rsa.pub"] {
            let place = ApkPlace::of(url).expect("a URL");
            let folder = place.folder().expect("a folder");
            let folder = folder.as_str().split('/').next().expect("a name");
            assert_eq!(ApkPlace::url_of(folder, &place.arch, &place.file).as_deref(), Some(url));
        }
    }
}
