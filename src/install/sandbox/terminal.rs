//! A terminal for a step to read from: at its end, so that nobody waits for somebody to type.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// So many times somebody may come to the end of the input; a line of a terminal holds 4096 bytes.
const ENDS: usize = 4000;
/// What says that a line is at its end: Ctrl-D.
const END: u8 = 4;

/// A terminal that nobody sits at.
pub(super) struct Terminal {
    /// Where one would sit. Closed, there would be no terminal any more.
    keyboard: File,
    name: std::ffi::CString,
}

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let name = ptsname(&keyboard, Vec::new())?;
        Ok(Self { keyboard: keyboard.into(), name })
    }

    /// What a step reads from.
    pub(super) fn input(&self) -> io::Result<Stdio> {
        use rustix::fs::{Mode, OFlags, open};
        let end: OwnedFd = open(&self.name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        (&self.keyboard).write_all(&[END; ENDS])?;
        Ok(end.into())
    }
}
