//! What is inside files, so that a difference is named at its depth: members of archives, contents of compressed files,
//! sections of programs.
//!
//! Pure: bytes in, spots out. What cannot be opened is compared as it is.

mod archives;
mod compressed;
mod leaf;
mod programs;
mod spot;
mod view;

use std::collections::BTreeMap;

use archives::Members;
pub use leaf::{Clock, Clues};
pub use spot::{Kind, Spot, What};
pub use view::{View, printable};

/// Archives within archives, at most; a bomb is not worth more.
const DEEPEST: usize = 6;

/// Bytes that are unpacked of two files, in all; what is larger is compared as it is.
const ROOM: u64 = 1 << 30;
/// Differences of a file that are told.
const MOST: usize = 200;

/// Where two files differ. Both are whole; `name` says what it is, where its bytes do not.
pub fn differences(name: &str, [first, second]: [&[u8]; 2], clues: &Clues) -> Vec<Spot> {
    let mut found = Finder { clues, inside: Vec::new(), spots: Vec::new(), room: ROOM };
    found.compare(name, [first, second]);
    // What follows from something else need not be told where that is.
    if found.spots.iter().any(|spot| !spot.what.follows()) {
        found.spots.retain(|spot| !spot.what.follows());
    }
    found.spots
}

/// A walk through two files.
struct Finder<'c> {
    clues: &'c Clues,
    /// What it is in, from the outermost.
    inside: Vec<String>,
    spots: Vec<Spot>,
    /// Bytes that may be unpacked yet.
    room: u64,
}

impl Finder<'_> {
    fn compare(&mut self, name: &str, bytes: [&[u8]; 2]) {
        if bytes[0] == bytes[1] || self.spots.len() > MOST {
            return;
        }
        let before = self.spots.len();
        if self.inside.len() < DEEPEST {
            self.look_inside(name, bytes);
        }
        // What is inside may be the same, and what holds it not.
        if self.spots.len() == before {
            for (what, at, views) in leaf::differences(name, bytes, self.clues) {
                self.add_at(what, at, None, views);
            }
        }
    }

    fn look_inside(&mut self, name: &str, bytes: [&[u8]; 2]) {
        let before = self.spots.len();
        for (what, values) in compressed::header_differences(bytes) {
            self.add(what, None, values.map(View::words));
        }
        let room = self.room / 2;
        if let [Some(first), Some(second)] = bytes.map(|bytes| compressed::unpacked(bytes, room)) {
            self.room -= (first.len() + second.len()) as u64;
            self.within("contents", |finder| finder.compare(name.trim_end_matches(".gz"), [&first, &second]));
            if self.spots.len() == before {
                self.add(What::Compression, None, [View::none(), View::none()]);
            }
        } else if let [Some(first), Some(second)] = bytes.map(|bytes| Members::of(bytes, room)) {
            self.room -= first.unpacked() + second.unpacked();
            self.archives(&first, &second);
        } else if let Some(sections) = programs::differing_sections(bytes) {
            for section in sections {
                for (what, at, views) in leaf::differences(&section.name, section.bytes, self.clues) {
                    self.add_at(what, at, Some(section.name.clone()), views);
                }
            }
        }
    }

    fn archives(&mut self, first: &Members<'_>, second: &Members<'_>) {
        let (ours, theirs) = (first.by_name(), second.by_name());
        let split = |members: &Members<'_>, other: &BTreeMap<&str, _>| -> (Vec<String>, Vec<String>) {
            let names = members.list.iter().map(|member| member.name.clone());
            names.partition(|name| other.contains_key(name.as_str()))
        };
        let ((order, only_first), (other_order, only_second)) = (split(first, &theirs), split(second, &ours));
        for (names, what) in [(only_first, What::OnlyFirst), (only_second, What::OnlySecond)] {
            for name in names {
                self.within(&name, |finder| finder.add(what, None, [View::none(), View::none()]));
            }
        }
        if order != other_order {
            self.add(What::MemberOrder, None, [order, other_order].map(|names| View::words(names.join(", "))));
        }
        // What is said of members is said once, with the first as its example.
        for (what, pick) in archives::FIELDS {
            let pairs = first.list.iter().filter_map(|member| Some((member, *theirs.get(member.name.as_str())?)));
            let mut differing = pairs.filter(|(one, other)| pick(one) != pick(other));
            if let Some((one, other)) = differing.next() {
                let count = 1 + differing.count();
                let of = |text: String| match count {
                    1 => View::words(format!("{}: {text}", one.name)),
                    _ => View::words(format!("{}: {text}, and {} more", one.name, count - 1)),
                };
                self.add(what(first.kind), None, [of(pick(one)), of(pick(other))]);
            }
        }
        for member in &first.list {
            if let Some(other) = theirs.get(member.name.as_str()) {
                self.within(&member.name, |finder| finder.compare(&member.name, [&member.content, &other.content]));
            }
        }
    }

    fn within(&mut self, name: &str, work: impl FnOnce(&mut Self)) {
        self.inside.push(printable(name));
        work(self);
        self.inside.pop();
    }

    fn add(&mut self, what: What, at: Option<u64>, views: [View; 2]) {
        self.add_at(what, at, None, views);
    }

    fn add_at(&mut self, what: What, at: Option<u64>, section: Option<String>, [first, second]: [View; 2]) {
        if self.spots.len() >= MOST {
            // Once is enough to say that there are more.
            if self.spots.len() == MOST {
                let (first, second) = (View::none(), View::none());
                self.spots.push(Spot { inside: Vec::new(), what: What::More, section: None, at: None, first, second });
            }
            return;
        }
        self.spots.push(Spot { inside: self.inside.clone(), what, section, at, first, second });
    }
}

#[cfg(test)]
mod tests;
