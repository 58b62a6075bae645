//! Running a command where the kernel says no to the network.
//!
//! A step runs in a process of its own: hardtack starts itself again under [`CHILD`], which sets the walls up while it
//! has a single thread, gives up all privileges and becomes the command. What level a machine allows is found out by
//! setting everything up once in such a child, not by reading settings.

mod child;
mod condition;
mod conditions;
mod confinement;
mod filter;
mod listener;
mod mounts;
mod namespaces;
mod opened;
mod processes;
mod resolver;
mod terminal;
mod walls;
mod witness;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::{Command, ExitStatus, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::attempts::Sightings;
use super::error::Error;
use crate::base::{IoContext, create_dir_all};
use terminal::Terminal;

pub use child::run_child;
pub use condition::{Aid, Condition};
pub use conditions::{
    BUILD_FOLDERS, Conditions, DOMAIN, FOLDER_IN_PATH, HOMES, HOSTS, KERNEL, Kit, LOCALE, MARKER, OtherLocale,
    OtherTimezone, PROCESSOR, SECONDS, TERMINAL, TIMEZONE, USER,
};
pub(super) use mounts::is_masked;

/// The first argument that makes hardtack a sandbox's child.
pub const CHILD: &str = "__sandbox";

/// The folder for temporary files inside a sandbox with its own mounts: the same on every machine.
pub const TEMPORARY: &str = "/tmp";

/// How well a step is kept from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A network of its own with nothing but loopback, its own mounts, and a filter on top.
    Full,
    /// A filter refuses all internet sockets, loopback too.
    Seccomp,
    /// Nothing.
    None,
}

impl Level {
    /// The word for messages and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Seccomp => "seccomp",
            Self::None => "none",
        }
    }
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The best level the machine allows; never none.
    #[default]
    Auto,
    /// This level or an error.
    Exactly(Level),
}

impl std::str::FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "full" => Ok(Self::Exactly(Level::Full)),
            "seccomp" => Ok(Self::Exactly(Level::Seccomp)),
            "none" => Ok(Self::Exactly(Level::None)),
            _ => Err(format!("`{text}` is not a level: it takes auto, full, seccomp or none")),
        }
    }
}

/// A level that was tried and works, and the way to it.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The level all commands get.
    pub level: Level,
    /// Why it is not a better one; empty for the best.
    pub reason: String,
    launcher: Utf8PathBuf,
    rehearsal: Option<Rehearsal>,
}

/// What is different in a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The folder that all commands have as their root, with its compilers and libraries, instead of this machine's.
    pub root: Option<Utf8PathBuf>,
    /// What is not as in every build; none where builds are not compared.
    pub conditions: Option<Conditions>,
}

/// One command to be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What `/bin/sh -c` gets.
    pub command: String,
    /// The folder it runs in, as seen inside.
    pub folder: Utf8PathBuf,
    /// Its whole environment.
    pub environment: BTreeMap<String, String>,
    /// Folders that show up elsewhere, first to last. Only at [`Level::Full`].
    pub binds: Vec<Bind>,
    /// Folders the command can write to, first of all its own. Only at [`Level::Seccomp`], and where the kernel has Landlock.
    pub writable: Vec<Utf8PathBuf>,
    /// A file that is locked as long as any process of the command lives. Of no use at [`Level::Full`], where none
    /// outlives it.
    pub lock: Option<Utf8PathBuf>,
    /// Descriptors of this process that the command inherits, under the same numbers.
    pub inherit: Vec<i32>,
}

/// A folder that shows up elsewhere in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bind {
    /// Where it is outside.
    pub from: Utf8PathBuf,
    /// Where it is inside.
    pub to: Utf8PathBuf,
    /// Nothing can be written to it there.
    pub read_only: bool,
}

impl Bind {
    /// A folder the command can write to.
    pub fn new(from: Utf8PathBuf, to: impl Into<Utf8PathBuf>) -> Self {
        Self { from, to: to.into(), read_only: false }
    }

