//! Which member holds what: decided by the files alone, before the first byte is written.

use std::fs::File;
use std::io::Read;

use super::super::member::{CHUNK, Encoding};
use super::super::tar_write::{TarEntry, TarKind, encode_entry, padding};
use super::compressible::{HEAD, MIN_STORED, looks_compressed};
use super::{PackContent, PackError, PackItem};
use crate::base::{Epoch, IoContext, in_parallel};

/// Everything that is packed, by member.
pub(super) struct Plan<'p> {
    pub(super) encoding: Encoding,
    pub(super) items: &'p [PackItem],
    pub(super) units: Vec<Unit>,
    /// Items whose content is in several members, so that none of those who make them sees all of it.
    pub(super) split: Vec<usize>,
    /// Of each item, where its header is in the tar stream.
    pub(super) offsets: Vec<u64>,
    pub(super) sizes: Vec<u64>,
}

/// What one member holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Headers, files and padding, compressed together.
    Entries(Vec<Piece>),
    /// The content of one file, as it is.
    Stored(usize),
}

/// A piece of the tar stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// An item's header.
    Header(Vec<u8>),
    /// So many bytes of an item's content, from an offset.
    Content { item: usize, from: u64, length: u64 },
    /// So many zeros.
    Padding(usize),
}

impl<'p> Plan<'p> {
    pub(super) fn new(
        items: &'p [PackItem],
        encoding: Encoding,
        mtime: Epoch,
        threads: usize,
    ) -> Result<Self, PackError> {
        // Large files are tried before they are packed.
        let looks = in_parallel(items, threads, |item| look_at(item, encoding));
        let looks: Vec<Look> = looks.into_iter().collect::<Result<_, _>>()?;
        let sizes: Vec<u64> = looks.iter().map(|look| look.size).collect();
        let mut building = Building { units: Vec::new(), pieces: Vec::new(), length: 0 };
        let (mut split, mut offsets, mut offset) = (Vec::new(), Vec::new(), 0u64);
        for (index, (item, look)) in items.iter().zip(&looks).enumerate() {
            let kind = match &item.content {
                PackContent::Folder => TarKind::Folder,
                PackContent::Symlink(target) => TarKind::Symlink(target),
                PackContent::Memory(_) | PackContent::File(_) => TarKind::File(look.size),
            };
            let header = encode_entry(&TarEntry { path: &item.path, kind, mode: item.mode, mtime });
            offsets.push(offset);
            let padding = padding(look.size);
            let whole = header.len() as u64 + look.size + padding as u64;
            offset += whole;
            if look.stored {
                building.add(Piece::Header(header));
                building.cut();
                building.units.push(Unit::Stored(index));
            } else {
                // A member that holds whole entries can be read without its neighbours.
                if building.length + whole > CHUNK {
                    building.cut();
                }
                building.add(Piece::Header(header));
                let mut from = 0;
                if look.size == 0 && matches!(kind, TarKind::File(_)) {
                    // Whoever makes the member takes its digest.
                    building.add(Piece::Content { item: index, from, length: 0 });
                }
                while from < look.size {
                    let length = (look.size - from).min(CHUNK - building.length);
                    building.add(Piece::Content { item: index, from, length });
                    from += length;
                    if building.length == CHUNK {
                        building.cut();
                    }
                }
                if whole > CHUNK {
                    split.push(index);
                }
            }
            if padding > 0 {
                building.add(Piece::Padding(padding));
            }
        }
        building.cut();
        Ok(Self { encoding, items, units: building.units, split, offsets, sizes })
    }
}

/// Members that are being put together.
struct Building {
    units: Vec<Unit>,
    pieces: Vec<Piece>,
    length: u64,
}

impl Building {
    fn add(&mut self, piece: Piece) {
        self.length += match &piece {
            Piece::Header(header) => header.len() as u64,
            Piece::Content { length, .. } => *length,
            Piece::Padding(count) => *count as u64,
        };
        self.pieces.push(piece);
    }

    fn cut(&mut self) {
        if !self.pieces.is_empty() {
            self.units.push(Unit::Entries(std::mem::take(&mut self.pieces)));
            self.length = 0;
        }
    }
}

/// What a look at an item told.
#[derive(Clone, Copy, Default)]
struct Look {
    size: u64,
    stored: bool,
}

fn look_at(item: &PackItem, encoding: Encoding) -> Result<Look, PackError> {
    match &item.content {
        PackContent::Folder | PackContent::Symlink(_) => Ok(Look::default()),
        PackContent::Memory(bytes) => Ok(Look { size: bytes.len() as u64, stored: false }),
        PackContent::File(path) => {
            let size = std::fs::metadata(path).at("inspect", path)?.len();
            if size < MIN_STORED {
                return Ok(Look { size, stored: false });
            }
            if encoding == Encoding::Plain {
                return Ok(Look { size, stored: true });
            }
            let mut head = Vec::with_capacity(HEAD);
            let file = File::open(path).at("open", path)?;
            file.take(HEAD as u64).read_to_end(&mut head).at("read", path)?;
            Ok(Look { size, stored: looks_compressed(&head) })
        }
    }
}
