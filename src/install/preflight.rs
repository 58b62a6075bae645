//! What can be known before the first step is run.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use crate::base::IoContext;
use crate::config::{ConditionRecord, Facts};
use crate::recipes::{Plan, StepKind};

/// What is to be checked.
pub struct Preflight<'a> {
    /// The programs it calls, with the parts that do.
    pub tools: BTreeMap<String, BTreeSet<String>>,
    /// Sizes of its sources in bytes.
    pub sizes: Vec<u64>,
    /// Where it will be built; an existing folder.
    pub folder: &'a Utf8Path,
    /// The PATH of the steps.
    pub path: &'a str,
}

/// Words that mean something to the shell itself (POSIX.1, Shell Command Language: reserved words, special built-ins
/// and those built-ins that are no programs).
const BUILTIN: [&str; 43] = [
    ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "do", "done", "echo", "elif", "else",
    "esac", "eval", "exec", "exit", "export", "false", "fg", "fi", "for", "getopts", "hash", "if", "jobs", "read",
    "readonly", "return", "set", "shift", "test", "then", "times", "trap", "true", "type", "ulimit", "umask", "unset",
    "until", "while",
];

/// Checks tools, room and mount options.
///
/// # Errors
/// [`Error::Tools`], [`Error::Space`], [`Error::NoExec`].
pub fn preflight(check: &Preflight<'_>) -> Result<(), Error> {
    let tools = check.tools.keys().filter(|tool| !on_path(tool, check.path)).cloned();
    let tools: Vec<String> = tools.collect();
    if !tools.is_empty() {
        return Err(Error::Tools { tools, path: check.path.to_owned() });
    }
    let folder = check.folder;
    if !room(folder)?.runs_programs {
        return Err(Error::NoExec { path: folder.to_owned() });
    }
    // A lower bound: sources unpack to several times their size, one at a time, and what they install is left.
    let largest = check.sizes.iter().copied().max().unwrap_or(0);
    check_space(folder, check.sizes.iter().sum::<u64>() + 4 * largest)
}

/// What a file system has to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free bytes.
    pub free: u64,
    /// Programs on it can be run.
    pub runs_programs: bool,
}

/// What the file system of a folder has to offer.
///
/// # Errors
/// When it cannot be asked.
pub fn room(folder: &Utf8Path) -> Result<Room, Error> {
    let status = rustix::fs::statvfs(folder.as_std_path()).map_err(io::Error::from).at("inspect", folder)?;
    let runs_programs = !status.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC);
    Ok(Room { free: status.f_bavail.saturating_mul(status.f_frsize), runs_programs })
}

/// Whether a folder's file system has room for so many bytes.
///
/// # Errors
/// [`Error::Space`].
pub fn check_space(folder: &Utf8Path, needed: u64) -> Result<(), Error> {
    let free = room(folder)?.free;
    if free < needed {
        let mib = |bytes: u64| bytes >> 20;
        return Err(Error::Space { path: folder.to_owned(), free: mib(free), needed: mib(needed) + 1 });
    }
    Ok(())
}

/// The programs that a plan's commands start with, but for those that lie in the sources, with the parts whose they are.
pub fn programs(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    // Where a part sets PATH itself, its programs may come from parts that are still to be built.
    let parts = plan.parts.iter().filter(|part| !part.environment.contains_key("PATH"));
    let commands = parts.flat_map(|part| part.steps.iter().map(move |step| (part, step))).filter_map(|(part, step)| {
        let StepKind::Shell { command, .. } = &step.kind else { return None };
        Some((command.trim_start_matches("set -e;").split_whitespace().next()?, part))
    });
    let plain = |word: &str| {
        word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
            && !BUILTIN.contains(&word)
    };
    let mut programs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (program, part) in commands.filter(|(program, _)| plain(program)) {
        programs.entry(program.to_owned()).or_default().insert(part.name.clone());
    }
    programs
}

/// Whether a program is in one of the folders of a PATH.
pub fn on_path(tool: &str, path: &str) -> bool {
    path.split(':').filter(|folder| !folder.is_empty()).any(|folder| {
        let program = Utf8PathBuf::from(folder).join(tool);
        std::fs::metadata(program).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    })
}

/// The conditions that come out otherwise on this machine than where the config was bundled, a line each.
pub fn differing_conditions(conditions: &[ConditionRecord], bundled: &Facts, here: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for record in conditions.iter().filter(|record| record.holds_for(here) != Some(record.holds)) {
        let differing = record.facts.iter().map(|fact| (fact, bundled.value(fact), here.value(fact)));
        let facts: Vec<String> = differing
            .filter(|(_, then, now)| then != now)
            .map(|(fact, then, now)| format!("{fact}, which was `{then}` and is `{now}` here"))
            .collect();
        lines.push(format!("`{}` ({}) looks at {}", record.condition, record.place, facts.join(", and ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fact, PythonVersion};

    #[test]
    fn a_fact_may_differ_as_long_as_the_condition_comes_out_alike() {
        let facts = |version: &str| Facts {
            machine: "x86_64".into(),
            platform: "linux".into(),
            python: PythonVersion::DEFAULT,
            kernel_release: Some(format!("{version}.0-test")),
            os_release: [("VERSION_ID".to_owned(), version.to_owned())].into(),
            paths: Default::default(),
        };
        let record = ConditionRecord {
            condition: "[a : int(platform.freedesktop_os_release()['VERSION_ID']) < 12]".to_owned(),
            place: "buildout.cfg:1".to_owned(),
            facts: [Fact::OsRelease("VERSION_ID".to_owned())].into(),
            holds: false,
        };
        let differing = |here| differing_conditions(std::slice::from_ref(&record), &facts("12"), &facts(here));
        assert!(differing("13").is_empty());
        assert_eq!(
            differing("11"),
            [format!(
                "`{}` (buildout.cfg:1) looks at os-release:VERSION_ID, which was `12` and is `11` here",
                record.condition
            )]
        );
    }
}
