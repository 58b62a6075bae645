//! Single small files of an archive, read without unpacking it.

use camino::Utf8Path;

use super::error::Error;
use super::read::{self, Entry, EntryKind, Limits, SmallFile, detect};

/// The files of an archive that are `wanted` and not larger than `most` bytes, in the archive's order; at most `all` bytes
/// of them together. A file that is no
/// archive has none, nor has what is compressed and no archive.
///
/// # Errors
/// As [`examine`](super::examine) has them: the archive is read to its end.
pub fn pick(
    archive: &Utf8Path,
    (most, all): (u64, u64),
    wanted: &dyn Fn(&Entry) -> bool,
) -> Result<Vec<SmallFile>, Error> {
    let Some(format) = detect(archive)?.filter(|format| format.container != read::Container::Single) else {
        return Ok(Vec::new());
    };
    let limits = Limits::default().of_file(archive)?;
    let (mut found, mut left) = (Vec::new(), all);
    read::each(archive, format, "", limits, &mut |entry, content| {
        if entry.kind == EntryKind::File && entry.size <= most.min(left) && wanted(entry) {
            left -= entry.size;
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            found.push((entry.path.clone(), bytes));
        }
        Ok(())
    })?;
    Ok(found)
}
