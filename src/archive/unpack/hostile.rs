//! What was never seen in an honest archive: each case is refused, or comes out as it must, and nothing stays of it.

use std::io::Write;

use super::tests::{Scene, archive, file, header};
use super::*;

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        format!("{length} {key}={value}\n")
    };
    let text: String = records.iter().map(record).collect();
    let mut bytes = header("pax", b'x', text.len() as u64, "", 0o644);
    bytes.extend(text.bytes());
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn long(kind: u8, name: &str) -> Vec<u8> {
    let mut bytes = header("././@LongLink", kind, name.len() as u64 + 1, "", 0o644);
    bytes.extend(name.bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

#[test]
fn names_are_checked_wherever_they_stand() {
    let traversal = |name: &str| Refusal::Traversal(name.into());
    let cases = [
        (vec![pax(&[("path", "a/../../x")]), file("f", "")], traversal("a/../../x")),
        (vec![long(b'L', "../x"), file("f", "")], traversal("../x")),
        (vec![pax(&[("linkpath", "../x")]), header("h", b'1', 0, "f", 0o644)], traversal("../x")),
        (vec![long(b'K', "/x"), header("h", b'1', 0, "f", 0o644)], Refusal::Absolute("/x".into())),
        (vec![pax(&[("GNU.sparse.name", "../x"), ("GNU.sparse.realsize", "0")]), file("f", "")], traversal("../x")),
    ];
    for (entries, refusal) in cases {
        assert_eq!(Scene::new().refusal(&archive(&entries)), refusal);
    }
    let header_errors = [
        (vec![pax(&[("path", "x"), ("path", "y")]), file("f", "")], "two names for one entry"),
        (vec![pax(&[("path", "x")]), long(b'L', "y"), file("f", "")], "two names for one entry"),
        (vec![long(b'L', "y"), pax(&[("path", "x")]), file("f", "")], "two names for one entry"),
        (vec![pax(&[("size", "+5")]), file("f", "hello")], "a PAX number that is no number"),
        (vec![header("l", b'2', 512, "f", 0o777), file("f", "")], "a link with data"),
        (vec![header("d/", b'0', 512, "", 0o644), file("f", "")], "a folder with data"),
        (vec![pax(&[("size", "1"), ("size", "5")]), file("f", "hello")], "two sizes for one entry"),
        (vec![pax(&[("path", "a\0b")]), file("f", "")], "a PAX name with a NUL"),
        (vec![pax(&[("size", "-1")]), file("f", "")], "a PAX number that is no number"),
        (vec![pax(&[("size", "99999999999999999999")]), file("f", "")], "a PAX number that is no number"),
    ];
    for (entries, wanted) in header_errors {
        match Scene::new().refusal(&archive(&entries)) {
            Refusal::Header { reason, .. } => assert_eq!(reason, wanted),
            other => panic!("{wanted}: {other}"),
        }
    }
}

#[test]
fn sizes_that_no_file_has_are_refused_at_once() {
    let mut negative = header("f", b'0', 0, "", 0o644);
    negative[124..136].copy_from_slice(&[0xff; 12]);
    let mut huge = header("f", b'0', 0, "", 0o644);
    huge[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let mut letters = header("f", b'0', 0, "", 0o644);
    letters[124..136].copy_from_slice(b"0000000009x\0");
    for mut bytes in [negative, huge, letters] {
        let sum: u32 =
            bytes.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) }).sum();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let refusal = Scene::new().refusal(&archive(&[bytes]));
        assert!(matches!(refusal, Refusal::Header { .. }), "{refusal}");
    }
    // A terabyte in a hole is more than an archive of a few bytes may ask for.
    let sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "1099511627776")];
    let mut map = b"1\n0\n0\n".to_vec();
    map.resize(512, 0);
    let mut entry = header("f", b'0', 512, "", 0o644);
    entry.extend(map);
    let refusal = Scene::new().refusal(&archive(&[pax(&sparse), entry]));
    assert_eq!(refusal, Refusal::Limit { what: "more bytes", limit: Limits::SMALL });
}

