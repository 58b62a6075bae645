//! Sparse files of GNU tar: stored without their holes, read with them.

use std::io::{self, Read};

use super::super::error::Refusal;

/// Offsets and lengths, in turn.
pub(super) type Numbers = Vec<u64>;

/// Where in a file the bytes belong that are stored of it.
#[derive(Debug)]
pub(super) struct Map {
    /// Offset and length of each piece, in order.
    pieces: Vec<(u64, u64)>,
    size: u64,
}

/// More pieces than any file has.
const MAX_PIECES: usize = 1 << 20;

impl Map {
    /// The map of a file of `size` bytes of which `stored` are there.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn new(numbers: &[u64], size: u64, stored: u64) -> Result<Self, &'static str> {
        const BAD: &str = "a map of a sparse file that does not fit it";
        if !numbers.len().is_multiple_of(2) || numbers.len() > 2 * MAX_PIECES {
            return Err(BAD);
        }
        let (mut end, mut sum) = (0u64, 0u64);
        let mut pieces = Vec::new();
        for pair in numbers.chunks_exact(2) {
            let (offset, length) = (pair[0], pair[1]);
            // A last piece of nothing only says where the file ends.
            if offset < end {
                return Err(BAD);
            }
            end = offset.checked_add(length).ok_or(BAD)?;
            sum = sum.checked_add(length).ok_or(BAD)?;
            pieces.push((offset, length));
        }
        if end > size || sum != stored {
            return Err(BAD);
        }
        Ok(Self { pieces, size })
    }

    /// The file's length, holes included.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// Reads a sparse file with its holes.
#[derive(Debug)]
pub(super) struct Holes {
    map: Map,
    piece: usize,
    at: u64,
}

impl Holes {
    pub(super) fn new(map: Map) -> Self {
        Self { map, piece: 0, at: 0 }
    }

    /// Fills `buffer` from holes, or says how many bytes at most come from what is stored.
    pub(super) fn next(&mut self, buffer: &mut [u8]) -> Next {
        loop {
            let left = self.map.size - self.at;
            if left == 0 || buffer.is_empty() {
                return Next::Hole(0);
            }
            let (start, end) = match self.map.pieces.get(self.piece) {
                Some((offset, length)) => (*offset, offset + length),
                None => (self.map.size, self.map.size),
            };
            if self.at < start {
                let count = (start - self.at).min(buffer.len() as u64) as usize;
                buffer[..count].fill(0);
                self.at += count as u64;
                return Next::Hole(count);
            }
            if self.at < end {
                return Next::Stored((end - self.at).min(buffer.len() as u64) as usize);
            }
            self.piece += 1;
        }
    }

    /// So many stored bytes were read.
    pub(super) fn advance(&mut self, count: usize) {
        self.at += count as u64;
    }
}

/// What comes next of a sparse file.
pub(super) enum Next {
    /// So many zeros, which are in the buffer; none at the end.
    Hole(usize),
    /// So many stored bytes at most.
    Stored(usize),
}

/// The numbers that stand before the content of a file of PAX format 1.0: how many pairs, and the pairs, each on a line.
/// Returns them and how many bytes were read, which are whole blocks.
pub(super) fn leading_map(content: &mut dyn Read, block: u64, limit: u64) -> io::Result<(Numbers, u64)> {
    let bad = || io::Error::from(Refusal::SparseMap);
    let (mut numbers, mut wanted, mut read) = (Numbers::new(), None, 0);
    let mut number: Option<u64> = None;
    let mut buffer = vec![0; block as usize];
    while wanted.is_none_or(|wanted| numbers.len() as u64 != wanted) {
        content.read_exact(&mut buffer)?;
        read += block;
        if read > limit {
            return Err(bad());
        }
        for byte in &buffer {
            match (byte, number) {
                (b'0'..=b'9', _) => {
                    let next = number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(u64::from(byte - b'0')));
                    number = Some(next.ok_or_else(bad)?);
                }
                (b'\n', Some(done)) => {
                    match wanted {
                        None => wanted = Some(done.checked_mul(2).ok_or_else(bad)?),
                        Some(_) => numbers.push(done),
                    }
                    number = None;
                    if wanted == Some(numbers.len() as u64) {
                        break;
                    }
                }
                _ => return Err(bad()),
            }
        }
    }
    Ok((numbers, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_fit_their_files_or_are_refused() {
        assert!(Map::new(&[0, 3, 10, 2, 20, 0], 20, 5).is_ok());
        for (numbers, size, stored) in [
            (&[0, 3, 2, 3][..], 10, 6),
            (&[0, 3], 2, 3),
            (&[0, 3], 3, 4),
            (&[0], 3, 0),
            (&[u64::MAX, 2], u64::MAX, 2),
            (&[5, 1, 1, 1], 10, 2),
        ] {
            assert!(Map::new(numbers, size, stored).is_err(), "{numbers:?}");
        }
    }

    #[test]
    fn leading_maps_are_lines_in_whole_blocks() {
        let block = |text: &str| {
            let mut block = text.as_bytes().to_vec();
            block.resize(512, 0);
            block
        };
        let read = |bytes: Vec<u8>| leading_map(&mut bytes.as_slice(), 512, 1 << 20);
        assert_eq!(read(block("2\n0\n5\n10\n1\n")).expect("a map"), (vec![0, 5, 10, 1], 512));
        for bad in ["2\n0\n5\n", "x", "99999999999999999999\n", "1\n-1\n", "9999999999999999999\n"] {
            assert!(read(block(bad)).is_err(), "{bad}");
        }
    }
}
