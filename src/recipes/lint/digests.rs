//! Downloads that anybody could change.

use super::{Lint, LintCode, Part};
use crate::base::{GIT_PREFIX, GitSource, redact};
use crate::config::is_url;

/// Finds downloads without a digest.
pub(super) fn check(part: &Part<'_>, locked: &dyn Fn(&str) -> bool, lints: &mut Vec<Lint>) {
    let text = |option: &str| part.resolved.get(option).map(|value| value.trim()).unwrap_or_default();
    for download in part.recipe.downloads() {
        if download.digests.iter().any(|digest| !text(digest).is_empty()) {
            continue;
        }
        for url in text(download.url).split_whitespace() {
            if url.starts_with(GIT_PREFIX) {
                let commit = GitSource::parse(url, "/".into()).is_ok_and(|git| git.revision.commit().is_some());
                if !commit && !locked(url) {
                    lints.push(lint(part, download.url, url, download.digests.first().copied()));
                }
                continue;
            }
            // The recipes that take lists take digests after a `#`.
            let (url, digest) = url.split_once('#').unwrap_or((url, ""));
            if is_url(url) && !url.starts_with("file:") && (digest.is_empty() || !download.fragment) && !locked(url) {
                lints.push(lint(part, download.url, url, download.digests.first().copied()));
            }
        }
    }
}

fn lint(part: &Part<'_>, option: &str, url: &str, digest: Option<&str>) -> Lint {
    let open = ["http:", "ftp:"].into_iter().find(|scheme| url.starts_with(scheme));
    let (name, shown) = (part.name, redact(url));
    let hint = match digest {
        _ if url.starts_with(GIT_PREFIX) => "name the commit, or lock it: hardtack lock".to_owned(),
        Some(digest) => format!("say which bytes are meant: `{digest} = …`"),
        None => "say which bytes are meant: `URL#MD5`".to_owned(),
    };
    match open {
        Some(scheme) => {
            let scheme = scheme.trim_end_matches(':');
            let message = format!(
                "section `{name}`: `{shown}` comes over {scheme}, and no digest says that it arrived as it was sent"
            );
            part.lint(LintCode::InsecureUrl, option, message, Some(hint))
        }
        None => {
            let message = format!("section `{name}`: no digest says what `{shown}` must be");
            part.lint(LintCode::NoDigest, option, message, Some(hint))
        }
    }
}
