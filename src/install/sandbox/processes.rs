//! The processes between hardtack and a step: who waits for whom, and that none of them outlives the step.
//!
//! Where the step has process numbers of its own, the first process there only waits and reaps, for number 1 ignores
//! the signals a step may want to die of; when it ends, the kernel ends everything else. Elsewhere the sandbox's child
//! adopts what the step leaves behind, and ends it.

use std::fs;
use std::io::{self, PipeWriter, Read, Write};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus};

use super::walls::{Doing, WallError};

/// Rounds of ending what a step left behind; one that forks faster than that is not waited for.
const ROUNDS: usize = 1000;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with this status.
    Exit(u8),
    /// By a signal.
    Signal(u8),
}

impl End {
    fn of(status: WaitStatus) -> Self {
        let small = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        match status.terminating_signal() {
            Some(signal) => Self::Signal(small(signal)),
            None => Self::Exit(status.exit_status().map_or(u8::MAX, small)),
        }
    }

    fn to_bytes(self) -> [u8; 2] {
        match self {
            Self::Exit(code) => [0, code],
            Self::Signal(number) => [1, number],
        }
    }

    fn from_bytes(bytes: [u8; 2]) -> Self {
        match bytes {
            [0, code] => Self::Exit(code),
            [_, number] => Self::Signal(number),
        }
    }

    /// Ends this process the way the step ended.
    pub(super) fn repeat(self) -> i32 {
        let number = match self {
            Self::Exit(code) => return code.into(),
            Self::Signal(number) => number,
        };
        // Only the step's own core is of use to anybody.
        let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        // SAFETY: setting a signal's default action back runs no code of ours.
        unsafe { libc::signal(number.into(), libc::SIG_DFL) };
        // SAFETY: raise takes a number and has no other effect than the signal.
        unsafe { libc::raise(number.into()) };
        128 + i32::from(number)
    }
}

/// Does `inside` as the first process of a new PID namespace, which the caller unshared before, and waits for it.
/// `tell` gets what goes wrong there.
pub(super) fn run_first(
    inside: impl FnOnce() -> Result<End, WallError>,
    tell: &dyn Fn(&WallError),
) -> Result<End, WallError> {
    let (mut reader, writer) = io::pipe().doing("making a pipe")?;
    let Some(first) = fork().doing("starting the first process")? else {
        drop(reader);
        leave(first_process(inside, writer), tell)
    };
    drop(writer);
    let mut told = [0; 3];
    let read = reader.read_exact(&mut told);
    let end = wait_for(first)?;
    Ok(read.map_or(end, |()| End::from_bytes([told[1], told[2]])))
}

fn first_process(inside: impl FnOnce() -> Result<End, WallError>, mut writer: PipeWriter) -> Result<(), WallError> {
    die_with_parent()?;
    // Fails if the parent was gone before that: from in here it has no number to ask for.
    writer.write_all(&[0]).doing("finding the parent process")?;
    writer.write_all(&inside()?.to_bytes()).doing("telling how the step ended")
}

/// Does `step`, which returns only when it fails, in a process of its own and waits for it. `tell` gets that error.
pub(super) fn run_step(step: impl FnOnce() -> WallError, tell: &dyn Fn(&WallError)) -> Result<End, WallError> {
    let parent = rustix::process::getpid();
    match fork().doing("starting a process")? {
        None => leave(tie_to(parent).and_then(|()| Err(step())), tell),
        Some(step) => wait_for(step),
    }
}

/// Ties this process to `parent`, which must be the one that made it: when that ends, this one is killed.
pub(super) fn tie_to(parent: Pid) -> Result<(), WallError> {
    die_with_parent()?;
    // It may have ended before the kernel was told.
    match rustix::process::getppid() == Some(parent) {
        true => Ok(()),
        false => Err(io::Error::from(io::ErrorKind::NotFound)).doing("finding the parent process"),
    }
}

fn die_with_parent() -> Result<(), WallError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).doing("tying the step to hardtack")
}

/// What the step leaves behind comes to this process when its parents end.
pub(super) fn adopt() -> Result<(), WallError> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).doing("adopting the step's processes")
}

/// Kills what was adopted, and what comes from that.
pub(super) fn end_adopted() {
    for _ in 0..ROUNDS {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => {
                for child in children() {
                    let _ = rustix::process::kill_process(child, Signal::KILL);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(_) => return,
        }
    }
}

/// The processes whose parent is this one.
fn children() -> Vec<Pid> {
    let own = rustix::process::getpid().as_raw_nonzero().to_string();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_child = |number: &i32| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        // The name in parentheses may hold anything; after it come the state and the parent.
        stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)) == Some(own.as_str())
    };
    numbers.filter(is_child).filter_map(Pid::from_raw).collect()
}

/// Waits for `wanted`, and reaps whatever else ends before it.
fn wait_for(wanted: Pid) -> Result<End, WallError> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == wanted => return Ok(End::of(status)),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).doing("waiting for the step"),
        }
    }
}

/// A new process; none in that process itself.
fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the sandbox's child has one thread, so nothing is left in a state that another thread would mend.
    match unsafe { libc::fork() } {
        0 => Ok(None),
        number => Pid::from_raw(number).filter(|_| number > 0).map(Some).ok_or_else(io::Error::last_os_error),
    }
}

/// Ends a forked process, without what a process does at its end: that is for the one it was forked from.
fn leave(outcome: Result<(), WallError>, tell: &dyn Fn(&WallError)) -> ! {
    let code = match outcome {
        Ok(()) => 0,
        Err(error) => {
            tell(&error);
            super::FAILED
        }
    };
    // SAFETY: _exit takes a number and does not return.
    unsafe { libc::_exit(code) }
}
