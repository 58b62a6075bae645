//! Tells how far a download is.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::order::Progress;
use crate::base::{Begun, Head, Sink};
use crate::cache::Staged;

/// Nobody reads faster.
const EVERY: Duration = Duration::from_millis(100);

/// A staged file that tells what comes in.
pub(super) struct Metered<'m> {
    staged: &'m mut Staged,
    source: &'m str,
    observe: &'m (dyn Fn(Progress) + Sync),
    bytes: u64,
    length: Option<u64>,
    told: Option<Instant>,
}

impl<'m> Metered<'m> {
    /// Tells of what `source` gets.
    pub(super) fn new(staged: &'m mut Staged, source: &'m str, observe: &'m (dyn Fn(Progress) + Sync)) -> Self {
        Self { staged, source, observe, bytes: 0, length: None, told: None }
    }

    fn tell(&mut self) {
        if self.told.is_none_or(|told| told.elapsed() >= EVERY) {
            self.told = Some(Instant::now());
            let (source, bytes, length) = (self.source.to_owned(), self.bytes, self.length);
            (self.observe)(Progress::Received { source, bytes, length });
        }
    }
}

impl Write for Metered<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.staged.write(bytes)?;
        self.bytes += count as u64;
        self.tell();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.staged.flush()
    }
}

impl Sink for Metered<'_> {
    fn begun(&self) -> Option<Begun> {
        self.staged.begun()
    }

    fn start(&mut self, head: &Head) -> io::Result<()> {
        (self.bytes, self.length) = (head.from, head.length);
        self.staged.start(head)
    }
}
