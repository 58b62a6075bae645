//! Real archives unpack as they are; hostile ones are refused before anything is written.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::super::error::Refusal;
use super::super::tar_write::{TarEntry, TarKind, TarWriter};
use super::*;
use crate::base::Epoch;

/// A tar header of any kind, for archives no writer makes.
pub(super) fn header(name: &str, kind: u8, size: u64, link: &str, mode: u32) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

pub(super) fn file(name: &str, content: &str) -> Vec<u8> {
    let mut bytes = header(name, b'0', content.len() as u64, "", 0o644);
    bytes.extend(content.bytes());
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(super) fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

pub(super) struct Scene {
    _folder: tempfile::TempDir,
    pub(super) root: Utf8PathBuf,
}

impl Scene {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        Self { _folder: folder, root }
    }

    pub(super) fn unpack(&self, bytes: &[u8]) -> Result<Unpacked, Error> {
        let path = self.root.join("a.tar");
        std::fs::write(&path, bytes).expect("writes");
        let outcome = unpack(&Unpack::new(&path), &self.root.join("out"));
        let left: Vec<_> = std::fs::read_dir(&self.root).expect("reads").flatten().map(|e| e.file_name()).collect();
        assert_eq!(left.len(), if outcome.is_ok() { 2 } else { 1 }, "nothing stays of a refused archive: {left:?}");
        outcome
    }

    pub(super) fn refusal(&self, bytes: &[u8]) -> Refusal {
        match self.unpack(bytes) {
            Err(Error::Refused { refusal, .. }) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[test]
fn files_folders_and_links_come_out_with_mode_and_time() {
    let scene = Scene::new();
    let entries = [
        header("./", b'5', 0, "", 0o755),
        header("d/", b'5', 0, "", 0o2755),
        file("d/f", "hello"),
        header("d/x", b'0', 0, "", 0o4755),
        header("d/s", b'2', 0, "f", 0o777),
        header("d/h", b'1', 0, "d/f", 0o644),
        file("implied/g", ""),
        header("d/", b'5', 0, "", 0o755),
    ];
    let unpacked = scene.unpack(&archive(&entries)).expect("unpacks");
    assert_eq!(unpacked, Unpacked { files: 5, bytes: 5, stripped: vec!["d".into(), "d/x".into()] });
    let out = scene.root.join("out");
    assert_eq!(std::fs::read_to_string(out.join("d/s")).expect("reads"), "hello");
    let metadata = std::fs::metadata(out.join("d/x")).expect("is there");
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o755);
    let modified = std::fs::metadata(out.join("d")).and_then(|m| m.modified()).expect("has a time");
    let seconds = modified.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    assert_eq!(seconds, 1_000_000_000);
}

#[test]
fn what_the_writer_makes_the_reader_reads() {
    let scene = Scene::new();
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(120));
    let mut writer = TarWriter::new(Vec::new());
    let mtime = Epoch::from_seconds(7);
    for (path, kind) in [("a", TarKind::File(3)), (&long, TarKind::File(3)), ("l", TarKind::Symlink(&long))] {
        writer.append(&TarEntry { path, kind, mode: 0o644, mtime }, &mut &b"abc"[..]).expect("writes");
    }
    let mut bytes = std::mem::take(writer.stream());
    bytes.extend([0; 1024]);
    scene.unpack(&bytes).expect("unpacks");
    assert_eq!(std::fs::read(scene.root.join("out/l")).expect("reads"), b"abc");
}

#[test]
fn every_compression_is_known_by_its_content() {
    let tar = archive(&[file("f", "hello")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).expect("writes");
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(&tar).expect("writes");
    let zstd = ruzstd::encoding::compress_to_vec(&*tar, ruzstd::encoding::CompressionLevel::Fastest);
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file("f", zip::write::SimpleFileOptions::default()).expect("writes");
    zip.write_all(b"hello").expect("writes");
    let zip = zip.finish().expect("writes").into_inner();
    for bytes in [tar, gzip.finish().expect("writes"), bzip2.finish().expect("writes"), zstd, zip] {
        let scene = Scene::new();
        scene.unpack(&bytes).expect("unpacks");
        assert_eq!(std::fs::read(scene.root.join("out/f")).expect("reads"), b"hello");
    }
}

/// A zip of stored files, one after the other, however often a name comes.
fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_bytes(), &b""[..], *content)).collect();
    zip_with(&files)
}

