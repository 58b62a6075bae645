//! All entries of an archive, checked against each other before the first is written.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::super::error::Refusal;
use super::entry::{Entry, EntryKind, show};
use super::limits::Limits;
use crate::base::link_stays_below_within;

/// Names on the ways of all links together; honest archives have some ten a link.
const MAX_STEPS: u64 = 4_000_000;
/// Bytes of all paths together, those of folders nobody listed included, which are held in memory.
const MAX_NAMES: u64 = 192 << 20;

/// What the archive would put at each path.
pub(in crate::archive) struct Plan {
    limits: Limits,
    kinds: HashMap<Vec<u8>, Placed>,
    /// Targets of symbolic links.
    links: BTreeMap<Vec<u8>, Vec<u8>>,
    size: u64,
    names: u64,
}

/// Where symbolic links may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// To places in the archive.
    #[default]
    Inside,
    /// Anywhere: they are made, and never followed.
    Anywhere,
}

#[derive(Clone, Copy, PartialEq)]
enum Placed {
    File,
    Link,
    Folder,
    /// A folder nobody listed, only implied by a file in it.
    Implied,
}

impl Plan {
    pub(in crate::archive) fn new(limits: Limits) -> Self {
        Self { limits, kinds: HashMap::new(), links: BTreeMap::new(), size: 0, names: 0 }
    }

    /// Adds the next entry, in the archive's order.
    pub(in crate::archive) fn add(&mut self, entry: &Entry) -> Result<(), Refusal> {
        // Folders that are only implied count too: a long path makes many.
        if self.kinds.len() as u64 >= self.limits.entries {
            return Err(Refusal::Limit { what: "more entries", limit: self.limits.entries });
        }
        self.size = self.size.saturating_add(entry.size);
        if self.size > self.limits.total_size {
            return Err(Refusal::Limit { what: "more bytes", limit: self.limits.total_size });
        }
        let name = || show(&entry.path);
        if entry.path.is_empty() {
            return match entry.kind {
                EntryKind::Folder => Ok(()),
                _ => Err(Refusal::BadName(name())),
            };
        }
        self.add_parents(&entry.path)?;
        self.count_name(&entry.path)?;
        let placed = match &entry.kind {
            EntryKind::File => Placed::File,
            EntryKind::Folder => Placed::Folder,
            EntryKind::Symlink(target) => {
                if target.is_empty() || target.contains(&0) {
                    return Err(Refusal::BadName(name()));
                }
                if target.len() as u64 > Limits::LINK_TARGET {
                    return Err(Refusal::LongName(name()));
                }
                self.links.insert(entry.path.clone(), target.clone());
                Placed::Link
            }
            EntryKind::HardLink(target) => {
                if self.kinds.get(target) != Some(&Placed::File) {
                    return Err(Refusal::HardLinkTarget { name: name(), target: show(target) });
                }
                Placed::File
            }
        };
        match (self.kinds.insert(entry.path.clone(), placed), placed) {
            (None, _) | (Some(Placed::Folder | Placed::Implied), Placed::Folder) => Ok(()),
            _ => Err(Refusal::Duplicate(name())),
        }
    }

    fn count_name(&mut self, name: &[u8]) -> Result<(), Refusal> {
        self.names += name.len() as u64;
        match self.names > MAX_NAMES {
            true => Err(Refusal::Limit { what: "more bytes of names", limit: MAX_NAMES }),
            false => Ok(()),
        }
    }

    fn add_parents(&mut self, path: &[u8]) -> Result<(), Refusal> {
        let mut depth = 0;
        for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            depth += 1;
            if depth > self.limits.depth {
                return Err(Refusal::Limit { what: "deeper folders", limit: self.limits.depth as u64 });
            }
            let kind = match self.kinds.get(&path[..end]) {
                Some(Placed::Folder | Placed::Implied) => continue,
                None => {
                    self.count_name(&path[..end])?;
                    self.kinds.insert(path[..end].to_vec(), Placed::Implied);
                    continue;
                }
                Some(Placed::File) => "file",
                Some(Placed::Link) => "link",
            };
            return Err(Refusal::ThroughNonFolder { name: show(path), parent: show(&path[..end]), kind });
        }
        Ok(())
    }

    /// Checks what only the whole tells.
    ///
    /// # Errors
    /// [`Refusal::Empty`] if nothing was added, [`Refusal::LinkLeaves`].
    pub(in crate::archive) fn finish(&self, links: Links) -> Result<(), Refusal> {
        if links == Links::Inside {
            let mut steps = MAX_STEPS;
            for (path, target) in &self.links {
                match link_stays_below_within(path, &|at| self.links.get(at).cloned(), &mut steps) {
                    Some(true) => {}
                    Some(false) => return Err(Refusal::LinkLeaves { name: show(path), target: show(target) }),
                    None => return Err(Refusal::Limit { what: "links that lead further round", limit: MAX_STEPS }),
                }
            }
        }
        match self.kinds.is_empty() {
            true => Err(Refusal::Empty),
            false => Ok(()),
        }
    }
}

impl Plan {
    /// Two paths that some file systems take for one: they differ in the case of letters, or in how their accents are
    /// written.
    pub(in crate::archive) fn alike(&self) -> Option<(String, String)> {
        let mut seen: HashMap<String, &[u8]> = HashMap::new();
        let mut paths: Vec<&[u8]> = self.kinds.keys().map(Vec::as_slice).collect();
        paths.sort_unstable();
        for path in paths {
            let Ok(text) = std::str::from_utf8(path) else { continue };
            let folded: String = text.nfc().flat_map(char::to_lowercase).collect();
            if let Some(other) = seen.insert(folded, path) {
                return Some((show(other), show(path)));
            }
        }
        None
    }
}

/// Whether a name would be shown as another one: it has control characters beyond ASCII's, or turns the direction of
/// what follows.
fn misleads(raw: &[u8]) -> bool {
    let turns = |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !raw.is_ascii() && std::str::from_utf8(raw).is_ok_and(|text| text.contains(turns))
}

/// A name without `./` and trailing slashes; empty for the archive's root.
pub(super) fn clean_name(raw: &[u8]) -> Result<Vec<u8>, Refusal> {
    if raw.is_empty() || raw.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) || misleads(raw) {
        return Err(Refusal::BadName(show(raw)));
    }
    if raw.starts_with(b"/") {
        return Err(Refusal::Absolute(show(raw)));
    }
    if raw.len() > 4096 {
        return Err(Refusal::LongName(show(&raw[..100])));
    }
    let mut clean = Vec::with_capacity(raw.len());
    for name in raw.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => continue,
            b".." => return Err(Refusal::Traversal(show(raw))),
            name if name.len() > 255 => return Err(Refusal::LongName(show(&name[..100]))),
            name => {
                if !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(name);
            }
        }
    }
    Ok(clean)
}
