//! The parts of an apk package: gzip members one after another, told apart by where one ends in the compressed bytes.
//!
//! Version 2 of the format: a signature, if there is one, over the compressed control member; the control member, whose
//! SHA-1 is the package's identity in indexes; and the data, whose SHA-256 the control member names.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use camino::Utf8Path;
use flate2::bufread::{GzDecoder, MultiGzDecoder};

use super::read::read_small_tar;
use crate::base::{HashingReader, IoContext, PathError, Sha1, Sha256};

/// More than any signature or control member holds, uncompressed.
const MAX_MEMBER: u64 = 32 << 20;

/// Where the parts of a package lie in its file, and the digests they go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApkParts {
    /// The signature member.
    pub signature: Option<Range<u64>>,
    /// The control member.
    pub control: Range<u64>,
    /// All that follows.
    pub data: Range<u64>,
    /// SHA-1 of the control member as it is in the file.
    pub control_sha1: Sha1,
    /// SHA-256 of the data as it is in the file; it is the one that the control member names.
    pub data_sha256: Sha256,
}

/// Why a file is no apk package.
#[derive(Debug, thiserror::Error)]
pub enum ApkProblem {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] PathError),
    /// It is something else, or damaged.
    #[error("it is no apk package: {0}")]
    Malformed(String),
}

/// Reads how a package is made up, and checks that its data is what it says.
///
/// # Errors
/// [`ApkProblem`].
pub fn read_apk(path: &Utf8Path) -> Result<ApkParts, ApkProblem> {
    let malformed = |reason: &str| ApkProblem::Malformed(reason.to_owned());
    let mut file = Counted { inner: BufReader::new(File::open(path).at("open", path)?), at: 0 };
    let (first, content) = member(&mut file)?;
    let signed = first_name(&content).is_some_and(|name| name.starts_with(b".SIGN."));
    let (signature, (control, content)) =
        if signed { (Some(first), member(&mut file)?) } else { (None, (first, content)) };
    let files = read_small_tar(&content).map_err(|refusal| ApkProblem::Malformed(refusal.to_string()))?;
    let info = files.iter().find(|(name, _)| name == b".PKGINFO").ok_or_else(|| malformed("it has no `.PKGINFO`"))?;
    let text = String::from_utf8_lossy(&info.1);
    let datahash = text.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == "datahash");
    let datahash = datahash.and_then(|(_, value)| value.trim().parse::<Sha256>().ok());

    let length = file.inner.get_ref().metadata().at("inspect", path)?.len();
    let control_sha1 = Sha1::of(read_range(path, &control)?);
    let data = control.end..length;
    let mut raw = File::open(path).at("open", path)?;
    raw.seek(SeekFrom::Start(data.start)).at("read", path)?;
    let (data_sha256, _) = HashingReader::new(raw).drain().at("read", path)?;
    match datahash {
        None => Err(malformed("its `.PKGINFO` names no `datahash`")),
        Some(datahash) if datahash != data_sha256 => Err(malformed("its data is not what its `.PKGINFO` says")),
        Some(_) => Ok(ApkParts { signature, control, data, control_sha1, data_sha256 }),
    }
}

/// The bytes of a part as they are in the file.
///
/// # Errors
/// When they cannot be read.
pub fn read_range(path: &Utf8Path, range: &Range<u64>) -> Result<Vec<u8>, PathError> {
    let mut file = File::open(path).at("open", path)?;
    file.seek(SeekFrom::Start(range.start)).at("read", path)?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes).at("read", path)?;
    Ok(bytes)
}

/// The data of a package, uncompressed: a tar stream.
///
/// # Errors
/// When the file cannot be opened.
pub fn apk_data(path: &Utf8Path, parts: &ApkParts) -> Result<impl Read + use<>, PathError> {
    let mut file = File::open(path).at("open", path)?;
    file.seek(SeekFrom::Start(parts.data.start)).at("read", path)?;
    Ok(MultiGzDecoder::new(BufReader::new(file)))
}

/// The next member: where it is, and what it holds.
fn member(file: &mut Counted) -> Result<(Range<u64>, Vec<u8>), ApkProblem> {
    let start = file.at;
    let mut content = Vec::new();
    let read = GzDecoder::new(&mut *file).take(MAX_MEMBER + 1).read_to_end(&mut content);
    read.map_err(|error| ApkProblem::Malformed(error.to_string()))?;
    if content.len() as u64 > MAX_MEMBER {
        return Err(ApkProblem::Malformed("its control data is too large".to_owned()));
    }
    Ok((start..file.at, content))
}

/// The name in the first header of a tar stream.
fn first_name(tar: &[u8]) -> Option<&[u8]> {
    tar.get(..100)?.split(|byte| *byte == 0).next()
}

/// A file that knows how much of it was read.
struct Counted {
    inner: BufReader<File>,
    at: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.at += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::{TarEntry, TarKind, encode_entry};
    use super::*;

    fn gzip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        for (name, content) in files {
            let (kind, mtime) = (TarKind::File(content.len() as u64), crate::base::Epoch::from_seconds(0));
            encoder.write_all(&encode_entry(&TarEntry { path: name, kind, mode: 0o644, mtime })).expect("writes");
            encoder.write_all(content).expect("writes");
            encoder.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).expect("writes");
        }
        encoder.finish().expect("finishes")
    }

    #[test]
    fn members_are_told_apart_and_data_is_what_the_control_member_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Utf8Path::from_path(folder.path()).expect("UTF-8").join("foo.apk");
        let data = [gzip(&[("usr/a", b"a")]), gzip(&[("usr/b", b"b")])].concat();
        let info = format!("pkgname = foo\ndatahash = {}\n", Sha256::of(&data));
        let (sign, control) = (gzip(&[(".SIGN.RSA256.key", b"signature")]), gzip(&[(".PKGINFO", info.as_bytes())]));
        for signed in [true, false] {
            let head: &[u8] = if signed { &sign } else { b"" };
            std::fs::write(&path, [head, &control, &data].concat()).expect("writes");
            let parts = read_apk(&path).expect("reads");
            assert_eq!(parts.signature.is_some(), signed);
            assert_eq!(read_range(&path, &parts.control).expect("reads"), control);
            assert_eq!(read_range(&path, &parts.data).expect("reads"), data);
            assert_eq!((parts.control_sha1, parts.data_sha256), (Sha1::of(&control), Sha256::of(&data)));
        }
        std::fs::write(&path, [&control[..], &data[1..]].concat()).expect("writes");
        let error = read_apk(&path).expect_err("other data").to_string();
        assert_eq!(error, "it is no apk package: its data is not what its `.PKGINFO` says");
        std::fs::write(&path, "no gzip at all").expect("writes");
        assert!(matches!(read_apk(&path), Err(ApkProblem::Malformed(_))));
    }
}
