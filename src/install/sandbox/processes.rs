//! The processes between hardtack and a step: who waits for whom, and that none of them outlives the step.
//!
//! Where the step has process numbers of its own, the first process there only waits and reaps, for number 1 ignores
//! the signals a step may want to die of; when it ends, the kernel ends everything else. Elsewhere the sandbox's child
//! adopts what the step leaves behind, and ends it.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
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

/// What the first process of a sandbox tells the one outside.
pub(super) enum Word {
    /// It is there.
    Started,
    /// The filter tells who listens on this descriptor what the step is about to do.
    Listens(i32),
    /// There is no such filter.
    Deaf(String),
    /// The step ended.
    Ended(End),
}

impl Word {
    pub(super) fn read(from: &mut PipeReader) -> io::Result<Self> {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let [kind, a, b, c, d] = head;
        Ok(match kind {
            0 => Self::Started,
            1 => Self::Listens(i32::from_le_bytes([a, b, c, d])),
            2 => Self::Ended(End::from_bytes([a, b])),
            _ => {
                let mut text = vec![0; usize::from(a)];
                from.read_exact(&mut text)?;
                Self::Deaf(String::from_utf8_lossy(&text).into_owned())
            }
        })
    }

    fn write(&self, to: &mut PipeWriter) -> io::Result<()> {
        let bytes = match self {
            Self::Started => vec![0; 5],
            Self::Listens(descriptor) => [&[1][..], &descriptor.to_le_bytes()].concat(),
            Self::Ended(end) => [&[2][..], &end.to_bytes(), &[0; 2]].concat(),
            Self::Deaf(reason) => {
                let text = &reason.as_bytes()[..reason.len().min(255)];
                [&[3, text.len() as u8, 0, 0, 0][..], text].concat()
            }
        };
        to.write_all(&bytes)
    }
}

/// The first process's way to the one outside.
pub(super) struct Outside {
    words: PipeWriter,
    go_on: PipeReader,
}

impl Outside {
    /// Hands the listener of a filter over, or says why there is none.
    pub(super) fn introduce(&mut self, listener: io::Result<OwnedFd>) -> Result<(), WallError> {
        let what = "speaking to the process outside";
        match listener {
            Ok(listener) => {
                Word::Listens(listener.as_raw_fd()).write(&mut self.words).doing(what)?;
                self.go_on.read_exact(&mut [0]).doing(what)
            }
            Err(error) => Word::Deaf(format!("asking the kernel to tell: {error}")).write(&mut self.words).doing(what),
        }
    }
}

/// Does `inside` as the first process of a new PID namespace, which the caller unshared before, and waits for it after `watch`,
/// which hears its words and lets it go on. `tell` gets what goes wrong there.
pub(super) fn run_first(
    inside: impl FnOnce(&mut Outside) -> Result<End, WallError>,
    watch: impl FnOnce(Pid, PipeReader, PipeWriter) -> Option<End>,
    tell: &dyn Fn(&WallError),
) -> Result<End, WallError> {
    let (told, words) = io::pipe().doing("making a pipe")?;
    let (go_on, may_go_on) = io::pipe().doing("making a pipe")?;
    let Some(first) = fork().doing("starting the first process")? else {
        drop((told, may_go_on));
        leave(first_process(inside, Outside { words, go_on }), tell)
    };
    drop((words, go_on));
    let end = watch(first, told, may_go_on);
    let own = wait_for(first)?;
    Ok(end.unwrap_or(own))
}

fn first_process(
    inside: impl FnOnce(&mut Outside) -> Result<End, WallError>,
    mut outside: Outside,
) -> Result<(), WallError> {
    die_with_parent()?;
    // Fails if the parent was gone before that: from in here it has no number to ask for.
    Word::Started.write(&mut outside.words).doing("finding the parent process")?;
    let end = inside(&mut outside)?;
    Word::Ended(end).write(&mut outside.words).doing("telling how the step ended")
}

/// Tries something on a process that was made for it and does nothing.
pub(super) fn try_on_child<T>(on: impl FnOnce(Pid) -> io::Result<T>) -> io::Result<T> {
    let (mut waits, end) = io::pipe()?;
    let Some(child) = fork()? else {
        drop(end);
        let _ = waits.read(&mut [0]);
        leave(Ok(()), &|_| {})
    };
    let outcome = on(child);
    drop(end);
    let _ = wait_for(child);
    outcome
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

/// Starts so many processes, one after the other, that end at once.
pub(super) fn use_up_numbers(count: u32) {
    for _ in 0..count {
        match fork() {
            Ok(None) => leave(Ok(()), &|_| {}),
            Ok(Some(child)) => drop(wait_for(child)),
            // Where there is no room for one, the step says so itself.
            Err(_) => return,
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
