//! A bundle that was unpacked by hand.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::layout::{MANIFEST, SUMS};
use super::manifest::{EntryRecord, Manifest, ManifestProblem, RecordKind};
use crate::base::{IoContext, RelPath, Sha256, fingerprint_file};

/// The folder an unpacked bundle is in.
#[derive(Debug)]
pub struct UnpackedBundle {
    folder: Utf8PathBuf,
    manifest: Manifest,
}

/// A file that is not what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: RelPath,
    /// It is not there.
    pub missing: bool,
    /// What is wrong, in words.
    pub reason: String,
}

impl UnpackedBundle {
    /// Opens the folder and checks the manifest against `SHA256SUMS`.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Newer`], [`Error::Manifest`].
    pub fn open(folder: &Utf8Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).at("read", &path)?;
        let sums_path = folder.join(SUMS);
        let sums = crate::base::read_to_string(&sums_path)?;
        let line = format!("{}  {MANIFEST}", Sha256::of(&text));
        if !sums.lines().any(|other| other == line) {
            let (path, entry) = (folder.to_owned(), MANIFEST.to_owned());
            return Err(Error::Damaged { path, entry, reason: format!("its SHA-256 is not the one in `{SUMS}`") });
        }
        let manifest = Manifest::parse(&text).map_err(|problem| match problem {
            ManifestProblem::Malformed(reason) => Error::Manifest { path: folder.to_owned(), reason },
            ManifestProblem::Newer(found) => {
                Error::Newer { path: folder.to_owned(), found, known: super::manifest::FORMAT }
            }
        })?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// What the bundle says it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Compares every file with the manifest. Files it does not list are not looked at: building adds some.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn check(&self) -> Result<Vec<Damage>, Error> {
        let mut damage = Vec::new();
        for (path, entry) in &self.manifest.entries {
            if let Some(problem) = self.check_entry(path, entry)? {
                damage.push(problem);
            }
        }
        Ok(damage)
    }

    fn check_entry(&self, path: &RelPath, entry: &EntryRecord) -> Result<Option<Damage>, Error> {
        let full = self.folder.join(path);
        let problem = |missing, reason: String| Ok(Some(Damage { path: path.clone(), missing, reason }));
        let metadata = match fs::symlink_metadata(&full) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return problem(true, "it is missing".to_owned());
            }
            Err(error) => return Err(error).at("inspect", &full).map_err(Error::Io),
        };
        match &entry.kind {
            RecordKind::Folder if metadata.is_dir() => Ok(None),
            RecordKind::Symlink { target } if metadata.is_symlink() => {
                let found = fs::read_link(&full).at("read link", &full)?;
                if found.as_os_str() == target.as_str() {
                    return Ok(None);
                }
                problem(false, format!("it leads to `{}`, not to `{target}`", found.display()))
            }
            RecordKind::File { size, sha256 } if metadata.is_file() => {
                let found = fingerprint_file(&full)?;
                if found.sha256 != *sha256 || found.size != *size {
                    return problem(false, format!("its SHA-256 is {}, the manifest says {sha256}", found.sha256));
                }
                // A noexec copy may lose the bit on the way; a build that needs it would fail far from the cause.
                let executable = metadata.permissions().mode() & 0o100 != 0;
                if entry.mode & 0o100 != 0 && !executable {
                    return problem(false, "it is no longer executable".to_owned());
                }
                Ok(None)
            }
            _ => problem(false, "it is something else than the manifest says".to_owned()),
        }
    }
}
