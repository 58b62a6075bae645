//! Which files of the machine a step opens or runs, as a rehearsal writes them down.
//!
//! Only what was there and is a file counts. A path is looked up once: what the machine has does not change while a step
//! runs, since nothing of it can be written.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};

use super::super::used::{Used, UsedFiles};
use super::listener::FileCall;

/// Where a step finds itself, and not the machine.
const OWN: [&str; 5] = ["/proc", "/dev", "/sys", "/tmp", "/var/tmp"];

/// Scripts that run one another; the kernel gives up sooner.
const INTERPRETERS: usize = 6;

/// The files of one step.
pub(super) struct Opened {
    /// The root that the step sees; none for the machine's own.
    root: Option<Utf8PathBuf>,
    /// Folders that belong to the build.
    own: Vec<PathBuf>,
    /// The processes as they are seen from outside the sandbox.
    processes: OwnedFd,
    /// What was looked up.
    known: HashSet<Vec<u8>>,
    used: UsedFiles,
}

impl Opened {
    /// For a step that sees `root`, if that is not the machine's own, and works in the folders `own`.
    pub(super) fn new(processes: OwnedFd, root: Option<&Utf8Path>, own: impl Iterator<Item = Utf8PathBuf>) -> Self {
        let own = OWN.iter().map(PathBuf::from).chain(own.map(Utf8PathBuf::into_std_path_buf)).collect();
        let root = root.map(Utf8Path::to_owned);
        Self { root, own, processes, known: HashSet::new(), used: UsedFiles::default() }
    }

    pub(super) fn into_used(self) -> UsedFiles {
        self.used
    }

    /// Notes a file that `thread` opens or runs.
    pub(super) fn note(&mut self, call: FileCall, thread: i32) {
        let path = match call.path.first() {
            None => return,
            Some(b'/') => call.path,
            Some(_) => match self.folder(call.folder, thread) {
                Some(folder) => folder.join(OsString::from_vec(call.path)).into_os_string().into_vec(),
                None => return,
            },
        };
        let mut key = path.clone();
        // What is opened may be run later, which says more.
        key.push(u8::from(call.runs));
        if self.known.insert(key) {
            self.look_up(Path::new(&OsString::from_vec(path)), call.runs, INTERPRETERS);
        }
    }

    /// The folder that a path starts from, as the step knows it.
    fn folder(&self, descriptor: Option<i32>, thread: i32) -> Option<PathBuf> {
        let link = match descriptor {
            Some(descriptor) => format!("{thread}/fd/{descriptor}"),
            None => format!("{thread}/cwd"),
        };
        let target = rustix::fs::readlinkat(&self.processes, link, Vec::new()).ok()?;
        Some(self.as_seen(PathBuf::from(OsString::from_vec(target.into_bytes()))))
    }

    /// A path of this process as the step knows it.
    fn as_seen(&self, path: PathBuf) -> PathBuf {
        let below = self.root.as_ref().and_then(|root| path.strip_prefix(root).ok());
        below.map(|below| Path::new("/").join(below)).unwrap_or(path)
    }

    fn is_own(&self, path: &Path) -> bool {
        self.own.iter().any(|own| path.starts_with(own))
    }

    /// Looks a path up, and what runs it if it is a script, of which so many may lead to one another.
    fn look_up(&mut self, path: &Path, runs: bool, scripts: usize) {
        let goes_up = path.components().any(|component| component == std::path::Component::ParentDir);
        if !goes_up && self.is_own(path) {
            // A script of the build's own says which program it is for.
            if runs {
                self.look_at_script(path, scripts);
            }
            return;
        }
        let Some((file, is)) = self.open(path) else { return };
        let is_file =
            rustix::fs::fstat(&file).is_ok_and(|data| FileType::from_raw_mode(data.st_mode) == FileType::RegularFile);
        if !is_file {
            return;
        }
        if runs {
            self.look_at_script(path, scripts);
        }
        let folder = path.parent().and_then(|folder| self.open(folder)).map(|(_, folder)| folder);
        let name = folder.zip(path.file_name()).map(|(folder, name)| folder.join(name));
        let (Some(name), Ok(is)) = (name, Utf8PathBuf::from_path_buf(is)) else { return };
        let Ok(name) = Utf8PathBuf::from_path_buf(name) else { return };
        if self.is_own(is.as_std_path()) {
            return;
        }
        let is = (is != name).then_some(is);
        let script =
            name.extension() == Some("so") && is.is_none() && self.head(path, 4).is_some_and(|head| head != b"\x7fELF");
        let used = self.used.entry(name).or_insert(Used { runs: false, probed: false, script, is });
        used.runs |= runs;
    }

    /// Opens a path as the step would, without reading it; with it the path without any links.
    fn open(&self, path: &Path) -> Option<(OwnedFd, PathBuf)> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let opened = match &self.root {
            None => rustix::fs::open(path, flags, Mode::empty()),
            Some(root) => {
                let root = rustix::fs::open(root.as_std_path(), flags | OFlags::DIRECTORY, Mode::empty()).ok()?;
                rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)
            }
        };
        let file = opened.ok()?;
        let path = rustix::fs::readlinkat(&self.processes, own_descriptor(&file), Vec::new()).ok()?;
        let path = PathBuf::from(OsString::from_vec(path.into_bytes()));
        Some((file, self.as_seen(path)))
    }

    /// The first bytes of a file.
    fn head(&self, path: &Path, length: u64) -> Option<Vec<u8>> {
        let (file, _) = self.open(path)?;
        // Opened again to be read: the first was only to find it.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let again = rustix::fs::openat(&self.processes, own_descriptor(&file), flags, Mode::empty()).ok()?;
        let mut head = Vec::new();
        File::from(again).take(length).read_to_end(&mut head).ok()?;
        Some(head)
    }

    /// The kernel runs a script's interpreter without a call of its own.
    fn look_at_script(&mut self, path: &Path, scripts: usize) {
        let Some(left) = scripts.checked_sub(1) else { return };
        let Some(head) = self.head(path, 256) else { return };
        let Some(line) = head.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next()) else {
            return;
        };
        let words = line.split(|byte| byte.is_ascii_whitespace()).find(|word| word.starts_with(b"/"));
        if let Some(interpreter) = words {
            self.look_up(Path::new(std::ffi::OsStr::from_bytes(interpreter)), true, left);
        }
    }
}

/// A descriptor of this process, below its `/proc`.
fn own_descriptor(file: &OwnedFd) -> String {
    format!("self/fd/{}", file.as_raw_fd())
}
