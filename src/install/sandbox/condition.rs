//! What may be different from one build to the next, and must not show in what they make.
//!
//! The list is that of the Reproducible Builds project (reprotest's variations) and what else builds were seen to catch.

use serde::{Deserialize, Serialize};

/// One condition of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The folder that is built in.
    Path,
    /// What the clock says.
    Time,
    /// The time zone.
    Timezone,
    /// Language and collation.
    Locale,
    /// The mask of new files' modes.
    Umask,
    /// Host and domain names.
    Host,
    /// Name and number of the user.
    User,
    /// The home folder.
    Home,
    /// Variables that nothing asks for.
    Environment,
    /// Where programs are looked for.
    ExecPath,
    /// How many processors there are.
    Cpus,
    /// How many processes work at a time.
    Jobs,
    /// In what order folders are listed.
    FileOrder,
    /// Release and version of the kernel.
    Kernel,
    /// What `/proc` says of processors and memory.
    Hardware,
    /// Where programs are laid in memory.
    Aslr,
    /// The numbers of processes.
    Processes,
    /// Whether there is a terminal.
    Terminal,
}

impl Condition {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 18] = [
        Self::Path,
        Self::Time,
        Self::Timezone,
        Self::Locale,
        Self::Umask,
        Self::Host,
        Self::User,
        Self::Home,
        Self::Environment,
        Self::ExecPath,
        Self::Cpus,
        Self::Jobs,
        Self::FileOrder,
        Self::Kernel,
        Self::Hardware,
        Self::Aslr,
        Self::Processes,
        Self::Terminal,
    ];

    /// The word for it, on command lines and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Time => "time",
            Self::Timezone => "timezone",
            Self::Locale => "locale",
            Self::Umask => "umask",
            Self::Host => "host",
            Self::User => "user",
            Self::Home => "home",
            Self::Environment => "environment",
            Self::ExecPath => "exec-path",
            Self::Cpus => "cpus",
            Self::Jobs => "jobs",
            Self::FileOrder => "file-order",
            Self::Kernel => "kernel",
            Self::Hardware => "hardware",
            Self::Aslr => "aslr",
            Self::Processes => "processes",
            Self::Terminal => "terminal",
        }
    }

    /// What it is, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Path => "the folder that is built in",
            Self::Time => "the clock",
            Self::Timezone => "the time zone",
            Self::Locale => "the locale",
            Self::Umask => "the umask",
            Self::Host => "the host and domain names",
            Self::User => "the user",
            Self::Home => "the home folder",
            Self::Environment => "variables of the environment",
            Self::ExecPath => "PATH",
            Self::Cpus => "the number of processors",
            Self::Jobs => "the number of processes at a time",
            Self::FileOrder => "the order in which folders are listed",
            Self::Kernel => "the kernel's release",
            Self::Hardware => "what /proc says of processors and memory",
            Self::Aslr => "where programs lie in memory",
            Self::Processes => "process numbers",
            Self::Terminal => "the terminal",
        }
    }

    /// An installation at [`Level::Full`](super::Level::Full) is the same in this respect everywhere, so that it differs from
    /// site to site in none but the others.
    pub fn is_held(self) -> bool {
        match self {
            Self::Path | Self::Timezone | Self::Locale | Self::Umask | Self::Host | Self::Home => true,
            Self::Environment | Self::ExecPath | Self::Terminal => true,
            Self::Time | Self::User | Self::Cpus | Self::Jobs | Self::FileOrder | Self::Kernel => false,
            Self::Hardware | Self::Aslr | Self::Processes => false,
        }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What installations do so that builds are equal which would not be by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aid {
    /// Builds are told what time to write down, in SOURCE_DATE_EPOCH.
    Epoch,
    /// Times and owners are taken out of static libraries.
    Ar,
}

impl Aid {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Epoch, Self::Ar];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Ar => "ar",
        }
    }

    /// What it is, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Epoch => "SOURCE_DATE_EPOCH",
            Self::Ar => "static libraries without times",
        }
    }
}
