//! Which options and variables git gets: what it may connect to, as whom, and that it asks nobody.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::super::client::Client;
use super::super::credentials::Credential;
use super::super::error::Error;
use super::complaint::complaint;
use super::run::{Ended, Limits, Unfinished, finish};
use crate::base::{GIT_ELSEWHERE, Repository, SourceUrl};

/// Git itself gives up on a silent server, and says so better.
const GRACE: Duration = Duration::from_secs(5);

/// A git for one repository.
pub(super) struct Git<'g> {
    client: &'g Client,
    repository: &'g Repository,
}

impl<'g> Git<'g> {
    pub(super) fn new(client: &'g Client, repository: &'g Repository) -> Self {
        Self { client, repository }
    }

    /// The repository as errors name it.
    pub(super) fn url(&self) -> String {
        self.repository.public()
    }

    /// The repository as git is told it: what may not be seen in a list of processes is left out.
    pub(super) fn address(&self) -> String {
        match self.repository {
            Repository::Web(url) => {
                let mut url = url.secret().clone();
                // Web URLs have hosts, so they may have users.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.to_string()
            }
            other => other.secret(),
        }
    }

    /// A command that connects to nothing, in a repository's own folder.
    pub(super) fn inside(&self, folder: &Utf8Path) -> Command {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(folder).args(["-c", "core.quotePath=off"]);
        // Messages are looked at, so in English; and nobody is asked anything.
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "");
        command.env("SSH_ASKPASS", "false").env("SSH_ASKPASS_REQUIRE", "force");
        for name in GIT_ELSEWHERE {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // With what it starts, so that all of it can be ended.
        command.process_group(0);
        command
    }

    /// A command that connects to the repository's server.
    pub(super) fn connecting(&self, folder: &Utf8Path) -> Command {
        let mut command = self.inside(folder);
        let options = self.client.options();
        let stall = options.stall_timeout.as_secs().max(1).to_string();
        let mut settings = vec![
            ("core.hooksPath", "/dev/null"),
            ("gc.auto", "0"),
            ("http.userAgent", &options.user_agent),
            ("http.lowSpeedLimit", "1"),
            ("http.lowSpeedTime", &stall),
        ];
        let certificates = options.ca_file.as_ref().or(options.system_certificates.as_ref());
        settings.extend(certificates.map(|file| ("http.sslCAInfo", file.as_str())));
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let web = match self.repository {
            Repository::Web(url) => Some(url),
            _ => None,
        };
        // Redirects from https lead to nothing else.
        let https_only = web.is_some_and(|url| url.secret().scheme() == "https") && !options.allow_downgrade;
        command.env("GIT_ALLOW_PROTOCOL", if https_only { "https" } else { "https:http:ssh:git:file" });
        if let Some(proxy) = &options.proxy {
            secret(&mut command, "http.proxy", "HARDTACK_GIT_PROXY", proxy);
        }
        match web.and_then(|url| self.credential(url)) {
            Some(Credential::Basic { user, password }) => {
                // A helper is asked for one host; a header would go wherever the server leads.
                command.args(["-c", "credential.helper=", "-c", HELPER]);
                command.env("HARDTACK_GIT_USER", user).env("HARDTACK_GIT_PASSWORD", password);
                let (scheme, host) = web.map(|url| git_host(url.secret())).unwrap_or_default();
                command.env("HARDTACK_GIT_PROTOCOL", scheme).env("HARDTACK_GIT_HOST", host);
            }
            Some(Credential::Bearer(token)) => {
                command.args(["-c", "http.followRedirects=false"]);
                secret(
                    &mut command,
                    "http.extraHeader",
                    "HARDTACK_GIT_HEADER",
                    &format!("Authorization: Bearer {token}"),
                );
            }
            None => {}
        }
        command
    }

    fn credential(&self, url: &SourceUrl) -> Option<Credential> {
        let secret = url.secret();
        let own = !secret.username().is_empty() || secret.password().is_some();
        let plain = |text: &str| {
            let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        match own {
            true => {
                let password = plain(secret.password().unwrap_or_default());
                Some(Credential::Basic { user: plain(secret.username()), password })
            }
            false => self.client.credentials().of(url).cloned(),
        }
    }

    /// Starts a command.
    pub(super) fn start(&self, mut command: Command) -> Result<Child, Error> {
        command.spawn().map_err(|source| Error::NoGit { url: self.url(), source })
    }

    /// Runs a command to its end; what it prints must be little.
    pub(super) fn run(&self, command: Command, deadline: Option<Instant>) -> Result<Vec<u8>, Error> {
        let ended = self.ended(command, deadline)?;
        if ended.status.success() {
            return Ok(ended.stdout);
        }
        if ended.stderr.contains("No space left on device") {
            return Err(Error::Store { url: self.url(), source: std::io::ErrorKind::StorageFull.into() });
        }
        let (reason, kind) = complaint(&ended.stderr);
        Err(Error::Git { url: self.url(), reason, kind })
    }

    fn ended(&self, command: Command, deadline: Option<Instant>) -> Result<Ended, Error> {
        let options = self.client.options();
        let limits = Limits { deadline, silence: options.stall_timeout + GRACE };
        let ended = finish(self.start(command)?, &limits);
        ended.map_err(|error| match error {
            Unfinished::Silent => Error::Stalled { url: self.url(), after: options.stall_timeout },
            Unfinished::Late => Error::TooLong { url: self.url(), after: options.total_timeout.unwrap_or_default() },
            Unfinished::Io(source) => Error::NoGit { url: self.url(), source },
        })
    }
}

/// Answers for one scheme, host and port, from variables, which only the user's own processes see.
const HELPER: &str = r#"credential.helper=!f() { test "$1" = get || exit 0; while read -r l; do case $l in host=*) h=${l#host=};; protocol=*) p=${l#protocol=};; esac; done; test "$h" = "$HARDTACK_GIT_HOST" && test "$p" = "$HARDTACK_GIT_PROTOCOL" || exit 0; printf 'username=%s\npassword=%s\n' "$HARDTACK_GIT_USER" "$HARDTACK_GIT_PASSWORD"; }; f"#;

/// Scheme and host as git tells them to those it asks for passwords: with the port where the URL has one.
fn git_host(url: &url::Url) -> (String, String) {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    (url.scheme().to_owned(), format!("{host}{port}"))
}

/// A setting whose value is in no list of processes.
fn secret(command: &mut Command, name: &str, variable: &str, value: &str) {
    command.arg(format!("--config-env={name}={variable}")).env(variable, value);
}
