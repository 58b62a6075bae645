//! Reading archives of strangers: every format says the same of its entries, and nothing is believed that is said twice
//! in different words.

mod content;
mod decompress;
mod entry;
mod format;
mod limits;
mod pax;
mod plan;
mod single;
mod sparse;
pub(super) mod tar;
mod zip;
mod zip_directory;

use std::fs::File;
use std::io::{self, Read};

use camino::Utf8Path;

pub use self::content::content_digest;
pub use self::decompress::Compression;
use self::decompress::decompressed;
pub(super) use self::entry::show;
pub use self::entry::{Entry, EntryKind};
pub use self::format::{Container, Format, detect};
pub use self::limits::{LimitError, Limits};
pub use self::plan::Links;
pub(super) use self::plan::Plan;
pub(super) use self::tar::TarReader;
pub use self::tar::{SmallFile, read_small_tar};
use super::error::{Error, Refusal};
use crate::base::{HashingReader, IoContext, PathError, Sha256};

/// Broken off by the stream, or refused.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    Refused(Refusal),
}

impl Stop {
    fn into_error(self, archive: &Utf8Path) -> Error {
        let archive = archive.to_owned();
        match self {
            Self::Refused(refusal) => Error::Refused { archive, refusal },
            Self::Io(error) if error.raw_os_error().is_some() => {
                Error::Io(PathError { action: "read", path: archive, source: error })
            }
            Self::Io(error) => Error::Damaged { archive, reason: error.to_string() },
        }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Stop {
    /// What is refused deep inside a stream comes out of it as an error of reading.
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()) {
            Some(refusal) => Self::Refused(refusal.clone()),
            None => Self::Io(error),
        }
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(io::ErrorKind::InvalidData, refusal)
    }
}

/// Told of each entry, with its content.
pub(super) type Visit<'v> = dyn FnMut(&Entry, &mut dyn Read) -> Result<(), Stop> + 'v;

/// An archive of one format.
trait Entries {
    /// Calls `visit` with each entry, in the archive's order, and checks what stands between and after them.
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Stop>;
}

/// Calls `visit` with each entry of the archive at `archive`; one compressed file is an entry named `name`.
pub(super) fn each(
    archive: &Utf8Path,
    format: Format,
    name: &str,
    limits: Limits,
    visit: &mut Visit<'_>,
) -> Result<(), Error> {
    let (file, limits) = open(archive, limits)?;
    let outcome = match format.container {
        Container::Zip => zip::Zip::open(file, limits).and_then(|mut entries| entries.each(visit)),
        Container::Tar => stream(file, format, limits).and_then(|mut stream| tar(&mut stream, limits, visit)),
        Container::Single => {
            stream(file, format, limits).and_then(|stream| single::Single::new(stream, name, limits)?.each(visit))
        }
    };
    outcome.map_err(|stop| stop.into_error(archive))
}

/// The same, with the digest of the tar stream of an archive that is compressed as a whole.
pub(super) fn each_hashed(
    archive: &Utf8Path,
    format: Format,
    name: &str,
    limits: Limits,
    visit: &mut Visit<'_>,
) -> Result<Option<Sha256>, Error> {
    if format.container != Container::Tar || format.compression == Compression::None {
        return each(archive, format, name, limits, visit).map(|()| None);
    }
    let (file, limits) = open(archive, limits)?;
    let digest = stream(file, format, limits).and_then(|stream| {
        let mut hashing = HashingReader::new(stream);
        tar(&mut hashing, limits, visit)?;
        Ok(hashing.drain()?.0)
    });
    digest.map(Some).map_err(|stop| stop.into_error(archive))
}

fn open(archive: &Utf8Path, limits: Limits) -> Result<(File, Limits), Error> {
    let file = File::open(archive).at("open", archive)?;
    let length = file.metadata().at("inspect", archive)?.len();
    Ok((file, limits.of_archive(length)))
}

fn tar(stream: &mut dyn Read, limits: Limits, visit: &mut Visit<'_>) -> Result<(), Stop> {
    Entries::each(&mut TarReader::new(stream, limits), visit)
}

/// What is in a compressed file, up to the limit.
fn stream(file: File, format: Format, limits: Limits) -> Result<Bounded, Stop> {
    Ok(Bounded {
        stream: decompressed(file, format.compression)?,
        left: limits.stream_size(),
        limit: limits.total_size,
    })
}

/// A stream that may not be longer than the limits allow.
struct Bounded {
    stream: Box<dyn Read>,
    left: u64,
    limit: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Some decompressors take a read of nothing that gives nothing for the end.
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.stream.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| Limits::too_large(self.limit))?;
        Ok(count)
    }
}
