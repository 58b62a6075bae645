//! The process's surroundings, taken in once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::base::{IoContext, PathError, normalize};
use crate::cache::{CacheBase, default_place};
use crate::config::{Facts, PythonVersion, parse_os_release};
use crate::install::sandbox;

/// What the process was started with and where.
pub struct Environment {
    /// The command line, program name included.
    pub arguments: Vec<OsString>,
    /// The environment variables that are UTF-8.
    pub variables: BTreeMap<String, String>,
    /// The current folder.
    pub folder: Utf8PathBuf,
    /// This program.
    pub program: Option<Utf8PathBuf>,
    /// Now.
    pub now: jiff::Timestamp,
    /// Whether people see stderr.
    pub terminal: bool,
}

impl Environment {
    /// Looks around.
    pub fn capture() -> Self {
        let utf8 = |path: std::path::PathBuf| Utf8PathBuf::from_path_buf(path).ok();
        let variables = std::env::vars_os();
        let variables = variables.filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        let variables: BTreeMap<String, String> = variables.collect();
        // What a test sets, so that ages can be told; it reaches no bundle.
        let now = variables.get("HARDTACK_NOW").and_then(|text| text.parse().ok());
        Self {
            arguments: std::env::args_os().collect(),
            variables,
            folder: std::env::current_dir().ok().and_then(utf8).unwrap_or_else(|| ".".into()),
            program: std::env::current_exe().ok().and_then(utf8),
            now: now.unwrap_or_else(jiff::Timestamp::now),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// The order file, where hardtack was started as a sandbox's child.
    pub(super) fn sandbox_order(&self) -> Option<Utf8PathBuf> {
        match self.arguments.as_slice() {
            [_, first, order] if first == sandbox::CHILD => Some(order.to_str()?.into()),
            _ => None,
        }
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The home folder, as the environment has it: the password database is not asked.
    pub(super) fn home(&self) -> Option<&Utf8Path> {
        self.variable("HOME").map(Utf8Path::new)
    }

    /// A new folder for files that are not kept, gone when the first of the two is dropped. A rescue system may have none for
    /// such; then it is in the current one.
    pub(super) fn temporary_folder(&self) -> Result<(TempDir, Utf8PathBuf), PathError> {
        let folder = self.folder.join(self.variable("TMPDIR").unwrap_or("/tmp"));
        let mut builder = tempfile::Builder::new();
        builder.prefix("hardtack-");
        let made = match folder.is_dir() {
            true => builder.tempdir_in(&folder),
            false => builder.tempdir_in(&self.folder),
        };
        let made = made.at("create a folder in", &folder)?;
        // Made below a folder whose path is UTF-8, with a name of letters.
        let path = Utf8Path::from_path(made.path()).expect("a path that was UTF-8").to_owned();
        Ok((made, path))
    }

    /// Where the shared cache is unless a setting says otherwise.
    pub(super) fn default_cache(&self) -> Option<Utf8PathBuf> {
        let own = |name: &str| self.variable(name).map(str::to_owned);
        let base =
            CacheBase { xdg_cache_home: own("XDG_CACHE_HOME"), home: own("HOME"), local_app_data: own("LOCALAPPDATA") };
        default_place(std::env::consts::OS, &base)
    }

    /// The user's buildout defaults, if there are any.
    pub(super) fn user_defaults(&self) -> Option<Utf8PathBuf> {
        let folder = match self.variable("BUILDOUT_HOME") {
            Some(folder) => Utf8PathBuf::from(folder),
            None => self.home()?.join(".buildout"),
        };
        Some(normalize(&self.folder.join(folder).join("default.cfg"))).filter(|path| path.is_file())
    }

    /// The system and kind of this machine, or of one whose files are in another root: `debian 12 x86_64`.
    pub(super) fn system(&self, root: Option<&Utf8Path>) -> String {
        let facts = self.facts_of(root);
        let field = |name: &str| facts.os_release.get(name).cloned();
        let id = field("ID").or_else(|| Some("linux".to_owned()));
        let words = [id, field("VERSION_ID"), Some(facts.machine.clone())];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What this machine is. Python's version is nobody's fact: a config says it, or it is the default.
    pub(super) fn facts(&self) -> Facts {
        self.facts_of(None)
    }

    /// The same of a machine whose files are in another root.
    pub(super) fn facts_of(&self, root: Option<&Utf8Path>) -> Facts {
        let system = rustix::system::uname();
        let machine = system.machine().to_string_lossy().into_owned();
        let kernel_release = Some(system.release().to_string_lossy().into_owned());
        let platform = match std::env::consts::OS {
            "macos" => "darwin",
            "windows" => "win32",
            other => other,
        };
        let root = root.unwrap_or(Utf8Path::new("/"));
        // The first is often a link, which in another root leads elsewhere than from here.
        let mut release = [root.join("etc/os-release"), root.join("usr/lib/os-release")];
        if root != "/" {
            release.reverse();
        }
        let text = release.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let (platform, os_release) = (platform.to_owned(), parse_os_release(&text));
        Facts { machine, platform, python: PythonVersion::DEFAULT, os_release, paths: BTreeMap::new(), kernel_release }
    }
}
