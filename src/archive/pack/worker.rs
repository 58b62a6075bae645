//! Making members, one after another, of what the plan gives them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use camino::Utf8Path;

use super::super::member::{Encoder, Stored};
use super::line::{Line, Made};
use super::plan::{Piece, Plan, Unit};
use super::{PackContent, PackError};
use crate::base::{Hasher, IoContext, Sha256};

/// Bytes of a file that are read at once.
const ROW: usize = 512 << 10;

/// One thread's tools.
pub(super) struct Worker<'w> {
    plan: &'w Plan<'w>,
    line: &'w Line,
    digests: &'w [Mutex<Option<(u64, Sha256)>>],
    encoder: Encoder,
    content: Vec<u8>,
}

impl<'w> Worker<'w> {
    pub(super) fn new(
        plan: &'w Plan<'w>,
        line: &'w Line,
        digests: &'w [Mutex<Option<(u64, Sha256)>>],
    ) -> Result<Self, PackError> {
        let encoder = Encoder::new(plan.encoding).map_err(PackError::Write)?;
        Ok(Self { plan, line, digests, encoder, content: Vec::new() })
    }

    /// Does a job: a unit, or after those a file of which nobody saw all. `false` when there is none of that number.
    pub(super) fn run(&mut self, job: usize) -> Result<bool, PackError> {
        let units = &self.plan.units;
        if self.line.failed() {
            return Ok(false);
        }
        match units.get(job) {
            Some(Unit::Entries(pieces)) => self.encode(job, pieces)?,
            Some(Unit::Stored(item)) => self.store(job, *item)?,
            None => match self.plan.split.get(job - units.len()) {
                Some(item) => self.hash(*item)?,
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn encode(&mut self, unit: usize, pieces: &[Piece]) -> Result<(), PackError> {
        let mut content = std::mem::take(&mut self.content);
        content.clear();
        for piece in pieces {
            match piece {
                Piece::Header(header) => content.extend_from_slice(header),
                Piece::Padding(count) => content.resize(content.len() + count, 0),
                Piece::Content { item, from, length } => self.take(*item, *from, *length, &mut content)?,
            }
        }
        let (member, crc) = self.encoder.member(&content, self.line.buffer()).map_err(PackError::Write)?;
        let made = Made { content_length: content.len() as u64, crc };
        self.content = content;
        self.line.push(unit, member, Some(made));
        Ok(())
    }

    /// Appends a piece of an item's content.
    fn take(&self, item: usize, from: u64, length: u64, content: &mut Vec<u8>) -> Result<(), PackError> {
        let whole = length == self.plan.sizes[item];
        let start = content.len();
        match &self.plan.items[item].content {
            PackContent::Memory(bytes) => content.extend_from_slice(&bytes[from as usize..(from + length) as usize]),
            PackContent::File(path) => {
                let file = File::open(path).at("open", path)?;
                content.resize(start + length as usize, 0);
                exactly(&file, path, &mut content[start..], from)?;
                // Where all of it was read, nothing may follow.
                if whole {
                    ends(&file, path, length)?;
                }
            }
            PackContent::Folder | PackContent::Symlink(_) => {}
        }
        let piece = &content[start..];
        if whole {
            self.told(item, length, Sha256::of(piece));
        } else {
            self.line.split(item, from, crc32fast::hash(piece));
        }
        Ok(())
    }

    fn told(&self, item: usize, size: u64, sha256: Sha256) {
        *self.digests[item].lock().unwrap_or_else(PoisonError::into_inner) = Some((size, sha256));
    }

    /// A member that is a file as it is, handed on as it is read.
    fn store(&self, unit: usize, item: usize) -> Result<(), PackError> {
        let PackContent::File(path) = &self.plan.items[item].content else { return Ok(()) };
        let size = self.plan.sizes[item];
        let file = File::open(path).at("open", path)?;
        let mut stored = Stored::new(self.plan.encoding, size);
        let (row, most, header) = (stored.row(), stored.block(), stored.header());
        let (mut sha256, mut raw) = (Hasher::default(), crc32fast::Hasher::new());
        let start = stored.start();
        let (mut piece, mut at, mut place) = (self.line.buffer(), 0, start.len());
        loop {
            let count = (size - at).min(row as u64) as usize;
            piece.resize(place + count.div_ceil(most) * header + count, 0);
            if at == 0 {
                piece[..place].copy_from_slice(&start);
            }
            // Read to where it is written from, between the headers of its blocks.
            for from in (0..count).step_by(most) {
                let length = (count - from).min(most);
                let (header, block) = piece[place..].split_at_mut(header);
                let block = &mut block[..length];
                exactly(&file, path, block, at + from as u64)?;
                sha256.update(block);
                stored.add(header, block, at + (from + length) as u64 == size);
                place += header.len() + length;
            }
            at += count as u64;
            if at == size {
                break;
            }
            raw.update(&piece);
            self.line.push(unit, piece, None);
            (piece, place) = (self.line.buffer(), 0);
        }
        piece.extend(stored.end());
        raw.update(&piece);
        self.line.push(unit, piece, Some(Made { content_length: size, crc: raw.finalize() }));
        ends(&file, path, size)?;
        self.told(item, size, sha256.finish().sha256);
        Ok(())
    }

    /// The digest of a file that is in several members, read once more; its pieces must have been the same.
    fn hash(&self, item: usize) -> Result<(), PackError> {
        let size = self.plan.sizes[item];
        let (mut sha256, mut crc) = (Hasher::default(), crc32fast::Hasher::new());
        match &self.plan.items[item].content {
            PackContent::File(path) => {
                let file = File::open(path).at("open", path)?;
                let mut bytes = vec![0; ROW];
                let mut at = 0;
                while at < size {
                    let count = (size - at).min(ROW as u64) as usize;
                    exactly(&file, path, &mut bytes[..count], at)?;
                    sha256.update(&bytes[..count]);
                    crc.update(&bytes[..count]);
                    at += count as u64;
                }
                ends(&file, path, size)?;
                self.line.expect(item, size, crc.finalize(), path);
            }
            PackContent::Memory(bytes) => sha256.update(bytes),
            PackContent::Folder | PackContent::Symlink(_) => {}
        }
        self.told(item, size, sha256.finish().sha256);
        Ok(())
    }
}

fn exactly(file: &File, path: &Utf8Path, buffer: &mut [u8], at: u64) -> Result<(), PackError> {
    match file.read_exact_at(buffer, at) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(PackError::Changed { path: path.to_owned() })
        }
        read => Ok(read.at("read", path)?),
    }
}

/// Fails where a file is longer than it was.
fn ends(file: &File, path: &Utf8Path, size: u64) -> Result<(), PackError> {
    match file.read_at(&mut [0], size).at("read", path)? {
        0 => Ok(()),
        _ => Err(PackError::Changed { path: path.to_owned() }),
    }
}