    /// A folder the command can only read.
    pub fn read_only(from: Utf8PathBuf, to: impl Into<Utf8PathBuf>) -> Self {
        Self { from, to: to.into(), read_only: true }
    }
}

/// What the child is told, and where it answers.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    level: Level,
    task: Task,
    /// The file in which it says `ready`, or what went wrong.
    answer: Utf8PathBuf,
    /// The file for what was seen of attempts to reach the network.
    seen: Utf8PathBuf,
    /// The process that gives the order.
    parent: i32,
    /// The machine's files that the command uses are noted.
    rehearsal: Option<Rehearsal>,
}

/// What the answer is until there is one. It is as long as [`READY`], so that a full disk is found out by who can say so.
const NO_ANSWER: &str = ".....";
/// The answer of a child whose walls stand.
const READY: &str = "ready";
/// Exit status of a child that could not start the command.
const FAILED: i32 = 70;

impl Sandbox {
    fn new(level: Level, reason: String, launcher: &Utf8Path) -> Self {
        Self { level, reason, launcher: launcher.to_owned(), rehearsal: None }
    }

    /// The one for a rehearsal, which notes the files of the machine that commands use. It must be of [`Level::Full`].
    ///
    /// # Errors
    /// [`Error::Isolation`] where a command does not run like this, as where the other root is for another machine.
    pub fn rehearsing(self, rehearsal: Rehearsal, scratch: &Utf8Path) -> Result<Self, Error> {
        let sandbox = Self { rehearsal: Some(rehearsal), ..self };
        match sandbox.trial(scratch)? {
            Outcome::Ran(status, sightings) => match sightings.unseen {
                None if status.success() => Ok(sandbox),
                None => Err(Error::Isolation { reason: format!("/bin/sh does not run: {status}") }),
                Some(reason) => Err(Error::Isolation { reason: format!("what builds use is not seen: {reason}") }),
            },
            Outcome::NoWalls(reason) => Err(Error::Isolation { reason }),
        }
    }

    /// What is different from installations, if it is for a rehearsal.
    pub fn rehearsal(&self) -> Option<&Rehearsal> {
        self.rehearsal.as_ref()
    }

    /// The root that commands have, if it is not this machine's.
    pub fn root(&self) -> Option<&Utf8Path> {
        self.rehearsal.as_ref().and_then(|rehearsal| rehearsal.root.as_deref())
    }

    /// The same sandbox under other conditions. It must be that of a rehearsal.
    pub fn under(&self, conditions: Conditions) -> Self {
        let root = self.root().map(Utf8Path::to_owned);
        Self { rehearsal: Some(Rehearsal { root, conditions: Some(conditions) }), ..self.clone() }
    }

    /// The conditions that builds are compared under, if they are.
    pub fn conditions(&self) -> Option<&Conditions> {
        self.rehearsal.as_ref().and_then(|rehearsal| rehearsal.conditions.as_ref())
    }

    /// Tries one level: what keeps it from working, or what keeps attempts to reach the network from being seen.
    ///
    /// # Errors
    /// When the trial cannot be made at all.
    pub fn examine(level: Level, launcher: &Utf8Path, scratch: &Utf8Path) -> Result<Examined, Error> {
        let sandbox = Self::new(level, String::new(), launcher);
        Ok(match sandbox.trial(scratch)? {
            Outcome::Ran(status, sightings) if status.success() => {
                Examined::Works { unseen: sightings.unseen, unconfined: sightings.unconfined }
            }
            Outcome::Ran(status, _) => Examined::Fails(format!("/bin/sh does not run: {status}")),
            Outcome::NoWalls(reason) => Examined::Fails(reason),
        })
    }

