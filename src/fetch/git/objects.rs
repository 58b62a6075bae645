//! Reading objects of a repository one after another, by one git that stays.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use super::super::error::Error;
use crate::archive::CommitObject;
use crate::base::ObjectId;

/// More than any commit has to say, in bytes.
const LONGEST_COMMIT: u64 = 512 << 10;

/// More than any folder has, in bytes.
const LONGEST_TREE: u64 = 64 << 20;

/// An entry of a tree (gitformat, "tree objects").
pub(super) struct TreeEntry {
    /// As it is written, since its spelling counts: `40000`, `100644`.
    pub(super) mode: String,
    pub(super) name: Vec<u8>,
    pub(super) id: ObjectId,
}

impl TreeEntry {
    fn parse(bytes: &[u8], width: usize) -> Option<(Self, &[u8])> {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let end = space + 1 + bytes[space + 1..].iter().position(|byte| *byte == 0)?;
        let id = bytes.get(end + 1..end + 1 + width)?;
        let mode = String::from_utf8(bytes[..space].to_vec()).ok()?;
        let entry = Self { mode, name: bytes[space + 1..end].to_vec(), id: ObjectId::from_bytes(id)? };
        Some((entry, &bytes[end + 1 + width..]))
    }
}

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
        let content = self.small(id, "commit", LONGEST_COMMIT)?;
        CommitObject::parse(&content).ok_or_else(|| self.odd(format!("commit {id} makes no sense")))
    }

    /// What a tree holds, in git's order.
    pub(super) fn tree(&mut self, id: &ObjectId) -> Result<Vec<TreeEntry>, Error> {
        let content = self.small(id, "tree", LONGEST_TREE)?;
        let width = id.as_bytes().len();
        let (mut rest, mut entries) = (content.as_slice(), Vec::new());
        while !rest.is_empty() {
            let (entry, after) =
                TreeEntry::parse(rest, width).ok_or_else(|| self.odd(format!("tree {id} makes no sense")))?;
            entries.push(entry);
            rest = after;
        }
        Ok(entries)
    }

    /// An object that is held in memory.
    pub(super) fn small(&mut self, id: &ObjectId, kind: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let (mut content, mut length) = (Vec::new(), 0);
        self.with(id, kind, |size, answers| {
            length = size;
            // What is longer is not read on.
            answers.take(size.min(limit)).read_to_end(&mut content).map(drop)
        })?;
        match length > limit {
            true => Err(self.odd(format!("its {kind} {id} is longer than {limit} bytes"))),
            false => Ok(content),
        }
    }

    fn odd(&self, reason: String) -> Error {
        Error::Commit { url: self.url.clone(), reason }
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
            return Err(self.odd(match words.as_slice() {
                [_, found, _] => format!("{id} is a {found}, not a {kind}"),
                _ => format!("it has no {kind} {id}"),
            }));
        };
        let mut content = (&mut self.answers).take(size);
        read(size, &mut content).map_err(broken)?;
        // What nobody wanted would be taken for the next answer.
        io::copy(&mut content, &mut io::sink()).map_err(broken)?;
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
