//! From a sequence of files to one layer of sections.
//!
//! Applying every file in turn, as often as paths reach it, gives the meaning; doing it costs what made the original
//! slow. An option that is only ever set has the value of the file applied last, so [`merge`] looks at the order just
//! once for each such option, and replays applications only for options that `+=` or `-=` touch.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::active::{Ops, PROFILE_BASE, Written};
use super::extends::{Files, Sequence};
use super::layer::{FileOrigin, Layer, Origin, Slot, Value};

/// Merges the files of `sequence`. With `whole_history`, values remember every file that set them, which only
/// `annotate -v` needs.
pub(super) fn merge(files: &Files, sequence: &Sequence, whole_history: bool) -> Layer {
    let mut merge = Merge { files, sequence, origins: HashMap::new(), first: Vec::new(), last: Vec::new() };
    merge.first = vec![None; files.len()];
    merge.last = vec![None; files.len()];
    for (position, visit) in sequence.order.iter().enumerate() {
        let document = sequence.document(*visit);
        merge.first[document].get_or_insert(position);
        merge.last[document] = Some(position);
    }
    let mut users: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
    for document in (0..files.len()).filter(|document| merge.last[*document].is_some()) {
        for name in files.document(document).sections.keys() {
            users.entry(name).or_default().push(document);
        }
    }
    let sections = users.into_iter();
    sections.map(|(name, documents)| (Arc::clone(name), merge.section(name, &documents, whole_history))).collect()
}

struct Merge<'a> {
    files: &'a Files,
    sequence: &'a Sequence,
    origins: HashMap<usize, Arc<FileOrigin>>,
    /// Position in the order where a file is applied first.
    first: Vec<Option<usize>>,
    /// Position in the order where a file is applied last.
    last: Vec<Option<usize>>,
}

impl Merge<'_> {
    fn section(&mut self, name: &str, documents: &[usize], whole_history: bool) -> BTreeMap<Arc<str>, Slot> {
        let files = self.files;
        let mut by_option: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
        for document in documents {
            let section = &files.document(*document).sections[name];
            for option in section.options.keys() {
                by_option.entry(Arc::clone(option)).or_default().push(*document);
            }
            if section.wants_profile_base && !section.options.contains_key(PROFILE_BASE) {
                by_option.entry(PROFILE_BASE.into()).or_default().push(*document);
            }
        }
        let introduced_by = documents.iter().copied().min_by_key(|document| self.first[*document]);
        let introduction = Introduction {
            position: introduced_by.and_then(|document| self.first[document]),
            from_macro: introduced_by.is_some_and(|document| {
                let macros = files.document(document).sections[name].options.get("<");
                macros.is_some_and(|ops| ops.set.is_some())
            }),
        };
        let options = by_option.into_iter();
        let merged = options.map(|(option, documents)| {
            let only_set = documents.iter().all(|document| {
                let ops = files.document(*document).sections[name].options.get(&option);
                ops.is_none_or(|ops| ops.add.is_none() && ops.remove.is_none())
            });
            let slot = if only_set && !whole_history {
                let winner = documents.iter().filter_map(|document| self.last[*document]).max();
                winner.map(|position| self.slot(position, name, &option)).unwrap_or_default()
            } else {
                self.replay(&documents, name, &option, &introduction)
            };
            (option, slot)
        });
        // A slot without anything is an option that was only mentioned, as `extends` is.
        merged.filter(|(_, slot)| slot.set.is_some() || slot.add.is_some() || slot.remove.is_some()).collect()
    }

    fn replay(&mut self, documents: &[usize], name: &str, option: &str, introduction: &Introduction) -> Slot {
        let mut slot: Option<Slot> = None;
        for position in 0..self.sequence.order.len() {
            if !documents.contains(&self.sequence.document(self.sequence.order[position])) {
                continue;
            }
            let later = self.slot(position, name, option);
            match &mut slot {
                None if introduction.position == Some(position) => {
                    slot = Some(later.introduced(introduction.from_macro));
                }
                None => slot.insert(Slot::default()).apply(later),
                Some(slot) => slot.apply(later),
            }
        }
        slot.unwrap_or_default()
    }

    /// What the file applied at `position` says about an option.
    fn slot(&mut self, position: usize, name: &str, option: &str) -> Slot {
        let visit = self.sequence.order[position];
        let (files, sequence) = (self.files, self.sequence);
        let origin = self.origins.entry(visit).or_insert_with(|| sequence.origin(files, visit));
        let section = &files.document(sequence.document(visit)).sections[name];
        let value = |written: &Written| {
            Value::new(Arc::clone(&written.text), Origin::File(Arc::clone(origin), written.span.clone()))
        };
        let nothing = Ops::default();
        let ops = section.options.get(option).unwrap_or(&nothing);
        let mut slot = Slot {
            set: ops.set.as_ref().map(value),
            add: ops.add.as_ref().map(value),
            remove: ops.remove.as_ref().map(value),
        };
        if option == PROFILE_BASE && section.wants_profile_base {
            let folder = origin.location.folder().to_owned();
            slot.set = Some(Value::new(folder, Origin::File(Arc::clone(origin), 0..0)));
        }
        slot
    }
}

/// Where a section appears for the first time in the order.
struct Introduction {
    position: Option<usize>,
    from_macro: bool,
}
