//! Config files on disk, as the config language asks for them.

use std::fs::File;
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::normalize;
use crate::config::{Error, ErrorKind, Loader, Location, MAX_CONFIG_SIZE, PathKind};

/// Reads config files from disk.
///
/// A folder can stand in for another: a project that is still unpacked elsewhere is resolved as if it were in place
/// already, and at a fixed path to see whether two machines understand it alike.
#[derive(Debug, Clone, Default)]
pub struct DiskFiles {
    stand_in: Option<(Utf8PathBuf, Utf8PathBuf)>,
    /// Paths below it are shown relative to it.
    shown_from: Option<Utf8PathBuf>,
}

impl DiskFiles {
    /// Reads files where they are; messages show paths below `shown_from` without it.
    pub fn new(shown_from: impl Into<Utf8PathBuf>) -> Self {
        Self { stand_in: None, shown_from: Some(shown_from.into()) }
    }

    /// Reads what is asked for below `place` from `folder`.
    pub fn standing_in(place: impl Into<Utf8PathBuf>, folder: impl Into<Utf8PathBuf>) -> Self {
        let (place, folder) = (place.into(), folder.into());
        Self { shown_from: Some(place.clone()), stand_in: Some((place, folder)) }
    }

    /// The real path of a location's.
    fn real(&self, path: &Utf8Path) -> Utf8PathBuf {
        // hardtack's own folder in the place is never stood in for: the bundle's own files may lie there.
        if let Some((place, folder)) = &self.stand_in
            && let Ok(below) = normalize(path).strip_prefix(place)
            && !below.starts_with(".hardtack")
        {
            return folder.join(below);
        }
        path.to_owned()
    }
}

fn unreadable(location: &Location, reason: impl ToString) -> Error {
    Error::new(ErrorKind::Read { name: location.as_str().to_owned(), reason: reason.to_string() })
}

impl Loader for DiskFiles {
    fn identity(&self, location: &Location) -> Result<String, Error> {
        let Location::Path(path) = location else {
            return Err(unreadable(location, "only files on disk are read here"));
        };
        let path = self.real(path);
        let metadata = path.metadata().map_err(|error| unreadable(location, reason(&error)))?;
        if metadata.is_dir() {
            return Err(unreadable(location, "it is a folder"));
        }
        // The folder decides what relative names in the file mean, so a link to the same text elsewhere is another file.
        let folder = path.parent().filter(|folder| *folder != "").unwrap_or(Utf8Path::new("."));
        let folder = folder.canonicalize_utf8().map_err(|error| unreadable(location, reason(&error)))?;
        Ok(folder.join(path.file_name().unwrap_or_default()).into_string())
    }

    fn read(&self, location: &Location) -> Result<Vec<u8>, Error> {
        match location {
            Location::Path(path) => {
                let file = File::open(self.real(path)).map_err(|error| unreadable(location, reason(&error)))?;
                let mut bytes = Vec::new();
                // One byte more than allowed tells that it is too much.
                let read = file.take(MAX_CONFIG_SIZE + 1).read_to_end(&mut bytes);
                read.map_err(|error| unreadable(location, reason(&error)))?;
                Ok(bytes)
            }
            Location::Url(_) => self.identity(location).map(|_| Vec::new()),
        }
    }

    fn path_kind(&self, path: &str) -> PathKind {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => PathKind::Folder,
            Ok(_) => PathKind::File,
            Err(_) => PathKind::Missing,
        }
    }

    fn display(&self, location: &Location) -> String {
        let Location::Path(path) = location else { return location.as_str().to_owned() };
        let path = normalize(path);
        match &self.shown_from {
            Some(base) => path.strip_prefix(base).map_or_else(|_| path.to_string(), ToString::to_string),
            None => path.into_string(),
        }
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    }
}
