//! How a bundle ends, so that a reader finds everything from there.
//!
//! ```text
//! members of entries … | tail: manifest.json, index.json, SHA256SUMS | trailer
//! ```
//!
//! The trailer is a gzip member of fixed length which holds tar's end-of-archive blocks. Its extra field (RFC 1952,
//! section 2.3.1.1, subfield `HT`) says where the tail starts, in the file and in the tar stream, and which SHA-256
//! the tail has. The index in the tail gives the place and the CRC-32 of every member before it. So no byte of the
//! file is without a check, and none of the checks depends on how a compressor works.

use serde::{Deserialize, Serialize};

use crate::archive::{Member, stored_member};
use crate::base::{RelPath, Sha256};

const VERSION: u8 = 1;
const SUBFIELD: [u8; 2] = *b"HT";
/// Version, two offsets, a SHA-256.
const DATA: usize = 1 + 8 + 8 + 32;
/// The two zero blocks that end a tar archive.
const END_OF_ARCHIVE: [u8; 1024] = [0; 1024];
/// Length of the whole trailer in the file.
pub(super) const TRAILER: usize = 10 + 2 + 4 + DATA + 5 + END_OF_ARCHIVE.len() + 8;
/// Where the version stands in the trailer.
pub(super) const VERSION_AT: usize = DATA_START;
/// Where the data starts in the trailer.
const DATA_START: usize = 10 + 2 + 4;

/// What the trailer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) tail_offset: u64,
    pub(super) tail_content_offset: u64,
    pub(super) tail_sha256: Sha256,
}

/// Why bytes are no trailer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTrailer {
    /// They do not look like one at all.
    Absent,
    /// They do, but the byte at this offset is not what it must be.
    Changed(usize),
    /// They are one, but for the version, which is this.
    Version(u8, Trailer),
}

impl Trailer {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut extra = SUBFIELD.to_vec();
        extra.extend((DATA as u16).to_le_bytes());
        extra.push(VERSION);
        extra.extend(self.tail_offset.to_le_bytes());
        extra.extend(self.tail_content_offset.to_le_bytes());
        extra.extend(self.tail_sha256.as_bytes());
        stored_member(&END_OF_ARCHIVE, &extra)
    }

    pub(super) fn parse(bytes: &[u8; TRAILER]) -> Result<Self, NoTrailer> {
        let data = &bytes[DATA_START..DATA_START + DATA];
        let mut number = [0; 8];
        number.copy_from_slice(&data[1..9]);
        let tail_offset = u64::from_le_bytes(number);
        number.copy_from_slice(&data[9..17]);
        let tail_content_offset = u64::from_le_bytes(number);
        let mut digest = [0; 32];
        digest.copy_from_slice(&data[17..49]);
        let trailer = Self { tail_offset, tail_content_offset, tail_sha256: Sha256::from_bytes(digest) };
        let wanted = trailer.to_bytes();
        let differing: Vec<usize> = (0..TRAILER).filter(|index| bytes[*index] != wanted[*index]).collect();
        match differing.as_slice() {
            [] => Ok(trailer),
            [DATA_START] => Err(NoTrailer::Version(bytes[DATA_START], trailer)),
            // A trailer with a few bytes changed is told apart from a file that ends elsewhere.
            few if few.len() <= 16 => Err(NoTrailer::Changed(few[0])),
            _ => Err(NoTrailer::Absent),
        }
    }
}

/// `.hardtack/index.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) format: u32,
    /// Offset, length, content offset, content length and CRC-32 of every member before the tail.
    pub(super) members: Vec<(u64, u64, u64, u64, u32)>,
    /// Each entry with the offset of its header in the tar stream.
    pub(super) entries: Vec<(RelPath, u64)>,
}

impl Index {
    pub(super) fn new(members: &[Member], entries: Vec<(RelPath, u64)>) -> Self {
        let tuple = |m: &Member| (m.offset, m.length, m.content_offset, m.content_length, m.crc);
        Self { format: 1, members: members.iter().map(tuple).collect(), entries }
    }

    pub(super) fn to_text(&self) -> Vec<u8> {
        // Numbers and strings always serialise.
        let mut text = serde_json::to_vec(self).expect("an index serialises");
        text.push(b'\n');
        text
    }

    /// The members, if they follow one another without a gap up to the tail.
    pub(super) fn members(&self, trailer: &Trailer) -> Option<Vec<Member>> {
        let (mut offset, mut content_offset) = (0u64, 0u64);
        let mut members = Vec::with_capacity(self.members.len());
        for &(at, length, content_at, content_length, crc) in &self.members {
            if at != offset || content_at != content_offset {
                return None;
            }
            offset = offset.checked_add(length)?;
            content_offset = content_offset.checked_add(content_length)?;
            members.push(Member { offset: at, length, content_offset: content_at, content_length, crc });
        }
        (offset == trailer.tail_offset && content_offset == trailer.tail_content_offset).then_some(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_of_a_trailer_shows() {
        let trailer = Trailer { tail_offset: 7, tail_content_offset: 1 << 40, tail_sha256: Sha256::of("x") };
        let bytes: [u8; TRAILER] = trailer.to_bytes().try_into().expect("of fixed length");
        assert_eq!(Trailer::parse(&bytes), Ok(trailer));
        for index in 0..TRAILER {
            let mut changed = bytes;
            changed[index] ^= 0x40;
            match Trailer::parse(&changed) {
                Err(NoTrailer::Changed(at)) => assert_eq!(at, index),
                Err(NoTrailer::Version(_, other)) => assert!(index == DATA_START && other == trailer),
                // What a changed offset or digest says is found wrong against the tail itself.
                Ok(other) => assert!((DATA_START + 1..DATA_START + DATA).contains(&index) && other != trailer),
                other => panic!("byte {index}: {other:?}"),
            }
        }
        assert_eq!(Trailer::parse(&[7; TRAILER]), Err(NoTrailer::Absent));
    }
}
