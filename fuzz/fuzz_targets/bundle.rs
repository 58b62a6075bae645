//! Any bytes as a bundle: it is whole and unpacks, or an error says what is wrong.

#![no_main]

use std::path::Path;

use hardtack::bundle::Bundle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let memory = Path::new("/dev/shm");
    let folder = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).expect("a folder");
    let root = folder.path().to_str().expect("UTF-8");
    let (file, target) = (format!("{root}/b.tar.gz"), format!("{root}/out"));
    std::fs::write(&file, bytes).expect("writes");
    let Ok(bundle) = Bundle::open(file.as_str().into()) else { return };
    let whole = bundle.verify(2).is_ok();
    let unpacked = bundle.unpack(target.as_str().into(), 2).is_ok();
    assert_eq!(whole, unpacked);
});
