//! One compressed file, which is no archive but is unpacked like one.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::entry::{Entry, EntryKind};
use super::limits::Limits;
use super::plan::clean_name;
use super::{Entries, Stop, Visit};

/// A file that was decompressed. Its length is known only then, so it waits on disk.
pub(super) struct Single {
    content: std::fs::File,
    entry: Entry,
}

impl Single {
    /// Decompresses a stream; the file in it is called `name`.
    pub(super) fn new(mut stream: impl Read, name: &str, limits: Limits) -> Result<Self, Stop> {
        let mut content = tempfile::tempfile()?;
        let size = io::copy(&mut (&mut stream).take(limits.total_size + 1), &mut content)?;
        if size > limits.total_size {
            return Err(Limits::too_large(limits.total_size).into());
        }
        content.flush()?;
        content.seek(SeekFrom::Start(0))?;
        let path = clean_name(name.as_bytes())?;
        Ok(Self { content, entry: Entry { path, kind: EntryKind::File, mode: 0o644, mtime: 0, size } })
    }
}

impl Entries for Single {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Stop> {
        visit(&self.entry, &mut self.content)
    }
}
