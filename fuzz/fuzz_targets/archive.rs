//! Any bytes as an archive: they unpack into their folder and nowhere else, or are refused and leave nothing.

#![no_main]

use std::path::Path;

use hardtack::archive::{Limits, Unpack, check_git_tar, examine, unpack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let memory = Path::new("/dev/shm");
    let folder = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).expect("a folder");
    let root = folder.path().to_str().expect("UTF-8");
    let (archive, target) = (format!("{root}/a"), format!("{root}/out"));
    std::fs::write(&archive, bytes).expect("writes");
    // Small enough that a case ends soon.
    let limits = Limits { total_size: 4 << 20, entries: 1000, ..Limits::default() };
    let order = Unpack { limits, ..Unpack::new(archive.as_str().into()) };
    let examined = examine(&order).is_ok();
    let unpacked = unpack(&order, target.as_str().into()).is_ok();
    assert!(!unpacked || examined, "what unpacks was found fit before");
    let left = std::fs::read_dir(folder.path()).expect("reads").count();
    assert_eq!(left, if unpacked { 2 } else { 1 });
    let _ = check_git_tar(archive.as_str().into());
});
