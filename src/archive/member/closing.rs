//! The last member: it ends the tar, and carries a note that all other readers pass over. Its length hangs on the note's
//! alone, so that it is found from the end of the file.

use std::ops::Range;

use data_encoding::HEXLOWER;

use super::super::tar_write::{BLOCK, padding};
use super::{Encoding, Stored, gzip, zstd};

/// Who wrote the note: the name of a gzip subfield (RFC 1952, section 2.3.1.1), and what a zstd frame that is skipped
/// starts with.
const ID: [u8; 2] = *b"HT";
/// The same in a tar that is not compressed. There the note follows what ends the archive, where no reader looks: Python's
/// takes no header there that nothing follows.
const WORD: &[u8] = b"hardtack ";
/// The two zero blocks that end a tar archive.
const END_OF_ARCHIVE: [u8; 2 * BLOCK as usize] = [0; 2 * BLOCK as usize];

/// The last member of a file, with a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    encoding: Encoding,
    bytes: Vec<u8>,
    /// Where the note is.
    note: Range<usize>,
}

impl Closing {
    /// With `note`, which is short.
    pub fn new(encoding: Encoding, note: &[u8]) -> Self {
        let stored = || Stored::new(encoding, END_OF_ARCHIVE.len() as u64).whole(&END_OF_ARCHIVE);
        let (before, note, after) = match encoding {
            Encoding::Gzip => {
                let header = gzip::header_with(ID, note.len());
                (header, note.to_vec(), stored()[gzip::HEADER.len()..].to_vec())
            }
            Encoding::Zstd => {
                let skipped = [&zstd::skipped_header(ID.len() + note.len())[..], &ID].concat();
                ([stored(), skipped].concat(), note.to_vec(), Vec::new())
            }
            Encoding::Plain => {
                let (before, text) = ([&END_OF_ARCHIVE, WORD].concat(), HEXLOWER.encode(note).into_bytes());
                let after = vec![0; padding((before.len() + text.len()) as u64)];
                (before, text, after)
            }
        };
        let place = before.len()..before.len() + note.len();
        Self { encoding, bytes: [before, note, after].concat(), note: place }
    }

    /// The member's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The note in bytes that may be such a member with a note of the same length. What is no digit passes for a zero: whoever
    /// makes the member of this note anew sees where the bytes differ.
    pub fn note_in(&self, member: &[u8]) -> Option<Vec<u8>> {
        let bytes = member.get(self.note.clone())?;
        let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0) as u8;
        Some(match self.encoding {
            Encoding::Plain => {
                bytes.chunks(2).map(|two| two.iter().fold(0, |sum, byte| sum << 4 | digit(byte))).collect()
            }
            Encoding::Gzip | Encoding::Zstd => bytes.to_vec(),
        })
    }

    /// Where in the member the note's first byte is.
    pub fn first(&self) -> Range<usize> {
        let each = if self.encoding == Encoding::Plain { 2 } else { 1 };
        self.note.start..self.note.start + each
    }
}
