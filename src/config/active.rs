//! A document under given facts: sections whose conditions hold, repeated ones made one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::document::{Document, Entry, Op};
use super::error::Error;
use super::facts::{ConditionRecord, Facts};
use super::loader::Loader;
use super::parse::stray_line;
use super::text::{dedent, is_space, strip_end};
use crate::base::{Place, SourceFile};

/// The option a section gets from the file it stands in, if it mentions it.
pub(super) const PROFILE_BASE: &str = "_profile_base_location_";

/// What one file says, once conditions are decided.
#[derive(Debug)]
pub(super) struct ActiveDocument {
    pub(super) file: Arc<SourceFile>,
    pub(super) sections: BTreeMap<Arc<str>, ActiveSection>,
    pub(super) extends: Option<Written>,
    pub(super) optional_extends: Option<Written>,
}

/// The options of one section in one file.
#[derive(Debug, Default)]
pub(super) struct ActiveSection {
    pub(super) options: BTreeMap<Arc<str>, Ops>,
    /// Some value mentions `${:_profile_base_location_}`, so the file's folder is one of the options.
    pub(super) wants_profile_base: bool,
}

/// What one file does to one option.
#[derive(Debug, Default)]
pub(super) struct Ops {
    pub(super) set: Option<Written>,
    pub(super) add: Option<Written>,
    pub(super) remove: Option<Written>,
}

/// A value, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: Arc<str>,
    pub(super) span: Range<usize>,
}

/// A value while its lines are still being gathered.
struct Gathered {
    text: String,
    span: Range<usize>,
    tight: bool,
}

/// The options of one section, an entry for each operator an option is written with.
type Gathering = BTreeMap<(Arc<str>, Op), Gathered>;

impl ActiveDocument {
    /// Decides the conditions of `document`; each one decided is added to `records`.
    pub(super) fn new(
        document: &Document,
        facts: &mut Facts,
        loader: &dyn Loader,
        records: &mut Vec<ConditionRecord>,
    ) -> Result<Self, Error> {
        let mut gathered: BTreeMap<Arc<str>, Gathering> = BTreeMap::new();
        for block in &document.blocks {
            if let Some(condition) = &block.condition {
                let place = Place::new(&document.file, block.header.clone());
                let decided = condition
                    .holds(facts, &|path| loader.path_kind(path))
                    .map_err(|kind| Error::at(kind, Some(place.clone())))?;
                let (holds, read) = decided;
                let condition = format!("[{} : {}]", block.name, condition.text);
                records.push(ConditionRecord { condition, place: place.to_string(), facts: read, holds });
                if !holds {
                    continue;
                }
            }
            if let Some(stray) = &block.stray {
                return Err(stray_line(&document.file, stray.clone()));
            }
            let section = gathered.entry(Arc::clone(&block.name)).or_default();
            block.entries.iter().for_each(|entry| gather(section, entry));
        }
        let mut sections: BTreeMap<_, _> =
            gathered.into_iter().map(|(name, options)| (name, finish(options))).collect();
        let mut take = |name: &str| {
            let section: &mut ActiveSection = sections.get_mut("buildout")?;
            // Only a plain `=` counts: the original never looks at `extends +=`.
            let ops = section.options.get_mut(name)?;
            let taken = ops.set.take();
            if ops.add.is_none() && ops.remove.is_none() {
                section.options.remove(name);
            }
            taken
        };
        let (extends, optional_extends) = (take("extends"), take("optional-extends"));
        Ok(Self { file: Arc::clone(&document.file), sections, extends, optional_extends })
    }
}

/// Adds an option to its section as the original does while it reads: `+=` and `-=` of one option go on, a plain `=`
/// starts anew and discards a pending `x +=` that was written with a blank.
fn gather(section: &mut Gathering, entry: &Entry) {
    let key = (Arc::clone(&entry.name), entry.op);
    if entry.op != Op::Set
        && let Some(pending) = section.get_mut(&key)
    {
        pending.text.truncate(strip_end(&pending.text).len());
        if !entry.inline.is_empty() {
            pending.text.push('\n');
            pending.text.push_str(&entry.inline);
        }
        pending.text.push_str(&entry.continuation);
        pending.span = entry.span.clone();
        return;
    }
    if entry.op == Op::Set {
        for op in [Op::Add, Op::Remove] {
            let pending = (Arc::clone(&entry.name), op);
            if section.get(&pending).is_some_and(|pending| !pending.tight) {
                section.remove(&pending);
            }
        }
    }
    let text = format!("{}{}", entry.inline, entry.continuation);
    section.insert(key, Gathered { text, span: entry.span.clone(), tight: entry.tight });
}

fn finish(gathered: Gathering) -> ActiveSection {
    let mut section = ActiveSection::default();
    for ((name, op), value) in gathered {
        let text = if value.text.starts_with(is_space) { dedent(&value.text) } else { value.text };
        section.wants_profile_base |= text.contains("${:_profile_base_location_}");
        let ops = section.options.entry(name).or_default();
        let slot = match op {
            Op::Set => &mut ops.set,
            Op::Add => &mut ops.add,
            Op::Remove => &mut ops.remove,
        };
        *slot = Some(Written { text: text.into(), span: value.span });
    }
    section
}
