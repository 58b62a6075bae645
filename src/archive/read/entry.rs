//! What an archive says about one of its files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// One entry, its name checked and cleaned: relative, no `.` or `..`, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path below the archive's root; bytes, since real archives hold names that are no UTF-8. Empty for the root.
    pub path: Vec<u8>,
    /// File, folder or link.
    pub kind: EntryKind,
    /// Permission bits as the archive has them, setuid, setgid and sticky included.
    pub mode: u32,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Bytes of content; 0 for all but files.
    pub size: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, with its target as written.
    Symlink(Vec<u8>),
    /// Another name for an earlier file, by its cleaned path.
    HardLink(Vec<u8>),
}

impl Entry {
    /// The path as the system wants it.
    pub fn os_path(&self) -> &OsStr {
        OsStr::from_bytes(&self.path)
    }
}

/// A name for messages: lossy UTF-8 with control characters escaped.
pub(in crate::archive) fn show(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let escape = |c: char| {
        let needed = c.is_control() || c == '\u{fffd}' || ('\u{202a}'..='\u{202e}').contains(&c);
        if needed { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(escape).collect()
}
