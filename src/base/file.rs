//! Files that are either whole or not there, and errors that name their path.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::NamedTempFile;
use walkdir::{DirEntry, WalkDir};

/// An I/O error with what was being done, and to what.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} `{path}`")]
pub struct PathError {
    /// A verb, as in "failed to read".
    pub action: &'static str,
    /// The file or folder.
    pub path: Utf8PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl PathError {
    /// Whether what is at the path is no file of the kind that was wanted: a pipe, or one that is far too long.
    pub fn is_no_such_file(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
    }
}

/// Adds path and verb to an I/O result.
pub trait IoContext<T> {
    /// Names the action and the path in the error.
    fn at(self, action: &'static str, path: impl AsRef<Utf8Path>) -> Result<T, PathError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: &'static str, path: impl AsRef<Utf8Path>) -> Result<T, PathError> {
        self.map_err(|source| PathError { action, path: path.as_ref().to_owned(), source })
    }
}

/// Makes a folder and all folders above it.
pub fn create_dir_all(path: &Utf8Path) -> Result<(), PathError> {
    fs::create_dir_all(path).at("create folder", path)
}

/// Opens a regular file to be read; nothing else, since a pipe would be waited for. A network file system may say once
/// that what it knew of the file is stale.
pub fn open_file(path: &Utf8Path) -> Result<File, PathError> {
    let open = || OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let opened = match open() {
        Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => open(),
        other => other,
    };
    let file = opened.at("open", path)?;
    if !file.metadata().at("inspect", path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")).at("open", path);
    }
    Ok(file)
}

/// The content of a file that should be small; one that is longer is an error.
pub fn read_limited(path: &Utf8Path, limit: u64) -> Result<Vec<u8>, PathError> {
    let mut bytes = Vec::new();
    open_file(path)?.take(limit + 1).read_to_end(&mut bytes).at("read", path)?;
    if bytes.len() as u64 > limit {
        let long = format!("it is longer than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, long)).at("read", path);
    }
    Ok(bytes)
}

/// The text of a file; bytes that are no UTF-8 are an error.
pub fn read_to_string(path: &Utf8Path) -> Result<String, PathError> {
    fs::read_to_string(path).at("read", path)
}

/// Flushes a folder's entries to disk, so that a rename in it survives a power cut.
pub fn sync_dir(path: &Utf8Path) -> Result<(), PathError> {
    File::open(path).and_then(|dir| dir.sync_all()).at("flush", path)
}

/// What names of files and folders start with that are being written: one that was killed may leave some.
pub const TEMPORARY: &str = ".hardtack-tmp-";

/// Writes `bytes` to `path` so that a reader, or a crash, sees the old file or the new one and nothing between.
pub fn write_atomic(path: &Utf8Path, bytes: &[u8], mode: u32) -> Result<(), PathError> {
    let folder = parent(path);
    create_dir_all(folder)?;
    let mut temporary =
        tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).at("create a file in", folder)?;
    temporary.write_all(bytes).at("write", path)?;
    publish(temporary, path, mode)
}

/// Flushes a temporary file and renames it to `path`, replacing what is there.
pub fn publish(temporary: NamedTempFile, path: &Utf8Path, mode: u32) -> Result<(), PathError> {
    let (file, from) = temporary.into_parts();
    let from = from.keep().map_err(|error| error.error).at("keep", path)?;
    let from = Utf8Path::from_path(&from).ok_or_else(|| io::Error::other("path is not UTF-8")).at("keep", path)?;
    publish_file(&file, from, path, mode).inspect_err(|_| drop(fs::remove_file(from)))
}

/// Flushes the open file that is at `from` and renames it to `path`, replacing what is there.
pub fn publish_file(file: &File, from: &Utf8Path, path: &Utf8Path, mode: u32) -> Result<(), PathError> {
    file.set_permissions(fs::Permissions::from_mode(mode)).at("set the mode of", path)?;
    file.sync_all().at("flush", path)?;
    fs::rename(from, path).at("rename into place", path)?;
    sync_dir(parent(path))
}

/// The folder of a file; the current one where only a name is given.
pub(super) fn parent(path: &Utf8Path) -> &Utf8Path {
    match path.parent() {
        Some(folder) if folder != "" => folder,
        _ => Utf8Path::new("."),
    }
}

/// All paths below `root` that are no folders, sorted by name, with their relative path.
pub fn files_below(root: &Utf8Path) -> Result<Vec<Utf8PathBuf>, PathError> {
    below(root, |entry| Ok(!entry.file_type().is_dir()))
}

/// All folders below `root` that have nothing in them, sorted by name, with their relative path.
pub fn empty_folders_below(root: &Utf8Path) -> Result<Vec<Utf8PathBuf>, PathError> {
    below(root, |entry| Ok(entry.file_type().is_dir() && fs::read_dir(entry.path())?.next().is_none()))
}

fn below(root: &Utf8Path, wanted: fn(&DirEntry) -> io::Result<bool>) -> Result<Vec<Utf8PathBuf>, PathError> {
    let mut paths = Vec::new();
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(io::Error::from).at("read folder", root)?;
        if wanted(&entry).at("read folder", root)? {
            let path = utf8(entry.path(), root)?;
            paths.push(path.strip_prefix(root).unwrap_or(path).to_owned());
        }
    }
    Ok(paths)
}

fn utf8<'a>(path: &'a std::path::Path, root: &Utf8Path) -> Result<&'a Utf8Path, PathError> {
    Utf8Path::from_path(path)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("name is not UTF-8: {}", path.display())))
        .at("read folder", root)
}

/// The folder in a folder, where that is all there is.
pub fn only_folder(folder: &Utf8Path) -> Result<Option<Utf8PathBuf>, PathError> {
    let entries = folder.read_dir_utf8().at("read folder", folder)?;
    let entries: Vec<_> = entries.take(2).collect::<Result<_, _>>().at("read folder", folder)?;
    Ok(match entries.as_slice() {
        [only] if only.file_type().at("inspect", only.path())?.is_dir() => Some(only.path().to_owned()),
        _ => None,
    })
}

/// Removes a file or a whole tree, also one with read-only folders; what is not there is no error.
pub fn remove_tree(path: &Utf8Path) -> Result<(), PathError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).at("inspect", path),
    };
    if !metadata.is_dir() {
        return fs::remove_file(path).at("remove", path);
    }
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    for entry in WalkDir::new(path).into_iter().flatten().filter(|entry| entry.file_type().is_dir()) {
        let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700));
    }
    fs::remove_dir_all(path).at("remove", path)
}

/// Works with a file or folder of these permissions, which need not have the `needed` bits, and has them meanwhile.
///
/// # Errors
/// When they cannot be given or taken back.
pub fn granting<T>(
    path: &Utf8Path,
    permissions: fs::Permissions,
    needed: u32,
    work: impl FnOnce() -> T,
) -> io::Result<T> {
    if permissions.mode() & needed == needed {
        return Ok(work());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(permissions.mode() | needed))?;
    let outcome = work();
    fs::set_permissions(path, permissions)?;
    Ok(outcome)
}

/// What is at `path`, links not followed; none where nothing is, nor a folder above it.
///
/// # Errors
/// When the system cannot tell.
pub fn look_at(path: impl AsRef<Path>) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether `path` is a folder without entries, or not there at all.
pub fn is_empty_dir(path: &Utf8Path) -> Result<bool, PathError> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).at("read folder", path),
    }
}