/// The same with names of any bytes, and with extra fields.
fn zip_with(files: &[(&[u8], &[u8], &str)]) -> Vec<u8> {
    let le = |number: usize, bytes: usize| number.to_le_bytes()[..bytes].to_vec();
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, extra, content) in files {
        let mut crc = flate2::Crc::new();
        crc.update(content.as_bytes());
        let mut shared = [le(20, 2), le(0, 2), le(0, 2), le(0, 2), le(0x21, 2), le(crc.sum() as usize, 4)].concat();
        shared.extend([le(content.len(), 4), le(content.len(), 4), le(name.len(), 2), le(extra.len(), 2)].concat());
        directory.extend([b"PK\x01\x02".to_vec(), le(20, 2), shared.clone(), le(0, 2), le(0, 2), le(0, 2)].concat());
        directory.extend([le(0, 4), le(bytes.len(), 4), name.to_vec(), extra.to_vec()].concat());
        let entry = [b"PK\x03\x04", &shared[..], name, extra, content.as_bytes()];
        bytes.extend(entry.concat());
    }
    let counts = [le(0, 2), le(0, 2), le(files.len(), 2), le(files.len(), 2)].concat();
    let end = [le(directory.len(), 4), le(bytes.len(), 4), le(0, 2)].concat();
    [bytes, directory, b"PK\x05\x06".to_vec(), counts, end].concat()
}

#[test]
fn a_zip_of_old_has_names_in_other_letters_and_may_spell_them_once_more() {
    // Code page 437, in which 0x81 is `ü`; the Unicode name has the CRC-32 of the other (APPNOTE.TXT 4.6.9).
    let name = b"\x81ber";
    let unicode = |text: &str| {
        let data = [&[1][..], &crc32fast::hash(name).to_le_bytes(), text.as_bytes()].concat();
        [&[0x75, 0x70, data.len() as u8, 0][..], &data].concat()
    };
    for (extra, wanted) in [(Vec::new(), &name[..]), (unicode("über"), "über".as_bytes())] {
        let scene = Scene::new();
        scene.unpack(&zip_with(&[(name, &extra, "hello")])).expect("unpacks");
        let names = std::fs::read_dir(scene.root.join("out")).expect("reads").map(|entry| entry.expect("is there"));
        let names: Vec<_> = names.map(|entry| entry.file_name().into_encoded_bytes()).collect();
        assert_eq!(names, [wanted]);
    }
    let other = Scene::new().refusal(&zip_with(&[(name, &unicode("other"), "hello")]));
    assert!(matches!(other, Refusal::Zip { reason: "an extra field gives it another name", .. }), "{other:?}");
}

#[test]
fn a_zip_is_read_to_its_checksums_and_may_not_repeat_a_name() {
    let good = zip_of(&[("f", "hello"), ("g", "world")]);
    let scene = Scene::new();
    scene.unpack(&good).expect("unpacks");
    let at = good.windows(5).position(|window| window == b"world").expect("is stored");
    let mut bad = good.clone();
    bad[at] ^= 1;
    let error = Scene::new().unpack(&bad).expect_err("a wrong checksum");
    assert!(error.to_string().ends_with("another length or checksum than the directory says"), "{error}");
    assert_eq!(
        Scene::new().refusal(&zip_of(&[("f", "a"), ("f", "b")])),
        Refusal::ZipDirectory("several entries have one name")
    );
}

