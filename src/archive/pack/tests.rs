//! The same bytes on any number of threads, and one standard stream.

use std::io::Read;

use camino::Utf8Path;

use super::super::member::MemberReader;
use super::super::member::tests::decoded;
use super::*;

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let step = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// Small and large files, text and noise, folders and links.
fn items(folder: &Utf8Path) -> Vec<PackItem> {
    let mut items = Vec::new();
    let mut add = |name: String, content| items.push(PackItem { path: name, mode: 0o644, content });
    for index in 0..40 {
        let content = match index % 5 {
            0 => noise(300_000 + index, index as u64 + 1),
            1 => format!("line {index}\n").repeat(1000 * index).into_bytes(),
            2 => Vec::new(),
            3 => noise(70 * index, 7),
            _ => format!("{index} ").repeat(700_000).into_bytes(),
        };
        let path = folder.join(format!("{index}"));
        std::fs::write(&path, &content).expect("writes");
        add(format!("top/f{index:02}"), PackContent::File(path));
    }
    add("top/g".to_owned(), PackContent::Folder);
    add("top/h".to_owned(), PackContent::Symlink("f01".to_owned()));
    add("top/i".to_owned(), PackContent::Memory(b"memory".to_vec()));
    items
}

fn packed(items: &[PackItem], encoding: Encoding, threads: usize) -> (Packed, Vec<u8>) {
    let mut bytes = Vec::new();
    let epoch = Epoch::from_seconds(1_000_000_000);
    (pack(items, encoding, epoch, threads, &mut bytes).expect("packs"), bytes)
}

#[test]
fn any_number_of_threads_makes_the_same_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = Utf8Path::from_path(folder.path()).expect("UTF-8");
    let items = items(folder);
    let streams = Encoding::ALL.map(|encoding| {
        let (packed, bytes) = packed(&items, encoding, 1);
        for threads in [2, 3, 8] {
            let (other, others) = self::packed(&items, encoding, threads);
            assert!(others == bytes && other == packed, "{encoding:?}, {threads} threads");
        }
        let stream = decoded(encoding, &bytes);
        let mut apart = Vec::new();
        for member in &packed.members {
            assert_eq!(member.content_offset, apart.len() as u64);
            let bytes = &bytes[member.offset as usize..];
            let mut reader = MemberReader::new(bytes, encoding, *member).expect("begins");
            reader.read_to_end(&mut apart).expect("decodes");
            reader.finish().expect("is whole");
        }
        assert!(apart == stream, "{encoding:?}");
        (packed.files, packed.offsets, stream)
    });
    assert!(streams[0] == streams[1] && streams[0] == streams[2]);
    let (files, offsets, stream) = &streams[0];
    let mut tar = tar::Archive::new(&**stream);
    let entries = tar.entries().expect("a tar").zip(&items).zip(files).zip(offsets);
    for (((entry, item), digest), offset) in entries {
        let mut entry = entry.expect("an entry");
        assert_eq!(entry.path_bytes().strip_suffix(b"/").unwrap_or(&entry.path_bytes()), item.path.as_bytes());
        assert_eq!(entry.raw_header_position(), *offset);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("reads");
        if let PackContent::File(path) = &item.content {
            assert!(std::fs::read(path).expect("reads") == content, "{}", item.path);
        }
        let is_file = matches!(item.content, PackContent::File(_) | PackContent::Memory(_));
        assert_eq!(*digest, is_file.then(|| (content.len() as u64, Sha256::of(&content))));
    }
}

#[test]
fn a_file_that_changes_or_goes_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = Utf8Path::from_path(folder.path()).expect("UTF-8");
    let item = |name: &str| PackItem { path: name.into(), mode: 0o644, content: PackContent::File(folder.join(name)) };
    let packed = pack(&[item("missing")], Encoding::Gzip, Epoch::from_seconds(0), 2, &mut Vec::new());
    assert!(matches!(packed, Err(PackError::Read(PathError { action: "inspect", .. }))), "{packed:?}");
    // Its length is nothing, and there is more than that.
    let endless = PackItem { content: PackContent::File("/proc/self/status".into()), ..item("status") };
    let packed = pack(&[endless], Encoding::Gzip, Epoch::from_seconds(0), 2, &mut Vec::new());
    assert!(matches!(packed, Err(PackError::Changed { .. })), "{packed:?}");
    std::fs::write(folder.join("f"), "x").expect("writes");
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let packed = pack(&[item("f")], Encoding::Gzip, Epoch::from_seconds(0), 2, &mut Full);
    assert!(matches!(packed, Err(PackError::Write(_))), "{packed:?}");
}
