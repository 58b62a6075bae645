//! From a sequence of files to one layer of sections.
//!
//! Applying every file in turn, as often as paths reach it, gives the meaning; doing it costs what made the original
//! slow. An option that is only ever set has the value of the file applied last, so [`merge`] looks at the order just
//! once for each such option, and replays applications only for options that `+=` or `-=` touch.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::active::{Ops, PROFILE_BASE, Written};
use super::error::{Error, ErrorKind};
use super::extends::{Files, Sequence};
use super::layer::{FileOrigin, Layer, Origin, Section, Slot, Value};
use super::resolve::MAX_VALUE;

/// Bytes copied for all replays together: many times what the largest known config needs.
const MAX_COPIED: usize = 512 << 20;

/// Merges the files of `sequence`. With `whole_history`, values remember every file that set them, which only
/// `annotate -v` needs.
///
/// # Errors
/// [`ErrorKind::TooLong`] for a value that `+=` makes grow past all bounds.
pub(super) fn merge(files: &Files, sequence: &Sequence, whole_history: bool) -> Result<Layer, Error> {
    let (first, last) = (vec![None; files.len()], vec![None; files.len()]);
    let mut merge = Merge { files, sequence, origins: HashMap::new(), first, last, copied: 0 };
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
    sections.map(|(name, documents)| Ok((Arc::clone(name), merge.section(name, &documents, whole_history)?))).collect()
}

struct Merge<'a> {
    files: &'a Files,
    sequence: &'a Sequence,
    origins: HashMap<usize, Arc<FileOrigin>>,
    /// Position in the order where a file is applied first.
    first: Vec<Option<usize>>,
    /// Position in the order where a file is applied last.
    last: Vec<Option<usize>>,
    /// Bytes of text that were copied for replays.
    copied: usize,
}

impl Merge<'_> {
    fn section(&mut self, name: &str, documents: &[usize], whole_history: bool) -> Result<Section, Error> {
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
        let mut merged = Section::new();
        for (option, documents) in by_option {
            let only_set = documents.iter().all(|document| {
                let ops = files.document(*document).sections[name].options.get(&option);
                ops.is_none_or(|ops| ops.add.is_none() && ops.remove.is_none())
            });
            let slot = if only_set && !whole_history {
                let winner = documents.iter().filter_map(|document| self.last[*document]).max();
                winner.map(|position| self.slot(position, name, &option)).unwrap_or_default()
            } else {
                self.replay(&documents, name, &option, &introduction)?
            };
            // A slot without anything is an option that was only mentioned, as `extends` is.
            if slot.set.is_some() || slot.add.is_some() || slot.remove.is_some() {
                merged.insert(option, slot);
            }
        }
        Ok(merged)
    }

    fn replay(
        &mut self,
        documents: &[usize],
        name: &str,
        option: &str,
        introduction: &Introduction,
    ) -> Result<Slot, Error> {
        let mut slot: Option<Slot> = None;
        let mut added = Vec::new();
        for position in 0..self.sequence.order.len() {
            if !documents.contains(&self.sequence.document(self.sequence.order[position])) {
                continue;
            }
            let later = self.slot(position, name, option);
            let Some(earlier) = &mut slot else {
                slot = Some(match introduction.position == Some(position) {
                    true => later.introduced(introduction.from_macro),
                    false => {
                        let mut slot = Slot::default();
                        slot.apply(later);
                        slot
                    }
                });
                continue;
            };
            if later.set.is_none() && later.remove.is_none() {
                added.extend(later.add);
                continue;
            }
            self.flush(earlier, &mut added, name, option)?;
            earlier.apply(later);
            self.count(earlier.length(), earlier, name, option)?;
        }
        let mut slot = slot.unwrap_or_default();
        self.flush(&mut slot, &mut added, name, option)?;
        Ok(slot)
    }

    fn flush(&mut self, slot: &mut Slot, added: &mut Vec<Value>, name: &str, option: &str) -> Result<(), Error> {
        let length = added.iter().fold(slot.length(), |length, value| length + 1 + value.text.len());
        self.count(length, slot, name, option)?;
        slot.add_all(std::mem::take(added));
        Ok(())
    }

    /// Stops values, and the work of making them, before they get out of hand.
    fn count(&mut self, length: usize, slot: &Slot, name: &str, option: &str) -> Result<(), Error> {
        self.copied += length;
        if length <= MAX_VALUE && self.copied <= MAX_COPIED {
            return Ok(());
        }
        let (section, option) = (name.to_owned(), option.to_owned());
        let place = slot.set.as_ref().and_then(|value| value.origin().place());
        Err(Error::at(ErrorKind::TooLong { section, option, limit: MAX_VALUE }, place))
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
