//! Differences as people are told of them.

use std::io::Write;

use jiff::{Timestamp, ToSpan};

use super::*;
use crate::install::sandbox::Condition;

fn clues() -> Clues {
    let from: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
    let clock = |from: Timestamp| Clock { from, to: from + 60.seconds() };
    let path = ["/tmp/build".to_owned(), "/tmp/another-place/deeper/build".to_owned()];
    Clues { values: vec![(Condition::Path, path)], clocks: Some([clock(from), clock(from + (398 * 24).hours())]) }
}

fn found(name: &str, first: impl AsRef<[u8]>, second: impl AsRef<[u8]>) -> Vec<String> {
    let spots = differences(name, [first.as_ref(), second.as_ref()], &clues());
    let words = |spot: Spot| {
        let at = spot.at.map(|at| format!(" at {at}")).unwrap_or_default();
        format!(
            "{}{}{at}: {} | {}",
            spot.inside.iter().map(|name| format!("{name}: ")).collect::<String>(),
            spot.what,
            spot.first.words,
            spot.second.words
        )
    };
    spots.into_iter().map(words).collect()
}

fn gzip(time: u32, content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::GzBuilder::new().mtime(time).write(Vec::new(), flate2::Compression::best());
    writer.write_all(content).expect("memory");
    writer.finish().expect("memory")
}

fn tar(entries: &[(&str, u64, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, time, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mtime(*time);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).expect("memory");
    }
    builder.into_inner().expect("memory")
}

#[test]
fn texts_say_what_they_differ_in() {
    let path = found("x.pc", "dir=/tmp/build/x\n", "dir=/tmp/another-place/deeper/build/x\n");
    assert_eq!(path, ["the build path at 4: dir=/tmp/build/x | dir=/tmp/another-place/deeper/build/x"]);
    let date = found("version", "made on Nov 22 2026\n", "made on Dec 25 2027\n");
    assert_eq!(date, ["a date as __DATE__ writes it at 8: Nov 22 2026 | Dec 25 2027"]);
    assert_eq!(found("v", "on 2026-11-22", "on 2027-12-25"), ["a date at 3: 2026-11-22 | 2027-12-25"]);
    let order = found("list", "a\nb\nc\n", "c\na\nb\n");
    assert_eq!(order, ["the same lines in another order at 0: a | c"]);
    let words = found("list", "all: a b c\n", "all: c b a\n");
    assert_eq!(words, ["the same lines in another order at 0: all: a b c | all: c b a"]);
    assert_eq!(found("pid", "pid=311\n", "pid=618\n"), ["a number at 0: pid=311 | pid=618"]);
    assert_eq!(found("t", "at 12:01:02\n", "at 12:05:09\n"), ["a time of day at 0: at 12:01:02 | at 12:05:09"]);
    let seconds = found("t", "t=1795341610\n", "t=1829728810\n");
    assert_eq!(seconds, ["seconds since 1970 at 0: t=1795341610 | t=1829728810"]);
    assert_eq!(found("t", "one\ntwo\n", "one\n"), ["other lines at 4: two | "]);
    // What a terminal would obey is not shown to one.
    assert_eq!(found("t", "x\u{1b}[2J\n", "y\n"), ["other lines at 0: x\u{b7}[2J | y"]);
}

#[test]
fn bytes_are_read_as_times_where_they_are() {
    let binary = |seconds: u32| [&[0, 1, 2, 3, 0xff][..], &seconds.to_be_bytes(), &[9]].concat();
    assert_eq!(found("b", binary(1_795_341_610), binary(1_829_728_810)), ["seconds since 1970 at 5:  | "]);
    assert_eq!(found("b", [0, 1, 2, 0xff], [0, 1, 3, 0xff]), ["other bytes at 2:  | "]);
}

