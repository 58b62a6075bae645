//! A member that holds a file as it is, block by block, so that it is made while the file is read.

use std::hash::Hasher;

use super::{Encoding, gzip, zstd};

/// Bytes that are read at once, or a few more to make whole blocks of them.
const ROW: usize = 512 << 10;

/// One such member.
pub(in super::super) struct Stored {
    size: u64,
    checksum: Checksum,
}

/// What the format has at the end.
enum Checksum {
    Crc32(crc32fast::Hasher),
    Xxh64(Box<twox_hash::XxHash64>),
    None,
}

impl Stored {
    /// For a file of so many bytes, which are at least one.
    pub(in super::super) fn new(encoding: Encoding, size: u64) -> Self {
        let checksum = match encoding {
            Encoding::Gzip => Checksum::Crc32(crc32fast::Hasher::new()),
            Encoding::Zstd => Checksum::Xxh64(Box::new(twox_hash::XxHash64::with_seed(0))),
            Encoding::Plain => Checksum::None,
        };
        Self { size, checksum }
    }

    /// What comes before the first block.
    pub(in super::super) fn start(&self) -> Vec<u8> {
        match self.checksum {
            Checksum::Crc32(_) => gzip::HEADER.to_vec(),
            Checksum::Xxh64(_) => zstd::header(self.size),
            Checksum::None => Vec::new(),
        }
    }

    /// Bytes of the file in a block, unless it is the last.
    pub(in super::super) fn block(&self) -> usize {
        match self.checksum {
            Checksum::Crc32(_) => gzip::BLOCK,
            Checksum::Xxh64(_) => zstd::BLOCK,
            Checksum::None => ROW,
        }
    }

    /// Bytes that are best read at once: a row of whole blocks.
    pub(in super::super) fn row(&self) -> usize {
        ROW.next_multiple_of(self.block())
    }

    /// Bytes before each block.
    pub(in super::super) fn header(&self) -> usize {
        match self.checksum {
            Checksum::Crc32(_) => 5,
            Checksum::Xxh64(_) => 3,
            Checksum::None => 0,
        }
    }

    /// Takes note of the next block and writes what stands before it.
    pub(in super::super) fn add(&mut self, header: &mut [u8], block: &[u8], last: bool) {
        match &mut self.checksum {
            Checksum::Crc32(crc) => {
                crc.update(block);
                header.copy_from_slice(&gzip::stored_block_header(block.len() as u16, last));
            }
            Checksum::Xxh64(xxh64) => {
                xxh64.write(block);
                header.copy_from_slice(&zstd::raw_block_header(block.len(), last));
            }
            Checksum::None => {}
        }
    }

    /// What comes after the last block.
    pub(in super::super) fn end(self) -> Vec<u8> {
        match self.checksum {
            Checksum::Crc32(crc) => gzip::trailer(crc.finalize(), self.size).to_vec(),
            Checksum::Xxh64(xxh64) => zstd::trailer(xxh64.finish()).to_vec(),
            Checksum::None => Vec::new(),
        }
    }

    /// The whole member, of a file of one block.
    pub(super) fn whole(mut self, content: &[u8]) -> Vec<u8> {
        let mut header = vec![0; self.header()];
        self.add(&mut header, content, true);
        [self.start(), header, content.to_vec(), self.end()].concat()
    }
}
