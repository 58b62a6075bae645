//! Files on their way into a cache: nothing sees them until they are whole.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::folders;
use super::layout::Layout;
use super::session::KeyLock;
use crate::base::{
    Begun, Fingerprint, Hasher, Head, IoContext, PathError, Sink, SourceKey, publish_file, read_limited, remove_tree,
    write_atomic,
};

/// A file being written into the cache; unless it is [kept](super::Cache::keep) it vanishes, or waits for the next
/// attempt where that can go on with it.
pub struct Staged {
    file: File,
    path: Utf8PathBuf,
    hasher: Hasher,
    /// The MD5 is taken too.
    md5: bool,
    length: u64,
    /// The etag of the body that is being written, and the file that says so; only where a next attempt may go on.
    unfinished: Option<Unfinished>,
    resumed: bool,
    kept: bool,
}

struct Unfinished {
    key: SourceKey,
    note: Utf8PathBuf,
    etag: Option<String>,
    whole: Option<u64>,
}

/// More than any note has, in bytes.
const LONGEST_NOTE: u64 = 64 << 10;

fn hasher(md5: bool) -> Hasher {
    if md5 { Hasher::with_md5() } else { Hasher::default() }
}

/// What is noted beside the first part of a body.
#[derive(Serialize, Deserialize)]
struct Note {
    key: SourceKey,
    etag: String,
    #[serde(default)]
    whole: Option<u64>,
}

impl Staged {
    /// A file for bytes that are at hand.
    pub(super) fn anonymous(layout: &Layout) -> Result<Self, Error> {
        let folder = layout.partial();
        folders::make(layout, &folder)?;
        let named = tempfile::Builder::new().prefix("tmp-").tempfile_in(&folder).at("create a file in", &folder)?;
        let (file, path) = named.keep().map_err(|error| error.error).at("create a file in", &folder)?;
        // Made in a folder whose path is UTF-8, under a name of letters.
        let path = Utf8PathBuf::from_path_buf(path).expect("a temporary file's name is ASCII");
        Ok(Self {
            file,
            path,
            hasher: hasher(true),
            md5: true,
            length: 0,
            unfinished: None,
            resumed: false,
            kept: false,
        })
    }

    /// A file for the bytes of a source, holding what an earlier attempt got. The lock is what keeps others from it.
    pub(super) fn of_source(layout: &Layout, lock: &KeyLock, md5: bool) -> Result<Self, Error> {
        if !lock.is_real() {
            return Self::anonymous(layout);
        }
        let (path, note) = (layout.partial_data(lock.key()), layout.partial_version(lock.key()));
        folders::make(layout, &layout.partial())?;
        let noted = read_limited(&note, LONGEST_NOTE).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        let noted = noted.filter(|noted| noted.key == *lock.key());
        let (etag, whole) = noted.map_or((None, None), |noted| (Some(noted.etag), noted.whole));
        // A link could lead anywhere, and what another user of the cache began is his.
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o600);
        let opened = open.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path);
        let user = rustix::process::geteuid().as_raw();
        let is_own = |data: &Metadata| data.is_file() && data.nlink() == 1 && data.uid() == user;
        let file = match opened {
            Ok(file) if is_own(&file.metadata().at("inspect", &path)?) => file,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Err(error).at("create", &path)?,
            Ok(_) | Err(_) => return Self::anonymous(layout),
        };
        if etag.is_none() {
            file.set_len(0).at("cut", &path)?;
        }
        let unfinished = Some(Unfinished { key: lock.key().clone(), note, etag, whole });
        let mut staged =
            Self { file, path, hasher: hasher(md5), md5, length: 0, unfinished, resumed: false, kept: false };
        staged.hash_begun()?;
        Ok(staged)
    }

    /// Takes what is in the file already into the digests.
    fn hash_begun(&mut self) -> Result<(), PathError> {
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match self.file.read(&mut buffer).at("read", &self.path)? {
                0 => return Ok(()),
                count => {
                    self.hasher.update(&buffer[..count]);
                    self.length += count as u64;
                }
            }
        }
    }

    /// Where it is until it is kept.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The digests of what was written.
    pub(super) fn fingerprint(&mut self) -> Fingerprint {
        std::mem::take(&mut self.hasher).finish()
    }

    /// Makes it the file at `path`, for good.
    pub(super) fn publish(mut self, path: &Utf8Path, mode: u32) -> Result<(), PathError> {
        publish_file(&self.file, &self.path, path, mode)?;
        self.kept = true;
        if let Some(Unfinished { note, .. }) = &self.unfinished {
            remove_tree(note)?;
        }
        Ok(())
    }

    /// The digests of what was written so far.
    pub fn so_far(&self) -> Fingerprint {
        self.hasher.clone().finish()
    }

    /// Whether it starts with what an earlier attempt got.
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// What is wrong is not gone on with.
    pub fn discard(mut self) {
        if let Some(unfinished) = self.unfinished.take() {
            let _ = fs::remove_file(unfinished.note);
        }
    }

    /// Fails where the disk has no room for so many bytes more.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let room = rustix::fs::fstatvfs(&self.file)?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        if bytes > free { Err(self.full(bytes, free)) } else { Ok(()) }
    }

    fn full(&self, needed: u64, free: u64) -> io::Error {
        let folder = self.path.parent().unwrap_or(&self.path);
        let text = format!("`{folder}` has {free} bytes free, {needed} more are needed");
        io::Error::new(io::ErrorKind::StorageFull, text)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.kept && self.begun().is_none() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        let count = match written {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                let free = rustix::fs::fstatvfs(&self.file).map_or(0, |room| room.f_bavail * room.f_frsize);
                return Err(self.full(bytes.len() as u64, free));
            }
            other => other?,
        };
        self.hasher.update(&bytes[..count]);
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for Staged {
    fn begun(&self) -> Option<Begun> {
        let etag = self.unfinished.as_ref()?.etag.clone()?;
        let whole = self.unfinished.as_ref()?.whole;
        (self.length > 0).then_some(Begun { length: self.length, etag, whole })
    }

    fn start(&mut self, head: &Head) -> io::Result<()> {
        if head.from == 0 && self.length > 0 {
            self.file.set_len(0)?;
            io::Seek::rewind(&mut self.file)?;
            (self.hasher, self.length) = (hasher(self.md5), 0);
        }
        self.resumed = head.from > 0;
        self.make_room(head.length.unwrap_or(0).saturating_sub(head.from))?;
        let Some(unfinished) = &mut self.unfinished else { return Ok(()) };
        let etag = head.validators.strong_etag().map(str::to_owned);
        if etag != unfinished.etag || head.from == 0 {
            let _ = fs::remove_file(&unfinished.note);
            if let Some(etag) = &etag {
                let note =
                    serde_json::to_vec(&Note { key: unfinished.key.clone(), etag: etag.clone(), whole: head.length })?;
                write_atomic(&unfinished.note, &note, 0o644).map_err(|error| error.source)?;
            }
            (unfinished.etag, unfinished.whole) = (etag, head.length);
        }
        Ok(())
    }
}
