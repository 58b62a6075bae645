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

    /// Takes what a netrc file says, as curl and ftp read it. `macdef` and accounts are skipped.
    pub fn add_netrc(&mut self, text: &str) {
        let mut host: Option<Option<String>> = None;
        let (mut user, mut password) = (String::new(), None);
        let mut machines = Vec::new();
        let mut finish = |host: &mut Option<Option<String>>, user: &mut String, password: &mut Option<String>| {
            if let (Some(host), Some(password)) = (host.take(), password.take()) {
                let credential = Credential::Basic { user: std::mem::take(user), password };
                machines.push(Machine { host, credential });
            }
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.starts_with("macdef"));
        let mut words = lines.flat_map(str::split_whitespace);
        while let Some(word) = words.next() {
            match word {
                "machine" | "default" => {
                    finish(&mut host, &mut user, &mut password);
                    host = Some(if word == "machine" { words.next().map(str::to_ascii_lowercase) } else { None });
                }
                "login" => user = words.next().unwrap_or_default().to_owned(),
                "password" => password = words.next().map(str::to_owned),
                "account" => drop(words.next()),
                _ => {}
            }
        }
        finish(&mut host, &mut user, &mut password);
        self.netrc.extend(machines);
    }

    /// Adds what the server of a URL is to be shown. What stands in the URL itself comes first.
    pub(super) fn show(&self, url: &SourceUrl, request: RequestBuilder) -> RequestBuilder {
        match self.of(url) {
            Some(Credential::Basic { user, password }) => request.basic_auth(user, Some(password)),
            Some(Credential::Bearer(token)) => request.bearer_auth(token),
            None => request,
        }
    }

    fn of(&self, url: &SourceUrl) -> Option<&Credential> {
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
            "# c\nmachine Files.Example login ann\n password p1\nmacdef x\nmachine b login bob password p2\n",
        );
        let of = |text: &str| credentials.of(&url(text)).cloned();
        assert_eq!(of("https://files.example/team/x"), Some(Credential::Bearer("t1".to_owned())));
        assert_eq!(of("https://files.example/teams/x"), Some(Credential::Bearer("t2".to_owned())));
        assert_eq!(of("http://files.example/team/x"), Some(basic("ann", "p1")), "a token is for its scheme");
        assert_eq!(of("https://b/x"), Some(basic("bob", "p2")));
        assert_eq!(of("https://b.example/x"), None);
        assert_eq!(of("https://u:p@files.example/x"), None, "the URL has its own");
        credentials.add_netrc("default login anonymous password me@here");
        assert_eq!(credentials.of(&url("https://b.example/x")), Some(&basic("anonymous", "me@here")));
        assert!(!format!("{credentials:?}").contains("p1"));
    }
}
