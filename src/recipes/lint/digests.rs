//! Downloads that anybody could change.

use camino::Utf8Path;

use super::super::builtin::slapos_git;
use super::super::recipe::Download;
use super::super::source::{Origin, Source, SourceProblem};
use super::{Lint, LintCode, Part};
use crate::base::{Expected, GIT_PREFIX, redact};
use crate::config::is_url;

/// Finds downloads without a digest.
pub(super) fn check(part: &Part<'_>, locked: &dyn Fn(&str) -> bool, lints: &mut Vec<Lint>) {
    let directory = Utf8Path::new(part.directory);
    let text = |option: &str| part.resolved.get(option).map(|value| value.trim()).unwrap_or_default();
    for download in part.recipe.about().downloads {
        let (option, digests, fragment) = match *download {
            Download::Urls { option, digests, fragment } => (option, digests, fragment),
            Download::Repository { option } => {
                commit(part, option, slapos_git::commit(&text, directory), locked, lints);
                continue;
            }
        };
        if digests.iter().any(|digest| !text(digest).is_empty()) {
            continue;
        }
        for url in text(option).split_whitespace() {
            if url.starts_with(GIT_PREFIX) {
                let source = Source::new(url, Expected::default(), directory, directory);
                commit(part, option, source, locked, lints);
                continue;
            }
            // The recipes that take lists take digests after a `#`.
            let (url, digest) = url.split_once('#').unwrap_or((url, ""));
            if is_url(url) && !url.starts_with("file:") && (digest.is_empty() || !fragment) && !locked(url) {
                lints.push(lint(part, option, url, digests.first().copied()));
            }
        }
    }
}

/// Finds a commit that neither the config nor the lock names.
fn commit(
    part: &Part<'_>,
    option: &str,
    source: Result<Source, SourceProblem>,
    locked: &dyn Fn(&str) -> bool,
    lints: &mut Vec<Lint>,
) {
    // What is no commit at all is told when there is a plan.
    let Ok(Source { origin: Origin::Git { git, key }, .. }) = source else { return };
    if git.revision.commit().is_none() && !locked(key.as_str()) {
        let message = format!("section `{}`: `{git}` is another commit tomorrow", part.name);
        let hint = "name the commit, or lock it: hardtack lock".to_owned();
        lints.push(part.lint(LintCode::NoDigest, option, message, Some(hint)));
    }
}

fn lint(part: &Part<'_>, option: &str, url: &str, digest: Option<&str>) -> Lint {
    let open = ["http:", "ftp:"].into_iter().find(|scheme| url.starts_with(scheme));
    let (name, shown) = (part.name, redact(url));
    let hint = match digest {
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
