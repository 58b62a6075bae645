//! Sections of programs, libraries and objects.

use std::collections::BTreeMap;

use object::read::elf::ElfFile;
use object::{Endianness, Object, ObjectSection};

/// A section that is not the same in both.
pub(super) struct Section<'d> {
    pub(super) name: String,
    pub(super) bytes: [&'d [u8]; 2],
}

/// The sections in which two programs differ; none where they are not both programs, or differ in none of their sections.
pub(super) fn differing_sections<'d>(bytes: [&'d [u8]; 2]) -> Option<Vec<Section<'d>>> {
    let [first, second] = bytes.map(sections);
    let (first, mut second) = (first?, second?);
    let mut found = Vec::new();
    for (name, bytes) in first {
        let other = second.remove(&name).unwrap_or_default();
        if bytes != other {
            found.push(Section { name, bytes: [bytes, other] });
        }
    }
    found.extend(second.into_iter().map(|(name, bytes)| Section { name, bytes: [&[], bytes] }));
    // Offsets into other sections move with them, and say nothing themselves.
    if found.iter().any(|section| says_something(&section.name)) {
        found.retain(|section| says_something(&section.name));
    }
    (!found.is_empty()).then_some(found)
}

/// Whether people can read what a section holds.
fn says_something(name: &str) -> bool {
    let readable =
        [".rodata", ".data", ".debug_str", ".debug_line_str", ".comment", ".interp", ".dynstr", ".gnu_debuglink"];
    name == ".note.gnu.build-id" || readable.iter().any(|readable| name.starts_with(readable))
}

/// What is in sections. Several of a name are told apart by a number.
fn sections(bytes: &[u8]) -> Option<BTreeMap<String, &[u8]>> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    match bytes.get(4)? {
        1 => of_file(&ElfFile::<object::elf::FileHeader32<Endianness>>::parse(bytes).ok()?),
        2 => of_file(&ElfFile::<object::elf::FileHeader64<Endianness>>::parse(bytes).ok()?),
        _ => None,
    }
}

fn of_file<'d>(file: &impl Object<'d>) -> Option<BTreeMap<String, &'d [u8]>> {
    let mut all = BTreeMap::new();
    for section in file.sections() {
        let mut name = String::from_utf8_lossy(section.name_bytes().ok()?).into_owned();
        if all.contains_key(&name) {
            name += &format!(" ({})", section.index().0);
        }
        all.insert(name, section.data().ok()?);
    }
    Some(all)
}
