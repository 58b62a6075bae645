//! Running git: which options and variables it gets, how long it may take, and what its complaints mean.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::super::client::Client;
use super::super::credentials::Credential;
use super::super::error::{Error, GitFailure};
use crate::base::{GIT_ELSEWHERE, Repository, SourceUrl, redact_all};

/// More than any list of the names of one revision has, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;
/// What is kept of complaints, in bytes.
const LONGEST_COMPLAINT: usize = 64 << 10;
/// Git itself gives up on a silent server, and says so better.
const GRACE: Duration = Duration::from_secs(5);
/// How often a program that runs is looked at.
const TICK: Duration = Duration::from_millis(10);

/// A git for one repository.
pub(super) struct Git<'g> {
    client: &'g Client,
    repository: &'g Repository,
}

/// A program that has ended.
struct Ended {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
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
        let mut child = self.start(command)?;
        let heard = Arc::new(Mutex::new(Instant::now()));
        let stdout = read_all(child.stdout.take(), &heard, Keep::Start(LONGEST_ANSWER));
        let stderr = read_all(child.stderr.take(), &heard, Keep::End(LONGEST_COMPLAINT));
        let options = self.client.options();
        let status = loop {
            let looked = child.try_wait().map_err(|source| Error::NoGit { url: self.url(), source })?;
            if let Some(status) = looked {
                break status;
            }
            let silent = heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
            let error = if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                Error::TooLong { url: self.url(), after: options.total_timeout.unwrap_or_default() }
            } else if silent > options.stall_timeout + GRACE {
                Error::Stalled { url: self.url(), after: options.stall_timeout }
            } else {
                thread::sleep(TICK);
                continue;
            };
            // What it started ends with it.
            if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = child.wait();
            return Err(error);
        };
        // The threads only read.
        let stdout = stdout.join().unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr.join().unwrap_or_default()).into_owned();
        Ok(Ended { status, stdout, stderr })
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

/// Which part of what a program prints is kept, in bytes.
#[derive(Clone, Copy)]
enum Keep {
    Start(usize),
    End(usize),
}

/// Reads what a program prints, and notes when it was heard of.
fn read_all(
    stream: Option<impl Read + Send + 'static>,
    heard: &Arc<Mutex<Instant>>,
    keep: Keep,
) -> thread::JoinHandle<Vec<u8>> {
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        let (mut kept, mut buffer) = (Vec::new(), [0; 8192]);
        let Some(mut stream) = stream else { return kept };
        // What broke off is shorter; the exit status tells.
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            kept.extend_from_slice(&buffer[..count]);
            match keep {
                Keep::Start(most) => kept.truncate(most),
                Keep::End(most) => drop(kept.drain(..kept.len().saturating_sub(most))),
            }
        }
        kept
    })
}

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
    } else {
        GitFailure::Refused
    };
    (reason, kind)
}

/// A text without what stands in single quotes.
fn without_quotes(text: &str) -> String {
    text.split('\'').step_by(2).collect()
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
            ("", "it failed without a word", GitFailure::Refused),
        ] {
            assert_eq!(complaint(stderr), (reason.replace("u:p@", ""), kind), "{stderr}");
        }
    }
}
