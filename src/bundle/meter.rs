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
    pub(super) staged: &'m mut Staged,
    pub(super) source: &'m str,
    pub(super) observe: &'m (dyn Fn(Progress) + Sync),
    pub(super) bytes: u64,
    pub(super) length: Option<u64>,
    pub(super) told: Option<Instant>,
}

impl Metered<'_> {
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
