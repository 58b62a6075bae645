//! What git's complaints mean: it has words for people, and one exit status for everything.

use super::super::error::GitFailure;
use crate::base::redact_all;

/// What git complains of, and what that means.
pub(super) fn complaint(stderr: &str) -> (String, GitFailure) {
    // Progress writes over its line.
    let lines: Vec<&str> = stderr.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    let worst = ["fatal:", "error:", "remote:"]
        .iter()
        .find_map(|mark| lines.iter().find_map(|line| line.strip_prefix(mark)).map(str::trim));
    let reason = redact_all(worst.or(lines.last().copied()).unwrap_or("it failed without a word"));
    let said: String =
        lines.iter().filter(|line| !line.starts_with("remote:")).fold(String::new(), |all, line| all + line + "\n");
    // The URL is the server's to choose, and no complaint.
    let text = without_quotes(&said).to_ascii_lowercase();
    let has = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    let kind = if has(&["not our ref", "unadvertised object", "couldn't find remote ref", "does not support shallow"]) {
        GitFailure::NoSuchCommit
    } else if has(&["could not resolve host", "couldn't connect", "connection refused", "failed to connect"]) {
        GitFailure::NoHost
    } else if has(&[
        "early eof",
        "rpc failed",
        "disconnect",
        "timed out",
        "timeout",
        "too slow",
        "connection reset",
        "returned error: 5",
        "returned error: 429",
        "returned error: 408",
        "returned error: 425",
        "transfer closed",
        "recv failure",
        "empty reply",
    ]) {
        GitFailure::Transient
    } else if has(&["could not read username", "authentication"]) {
        GitFailure::Unauthorized
    } else {
        GitFailure::Refused
    };
    (reason, kind)
}

/// A text without what stands in single quotes. One between two letters is an apostrophe.
fn without_quotes(text: &str) -> String {
    let (mut plain, mut quoted, mut before) = (String::new(), false, ' ');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let outside = if quoted { rest.peek().copied() } else { Some(before) };
        if c == '\'' && !outside.is_some_and(char::is_alphanumeric) {
            quoted = !quoted;
        } else if !quoted {
            plain.push(c);
        }
        before = c;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_apart() {
        for (stderr, reason, kind) in [
            (
                "fatal: unable to access 'https://h/x/': The requested URL returned error: 503\n",
                "unable to access 'https://h/x/': The requested URL returned error: 503",
                GitFailure::Transient,
            ),
            (
                "fatal: unable to access 'http://h/': Could not resolve host: h",
                "unable to access 'http://h/': Could not resolve host: h",
                GitFailure::NoHost,
            ),
            (
                "remote: x\nerror: Server does not allow request for unadvertised object 1\n",
                "Server does not allow request for unadvertised object 1",
                GitFailure::NoSuchCommit,
            ),
            (
                "remote: Repository gone\nfatal: repository 'https://u:p@h/x/' not found",
                "repository 'https://u:p@h/x/' not found",
                GitFailure::Refused,
            ),
            ("fatal: couldn't find remote ref 5aaed9b", "couldn't find remote ref 5aaed9b", GitFailure::NoSuchCommit),
            (
                "fatal: unable to access 'https://h/timed out/x': couldn't connect to server",
                "unable to access 'https://h/timed out/x': couldn't connect to server",
                GitFailure::NoHost,
            ),
            (
                "fatal: repository 'https://h/it's timed out/x' not found",
                "repository 'https://h/it's timed out/x' not found",
                GitFailure::Refused,
            ),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                "could not read Username for 'https://h': terminal prompts disabled",
                GitFailure::Unauthorized,
            ),
            ("", "it failed without a word", GitFailure::Refused),
        ] {
            assert_eq!(complaint(stderr), (reason.replace("u:p@", ""), kind), "{stderr}");
        }
    }
}