#[test]
fn a_chain_of_links_does_not_lead_out() {
    let link = |name: &str, target: &str| header(name, b'2', 0, target, 0o777);
    let bytes = archive(&[file("z", ""), link("x/y/d", "../../z"), link("e", "x/y/d/../..")]);
    let refusal = Scene::new().refusal(&bytes);
    assert_eq!(refusal.to_string(), "link `e` leads out of the archive, to `x/y/d/../..`");
}

#[test]
fn hostile_archives_are_refused_by_name() {
    let cases: [(&[Vec<u8>], &str); 18] = [
        (&[file("../x", "")], "entry `../x` climbs out with `..`"),
        (&[file("a/../../x", "")], "entry `a/../../x` climbs out with `..`"),
        (&[file("/x", "")], "entry `/x` has an absolute path"),
        (&[file("a\nb", "")], "entry `a\\nb` has a name that is empty or holds control characters"),
        (&[header("f", b'3', 0, "", 0o644)], "entry `f` is a character device"),
        (&[header("f", b'6', 0, "", 0o644)], "entry `f` is a fifo"),
        (&[header("l", b'2', 0, "/etc", 0o777)], "link `l` leads out of the archive, to `/etc`"),
        (&[header("d/l", b'2', 0, "../../x", 0o777)], "link `d/l` leads out of the archive, to `../../x`"),
        (&[header("l", b'2', 0, "d", 0o777), file("l/f", "")], "entry `l/f` lies below `l`, which is a link"),
        (&[file("f", ""), file("f/g", "")], "entry `f/g` lies below `f`, which is a file"),
        (&[file("f", "1"), file("./f", "2")], "entry `f` is there twice"),
        (&[file("d/f", "1"), file("d", "2")], "entry `d` is there twice"),
        (&[header("h", b'1', 0, "f", 0o644)], "hard link `h` is to `f`, which is no file that comes before it"),
        (
            &[header("l", b'2', 0, "x", 0o777), header("h", b'1', 0, "l", 0o644)],
            "hard link `h` is to `l`, which is no file that comes before it",
        ),
        (
            &[header("f", b'M', 0, "", 0o644)],
            "entry `f` needs GNU incremental or multi-volume archives, which is not supported",
        ),
        (&[file("a\u{202e}b", "")], "entry `a\\u{202e}b` has a name that is empty or holds control characters"),
        (&[header("", b'0', 0, "", 0o644)], "entry `` has a name that is empty or holds control characters"),
        (&[], "it is empty"),
    ];
    for (entries, message) in cases {
        assert_eq!(Scene::new().refusal(&archive(entries)).to_string(), message);
    }
}

#[test]
fn what_pax_and_header_say_must_agree() {
    let pax = |records: &str| {
        let mut bytes = header("pax", b'x', records.len() as u64, "", 0o644);
        bytes.extend(records.bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    };
    let renamed = archive(&[pax("13 path=../x\n"), file("f", "")]);
    assert_eq!(Scene::new().refusal(&renamed), Refusal::Traversal("../x".into()));
    let resized = archive(&[pax("10 size=0\n"), file("f", "hello")]);
    let reason = "its size differs from that of its PAX header";
    assert_eq!(Scene::new().refusal(&resized), Refusal::Header { offset: 1024, reason });
    for bad in ["99 path=x\n", "x path=x\n", "10 pathxx\n"] {
        let refusal = Scene::new().refusal(&archive(&[pax(bad), file("f", "")]));
        assert!(matches!(refusal, Refusal::Header { .. }), "{bad}: {refusal}");
    }
    let dangling = archive(&[pax("10 path=x\n")]);
    assert!(matches!(Scene::new().refusal(&dangling), Refusal::Header { .. }));
}

#[test]
fn cuts_trailing_data_and_bad_sums_show() {
    let whole = archive(&[file("f", "hello"), file("g", "world")]);
    assert_eq!(Scene::new().refusal(&whole[..1024 + 512]), Refusal::Truncated);
    assert_eq!(Scene::new().refusal(&whole[..2048]), Refusal::Truncated);
    let mut trailing = whole.clone();
    trailing.extend(b"more");
    assert_eq!(Scene::new().refusal(&trailing), Refusal::TrailingData);
    let mut changed = whole.clone();
    changed[1024 + 2] ^= 1;
    assert_eq!(Scene::new().refusal(&changed), Refusal::HeaderChecksum { offset: 1024 });

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&whole).expect("writes");
    let gzip = gzip.finish().expect("writes");
    let mut bad_crc = gzip.clone();
    let crc = gzip.len() - 8;
    bad_crc[crc] ^= 1;
    for bytes in [&gzip[..gzip.len() - 4], &bad_crc] {
        let error = Scene::new().unpack(bytes).expect_err("damaged");
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }
}

