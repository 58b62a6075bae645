//! Asking pip, which answers with a report (its "installation report", version 1).

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::error::Error;
use super::interpreter::Interpreter;
use crate::base::{IoContext, Sha256, create_dir_all, normalize, redact_all};
use crate::config::is_url;
use crate::recipes::{Asked, Project};

/// Lines of a complaint that are passed on, and as many of what it is about.
const LINES: usize = 8;
/// What pip says before it tells which requirements contradict each other.
const CONFLICT: &str = "The conflict is caused by:";

/// One pip, for one part.
pub(super) struct Pip<'a> {
    pub(super) part: &'a str,
    pub(super) python: &'a Interpreter,
    pub(super) asked: &'a Asked,
    pub(super) project: &'a Project,
    /// A folder for what goes again.
    pub(super) scratch: &'a Utf8Path,
    /// Variables that pip must not see.
    pub(super) variables: &'a [String],
}

/// Which kinds of distributions may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kinds {
    Both,
    /// Of these, source distributions; what they are built with may be wheels.
    SdistsOf(BTreeSet<String>),
    Wheels,
}

/// A distribution that pip picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picked {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) url: String,
    /// Indexes need not say it.
    pub(super) sha256: Option<Sha256>,
}

#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    download_info: Download,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Download {
    url: String,
    archive_info: Option<Archive>,
    subdirectory: Option<String>,
}

#[derive(Deserialize)]
struct Archive {
    #[serde(default)]
    hashes: Hashes,
    /// As older versions have it.
    hash: Option<String>,
}

#[derive(Default, Deserialize)]
struct Hashes {
    sha256: Option<String>,
}

impl Pip<'_> {
    /// What pip would install for `requirements`.
    pub(super) fn pick(&self, requirements: &[String], kinds: &Kinds, alone: bool) -> Result<Vec<Picked>, Error> {
        let report = self.scratch.join("report.json");
        let mut command = self.command("install")?;
        command.args(["--dry-run", "--ignore-installed", "--report", report.as_str()]);
        match kinds {
            Kinds::Both => &mut command,
            Kinds::SdistsOf(names) => {
                command.args(["--no-binary", &names.iter().map(String::as_str).collect::<Vec<_>>().join(",")])
            }
            Kinds::Wheels => command.args(["--only-binary", ":all:"]),
        };
        if alone {
            command.arg("--no-deps");
        }
        self.run(command, requirements)?;
        let text = fs::read(&report).at("read", &report)?;
        let wrong = |reason: String| Error::Report { part: self.part.to_owned(), reason };
        let report: Report = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        report.install.into_iter().map(|item| self.picked(item)).collect()
    }

    fn picked(&self, item: Item) -> Result<Picked, Error> {
        let (Metadata { name, version }, url) = (item.metadata, item.download_info.url);
        // A folder in an archive would have to be named wherever the archive is.
        let archive = item.download_info.archive_info.filter(|_| item.download_info.subdirectory.is_none());
        let Some(archive) = archive else {
            return Err(Error::NoFile { part: self.part.to_owned(), name, url: redact_all(&url) });
        };
        let older = archive.hash.as_deref().and_then(|hash| hash.strip_prefix("sha256=")).map(str::to_owned);
        let sha256 = archive.hashes.sha256.or(older).and_then(|digest| digest.parse().ok());
        // What stands after `#` is for pip alone.
        let url = url.split('#').next().unwrap_or_default().to_owned();
        Ok(Picked { name, version, url, sha256 })
    }

    /// Installs requirements to a folder, to be asked what else they need.
    pub(super) fn install(&self, requirements: &[String], folder: &Utf8Path) -> Result<(), Error> {
        let mut command = self.command("install")?;
        command.args(["--no-compile", "--no-warn-script-location", "--target", folder.as_str()]);
        self.run(command, requirements)
    }

    fn command(&self, what: &str) -> Result<Command, Error> {
        create_dir_all(self.scratch)?;
        let constraints = self.scratch.join("constraints.txt");
        fs::write(&constraints, self.asked.constraints.join("\n") + "\n").at("write", &constraints)?;
        let mut command = Command::new(&self.python.program);
        command.args(["-m", "pip", "--no-input", "--disable-pip-version-check", "--no-color", what]);
        command.args(["--constraint", constraints.as_str(), "--root-user-action", "ignore"]);
        if !self.asked.index.is_empty() {
            command.args(["--index-url", &self.place(&self.asked.index)]);
        }
        for link in &self.asked.find_links {
            command.args(["--find-links", &self.place(link)]);
        }
        if let Some((major, minor)) = self.asked.glibc {
            // What PEP 600 has for whoever knows better than the machine.
            let folder: Utf8PathBuf = self.scratch.join("platform");
            create_dir_all(&folder)?;
            let module = folder.join("_manylinux.py");
            let text = format!(
                "def manylinux_compatible(major, minor, arch):\n    return (major, minor) <= ({major}, {minor})\n"
            );
            fs::write(&module, text).at("write", &module)?;
            command.env("PYTHONPATH", folder.as_str());
        }
        // What is taken is for the config to say; only how it is reached is for the machine.
        for name in self.variables {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        Ok(command)
    }

    /// A URL, or a path on this machine.
    fn place(&self, text: &str) -> String {
        if is_url(text) { text.to_owned() } else { normalize(&self.project.directory.join(text)).into_string() }
    }

    fn run(&self, mut command: Command, requirements: &[String]) -> Result<(), Error> {
        let program = &self.python.program;
        let no_pip = |reason: String| Error::NoPip { program: program.clone(), reason };
        let output = command.arg("--").args(requirements).output().map_err(|error| no_pip(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("No module named pip") || said.contains("no such option") {
            return Err(no_pip(said.trim().to_owned()));
        }
        // What contradicts what is no error to pip, but information.
        let told = String::from_utf8_lossy(&output.stdout);
        let conflict = told.find(CONFLICT).map(|start| &told[start..]).unwrap_or_default();
        let lines = conflict.lines().take(LINES).chain(said.lines().filter(|line| !line.trim().is_empty()));
        let lines: Vec<&str> = lines.collect();
        let reason = lines[lines.len().saturating_sub(2 * LINES)..].join("\n");
        let (part, asked) = (self.part.to_owned(), requirements.join(", "));
        Err(Error::Pip { part, asked: redact_all(&asked), reason: redact_all(&reason) })
    }
}
