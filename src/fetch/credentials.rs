//! Who we are to which server. Nothing here is ever printed.

use std::fmt;

use reqwest::blocking::RequestBuilder;

use crate::base::SourceUrl;

/// What is shown to a server.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password (RFC 7617).
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token (RFC 6750).
    Bearer(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// Credentials, and what they are for.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// URLs of registries; what lies below gets the credential.
    registries: Vec<(SourceUrl, Credential)>,
    netrc: Vec<Machine>,
}

#[derive(Debug, Clone)]
struct Machine {
    /// `None` for the one that is for all others.
    host: Option<String>,
    credential: Credential,
}

impl Credentials {
    /// Shows this to everything at and below a URL.
    pub fn add(&mut self, url: SourceUrl, credential: Credential) {
        self.registries.push((url, credential));
    }

    /// Takes what a netrc file says, as curl and ftp read it: words, some in quotes; macros and accounts are skipped.
    pub fn add_netrc(&mut self, text: &str) {
        let mut machine: Option<(Option<String>, String, Option<String>)> = None;
        let mut words = words(text).into_iter();
        loop {
            let word = words.next();
            if let None | Some("machine" | "default") = word.as_deref()
                && let Some((host, user, Some(password))) = machine.take()
            {
                self.netrc.push(Machine { host, credential: Credential::Basic { user, password } });
            }
            let Some(word) = word else { return };
            match (word.as_str(), &mut machine) {
                ("machine", _) => {
                    let host = words.next().unwrap_or_default().to_ascii_lowercase();
                    machine = Some((Some(host), String::new(), None));
                }
                ("default", _) => machine = Some((None, String::new(), None)),
                ("login", Some((_, user, _))) => *user = words.next().unwrap_or_default(),
                ("password", Some((_, _, password))) => *password = words.next(),
                ("login" | "password" | "account", _) => drop(words.next()),
                _ => {}
            }
        }
    }

    /// Adds what the server of a URL is to be shown. What stands in the URL itself comes first.
    pub(super) fn show(&self, url: &SourceUrl, request: RequestBuilder) -> RequestBuilder {
        match self.of(url) {
            Some(Credential::Basic { user, password }) => request.basic_auth(user, Some(password)),
            Some(Credential::Bearer(token)) => request.bearer_auth(token),
            None => request,
        }
    }

    /// What the server of a URL is to be shown, unless that stands in the URL itself.
    pub(super) fn of(&self, url: &SourceUrl) -> Option<&Credential> {
        let secret = url.secret();
        if !secret.username().is_empty() || secret.password().is_some() {
            return None;
        }
        let below = |base: &SourceUrl| {
            let base = base.secret();
            let path = base.path().trim_end_matches('/');
            let rest = secret.path().strip_prefix(path);
            base.origin() == secret.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let registry = self.registries.iter().filter(|(base, _)| below(base));
        let registry = registry.max_by_key(|(base, _)| base.secret().path().len()).map(|(_, credential)| credential);
        let host = secret.host_str().map(str::to_ascii_lowercase);
        let named = self.netrc.iter().find(|machine| machine.host.is_some() && machine.host == host);
        let machine = named.or_else(|| self.netrc.iter().find(|machine| machine.host.is_none()));
        registry.or_else(|| machine.map(|machine| &machine.credential))
    }
}

/// The words of a netrc file, without the bodies of macros, which end at an empty line, and lines of comment.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut in_macro) = (Vec::new(), false);
    for line in text.lines() {
        let line = line.trim();
        if in_macro || line.starts_with('#') {
            in_macro &= !line.is_empty();
            continue;
        }
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let (word, after) = match rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
                Some((word, after)) if first == '"' => (word, after),
                _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
            };
            if word == "macdef" && first != '"' {
                in_macro = true;
                break;
            }
            words.push(word.to_owned());
            rest = after.trim_start();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> SourceUrl {
        SourceUrl::parse(text).expect("a URL")
    }

    fn basic(user: &str, password: &str) -> Credential {
        Credential::Basic { user: user.to_owned(), password: password.to_owned() }
    }

    #[test]
    fn each_server_gets_its_own_and_no_other() {
        let mut credentials = Credentials::default();
        credentials.add(url("https://files.example/team"), Credential::Bearer("t1".to_owned()));
        credentials.add(url("https://files.example"), Credential::Bearer("t2".to_owned()));
        credentials.add_netrc(
            "# c\nmachine Files.Example login ann\n password p1\nmacdef x\nmachine b login x password y\n\nmachine other login LEAK\nmachine b login bob password p2\n",
        );
        let of = |text: &str| credentials.of(&url(text)).cloned();
        assert_eq!(of("https://files.example/team/x"), Some(Credential::Bearer("t1".to_owned())));
        assert_eq!(of("https://files.example/teams/x"), Some(Credential::Bearer("t2".to_owned())));
        assert_eq!(of("http://files.example/team/x"), Some(basic("ann", "p1")), "a token is for its scheme");
        assert_eq!(of("https://b/x"), Some(basic("bob", "p2")));
        assert_eq!(of("https://b.example/x"), None);
        assert_eq!(of("https://u:p@files.example/x"), None, "the URL has its own");
        credentials.add_netrc("machine q login \"a b\" password \"p q\"\nmachine n password pw");
        assert_eq!(credentials.of(&url("http://q/")), Some(&basic("a b", "p q")));
        assert_eq!(credentials.of(&url("http://n/")), Some(&basic("", "pw")));
        credentials.add_netrc("default login anonymous password me@here");
        assert_eq!(credentials.of(&url("https://b.example/x")), Some(&basic("anonymous", "me@here")));
        assert!(!format!("{credentials:?}").contains("p1"));
    }
}
