//! Reading objects of a repository one after another, by one git that stays.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use super::super::error::Error;
use crate::archive::CommitObject;
use crate::base::ObjectId;

/// More than any commit has to say, in bytes.
const LONGEST_COMMIT: u64 = 512 << 10;

/// A `git cat-file --batch`.
pub(super) struct Objects {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl Objects {
    pub(super) fn new(mut child: Child, url: String) -> Result<Self, Error> {
        let (Some(asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::NoGit { url, source: io::ErrorKind::BrokenPipe.into() });
        };
        Ok(Self { child, asks, answers: BufReader::with_capacity(128 * 1024, answers), url })
    }

    /// A commit.
    pub(super) fn commit(&mut self, id: &ObjectId) -> Result<CommitObject, Error> {
        let mut content = Vec::new();
        self.with(id, "commit", |size, answers| {
            if size > LONGEST_COMMIT {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("commit {id} is too long")));
            }
            answers.take(size).read_to_end(&mut content).map(drop)
        })?;
        let odd = || Error::Commit { url: self.url.clone(), reason: format!("commit {id} makes no sense") };
        CommitObject::parse(&content).ok_or_else(odd)
    }

    /// Lets a file's length and bytes be read, all of them.
    pub(super) fn blob(
        &mut self,
        id: &ObjectId,
        read: impl FnOnce(u64, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.with(id, "blob", read)
    }

    fn with(
        &mut self,
        id: &ObjectId,
        kind: &str,
        read: impl FnOnce(u64, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), Error> {
        let broken = |source| Error::Store { url: self.url.clone(), source };
        writeln!(self.asks, "{id}").map_err(broken)?;
        self.asks.flush().map_err(broken)?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(broken)?;
        // `ID KIND SIZE`, or `ID missing`.
        let words: Vec<&str> = line.split_whitespace().collect();
        let size = match words.as_slice() {
            [_, found, size] if *found == kind => size.parse().ok(),
            _ => None,
        };
        let Some(size) = size else {
            let reason = format!("it has no {kind} {id}");
            return Err(Error::Commit { url: self.url.clone(), reason });
        };
        read(size, &mut self.answers).map_err(broken)?;
        // A newline ends each answer.
        self.answers.read_exact(&mut [0]).map_err(broken)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
