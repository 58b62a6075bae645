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
mod tar;
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
use crate::base::IoContext;

/// Broken off by the stream, or refused.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    Refused(Refusal),
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
    let file = File::open(archive).at("open", archive)?;
    let length = file.metadata().at("inspect", archive)?.len();
    let limits = limits.of_archive(length);
    let outcome = match format.container {
        Container::Zip => zip::Zip::open(file).and_then(|mut entries| entries.each(visit)),
        Container::Tar => stream(file, format, limits).and_then(|mut stream| {
            let mut entries = TarReader::new(&mut stream, limits);
            Entries::each(&mut entries, visit)
        }),
        Container::Single => {
            stream(file, format, limits).and_then(|stream| single::Single::new(stream, name, limits)?.each(visit))
        }
    };
    outcome.map_err(|stop| match stop {
        Stop::Refused(refusal) => Error::Refused { archive: archive.to_owned(), refusal },
        Stop::Io(error) if error.raw_os_error().is_some() => {
            let path = archive.to_owned();
            Error::Io(crate::base::PathError { action: "unpack", path, source: error })
        }
        Stop::Io(error) => Error::Damaged { archive: archive.to_owned(), reason: error.to_string() },
    })
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