#[test]
fn deep_folders_end_at_the_limit() {
    let deep = format!("{}f", "d/".repeat(1500));
    let mut writer = TarWriter::new(Vec::new());
    let entry = TarEntry { path: &deep, kind: TarKind::File(0), mode: 0o644, mtime: Epoch::from_seconds(0) };
    writer.append(&entry, &mut io::empty()).expect("writes");
    let mut bytes = std::mem::take(writer.stream());
    bytes.extend([0; 1024]);
    assert_eq!(Scene::new().refusal(&bytes), Refusal::Limit { what: "deeper folders", limit: 128 });
}

/// A file compressed by the program of that format; `None`, and said, where it is not here.
fn compressed(program: &[&str], content: &[u8]) -> Option<Vec<u8>> {
    let mut command = std::process::Command::new(program[0]);
    command.args(&program[1..]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        let _ = writeln!(std::io::stderr(), "skipped: {} is not here", program[0]);
        return None;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let content = content.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&content));
    let output = child.wait_with_output().expect("ends");
    writer.join().expect("ends").expect("writes");
    Some(output.stdout)
}

#[test]
fn no_compressed_file_is_read_that_was_changed_cut_or_added_to() {
    let noise: Vec<u8> = (0..3000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut entry = header("f", b'0', noise.len() as u64, "", 0o644);
    entry.extend(&noise);
    entry.resize(entry.len().next_multiple_of(512), 0);
    let tar = archive(&[entry]);
    let programs: [&[&str]; 7] = [
        &["gzip", "-c"],
        &["xz", "-c"],
        &["xz", "-c", "--check=sha256"],
        &["bzip2", "-c"],
        &["lzip", "-c"],
        &["zstd", "-c"],
        &["xz", "-c", "--format=lzma"],
    ];
    for program in programs {
        let Some(whole) = compressed(program, &tar) else { continue };
        let scene = Scene::new();
        scene.unpack(&whole).unwrap_or_else(|error| panic!("{program:?}: {error}"));
        assert!(std::fs::read(scene.root.join("out/f")).expect("reads") == noise);
        for cut in [1, 5, whole.len() / 2] {
            assert!(Scene::new().unpack(&whole[..whole.len() - cut]).is_err(), "{program:?} cut by {cut}");
        }
        assert!(Scene::new().unpack(&[&whole[..], b"more"].concat()).is_err(), "{program:?} and more");
        assert!(Scene::new().unpack(&[&whole[..], &whole].concat()).is_err(), "{program:?} twice");
        // The last format has no checksum: its content may differ, its end may not.
        if program.last() != Some(&"--format=lzma") {
            for at in (whole.len() / 3..whole.len()).step_by(whole.len() / 40) {
                let mut changed = whole.clone();
                changed[at] ^= 0x10;
                assert!(Scene::new().unpack(&changed).is_err(), "{program:?} changed at {at} of {}", whole.len());
            }
        }
    }
    let zeros = compressed(&["gzip", "-c"], &tar).map(|whole| [&whole[..], &[0; 700]].concat());
    zeros.map(|zeros| Scene::new().unpack(&zeros).expect("tapes leave zeros"));
}
