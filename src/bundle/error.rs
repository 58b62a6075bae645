//! What can go wrong with making or reading a bundle.

use camino::Utf8PathBuf;

use super::failure::Failure;
use super::rest::Rest;
use crate::base::{PathError, Place, RelPath};
use crate::{cache, config, lock};

/// An error with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// The config does not resolve.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] cache::Error),
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] lock::Error),
    /// Sources that could not be had; everything was tried before this was said.
    #[error("{}", summary(.0))]
    Sources(Vec<Failure>),
    /// `[hardtack] name` or `version` is missing.
    #[error("a bundle needs a {0}: set `{0}` in section [hardtack], or give `--{0}`")]
    Unnamed(&'static str),
    /// A setting that does not fit.
    #[error("option `hardtack:{option}`: {reason}")]
    Setting {
        /// The option.
        option: String,
        /// What is wrong with it.
        reason: String,
        /// The line.
        place: Option<Box<Place>>,
    },
    /// git could not be asked.
    #[error("failed to ask git about `{folder}`: {reason}")]
    Git {
        /// The folder.
        folder: Utf8PathBuf,
        /// What git says.
        reason: String,
    },
    /// Files that differ from the last commit.
    #[error("the project has uncommitted changes: {}", list(.0))]
    Dirty(Vec<String>),
    /// A config so far away that everything between would be packed.
    #[error("config `{file}` would make all of `{root}` the project")]
    TooWide {
        /// The config.
        file: Utf8PathBuf,
        /// The nearest folder above it and the project.
        root: Utf8PathBuf,
    },
    /// A file that git-lfs has not fetched.
    #[error("`{path}` is a git-lfs pointer, not the file itself")]
    LfsPointer {
        /// The file.
        path: Utf8PathBuf,
    },
    /// A project file that cannot be packed.
    #[error("`{path}` cannot be packed: {reason}")]
    Unpackable {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that is not what it was when it was looked at.
    #[error("`{path}` changed while it was packed")]
    Changed {
        /// The file.
        path: Utf8PathBuf,
    },
    /// A project file where the bundle has one of its own.
    #[error("`{path}` has a name that is reserved in a bundle")]
    Reserved {
        /// The file.
        path: Utf8PathBuf,
    },
    /// A part put where a bundle or an installation has something of its own.
    #[error("part `{part}` would be put to `{location}`, which is hardtack's own")]
    ReservedLocation {
        /// The part.
        part: String,
        /// Its location.
        location: RelPath,
    },
    /// The installer is no program hardtack could start.
    #[error("`{path}` cannot be the installer: {reason}")]
    Installer {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        reason: String,
    },
    /// Not a bundle, or the end is missing.
    #[error("`{path}` is not a bundle, or is cut short: {reason}")]
    NotABundle {
        /// The file.
        path: Utf8PathBuf,
        /// What is missing.
        reason: &'static str,
    },
    /// A newer hardtack made it.
    #[error("`{path}` has bundle format {found}, this hardtack knows format {known}")]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// A file in the bundle has other bytes than the manifest says.
    #[error("`{entry}` in `{path}` is damaged: {reason}")]
    Damaged {
        /// The bundle.
        path: Utf8PathBuf,
        /// The file in it.
        entry: String,
        /// How it differs.
        reason: String,
    },
    /// Bytes between the files are not what they must be.
    #[error("the archive framing of `{path}` is damaged at byte {offset}: {reason}")]
    Framing {
        /// The bundle.
        path: Utf8PathBuf,
        /// Offset in the file.
        offset: u64,
        /// How it differs.
        reason: String,
    },
    /// Files of an unpacked bundle that are not what the manifest says.
    #[error("the unpacked bundle `{path}` is damaged: {}", list(.damage))]
    UnpackedDamaged {
        /// The folder.
        path: Utf8PathBuf,
        /// Each file with what is wrong.
        damage: Vec<String>,
    },
    /// A file that is larger than a volume.
    #[error("`{path}` has {size} bytes, and a volume has room for {room}")]
    NoVolume {
        /// The file in the bundle.
        path: RelPath,
        /// Its length.
        size: u64,
        /// Room of a volume for one file, in bytes.
        room: u64,
    },
    /// A bundle that has not all its files, and nothing has the others.
    #[error("`{path}` is {rest}, and not all of the rest is there; missing: {}", list(.lacking))]
    Lacks {
        /// The bundle.
        path: Utf8PathBuf,
        /// Where the rest is.
        rest: Rest,
        /// What is missing, in words.
        lacking: Vec<String>,
    },
    /// The manifest contradicts itself.
    #[error("the manifest of `{path}` is malformed: {reason}")]
    Manifest {
        /// The bundle.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: String,
    },
}

fn summary(failures: &[Failure]) -> String {
    match failures {
        [one] => one.to_string(),
        many => format!("{} sources could not be had", many.len()),
    }
}

/// The first few of many.
fn list(items: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = items[..items.len().min(SHOWN)].join(", ");
    if items.len() > SHOWN {
        text += &format!(" and {} more", items.len() - SHOWN);
    }
    text
}
