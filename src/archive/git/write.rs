//! Writing the tar of a commit.

use std::io::{self, Read, Write};

use super::super::tar_write::{BLOCK, TarEntry, TarKind, encode_commented, encode_global_comment, padding};
use super::{LEFT_ALONE, LEFT_OUT};
use crate::base::{Epoch, ObjectId};

/// A commit, as git keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitObject {
    content: Vec<u8>,
    tree: ObjectId,
    time: Epoch,
}

impl CommitObject {
    /// Reads what git keeps of a commit; `None` where that makes no sense.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let text = |line: &'_ [u8]| std::str::from_utf8(line).ok().map(str::to_owned);
        let mut lines = content.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
        let tree = ObjectId::parse(&text(lines.next()?.strip_prefix(b"tree ")?)?)?;
        let committer = lines.find(|line| line.starts_with(b"committer "))?;
        // `committer NAME <MAIL> SECONDS ZONE`, where the name need not be UTF-8.
        let mut words = committer.rsplit(|byte| *byte == b' ');
        let seconds: i64 = text(words.nth(1)?)?.parse().ok()?;
        // What no header holds is as far as one goes.
        let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
        Some(Self { content: content.to_owned(), tree, time: Epoch::from_seconds(seconds) })
    }

    /// What git keeps of it.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Its tree.
    pub fn tree(&self) -> ObjectId {
        self.tree
    }
}

/// Writes the tar of a commit. Paths are below the top folder, without a slash at either end.
pub struct GitTarWriter<W> {
    stream: W,
    top: String,
    time: Epoch,
}

impl<W: Write> GitTarWriter<W> {
    /// Starts the archive of a commit, whose files go into the folder `top`.
    ///
    /// # Errors
    /// Those of writing.
    pub fn start(stream: W, top: &str, id: &ObjectId, commit: &CommitObject) -> io::Result<Self> {
        let mut writer = Self { stream, top: top.to_owned(), time: commit.time };
        writer.put(&encode_global_comment(&id.to_string(), commit.time))?;
        writer.folder("", Some(commit.content()))?;
        Ok(writer)
    }

    /// A folder of the repository.
    ///
    /// # Errors
    /// Those of writing.
    pub fn tree(&mut self, path: &str) -> io::Result<()> {
        self.folder(path, None)
    }

    /// The folder of a submodule, whose files follow.
    ///
    /// # Errors
    /// Those of writing.
    pub fn submodule(&mut self, path: &str, commit: &CommitObject) -> io::Result<()> {
        self.folder(path, Some(commit.content()))
    }

    /// The folder of a submodule whose files do not follow.
    ///
    /// # Errors
    /// Those of writing.
    pub fn left_out(&mut self, path: &str, id: &ObjectId) -> io::Result<()> {
        self.folder(path, Some(format!("{LEFT_OUT}{id}").as_bytes()))
    }

    /// The same, of a submodule that the repository says is to be left alone.
    ///
    /// # Errors
    /// Those of writing.
    pub fn left_alone(&mut self, path: &str, id: &ObjectId) -> io::Result<()> {
        self.folder(path, Some(format!("{LEFT_ALONE}{id}").as_bytes()))
    }

    /// A link.
    ///
    /// # Errors
    /// Those of writing.
    pub fn symlink(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.header(path, TarKind::Symlink(target), 0o777, None)
    }

    /// A file of a mode and a size, read from `content`.
    ///
    /// # Errors
    /// Those of reading and writing, and [`io::ErrorKind::UnexpectedEof`] when `content` ends early.
    pub fn file(&mut self, path: &str, mode: u32, size: u64, content: &mut dyn Read) -> io::Result<()> {
        self.header(path, TarKind::File(size), mode, None)?;
        if io::copy(&mut content.take(size), &mut self.stream)? != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.put(&vec![0; padding(size)])
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self) -> io::Result<()> {
        self.put(&[0; 2 * BLOCK as usize])?;
        self.stream.flush()
    }

    fn folder(&mut self, path: &str, comment: Option<&[u8]>) -> io::Result<()> {
        self.header(path, TarKind::Folder, 0o755, comment)
    }

    fn header(&mut self, path: &str, kind: TarKind<'_>, mode: u32, comment: Option<&[u8]>) -> io::Result<()> {
        let path = if path.is_empty() { self.top.clone() } else { format!("{}/{path}", self.top) };
        let entry = TarEntry { path: &path, kind, mode, mtime: self.time };
        self.put(&encode_commented(&entry, comment))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}
