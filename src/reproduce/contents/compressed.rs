//! Compressed files: what is in them, and what their headers say.

use std::io::Read;

use super::spot::What;

const GZIP: &[u8] = &[0x1f, 0x8b, 8];
const XZ: &[u8] = b"\xfd7zXZ\0";
const BZIP2: &[u8] = b"BZh";
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// What a compressed file holds; none where it is not compressed, or broken, or more than there is room for.
pub(super) fn unpacked(bytes: &[u8], room: u64) -> Option<Vec<u8>> {
    let reader: Box<dyn Read + '_> = if bytes.starts_with(GZIP) {
        Box::new(flate2::read::MultiGzDecoder::new(bytes))
    } else if bytes.starts_with(XZ) {
        Box::new(lzma_rust2::XzReader::new(bytes, true))
    } else if bytes.starts_with(BZIP2) {
        Box::new(bzip2::read::MultiBzDecoder::new(bytes))
    } else if bytes.starts_with(ZSTD) {
        Box::new(zstd::Decoder::new(bytes).ok()?)
    } else {
        return None;
    };
    let mut content = Vec::new();
    reader.take(room + 1).read_to_end(&mut content).ok()?;
    (content.len() as u64 <= room).then_some(content)
}

/// How headers of two gzip files differ (RFC 1952, 2.3).
pub(super) fn header_differences(bytes: [&[u8]; 2]) -> Vec<(What, [String; 2])> {
    let headers = bytes.map(|bytes| flate2::read::GzDecoder::new(bytes).header().cloned());
    let [Some(first), Some(second)] = headers else { return Vec::new() };
    let mut found = Vec::new();
    if first.mtime() != second.mtime() {
        found.push((What::GzipTime, [first.mtime(), second.mtime()].map(moment)));
    }
    if first.filename() != second.filename() {
        let name = |name: Option<&[u8]>| String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
        found.push((What::GzipName, [first.filename(), second.filename()].map(name)));
    }
    found
}

/// A time in seconds since 1970.
pub(super) fn moment(seconds: impl Into<i64>) -> String {
    match jiff::Timestamp::from_second(seconds.into()) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "a time that no calendar has".to_owned(),
    }
}
