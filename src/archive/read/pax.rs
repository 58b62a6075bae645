//! PAX extension headers: `length key=value` records (POSIX.1-2017, `pax`), and what GNU tar adds to them.

use super::sparse::Numbers;

/// What extension headers say about the entry after them.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) mtime: Option<i64>,
    pub(super) comment: Option<Vec<u8>>,
    pub(super) sparse: SparseRecords,
}

/// GNU's records of sparse files (the GNU tar manual, "Storing Sparse Files").
#[derive(Debug, Default)]
pub(super) struct SparseRecords {
    /// The file's own name: the header's is that of a stand-in.
    pub(super) name: Option<Vec<u8>>,
    pub(super) version: Option<u64>,
    pub(super) real_size: Option<u64>,
    /// Offsets and lengths, in turn.
    pub(super) map: Option<Numbers>,
}

impl SparseRecords {
    /// Whether the entry is a sparse file.
    pub(super) fn is_some(&self) -> bool {
        self.version.is_some() || self.real_size.is_some() || self.map.is_some()
    }
}

/// Takes the records of a header.
pub(super) fn read(mut records: &[u8], extensions: &mut Extensions) -> Result<(), &'static str> {
    const BAD: &str = "a PAX record that does not fit its length";
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ').ok_or(BAD)?;
        let digits = std::str::from_utf8(&records[..space]).map_err(|_| BAD)?;
        let length = usize::try_from(self::digits(digits).map_err(|_| BAD)?).map_err(|_| BAD)?;
        if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
            return Err(BAD);
        }
        let record = &records[space + 1..length - 1];
        let equals = record.iter().position(|byte| *byte == b'=').ok_or(BAD)?;
        take(&record[..equals], &record[equals + 1..], extensions)?;
        records = &records[length..];
    }
    Ok(())
}

fn take(key: &[u8], value: &[u8], extensions: &mut Extensions) -> Result<(), &'static str> {
    let text = || std::str::from_utf8(value).map_err(|_| "a PAX number that is no number");
    let number = || digits(text()?);
    let name = || if value.contains(&0) { Err("a PAX name with a NUL") } else { Ok(value.to_vec()) };
    let once = |slot: &mut Option<Vec<u8>>, value| match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err("two names for one entry"),
    };
    let sparse = &mut extensions.sparse;
    match key {
        // Nothing takes back what was said for all entries, which here is never believed.
        b"path" | b"linkpath" | b"size" | b"mtime" if value.is_empty() => {}
        b"path" => once(&mut extensions.path, name()?)?,
        b"linkpath" => once(&mut extensions.link, name()?)?,
        b"size" => size_once(&mut extensions.size, number()?)?,
        b"mtime" => {
            let seconds = text()?.split('.').next().unwrap_or_default();
            let (sign, seconds) = seconds.strip_prefix('-').map_or((1, seconds), |seconds| (-1, seconds));
            let seconds = if seconds.is_empty() { 0 } else { digits(seconds)? };
            let seconds = i64::try_from(seconds).map_err(|_| "a PAX time that is no number")?;
            extensions.mtime = Some(sign * seconds);
        }
        b"comment" => extensions.comment = Some(value.to_vec()),
        b"GNU.sparse.name" => once(&mut sparse.name, name()?)?,
        b"GNU.sparse.major" => sparse.version = Some(number()?),
        b"GNU.sparse.minor" if number()? != 0 => return Err("a sparse file of an unknown kind"),
        b"GNU.sparse.minor" | b"GNU.sparse.numblocks" => {}
        b"GNU.sparse.size" | b"GNU.sparse.realsize" => size_once(&mut sparse.real_size, number()?)?,
        b"GNU.sparse.map" => {
            let numbers = text()?.split(',').filter(|number| !number.is_empty());
            let numbers = numbers.map(digits);
            if sparse.map.replace(numbers.collect::<Result<_, _>>()?).is_some() {
                return Err("two maps for one sparse file");
            }
        }
        b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => sparse.map.get_or_insert_default().push(number()?),
        _ if key.starts_with(b"GNU.sparse.") => return Err("a sparse file of an unknown kind"),
        _ => {}
    }
    Ok(())
}

fn size_once(slot: &mut Option<u64>, size: u64) -> Result<(), &'static str> {
    match slot.replace(size) {
        None => Ok(()),
        Some(_) => Err("two sizes for one entry"),
    }
}

/// A number, without a sign.
fn digits(text: &str) -> Result<u64, &'static str> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map_err(|_| "a PAX number that is no number"),
        false => Err("a PAX number that is no number"),
    }
}
