//! How a bundle ends, so that a reader finds everything from there.
//!
//! ```text
//! members of entries … | tail: manifest.json, index.json, SHA256SUMS | trailer
//! ```
//!
//! The trailer is the [closing member](Closing), of fixed length. Its note says where the tail starts, in the file and in
//! the tar stream, and which SHA-256 the tail has. The index in the tail gives the place and the CRC-32 of every member
//! before it. So no byte of the file is without a check, and none of the checks depends on how a compressor works.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use super::rest::Rest;
use crate::archive::{Closing, Encoding, Member};
use crate::base::{RelPath, Sha256};

const VERSION: u8 = 1;
/// Version, two offsets, a SHA-256.
const NOTE: usize = 1 + 8 + 8 + 32;

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
    /// They are one, but for the version.
    Version {
        /// What it says.
        found: u8,
        /// Where it differs.
        at: usize,
        /// All else.
        trailer: Trailer,
    },
}

impl Trailer {
    /// The member that is written.
    pub(super) fn to_member(self, encoding: Encoding) -> Closing {
        let mut note = vec![VERSION];
        note.extend(self.tail_offset.to_le_bytes());
        note.extend(self.tail_content_offset.to_le_bytes());
        note.extend(self.tail_sha256.as_bytes());
        Closing::new(encoding, &note)
    }

    /// Reads the end of a file.
    pub(super) fn read(file: &File) -> io::Result<Found> {
        let length = file.metadata()?.len();
        for encoding in Encoding::ALL {
            let size = Self::length(encoding);
            let Some(start) = length.checked_sub(size as u64) else { continue };
            let mut bytes = vec![0; size];
            file.read_exact_at(&mut bytes, start)?;
            match Self::parse(encoding, &bytes) {
                Err(NoTrailer::Absent) => {}
                trailer => return Ok(Found { encoding, start, trailer }),
            }
        }
        Ok(Found { encoding: Encoding::default(), start: length, trailer: Err(NoTrailer::Absent) })
    }

    /// Length in the file.
    fn length(encoding: Encoding) -> usize {
        Closing::new(encoding, &[0; NOTE]).bytes().len()
    }

    fn parse(encoding: Encoding, bytes: &[u8]) -> Result<Self, NoTrailer> {
        let note = Closing::new(encoding, &[0; NOTE]).note_in(bytes).ok_or(NoTrailer::Absent)?;
        let mut number = [0; 8];
        number.copy_from_slice(&note[1..9]);
        let tail_offset = u64::from_le_bytes(number);
        number.copy_from_slice(&note[9..17]);
        let tail_content_offset = u64::from_le_bytes(number);
        let mut digest = [0; 32];
        digest.copy_from_slice(&note[17..49]);
        let trailer = Self { tail_offset, tail_content_offset, tail_sha256: Sha256::from_bytes(digest) };
        let wanted = trailer.to_member(encoding);
        let differing: Vec<usize> = (0..bytes.len()).filter(|index| bytes[*index] != wanted.bytes()[*index]).collect();
        match differing.as_slice() {
            [] => Ok(trailer),
            places if places.iter().all(|place| wanted.first().contains(place)) => {
                Err(NoTrailer::Version { found: note[0], at: places[0], trailer })
            }
            // A trailer with a few bytes changed is told apart from a file that ends elsewhere.
            few if few.len() <= 16 => Err(NoTrailer::Changed(few[0])),
            _ => Err(NoTrailer::Absent),
        }
    }
}

/// What the end of a file is.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) encoding: Encoding,
    /// Where the trailer starts; the file's length if there is none.
    pub(super) start: u64,
    pub(super) trailer: Result<Trailer, NoTrailer>,
}

/// `.hardtack/index.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) format: u32,
    /// Offset, length, content offset, content length and CRC-32 of every member before the tail.
    pub(super) members: Vec<(u64, u64, u64, u64, u32)>,
    /// Each entry with the offset of its header in the tar stream.
    pub(super) entries: Vec<(RelPath, u64)>,
    /// Where those are that the manifest lists and this has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rest: Option<Rest>,
}

impl Index {
    pub(super) fn new(members: &[Member], entries: Vec<(RelPath, u64)>, rest: Option<Rest>) -> Self {
        let tuple = |m: &Member| (m.offset, m.length, m.content_offset, m.content_length, m.crc);
        Self { format: 1, members: members.iter().map(tuple).collect(), entries, rest }
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
        for encoding in Encoding::ALL {
            let trailer = Trailer { tail_offset: 7, tail_content_offset: 1 << 40, tail_sha256: Sha256::of("x") };
            let closing = trailer.to_member(encoding);
            let bytes = closing.bytes();
            assert_eq!(Trailer::parse(encoding, bytes), Ok(trailer));
            for index in 0..bytes.len() {
                let mut changed = bytes.to_vec();
                changed[index] ^= 1;
                match Trailer::parse(encoding, &changed) {
                    Err(NoTrailer::Changed(at)) => assert_eq!(at, index),
                    Err(NoTrailer::Version { at, trailer: other, .. }) => {
                        assert!(closing.first().contains(&index) && at == index && other == trailer);
                    }
                    // What a changed offset or digest says is found wrong against the tail itself.
                    Ok(other) => assert_ne!(other, trailer),
                    Err(NoTrailer::Absent) => panic!("{encoding:?}, byte {index}"),
                }
            }
            assert_eq!(Trailer::parse(encoding, &vec![7; bytes.len()]), Err(NoTrailer::Absent));
        }
    }
}
