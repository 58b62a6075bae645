//! What the names of sources tell.

/// What a source's name says: of what it is, and which version. A guess, as people make it: the version begins at the first
/// digit after a `-`, `_` or `v`, or is what follows the `@` of a commit.
pub(super) fn named(key: &str) -> (String, Option<String>) {
    let key = key.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if let Some((repository, revision)) = key.strip_prefix("git+").and_then(|key| key.rsplit_once('@')) {
        return (repository.to_owned(), Some(revision.trim_start_matches('v').to_owned()));
    }
    let file = file_name(key);
    let wheel = file.ends_with(".whl");
    let endings = [".gz", ".xz", ".bz2", ".zst", ".lz", ".lzma", ".Z", ".tgz", ".txz", ".tbz2", ".tbz", ".zip", ".whl"];
    let stem = endings.iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(file);
    let stem = stem.strip_suffix(".tar").unwrap_or(stem);
    let starts = |(at, c): (usize, char)| {
        let before = stem[..at].chars().next_back();
        let one_more = stem[..at].trim_end_matches('v').chars().next_back();
        let after_mark = |c: Option<char>| matches!(c, None | Some('-' | '_' | '/'));
        c.is_ascii_digit() && (after_mark(before) || before == Some('v') && after_mark(one_more))
    };
    let Some((at, _)) = stem.char_indices().find(|found| starts(*found)) else { return (stem.to_owned(), None) };
    let version = &stem[at..];
    // A wheel's name goes on with what it is for.
    let version = if wheel { version.split('-').next().unwrap_or(version) } else { version };
    let name = stem[..at].trim_end_matches('v').trim_end_matches(['-', '_']);
    // One that is nothing but a version is of what its folder says.
    let name = if name.is_empty() { key.rsplit('/').nth(1).unwrap_or_default() } else { name };
    (name.to_owned(), Some(version.to_owned()))
}

/// The name of a source's file, as its key tells it.
pub(super) fn file_name(key: &str) -> &str {
    let key = key.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let name = key.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("file:").or_else(|| name.strip_prefix("dist:")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_versions() {
        for (key, name, version) in [
            ("https://h.example/zlib-1.3.1.tar.gz", "zlib", Some("1.3.1")),
            ("https://h.example/a/archive/v1.2.tar.gz", "archive", Some("1.2")),
            ("https://h.example/pcre2-10.42.tar.bz2?x=1", "pcre2", Some("10.42")),
            ("https://h.example/cheroot-11.1.2-py3-none-any.whl", "cheroot", Some("11.1.2")),
            ("https://h.example/sqlite-autoconf-3450100.tar.gz", "sqlite-autoconf", Some("3450100")),
            ("https://h.example/libfoo_2.0+dfsg.orig.tar.xz", "libfoo", Some("2.0+dfsg.orig")),
            ("git+https://h.example/p.git@v1.4", "https://h.example/p.git", Some("1.4")),
            ("https://h.example/data.bin", "data.bin", None),
            ("../x86_64/thing.tgz", "thing", None),
        ] {
            assert_eq!(named(key), (name.to_owned(), version.map(str::to_owned)), "{key}");
        }
    }
}