#[test]
fn sparse_files_come_out_with_their_holes() {
    let map = |text: &str| {
        let mut block = text.as_bytes().to_vec();
        block.resize(512, 0);
        block
    };
    let stored = |content: &[u8]| {
        let mut bytes = content.to_vec();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    };
    let modern = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "f")];
    let modern = [&modern[..], &[("GNU.sparse.realsize", "1000")]].concat();
    let modern =
        [pax(&modern), header("GNUSparseFile.1/f", b'0', 512 + 5, "", 0o644), map("1\n700\n5\n"), stored(b"hello")];
    let middle = [("GNU.sparse.size", "1000"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "700,5")];
    let middle = [pax(&middle), header("f", b'0', 5, "", 0o644), stored(b"hello"), Vec::new()];
    let mut old = header("f", b'S', 5, "", 0o644);
    old[386..398].copy_from_slice(b"00000001274\0");
    old[398..410].copy_from_slice(b"00000000005\0");
    old[483..495].copy_from_slice(b"00000001750\0");
    let sum: u32 =
        old.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) }).sum();
    old[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let old = [old, stored(b"hello"), Vec::new(), Vec::new()];
    let mut wanted = vec![0; 1000];
    wanted[700..705].copy_from_slice(b"hello");
    for entries in [modern, middle, old] {
        let scene = Scene::new();
        scene.unpack(&archive(&entries)).expect("unpacks");
        assert!(std::fs::read(scene.root.join("out/f")).expect("reads") == wanted);
    }
    // Maps that lie outside of their files, or overlap.
    for bad in ["700,5,600,0", "998,5", "0,4", "1,1,1"] {
        let records = [("GNU.sparse.size", "1000"), ("GNU.sparse.map", bad)];
        let entries = [pax(&records), header("f", b'0', 5, "", 0o644), stored(b"hello")];
        assert!(matches!(Scene::new().refusal(&archive(&entries)), Refusal::Header { .. }), "{bad}");
    }
}

#[test]
fn bombs_end_at_the_ratio() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&header("f", b'0', 400 << 20, "", 0o644)).expect("writes");
    let zeros = vec![0; 1 << 20];
    for _ in 0..400 {
        gzip.write_all(&zeros).expect("writes");
    }
    gzip.write_all(&[0; 1024]).expect("writes");
    let bomb = gzip.finish().expect("writes");
    let refusal = Scene::new().refusal(&bomb);
    assert_eq!(refusal, Refusal::Limit { what: "more bytes", limit: Limits::SMALL });
}

#[test]
fn links_may_lead_outside_where_that_is_allowed_and_are_not_followed() {
    let scene = Scene::new();
    let path = scene.root.join("a.tar");
    let link = |name: &str, target: &str| header(name, b'2', 0, target, 0o777);
    std::fs::write(&path, archive(&[link("l", "/etc/passwd"), file("f", "")])).expect("writes");
    let allowed = Unpack { links: Links::Anywhere, ..Unpack::new(&path) };
    unpack(&allowed, &scene.root.join("out")).expect("unpacks");
    assert_eq!(std::fs::read_link(scene.root.join("out/l")).expect("a link"), std::path::Path::new("/etc/passwd"));
    let outside = scene.root.join("outside");
    std::fs::create_dir(&outside).expect("makes");
    std::fs::write(&path, archive(&[link("l", outside.as_str()), file("l/f", "")])).expect("writes");
    let refused = unpack(&allowed, &scene.root.join("out2")).expect_err("a way through a link");
    assert!(refused.to_string().ends_with("entry `l/f` lies below `l`, which is a link"), "{refused}");
    assert_eq!(std::fs::read_dir(&outside).expect("reads").count(), 0);
}

#[test]
fn one_compressed_file_is_unpacked_under_its_name() {
    let mut gzip = flate2::GzBuilder::new().filename("../x").write(Vec::new(), flate2::Compression::best());
    gzip.write_all(b"just text").expect("writes");
    let scene = Scene::new();
    let path = scene.root.join("a.patch.gz");
    std::fs::write(&path, gzip.finish().expect("writes")).expect("writes");
    unpack(&Unpack { name: "a.patch", ..Unpack::new(&path) }, &scene.root.join("out")).expect("unpacks");
    assert_eq!(std::fs::read(scene.root.join("out/a.patch")).expect("reads"), b"just text");
    assert!(!scene.root.join("x").exists());
}

