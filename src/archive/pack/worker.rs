//! Making members, one after another, of what the plan gives them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use camino::Utf8Path;

use super::super::gzip_write::{BLOCK, BLOCK_HEADER, Deflater, HEADER, TRAILER, stored_block_header, trailer};
use super::line::{Line, Made};
use super::plan::{Piece, Plan, Unit};
use super::{PackContent, PackError};
use crate::base::{Hasher, IoContext, Sha256};

/// Bytes of a file that are read at once: a row of whole stored blocks.
const READ: usize = 8 * BLOCK;

/// One thread's tools.
pub(super) struct Worker<'w> {
    plan: &'w Plan<'w>,
    line: &'w Line,
    digests: &'w [Mutex<Option<(u64, Sha256)>>],
    deflater: Deflater,
    content: Vec<u8>,
}

impl<'w> Worker<'w> {
    pub(super) fn new(plan: &'w Plan<'w>, line: &'w Line, digests: &'w [Mutex<Option<(u64, Sha256)>>]) -> Self {
        Self { plan, line, digests, deflater: Deflater::new(), content: Vec::new() }
    }

    /// Does a job: a unit, or after those a file of which nobody saw all. `false` when there is none of that number.
    pub(super) fn run(&mut self, job: usize) -> Result<bool, PackError> {
        let units = &self.plan.units;
        if self.line.failed() {
            return Ok(false);
        }
        match units.get(job) {
            Some(Unit::Deflated(pieces)) => self.deflate(job, pieces)?,
            Some(Unit::Stored(item)) => self.store(job, *item)?,
            None => match self.plan.split.get(job - units.len()) {
                Some(item) => self.hash(*item)?,
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn deflate(&mut self, unit: usize, pieces: &[Piece]) -> Result<(), PackError> {
        let mut content = std::mem::take(&mut self.content);
        content.clear();
        for piece in pieces {
            match piece {
                Piece::Header(header) => content.extend_from_slice(header),
                Piece::Padding(count) => content.resize(content.len() + count, 0),
                Piece::Content { item, from, length } => self.take(*item, *from, *length, &mut content)?,
            }
        }
        let (member, crc) = self.deflater.member(&content, self.line.buffer()).map_err(PackError::Write)?;
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

    /// A member of stored blocks, handed on as it is read.
    fn store(&self, unit: usize, item: usize) -> Result<(), PackError> {
        let PackContent::File(path) = &self.plan.items[item].content else { return Ok(()) };
        let size = self.plan.sizes[item];
        let file = File::open(path).at("open", path)?;
        let (mut sha256, mut content) = (Hasher::default(), crc32fast::Hasher::new());
        let mut raw = crc32fast::Hasher::new();
        let mut at = 0;
        while at < size {
            let count = (size - at).min(READ as u64) as usize;
            let mut piece = self.line.buffer();
            let (start, end) =
                (if at == 0 { HEADER.len() } else { 0 }, if at + count as u64 == size { TRAILER } else { 0 });
            piece.resize(start + count.div_ceil(BLOCK) * BLOCK_HEADER + count + end, 0);
            piece[..start].copy_from_slice(&HEADER[..start]);
            // Read to where it is written from, between the headers of its blocks.
            let mut place = start;
            for from in (0..count).step_by(BLOCK) {
                let length = (count - from).min(BLOCK);
                let last = at + (from + length) as u64 == size;
                let (header, block) = piece[place..].split_at_mut(BLOCK_HEADER);
                header.copy_from_slice(&stored_block_header(length as u16, last));
                exactly(&file, path, &mut block[..length], at + from as u64)?;
                sha256.update(&block[..length]);
                content.update(&block[..length]);
                place += BLOCK_HEADER + length;
            }
            at += count as u64;
            if at == size {
                piece[place..].copy_from_slice(&trailer(content.clone().finalize(), size));
            }
            raw.update(&piece);
            let made = (at == size).then(|| Made { content_length: size, crc: raw.clone().finalize() });
            self.line.push(unit, piece, made);
        }
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
                let mut bytes = vec![0; READ];
                let mut at = 0;
                while at < size {
                    let count = (size - at).min(READ as u64) as usize;
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
