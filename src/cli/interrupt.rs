//! Ctrl-C, and being asked to end.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::remove_tree;

/// Exit status of one who was interrupted, as shells count it.
const INTERRUPTED: i32 = 130;

/// A folder that is of no use once this process ends.
static PASSING: Mutex<Option<Utf8PathBuf>> = Mutex::new(None);

/// The program is about to end.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Does not come back where the program is about to end: what fails now does so because of that, and is nobody's error.
pub(super) fn wait_if_ending() {
    while ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Says which folder is removed when the program is interrupted; none if that is no longer to be.
pub(super) fn passing(folder: Option<&Utf8Path>) {
    *PASSING.lock().unwrap_or_else(PoisonError::into_inner) = folder.map(Utf8Path::to_owned);
}

/// Ends the program at Ctrl-C, SIGTERM or SIGHUP as a kill would, and says so: every file is written so that a crash at any
/// moment leaves the old one or the new one, and downloads wait for the next run to go on.
pub(super) fn listen() {
    let end = || {
        ENDING.store(true, Ordering::SeqCst);
        let passing = PASSING.lock().unwrap_or_else(PoisonError::into_inner).take();
        let words = match &passing {
            Some(_) => "interrupted; nothing of what was built is left",
            None => "interrupted; the same command goes on where this one was",
        };
        let _ = writeln!(std::io::stderr(), "{words}");
        // Whoever still builds in it ends with this process; what such a one writes last may be missed.
        passing.map(|folder| remove_tree(&folder).or_else(|_| remove_tree(&folder)));
        std::process::exit(INTERRUPTED);
    };
    // Where signals cannot be listened to, the system ends the program by itself.
    let _ = ctrlc::set_handler(end);
}