/// A zip of two files as the usual writer makes it.
fn zip() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for name in ["first", "second"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("starts");
        zip.write_all(name.repeat(50).as_bytes()).expect("writes");
    }
    zip.finish().expect("writes").into_inner()
}

#[test]
fn a_zip_says_everything_twice_and_alike() {
    let whole = zip();
    Scene::new().unpack(&whole).expect("unpacks");
    let find = |bytes: &[u8], what: &[u8], nth: usize| {
        bytes.windows(what.len()).enumerate().filter(|(_, window)| *window == what).nth(nth).expect("is there").0
    };
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let (local, central, end) =
        (find(&whole, b"PK\x03\x04", 1), find(&whole, b"PK\x01\x02", 1), find(&whole, b"PK\x05\x06", 0));
    let cases = [
        ("another name before the data", changed(local + 30, b"sECOND")),
        ("another name in the directory", changed(central + 46, b"../etc")),
        ("another method", changed(local + 8, &[0])),
        ("another checksum", changed(local + 14, &[1, 2, 3, 4])),
        ("another size", changed(central + 24, &[9])),
        ("another offset", changed(central + 42, &[0, 0])),
        ("a password", changed(local + 6, &[1])),
        ("another count", changed(end + 8, &[1, 0, 1, 0])),
        ("another start", changed(end + 16, &[1])),
        ("a longer comment", changed(end + 20, &[1])),
        ("something after the end", [&whole[..], b"x"].concat()),
        ("a second end", [&whole[..], &whole[end..]].concat()),
        ("something before the first entry", [b"PK\x03\x04".as_slice(), &whole].concat()),
        ("a cut", whole[..whole.len() - 1].to_vec()),
    ];
    for (what, bytes) in cases {
        match Scene::new().unpack(&bytes) {
            Err(Error::Refused { .. } | Error::Damaged { .. } | Error::NotAnArchive { .. }) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
    // Whatever single byte is changed, the files come out as they were or not at all.
    for at in 0..whole.len() {
        for bit in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            let scene = Scene::new();
            if scene.unpack(&bytes).is_ok() {
                for name in ["first", "second"] {
                    let read = std::fs::read(scene.root.join("out").join(name)).expect("under its name");
                    assert!(read == name.repeat(50).as_bytes(), "byte {at}");
                }
            }
        }
    }
}

#[test]
fn a_zip_with_a_hidden_entry_is_refused() {
    let whole = zip();
    let second = whole.windows(4).rposition(|window| window == b"PK\x03\x04").expect("an entry");
    let mut hidden = whole[..second].to_vec();
    let extra = b"PK\x03\x04 hidden";
    hidden.extend(extra);
    hidden.extend(&whole[second..]);
    // The places that the directory and its end give move along.
    let central = hidden.windows(4).rposition(|window| window == b"PK\x01\x02").expect("an entry");
    let end = hidden.windows(4).rposition(|window| window == b"PK\x05\x06").expect("an end");
    for at in [central + 42, end + 16] {
        let place = u32::from_le_bytes(*hidden[at..].first_chunk().expect("four bytes")) + extra.len() as u32;
        hidden[at..at + 4].copy_from_slice(&place.to_le_bytes());
    }
    let refusal = Scene::new().refusal(&hidden);
    assert!(refusal.to_string().contains("listed nowhere"), "{refusal}");
}

#[test]
fn a_zip_in_the_comment_of_a_zip_is_not_read() {
    // Programs that look for the end from the back find the inner one; it says that it ends elsewhere, so others do not.
    let inner = zip();
    for tail in [&b"tail"[..], b""] {
        let mut whole = zip();
        let end = whole.len() - 22;
        let comment = [&inner[..], tail].concat();
        whole[end + 20..end + 22].copy_from_slice(&(comment.len() as u16).to_le_bytes());
        whole.extend(&comment);
        let refusal = Scene::new().refusal(&whole);
        assert_eq!(refusal, Refusal::ZipDirectory("there are two records at the end"));
    }
}

#[test]
fn nothing_hides_behind_a_deflated_entry() {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file("f", zip::write::SimpleFileOptions::default()).expect("starts");
    zip.write_all(&b"text ".repeat(100)).expect("writes");
    let whole = zip.finish().expect("writes").into_inner();
    let central = whole.windows(4).position(|window| window == b"PK\x01\x02").expect("a directory");
    let junk = b"junk!";
    let mut longer = [&whole[..central], junk, &whole[central..]].concat();
    let (central, end) = (central + junk.len(), longer.len() - 22);
    for (at, by) in [(18, 5), (central + 20, 5), (end + 16, 5)] {
        let number = u32::from_le_bytes(*longer[at..].first_chunk().expect("four bytes")) + by;
        longer[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    let refusal = Scene::new().refusal(&longer);
    assert!(refusal.to_string().contains("something after its content"), "{refusal}");
}

#[test]
fn what_costs_time_or_memory_beyond_measure_is_refused_soon() {
    let start = std::time::Instant::now();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    };
    let link = |name: &str, target: &str| header(name, b'2', 0, target, 0o777);
    // A target longer than any system takes.
    let long = [pax(&[("linkpath", &"a/".repeat(100_000))]), link("l", "z")];
    assert!(matches!(Scene::new().refusal(&archive(&long)), Refusal::LongName(_)));
    // Links through links through links.
    let mut links: Vec<Vec<u8>> =
        (0..45).map(|index| link(&format!("c{index}"), &format!("{}c{}", "q/../".repeat(18), index + 1))).collect();
    links.extend((0..6000).map(|index| link(&format!("m{index}"), &format!("{}c5", "q/../".repeat(18)))));
    let refusal = Scene::new().refusal(&gzip(&archive(&links)));
    assert!(matches!(refusal, Refusal::Limit { what: "links that lead further round", .. }), "{refusal}");
    // Deep folders that nobody listed.
    let deep = (0..1500).map(|index| {
        let path: String = std::iter::once(format!("{index:032}"))
            .chain((0..120).map(|_| "b".repeat(32)))
            .collect::<Vec<_>>()
            .join("/");
        [pax(&[("path", &path)]), file("f", "")].concat()
    });
    let refusal = Scene::new().refusal(&gzip(&archive(&deep.collect::<Vec<_>>())));
    assert!(matches!(refusal, Refusal::Limit { what: "more bytes of names", .. }), "{refusal}");
    // Streams that hold nothing, each of which takes a while.
    let mut empty = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    empty.write_all(&archive(&[file("f", "")])).expect("writes");
    let mut streams = empty.finish().expect("finishes");
    let nothing = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best()).finish().expect("finishes");
    streams.extend(nothing.repeat(100_000));
    let refusal = Scene::new().refusal(&streams);
    assert!(matches!(refusal, Refusal::Limit { what: "more bzip2 streams for its length", .. }), "{refusal}");
    assert!(start.elapsed() < std::time::Duration::from_secs(60));
}

#[test]
fn what_old_and_odd_writers_do_is_taken() {
    // Times before 1970, as GNU tar writes them.
    let mut old = header("f", b'0', 0, "", 0o644);
    old[136..148].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfb]);
    let sum: u32 =
        old.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) }).sum();
    old[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let scene = Scene::new();
    scene.unpack(&archive(&[old])).expect("unpacks");
    let data = std::fs::metadata(scene.root.join("out/f")).expect("is there");
    assert_eq!(std::os::unix::fs::MetadataExt::mtime(&data), -5);
    // A frame for other programs before the first.
    let tar = archive(&[file("f", "hello")]);
    let zstd = ruzstd::encoding::compress_to_vec(&*tar, ruzstd::encoding::CompressionLevel::Fastest);
    let skippable = [&0x184d_2a50u32.to_le_bytes()[..], &4u32.to_le_bytes(), b"abcd", &zstd].concat();
    Scene::new().unpack(&skippable).expect("unpacks");
    // Extensions that take back nothing, and a fraction alone.
    for records in [[("path", ""), ("mtime", ".5")], [("size", ""), ("mtime", "-5.5")]] {
        Scene::new().unpack(&archive(&[pax(&records), file("f", "hello")])).expect("unpacks");
    }
    Scene::new().unpack(&archive(&[long(b'L', "long"), pax(&[("mtime", "1")]), file("f", "")])).expect("unpacks");
}