    /// Finds the level that works. `launcher` is hardtack's own program, `scratch` a folder for the trial.
    ///
    /// # Errors
    /// [`Error::Isolation`] when the wanted level, or for [`Choice::Auto`] any, is not to be had.
    pub fn choose(choice: Choice, launcher: &Utf8Path, scratch: &Utf8Path) -> Result<Self, Error> {
        let candidates = match choice {
            Choice::Auto => vec![Level::Full, Level::Seccomp],
            Choice::Exactly(level) => vec![level],
        };
        let mut reasons = Vec::new();
        for level in candidates {
            match Self::examine(level, launcher, scratch)? {
                Examined::Works { .. } => {
                    return Ok(Self::new(level, reasons.join("; "), launcher));
                }
                Examined::Fails(reason) => reasons.push(format!("level `{}`: {reason}", level.name())),
            }
        }
        Err(Error::Isolation { reason: reasons.join("; ") })
    }

    /// Runs a trivial command.
    fn trial(&self, scratch: &Utf8Path) -> Result<Outcome, Error> {
        let inside = scratch.join("tmp");
        create_dir_all(&inside)?;
        let task = Task {
            command: ":".to_owned(),
            folder: "/".into(),
            environment: BTreeMap::new(),
            binds: vec![Bind::new(inside.clone(), TEMPORARY)],
            writable: vec![inside],
            lock: None,
            inherit: Vec::new(),
        };
        let output = File::create(scratch.join("trial.log")).at("create", scratch)?;
        self.run(&task, scratch, None, &output)
    }

    /// Runs a command that reads `input`, if there is any, and waits for it. `scratch` is a folder for messages between the two
    /// processes.
    ///
    /// # Errors
    /// When the child cannot be started.
    pub fn run(&self, task: &Task, scratch: &Utf8Path, input: Option<File>, output: &File) -> Result<Outcome, Error> {
        create_dir_all(scratch)?;
        let (order_path, answer, seen) =
            (scratch.join("order.json"), scratch.join("answer"), scratch.join("seen.json"));
        fs::write(&answer, NO_ANSWER).at("write", &answer)?;
        fs::write(&seen, b"").at("write", &seen)?;
        let parent = rustix::process::getpid().as_raw_nonzero().get();
        let order = Order {
            level: self.level,
            task: task.clone(),
            answer: answer.clone(),
            seen: seen.clone(),
            parent,
            rehearsal: self.rehearsal.clone(),
        };
        let reason = |error: serde_json::Error| Error::State { path: order_path.clone(), reason: error.to_string() };
        fs::write(&order_path, serde_json::to_vec(&order).map_err(reason)?).at("write", &order_path)?;
        let has_terminal = self.conditions().is_some_and(|conditions| conditions.has(Condition::Terminal));
        // Where there is none to be had, whoever varies sees it.
        let terminal = if has_terminal { Terminal::open().ok() } else { None };
        let input = match (input, &terminal) {
            (Some(file), _) => Stdio::from(file),
            (None, Some(terminal)) => terminal.input().at("open a terminal for", scratch)?,
            (None, None) => Stdio::null(),
        };
        let duplicate = || output.try_clone().at("duplicate the log of", scratch);
        let status = Command::new(&self.launcher)
            .args([CHILD, order_path.as_str()])
            .env_clear()
            .stdin(input)
            .stdout(duplicate()?)
            .stderr(duplicate()?)
            .status()
            .at("start", &self.launcher)?;
        match fs::read_to_string(&answer).at("read", &answer)?.as_str() {
            READY => Ok(Outcome::Ran(status, witness::read(&seen))),
            NO_ANSWER => Ok(Outcome::NoWalls(format!("the sandbox's process ended early: {status}"))),
            reason => Ok(Outcome::NoWalls(reason.to_owned())),
        }
    }
}

/// What was found of a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Examined {
    /// It is to be had.
    Works {
        /// Why attempts to reach the network are not seen.
        unseen: Option<String>,
        /// Why steps can write elsewhere than to their own folders.
        unconfined: Option<String>,
    },
    /// It is not, for this reason.
    Fails(String),
}

/// How a task ended.
#[derive(Debug)]
pub enum Outcome {
    /// The command ran, and this was seen of its way to the network.
    Ran(ExitStatus, Sightings),
    /// It did not: the walls could not be set up.
    NoWalls(String),
}
