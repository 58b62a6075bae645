//! Waiting for a program, and not for ever.

use std::io::{self, Read};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// More than any list of the names of one revision has, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;
/// What is kept of complaints, in bytes.
const LONGEST_COMPLAINT: usize = 64 << 10;
/// How often a program that runs is looked at.
const TICK: Duration = Duration::from_millis(10);
/// How long its last words are waited for: what it started may live on, and hold its pipes.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long a program may take.
pub(super) struct Limits {
    /// When it is too late.
    pub(super) deadline: Option<Instant>,
    /// How long it may say nothing.
    pub(super) silence: Duration,
}

/// A program that has ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// A program that was ended.
pub(super) enum Unfinished {
    Silent,
    Late,
    Io(io::Error),
}

/// Waits for a program that leads a group of its own; where it takes too long, all of the group is ended.
pub(super) fn finish(mut child: Child, limits: &Limits) -> Result<Ended, Unfinished> {
    let heard = Arc::new(Mutex::new(Instant::now()));
    let stdout = Reader::start(child.stdout.take(), &heard, Keep::Start(LONGEST_ANSWER));
    let stderr = Reader::start(child.stderr.take(), &heard, Keep::End(LONGEST_COMPLAINT));
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Unfinished::Io)? {
            break status;
        }
        let reason = if limits.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            Unfinished::Late
        } else if lock(&heard).elapsed() > limits.silence {
            Unfinished::Silent
        } else {
            thread::sleep(TICK);
            continue;
        };
        if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = child.wait();
        return Err(reason);
    };
    let until = Instant::now() + LAST_WORDS;
    let (stdout, stderr) = (stdout.take(until), stderr.take(until));
    Ok(Ended { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

/// Which part of what a program prints is kept, in bytes.
#[derive(Clone, Copy)]
enum Keep {
    Start(usize),
    End(usize),
}

/// Reads what a program prints.
struct Reader {
    kept: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Reader {
    /// Notes in `heard` when something came.
    fn start(stream: Option<impl Read + Send + 'static>, heard: &Arc<Mutex<Instant>>, keep: Keep) -> Self {
        let (heard, kept) = (Arc::clone(heard), Arc::new(Mutex::new(Vec::new())));
        let filled = Arc::clone(&kept);
        let thread = thread::spawn(move || {
            let Some(mut stream) = stream else { return };
            let mut buffer = [0; 8192];
            // What broke off is shorter; the exit status tells.
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                *lock(&heard) = Instant::now();
                let mut kept = lock(&filled);
                kept.extend_from_slice(&buffer[..count]);
                match keep {
                    Keep::Start(most) => kept.truncate(most),
                    Keep::End(most) => {
                        let surplus = kept.len().saturating_sub(most);
                        kept.drain(..surplus);
                    }
                }
            }
        });
        Self { kept, thread }
    }

    /// What was read when the program's end of the pipe was closed, or by then.
    fn take(self, until: Instant) -> Vec<u8> {
        while !self.thread.is_finished() && Instant::now() < until {
            thread::sleep(TICK);
        }
        std::mem::take(&mut lock(&self.kept))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    fn run(script: &str, deadline: Option<Duration>, silence: Duration) -> Result<Ended, Unfinished> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let deadline = deadline.map(|after| Instant::now() + after);
        finish(command.spawn().expect("starts"), &Limits { deadline, silence })
    }

    #[test]
    fn what_a_program_leaves_running_is_not_waited_for() {
        let start = Instant::now();
        let ended = run("echo said; echo why >&2; sleep 30 & exit 3", None, Duration::from_secs(20));
        let Ok(Ended { status, stdout, stderr }) = ended else { panic!("it ends") };
        assert_eq!((status.code(), stdout.as_slice(), stderr.as_str()), (Some(3), &b"said\n"[..], "why\n"));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn silence_and_time_have_their_limits() {
        let moment = Duration::from_millis(200);
        assert!(matches!(run("sleep 30", None, moment), Err(Unfinished::Silent)));
        let talking = "while :; do echo x; sleep 0.05; done";
        assert!(matches!(run(talking, Some(moment * 3), moment * 2), Err(Unfinished::Late)));
    }
}
