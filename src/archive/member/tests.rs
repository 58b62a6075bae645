//! Members of all encodings: each byte counts, and all together are one stream to any tool.

use std::io::{self, Read, Write};

use super::*;

/// What `content` decodes to, by a decoder that knows nothing of members.
pub(in super::super) fn decoded(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    match encoding {
        Encoding::Gzip => flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut whole),
        Encoding::Zstd => ::zstd::stream::read::Decoder::new(bytes).expect("zstd").read_to_end(&mut whole),
        Encoding::Plain => whole.write_all(bytes).map(|()| 0),
    }
    .expect("reads");
    whole
}

fn read(encoding: Encoding, bytes: &[u8], member: Member) -> io::Result<Vec<u8>> {
    let mut reader = MemberReader::new(bytes, encoding, member)?;
    let mut content = Vec::new();
    reader.read_to_end(&mut content)?;
    reader.finish().map(|()| content)
}

#[test]
fn a_changed_byte_in_a_member_shows_and_so_does_another_length() {
    let content = b"abc".repeat(100);
    for encoding in Encoding::ALL {
        let stored = Stored::new(encoding, 300).whole(&content);
        let compressed = Encoder::new(encoding).and_then(|mut e| e.member(&content, Vec::new())).expect("encodes").0;
        for bytes in [stored, compressed] {
            assert!(decoded(encoding, &bytes) == content);
            let (length, crc) = (bytes.len() as u64, crc32fast::hash(&bytes));
            let member = Member { offset: 0, length, content_offset: 0, content_length: 300, crc };
            assert!(read(encoding, &bytes, member).is_ok_and(|read| read == content));
            for index in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[index] ^= 1;
                assert!(read(encoding, &changed, member).is_err(), "{encoding:?}, byte {index}");
            }
            assert!(read(encoding, &bytes, Member { content_length: 299, ..member }).is_err());
            assert!(read(encoding, &bytes, Member { content_length: 301, ..member }).is_err());
            assert!(read(encoding, &bytes[..bytes.len() - 1], member).is_err());
            let longer = [&bytes[..], b"x"].concat();
            let of_more = Member { length: length + 1, crc: crc32fast::hash(&longer), ..member };
            assert!(read(encoding, &longer, of_more).is_err());
        }
    }
}

#[test]
fn members_follow_one_another_as_one_stream() {
    let content = b"hello ".repeat(400_000);
    for encoding in Encoding::ALL {
        let members = encoded_members(encoding, &content).expect("encodes");
        assert!(decoded(encoding, &members) == content);
    }
}

#[test]
fn the_last_member_ends_the_tar_and_tells_its_note() {
    for encoding in Encoding::ALL {
        let (closing, blank) = (Closing::new(encoding, b"\xffa note"), Closing::new(encoding, &[0; 7]));
        assert_eq!(blank.bytes().len(), closing.bytes().len());
        assert_eq!(blank.note_in(closing.bytes()).as_deref(), Some(&b"\xffa note"[..]));
        assert_eq!(blank.note_in(&[]), None);
        let length = match encoding {
            Encoding::Gzip => 10 + 2 + 4 + 7 + 5 + 1024 + 8,
            Encoding::Zstd => 14 + 3 + 1024 + 4 + 8 + 2 + 7,
            Encoding::Plain => 1024 + 512,
        };
        assert_eq!(closing.bytes().len(), length);
        let differs = |place: usize| closing.bytes()[place] != blank.bytes()[place];
        assert!(closing.first().all(differs), "{encoding:?}");
        let stream = decoded(encoding, closing.bytes());
        assert!(stream.starts_with(&[0; 1024]) && stream.len() <= 1024 + 512);
    }
}

#[test]
fn endings_tell_the_encoding() {
    for encoding in Encoding::ALL {
        assert_eq!(Encoding::of_name(&format!("a-1.0{}", encoding.ending())), Some(encoding));
    }
    assert_eq!(Encoding::of_name("a.tgz"), Some(Encoding::Gzip));
    assert_eq!(Encoding::of_name("a.zip"), None);
}
