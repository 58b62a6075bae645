//! The digest of what a compressor was given: the same however it was compressed.

use std::io::Read;

use camino::Utf8Path;

use super::decompress::{Compression, decompressed};
use super::format::{Container, detect};
use super::limits::Limits;
use crate::base::{HashingReader, Sha256, open_file};

/// The SHA-256 of the tar stream in a compressed archive; `None` for what is not compressed as a whole, or damaged, or
/// larger than any archive may be.
pub fn content_digest(archive: &Utf8Path) -> Option<Sha256> {
    let format = detect(archive).ok()??;
    if format.compression == Compression::None || format.container != Container::Tar {
        return None;
    }
    let limit = Limits::default().total_size;
    let stream = decompressed(open_file(archive).ok()?, format.compression).ok()?;
    let (sha256, size) = HashingReader::new(stream.take(limit + 1)).drain().ok()?;
    (size <= limit).then_some(sha256)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::super::{TarEntry, TarKind, encode_entry};
    use super::*;
    use crate::base::Epoch;

    #[test]
    fn the_same_files_have_one_digest_however_they_are_compressed() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let entry = TarEntry { path: "a", kind: TarKind::File(0), mode: 0o644, mtime: Epoch::from_seconds(0) };
        let tar = [encode_entry(&entry), vec![0; 1024]].concat();
        let gzip = |level: u32| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
            encoder.write_all(&tar).expect("writes");
            encoder.finish().expect("finishes")
        };
        let digest = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.join(name), bytes).expect("writes");
            content_digest(&folder.join(name))
        };
        assert_ne!(gzip(0), gzip(9));
        assert_eq!(digest("fast.tgz", &gzip(0)), Some(Sha256::of(&tar)));
        assert_eq!(digest("best.tgz", &gzip(9)), Some(Sha256::of(&tar)));
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        encoder.write_all(&tar).expect("writes");
        assert_eq!(digest("other.tbz", &encoder.finish().expect("finishes")), Some(Sha256::of(&tar)));
        assert_eq!(digest("plain.tar", &tar), None);
        assert_eq!(digest("page.html", b"<html>"), None);
        assert_eq!(digest("cut.tgz", &gzip(9)[..30]), None);
    }
}
