//! A bundle that was unpacked by hand.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::framing::Index;
use super::layout::{INDEX, MANIFEST, SUMS};
use super::manifest::{EntryRecord, Manifest, ManifestProblem, RecordKind};
use super::rest::Rest;
use super::write::sums;
use crate::base::{IoContext, RelPath, Sha256, fingerprint_file, look_at};

/// The folder an unpacked bundle is in.
#[derive(Debug)]
pub struct UnpackedBundle {
    folder: Utf8PathBuf,
    manifest: Manifest,
    /// Where the rest of it is, of one that was unpacked last and has not all files.
    rest: Option<Rest>,
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
    /// Opens the folder and checks manifest, index and `SHA256SUMS` against each other.
    ///
    /// # Errors
    /// [`Error::UnpackedDamaged`], [`Error::Newer`], [`Error::Manifest`].
    pub fn open(folder: &Utf8Path) -> Result<Self, Error> {
        let path = || folder.to_owned();
        let damaged = |damage: Vec<String>| Error::UnpackedDamaged { path: path(), damage };
        let read = |name: &str| {
            let file = folder.join(name);
            match fs::read(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Err(damaged(vec![format!("`{name}`: it is missing")]))
                }
                other => Ok(other.at("read", &file)?),
            }
        };
        let (text, index, found) = (read(MANIFEST)?, read(INDEX)?, read(SUMS)?);
        let found = String::from_utf8_lossy(&found);
        let line = format!("{}  {MANIFEST}", Sha256::of(&text));
        if !found.lines().any(|other| other == line) {
            return Err(damaged(vec![format!("`{MANIFEST}`: its SHA-256 is not the one in `{SUMS}`")]));
        }
        let manifest = Manifest::parse(&text).map_err(|problem| match problem {
            ManifestProblem::Malformed(reason) => Error::Manifest { path: path(), reason },
            ManifestProblem::Newer(found) => Error::Newer { path: path(), found, known: super::manifest::FORMAT },
        })?;
        let rest = serde_json::from_slice::<Index>(&index).ok().and_then(|index| index.rest).filter(Rest::is_sound);
        let wanted = sums(&manifest, &text, &index, rest.is_none());
        if wanted != found {
            let differing = wanted.lines().find(|line| !found.lines().any(|other| other == *line));
            let name = differing.and_then(|line| line.split_once("  ")).map(|(_, name)| format!(" of `{name}`"));
            let reason = format!("`{SUMS}`: what it says{} is not so", name.unwrap_or_default());
            return Err(damaged(vec![reason]));
        }
        Ok(Self { folder: folder.to_owned(), manifest, rest })
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
        let mut folders = BTreeSet::new();
        for (path, entry) in &self.manifest.entries {
            let utf8: &Utf8Path = path.as_ref();
            folders.extend(utf8.ancestors().skip(1).filter(|above| *above != ""));
            if let Some(problem) = self.check_entry(path, entry)? {
                damage.push(problem);
            }
        }
        if let Some(rest) = self.rest.clone().filter(|_| damage.iter().any(|damage| damage.missing)) {
            let missing = damage.iter().filter(|damage| damage.missing);
            let lacking = missing.map(|damage| format!("file `{}`", damage.path)).collect();
            return Err(Error::Lacks { path: self.folder.clone(), rest, lacking });
        }
        for folder in folders {
            let is_link = fs::symlink_metadata(self.folder.join(folder)).is_ok_and(|metadata| metadata.is_symlink());
            if is_link && let Ok(path) = RelPath::new(folder.as_str()) {
                damage.push(Damage { path, missing: false, reason: "it is a link, not a folder".to_owned() });
            }
        }
        Ok(damage)
    }

    fn check_entry(&self, path: &RelPath, entry: &EntryRecord) -> Result<Option<Damage>, Error> {
        let full = self.folder.join(path);
        let problem = |missing, reason: String| Ok(Some(Damage { path: path.clone(), missing, reason }));
        let Some(metadata) = look_at(&full).at("inspect", &full)? else {
            return problem(true, "it is missing".to_owned());
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
