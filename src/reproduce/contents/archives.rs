//! Archives with members: static libraries, tar and zip.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use super::compressed::moment;
use super::spot::{Kind, What};

/// Members that are looked at, at most.
const MOST: usize = 100_000;

/// An archive, opened.
pub(super) struct Members<'b> {
    pub(super) kind: Kind,
    pub(super) list: Vec<Member<'b>>,
}

/// One member.
pub(super) struct Member<'b> {
    pub(super) name: String,
    time: String,
    owner: String,
    mode: String,
    pub(super) content: Cow<'b, [u8]>,
}

/// What it is that differs, and how it is read.
type Field = (fn(Kind) -> What, fn(&Member<'_>) -> String);

/// What headers say of members.
pub(super) const FIELDS: [Field; 3] = [
    (What::MemberTimes, |member| member.time.clone()),
    (What::MemberOwners, |member| member.owner.clone()),
    (What::MemberModes, |member| member.mode.clone()),
];

impl<'b> Members<'b> {
    /// Opens an archive; none where it is none, or broken, or more than there is room for.
    pub(super) fn of(bytes: &'b [u8], room: u64) -> Option<Self> {
        if bytes.starts_with(b"!<arch>\n") {
            return Some(Self { kind: Kind::Ar, list: ar(bytes)? });
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return Some(Self { kind: Kind::Zip, list: zip(bytes, room)? });
        }
        if bytes.get(257..262) == Some(b"ustar") {
            return Some(Self { kind: Kind::Tar, list: tar(bytes, room)? });
        }
        None
    }

    /// Its members by their names.
    pub(super) fn by_name(&self) -> BTreeMap<&str, &Member<'b>> {
        self.list.iter().map(|member| (member.name.as_str(), member)).collect()
    }

    /// Bytes that had to be unpacked for it.
    pub(super) fn unpacked(&self) -> u64 {
        let own = self.list.iter().filter(|member| matches!(member.content, Cow::Owned(_)));
        own.map(|member| member.content.len() as u64).sum()
    }
}

/// Members of several names alike are told apart by a number.
fn told_apart(mut list: Vec<Member<'_>>) -> Vec<Member<'_>> {
    let mut seen = BTreeMap::new();
    for member in &mut list {
        let count = seen.entry(member.name.clone()).and_modify(|count| *count += 1).or_insert(1);
        if *count > 1 {
            member.name += &format!(" ({count})");
        }
    }
    list
}

/// A static library, in the format of ar(5) with GNU's long names.
fn ar(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut list = Vec::new();
    let mut long_names: &[u8] = &[];
    let mut at = 8;
    while let Some(header) = bytes.get(at..at + 60) {
        let field = |range: std::ops::Range<usize>| String::from_utf8_lossy(&header[range]).trim().to_owned();
        let size: usize = field(48..58).parse().ok()?;
        let content = bytes.get(at + 60..at.checked_add(60)?.checked_add(size)?)?;
        at += 60 + size + size % 2;
        let name = field(0..16);
        match name.as_str() {
            "//" => long_names = content,
            // The table of symbols follows from the members.
            "/" | "/SYM64/" => {}
            _ => {
                let long = name.strip_prefix('/').and_then(|number| number.parse::<usize>().ok());
                let long = long.and_then(|from| long_names.get(from..)).map(|rest| {
                    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    String::from_utf8_lossy(&rest[..end]).into_owned()
                });
                let name = long.unwrap_or(name);
                list.push(Member {
                    name: name.trim_end_matches('/').to_owned(),
                    time: field(16..28).parse::<i64>().map_or_else(|_| field(16..28), moment),
                    owner: format!("{}:{}", field(28..34), field(34..40)),
                    mode: field(40..48),
                    content: Cow::Borrowed(content),
                });
            }
        }
        if list.len() > MOST {
            return None;
        }
    }
    Some(told_apart(list))
}

fn tar(bytes: &[u8], mut room: u64) -> Option<Vec<Member<'static>>> {
    let mut archive = tar::Archive::new(bytes);
    let mut list = Vec::new();
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let header = entry.header();
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let owner = format!(
            "{} {}:{} {}",
            header.uid().unwrap_or_default(),
            text(header.username_bytes()),
            header.gid().unwrap_or_default(),
            text(header.groupname_bytes())
        );
        let (time, mode) = (header.mtime().unwrap_or_default(), header.mode().unwrap_or_default());
        let link = entry.link_name_bytes().map(|link| link.into_owned()).unwrap_or_default();
        let mut content = Vec::new();
        // What a sparse file is said to hold need not be in the archive.
        let read = entry.by_ref().take(room + 1).read_to_end(&mut content).ok()?;
        room = room.checked_sub(read as u64)?;
        // A link's target is all it has.
        content.extend(link);
        let content = Cow::Owned(content);
        let time = moment(i64::try_from(time).unwrap_or_default());
        list.push(Member { name, time, owner, mode: format!("{mode:04o}"), content });
        if list.len() > MOST {
            return None;
        }
    }
    Some(told_apart(list))
}

fn zip(bytes: &[u8], mut room: u64) -> Option<Vec<Member<'static>>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut list = Vec::new();
    for index in 0..archive.len().min(MOST) {
        let file = archive.by_index(index).ok()?;
        let name = file.name().ok()?.into_owned();
        let time = file.last_modified().map(|time| time.to_string()).unwrap_or_default();
        let mode = file.unix_mode().map(|mode| format!("{mode:04o}")).unwrap_or_default();
        // Times of Info-ZIP's extra field, which hold seconds and no time zone.
        let extra = file.extra_data().map(|extra| format!("{extra:02x?}")).unwrap_or_default();
        let mut content = Vec::new();
        let read = file.take(room + 1).read_to_end(&mut content).ok()?;
        room = room.checked_sub(read as u64)?;
        let content = Cow::Owned(content);
        list.push(Member {
            name,
            time: format!("{time} {extra}").trim().to_owned(),
            owner: String::new(),
            mode,
            content,
        });
    }
    Some(told_apart(list))
}
