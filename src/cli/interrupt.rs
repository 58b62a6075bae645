//! Ctrl-C, and being asked to end.

use std::io::Write;

/// Exit status of one who was interrupted, as shells count it.
const INTERRUPTED: i32 = 130;

/// Ends the program at Ctrl-C, SIGTERM or SIGHUP as a kill would, and says so: every file is written so that a crash at any
/// moment leaves the old one or the new one, and downloads wait for the next run to go on.
pub(super) fn listen() {
    let end = || {
        let _ = writeln!(std::io::stderr(), "interrupted; the same command goes on where this one was");
        std::process::exit(INTERRUPTED);
    };
    // Where signals cannot be listened to, the system ends the program by itself.
    let _ = ctrlc::set_handler(end);
}