#[test]
fn archives_are_opened_as_deep_as_they_go() {
    let same = |time| gzip(time, b"the same");
    assert_eq!(
        found("x.gz", same(1_700_000_000), same(1_700_000_060)),
        ["header time: 2023-11-14 22:13:20 | 2023-11-14 22:14:20"]
    );
    let inner = |time, date: &str| tar(&[("doc/a", time, b"a"), ("doc/b.gz", 0, &gzip(0, date.as_bytes()))]);
    let (first, second) = (inner(5, "of 2026-11-22"), inner(6, "of 2027-12-25"));
    assert_eq!(
        found("x.tar.gz", gzip(0, &first), gzip(0, &second)),
        [
            "contents: member times: doc/a: 1970-01-01 00:00:05 | doc/a: 1970-01-01 00:00:06",
            "contents: doc/b.gz: contents: a date at 3: 2026-11-22 | 2027-12-25",
        ]
    );
    let order = found("x.tar", tar(&[("a", 0, b""), ("b", 0, b"")]), tar(&[("b", 0, b""), ("a", 0, b"")]));
    assert_eq!(order, ["members in another order: a, b | b, a"]);
    let lacks = found("x.tar", tar(&[("a", 0, b""), ("b", 0, b"")]), tar(&[("a", 0, b"")]));
    assert_eq!(lacks, ["b: only the first has it:  | "]);
    let level = |level| {
        let mut writer = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::new(level));
        writer.write_all(&b"again ".repeat(1000)).expect("memory");
        writer.finish().expect("memory")
    };
    assert!(found("x.gz", level(1), level(9))[0].starts_with("the same, compressed otherwise"));
}

#[test]
fn what_is_broken_is_compared_as_it_is() {
    let mut cut = gzip(0, b"something");
    cut.truncate(12);
    assert_eq!(found("x.gz", &cut, gzip(0, b"something")).len(), 1);
    assert_eq!(found("x.a", b"!<arch>\nnonsense", b"!<arch>\nnonsensf").len(), 1);
    assert_eq!(found("x.zip", b"PK\x03\x04nonsense", b"PK\x03\x04nonsensf").len(), 1);
    assert_eq!(found("x", b"\x7fELF\x02nonsense", b"\x7fELF\x02nonsensf").len(), 1);
}

#[test]
fn what_claims_to_be_large_is_not_unpacked() {
    // GNU's format for sparse files: three terabytes of which nothing is in the archive.
    let mut header = tar::Header::new_gnu();
    header.set_path("hole").expect("a name");
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_mode(0o644);
    header.as_gnu_mut().expect("of GNU").realsize = *b"\x80\0\0\0\0\0\x03\0\0\0\0\0";
    let archive = |time| {
        let mut header = header.clone();
        header.set_size(0);
        header.set_mtime(time);
        header.set_cksum();
        [&header.as_bytes()[..], &[0; 1024]].concat()
    };
    assert_eq!(found("x.tar", archive(1), archive(2)).len(), 1);
    let zeros = gzip(0, &vec![0; 8 << 20]);
    let many: Vec<u8> = std::iter::repeat_n(zeros, 150).flatten().collect();
    assert!(
        found("x.gz", &many, [&many[..], b"x"].concat())[0].starts_with("other bytes"),
        "more than there is room for"
    );
}

#[test]
fn many_members_are_told_of_once_and_not_all() {
    let archive = |content: &str| {
        let member = |index: usize| {
            format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{content:<8}", format!("m{index}/"), 0, 0, 0, 644, 8)
        };
        "!<arch>\n".to_owned() + &(0..20_000).map(member).collect::<String>()
    };
    let words = found("x.a", archive("one"), archive("two"));
    assert_eq!((words.len(), words[200].as_str()), (201, "and more differences:  | "));
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_too_odd(first in proptest::collection::vec(0u8..=255, 0..600), second in proptest::collection::vec(0u8..=255, 0..600), magic in 0usize..6) {
        let magic: &[u8] = [&b"!<arch>\n"[..], b"PK\x03\x04", b"\x7fELF\x02\x01\x01", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b""][magic];
        let spots = differences("x.pyc", [&[magic, &first].concat(), &[magic, &second].concat()], &clues());
        proptest::prop_assert_eq!(spots.is_empty(), first == second);
    }
}
