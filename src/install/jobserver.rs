//! What tells the `make` of a part how many jobs it may run beside its first: a pipe with a byte for each, as GNU make
//! passes it to those it starts (GNU Make Manual, "POSIX Jobserver Interaction").
//!
//! Each part has a pipe of its own. A `make` that is killed keeps what it had read; when the step ends, nobody is left
//! who could hold any, so that all of them are free again whatever became of them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

/// One part's pipe.
#[derive(Debug)]
pub(super) struct Jobserver {
    /// The ends that the step inherits.
    ends: (OwnedFd, OwnedFd),
    /// The end that is read here. It is a description of its own, since not to wait must not become the step's way too.
    taking: File,
    giving: File,
    granted: usize,
    all: usize,
}

impl Jobserver {
    /// An empty pipe, for steps that may run up to `all` jobs when everything is theirs.
    pub(super) fn new(all: usize) -> io::Result<Self> {
        let ends = rustix::pipe::pipe()?;
        let path = format!("/proc/self/fd/{}", ends.0.as_raw_fd());
        let taking = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
        let path = format!("/proc/self/fd/{}", ends.1.as_raw_fd());
        let giving = File::options().write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
        Ok(Self { ends, taking, giving, granted: 0, all })
    }

    /// What MAKEFLAGS must say.
    pub(super) fn flags(&self) -> String {
        let (read, write) = self.descriptors();
        // The old word is that of make 4.1 and before; later ones read the new.
        format!("-j{} --jobserver-fds={read},{write} --jobserver-auth={read},{write}", self.all)
    }

    /// The numbers of the two ends a step inherits.
    pub(super) fn descriptors(&self) -> (i32, i32) {
        (self.ends.0.as_raw_fd(), self.ends.1.as_raw_fd())
    }

    /// Lets the part run one more job.
    pub(super) fn give(&mut self) -> io::Result<()> {
        self.giving.write_all(b"+")?;
        self.granted += 1;
        Ok(())
    }

    /// Takes one back that nobody uses. What the step itself put into the pipe is none.
    pub(super) fn take(&mut self) -> bool {
        let taken = self.granted > 0 && matches!(self.taking.read(&mut [0]), Ok(1));
        self.granted -= usize::from(taken);
        taken
    }

    /// Keeps what is in the pipe for a step that cannot ask for it; the number of jobs it may run, its first among them. They
    /// come back when it ends.
    pub(super) fn hold(&mut self) -> usize {
        let mut pipe = vec![0; self.granted];
        1 + self.taking.read(&mut pipe).unwrap_or(0)
    }

    /// Takes all back, now that nobody is left who could use any; their number.
    pub(super) fn end(&mut self) -> usize {
        // A pipe holds 64 KiB; whoever fills it faster has a process left, and is not waited for.
        let mut rest = [0; 4096];
        for _ in 0..64 {
            if !matches!(self.taking.read(&mut rest), Ok(count) if count > 0) {
                break;
            }
        }
        std::mem::take(&mut self.granted)
    }

    /// Jobs that were given, and not taken back.
    pub(super) fn granted(&self) -> usize {
        self.granted
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_given_can_be_taken_back_until_somebody_has_it() {
        let mut server = Jobserver::new(4).expect("a pipe");
        assert!(!server.take());
        server.give().expect("gives");
        server.give().expect("gives");
        assert!(server.take() && server.granted() == 1);
        let mut make = File::open(format!("/proc/self/fd/{}", server.descriptors().0)).expect("opens");
        make.read_exact(&mut [0]).expect("reads");
        assert!(!server.take() && server.granted() == 1);
        // It was killed, and gives nothing back.
        assert_eq!(server.end(), 1);
        server.give().expect("gives");
        assert_eq!(server.end(), 1);
        assert!(!server.take());
        server.give().expect("gives");
        server.give().expect("gives");
        assert_eq!((server.hold(), server.hold(), server.take(), server.end()), (3, 1, false, 2));
        // What a step puts in by itself frees nothing, and a full pipe holds nobody up.
        let mut step =
            File::options().write(true).open(format!("/proc/self/fd/{}", server.descriptors().1)).expect("opens");
        step.write_all(&[b'+'; 64 << 10]).expect("writes");
        assert!(!server.take() && server.give().is_err() && server.granted() == 0 && server.end() == 0);
        server.give().expect("gives");
        assert!(server.take());
    }

    #[test]
    fn make_runs_as_many_jobs_as_it_was_given_and_one() {
        let folder = tempfile::tempdir().expect("a folder");
        // Each job waits until three are there: they end only if all three run at a time.
        let rule = "%.o:\n\t@touch $@; for i in $$(seq 500); do [ $$(ls *.o | wc -l) -ge 3 ] && exit 0; sleep 0.02; done; exit 1\n";
        std::fs::write(folder.path().join("Makefile"), format!("all: a.o b.o c.o\n\t@:\n{rule}")).expect("writes");
        let mut server = Jobserver::new(3).expect("a pipe");
        server.give().expect("gives");
        server.give().expect("gives");
        let mut make = Command::new("make");
        make.current_dir(folder.path()).env("MAKEFLAGS", server.flags());
        let output = make.output().expect("GNU make runs, as for the tests of builds");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}
