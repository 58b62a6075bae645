//! Where members that were made in any order stand in line to be written in theirs.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use super::super::member::Member;
use super::PackError;

/// Bytes that may wait for each thread while an earlier member is made.
const ROOM: usize = 8 << 20;
/// Buffers that are kept to be filled again.
const KEPT: usize = 16;

/// A member that is whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) content_length: u64,
    /// CRC-32 of its bytes in the file.
    pub(super) crc: u32,
}

/// The line.
pub(super) struct Line {
    state: Mutex<State>,
    changed: Condvar,
    room: usize,
}

#[derive(Default)]
struct State {
    /// The unit that is being written.
    next: usize,
    waiting: BTreeMap<usize, Waiting>,
    bytes: usize,
    buffers: Vec<Vec<u8>>,
    members: Vec<Member>,
    /// CRC-32 of the pieces of split files, by item and offset.
    pieces: BTreeMap<usize, BTreeMap<u64, u32>>,
    /// Length and CRC-32 of split files, as a whole.
    wholes: Vec<(usize, u64, u32, Utf8PathBuf)>,
    failed: Option<PackError>,
}

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Vec<u8>>,
    made: Option<Made>,
}

impl Line {
    pub(super) fn new(threads: usize) -> Self {
        // Few threads still leave room for what is behind a large file.
        let room = ROOM * threads.clamp(2, 4);
        Self { state: Mutex::default(), changed: Condvar::new(), room }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer, with whatever it held before: to clear it would be to fill it twice.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.lock().buffers.pop().unwrap_or_default()
    }

    /// Puts bytes of a unit into the line; with the last of them comes what the member is. Waits while there is no room,
    /// unless it is these bytes that are to be written next.
    pub(super) fn push(&self, unit: usize, bytes: Vec<u8>, made: Option<Made>) {
        let mut state = self.lock();
        let is_next = |state: &State| {
            state.next == unit && state.waiting.get(&unit).is_none_or(|waiting| waiting.pieces.is_empty())
        };
        while state.bytes + bytes.len() > self.room && !is_next(&state) && state.failed.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes += bytes.len();
        let waiting = state.waiting.entry(unit).or_default();
        waiting.pieces.push_back(bytes);
        waiting.made = made;
        drop(state);
        self.changed.notify_all();
    }

    /// Notes a piece of a file that is in several members.
    pub(super) fn split(&self, item: usize, from: u64, crc: u32) {
        self.lock().pieces.entry(item).or_default().insert(from, crc);
    }

    /// Notes what the pieces of such a file must come to.
    pub(super) fn expect(&self, item: usize, size: u64, crc: u32, path: &Utf8Path) {
        self.lock().wholes.push((item, size, crc, path.to_owned()));
    }

    /// Ends everything.
    pub(super) fn fail(&self, error: PackError) {
        let mut state = self.lock();
        state.failed.get_or_insert(error);
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn failed(&self) -> bool {
        self.lock().failed.is_some()
    }

    /// Writes all units in their order.
    pub(super) fn write_all(&self, units: usize, output: &mut dyn Write) -> io::Result<()> {
        let (mut offset, mut content_offset, mut length) = (0, 0, 0u64);
        loop {
            let mut state = self.lock();
            let next = state.next;
            if next == units || state.failed.is_some() {
                return Ok(());
            }
            let waiting = state.waiting.entry(next).or_default();
            let (piece, made) = match waiting.pieces.pop_front() {
                Some(piece) => (piece, waiting.made.filter(|_| waiting.pieces.is_empty())),
                None => {
                    drop(self.changed.wait(state).unwrap_or_else(PoisonError::into_inner));
                    continue;
                }
            };
            state.bytes -= piece.len();
            drop(state);
            output.write_all(&piece)?;
            length += piece.len() as u64;
            let mut state = self.lock();
            if state.buffers.len() < KEPT {
                state.buffers.push(piece);
            }
            if let Some(Made { content_length, crc }) = made {
                state.members.push(Member { offset, length, content_offset, content_length, crc });
                (offset, content_offset, length) = (offset + length, content_offset + content_length, 0);
                state.waiting.remove(&next);
                state.next += 1;
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// The members, if all went well and no split file changed between two looks at it.
    pub(super) fn finish(self) -> Result<Vec<Member>, PackError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.failed {
            return Err(error);
        }
        for (item, size, crc, path) in state.wholes {
            let pieces = state.pieces.get(&item).cloned().unwrap_or_default();
            let ends = pieces.keys().copied().skip(1).chain([size]);
            let mut combined = crc32fast::Hasher::new();
            for ((from, crc), end) in pieces.iter().zip(ends) {
                combined.combine(&crc32fast::Hasher::new_with_initial_len(*crc, end - from));
            }
            if combined.finalize() != crc {
                return Err(PackError::Changed { path });
            }
        }
        Ok(state.members)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_slow_writer_has_no_more_waiting_than_there_is_room() {
        const PIECE: usize = 1 << 20;
        let line = Line::new(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for index in 0..100 {
                    let made = (index == 99).then_some(Made { content_length: 0, crc: 0 });
                    line.push(0, vec![0; PIECE], made);
                }
            });
            // Nobody writes yet: once nothing is added any more, the line is as long as it gets.
            let mut waiting = usize::MAX;
            while waiting != line.lock().bytes || waiting == 0 {
                waiting = line.lock().bytes;
                std::thread::sleep(Duration::from_millis(100));
            }
            assert!(waiting <= line.room, "{waiting}");
            line.write_all(1, &mut io::sink()).expect("writes");
        });
        assert_eq!(line.finish().expect("is whole")[0].length, 100 * PIECE as u64);
    }
}
