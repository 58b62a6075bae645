//! Why it is not known which distributions a part takes.

use crate::archive::Error as ArchiveError;
use crate::base::PathError;

/// An error on the way from requirements to files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// There is no such Python.
    #[error("part `{part}` is for `{program}`, which cannot be run: {reason}")]
    NoPython {
        /// The part.
        part: String,
        /// The program.
        program: String,
        /// Why not.
        reason: String,
    },
    /// It has no pip, or one that knows no dry runs.
    #[error("`{program}` has no pip of 22.2 or newer: {reason}")]
    NoPip {
        /// The Python.
        program: String,
        /// What it said.
        reason: String,
    },
    /// Pip gave up.
    #[error("pip found nothing to take for part `{part}` ({asked}): {reason}")]
    Pip {
        /// The part.
        part: String,
        /// What it was asked for.
        asked: String,
        /// What it said.
        reason: String,
    },
    /// Pip's report is not what is known of it.
    #[error("pip's report for part `{part}` is not understood: {reason}")]
    Report {
        /// The part.
        part: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A requirement names a folder or a repository.
    #[error(
        "part `{part}` takes `{name}` from `{url}`, which is no file, or only a folder in one, and so cannot be locked"
    )]
    NoFile {
        /// The part.
        part: String,
        /// The distribution.
        name: String,
        /// Where it is.
        url: String,
    },
    /// Two distributions have one name.
    #[error("part `{part}` takes two files called `{file}`, of which there can be one in a folder")]
    SameName {
        /// The part.
        part: String,
        /// Their name.
        file: String,
    },
    /// A folder of `find-links` is not there.
    #[error("part `{part}` is to look in `{path}`, which is not there")]
    NoLinks {
        /// The part.
        part: String,
        /// The folder.
        path: camino::Utf8PathBuf,
    },
    /// The bundle is for another kind of machine.
    #[error("part `{part}` is for {target}, and its distributions cannot be found on {here}")]
    OtherMachine {
        /// The part.
        part: String,
        /// What it is for.
        target: String,
        /// What this is.
        here: String,
    },
    /// Distributions that no version is written down for, where all must have one.
    #[error("part `{part}` takes what has no version in [versions]: {}", picked.join(", "))]
    Picked {
        /// The part.
        part: String,
        /// Them, with the versions that were picked.
        picked: Vec<String>,
    },
    /// A wheel is for newer machines than those the bundle is for.
    #[error(
        "part `{part}` takes `{wheel}`, which is for machines with glibc {wheel_glibc}, and the target has {glibc}"
    )]
    TooNew {
        /// The part.
        part: String,
        /// The wheel's file.
        wheel: String,
        /// The version it needs.
        wheel_glibc: String,
        /// The version the target has.
        glibc: String,
    },
    /// A wheel is for another kind of machine.
    #[error("part `{part}` takes `{wheel}`, which is for the machine the bundle is made on alone")]
    NotPortable {
        /// The part.
        part: String,
        /// The wheel's file.
        wheel: String,
    },
    /// A source distribution cannot be read.
    #[error("source distribution `{file}` of part `{part}`: {reason}")]
    Sdist {
        /// The part.
        part: String,
        /// Its file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A source distribution cannot be unpacked.
    #[error("source distribution `{file}` of part `{part}` cannot be unpacked")]
    Unpack {
        /// The part.
        part: String,
        /// Its file.
        file: String,
        /// Why.
        source: ArchiveError,
    },
}
