//! Sections as they grow while one file after another is applied to them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::loader::Location;
use crate::base::{Place, SourceFile};

/// Options by section and name.
pub(super) type Layer = BTreeMap<Arc<str>, Section>;
/// Options by name.
pub(super) type Section = BTreeMap<Arc<str>, Slot>;

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A config file.
    File(Arc<FileOrigin>, Range<usize>),
    /// Buildout's built-in default.
    Default,
    /// Computed from the config's place.
    Computed,
    /// Given on the command line.
    CommandLine,
    /// The empty value that `+=` and `-=` start from where there is none.
    Implicit,
}

/// A config file as one path through `extends` reaches it.
#[derive(Debug)]
pub struct FileOrigin {
    /// The text.
    pub file: Arc<SourceFile>,
    /// Path or URL, as spelled on the way.
    pub location: Location,
}

impl Origin {
    /// The place in a file, if it is one.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::File(origin, span) => Some(Place::new(&origin.file, span.clone())),
            _ => None,
        }
    }
}

/// A value with its history.
#[derive(Debug, Clone)]
pub struct Value {
    /// The text as written, nothing substituted.
    pub text: Arc<str>,
    /// What made it, oldest first; never empty.
    pub history: Vec<Change>,
}

/// One step in a value's history.
#[derive(Debug, Clone)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The text that was set, added or removed.
    pub text: Arc<str>,
    /// Who did it.
    pub origin: Origin,
}

/// What a step did to the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The first value.
    Set,
    /// A value in place of another.
    Override,
    /// `+=`.
    Add,
    /// `-=`.
    Remove,
    /// A relative folder became absolute.
    Directory,
}

impl Value {
    /// A first value.
    pub(super) fn new(text: impl Into<Arc<str>>, origin: Origin) -> Self {
        let text = text.into();
        Self { history: vec![Change { kind: ChangeKind::Set, text: Arc::clone(&text), origin }], text }
    }

    /// The text before it became an absolute folder, if it did.
    pub fn written(&self) -> &str {
        let written = self.history.iter().rfind(|change| change.kind != ChangeKind::Directory);
        written.map_or(&self.text, |change| &change.text)
    }

    /// The origin of the latest change.
    pub fn origin(&self) -> &Origin {
        self.history.last().map_or(&Origin::Implicit, |change| &change.origin)
    }

    fn add(&mut self, added: &Value) {
        self.text = format!("{}\n{}", self.text, added.text).into();
        self.log(ChangeKind::Add, added);
    }

    fn remove(&mut self, removed: &Value) {
        let kept = self.text.split('\n').filter(|line| !removed.text.split('\n').any(|other| other == *line));
        self.text = kept.collect::<Vec<_>>().join("\n").into();
        self.log(ChangeKind::Remove, removed);
    }

    fn log(&mut self, kind: ChangeKind, change: &Value) {
        self.history.push(Change { kind, text: Arc::clone(&change.text), origin: change.origin().clone() });
    }

    /// Replaces the value in place, as for a folder made absolute.
    pub(super) fn set_directory(&mut self, path: &str) {
        self.text = path.into();
        let change =
            Change { kind: ChangeKind::Directory, text: Arc::clone(&self.text), origin: self.origin().clone() };
        self.history.push(change);
    }

    fn replace_with(&mut self, new: Value) {
        let grown = new.history.last().is_some_and(|last| matches!(last.kind, ChangeKind::Add | ChangeKind::Remove));
        self.text = Arc::clone(&new.text);
        if grown {
            self.history = new.history;
        } else {
            self.log(ChangeKind::Override, &new);
        }
    }
}

/// One option: its value, and the `+=` and `-=` that wait for the macro their section is made from.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    pub(super) set: Option<Value>,
    pub(super) add: Option<Value>,
    pub(super) remove: Option<Value>,
}

impl Slot {
    pub(super) fn value(value: Value) -> Self {
        Self { set: Some(value), ..Self::default() }
    }

    /// The option as a section has it that appears for the first time: `+=` with nothing below it sets, `-=` with
    /// nothing below it leaves an empty value. A section made from a macro keeps them for later.
    pub(super) fn introduced(self, from_macro: bool) -> Self {
        if from_macro {
            return self;
        }
        let Self { mut set, add, remove } = self;
        if let Some(add) = add {
            match &mut set {
                Some(set) => set.add(&add),
                None => set = Some(add),
            }
        }
        if let Some(remove) = remove {
            match &mut set {
                Some(set) => set.remove(&remove),
                None => {
                    let mut nothing = remove.clone();
                    let all = Value::new(Arc::clone(&remove.text), Origin::Implicit);
                    nothing.remove(&all);
                    set = Some(nothing);
                }
            }
        }
        Self { set, add: None, remove: None }
    }

    /// Applies what a later file says about the option.
    pub(super) fn apply(&mut self, later: Slot) {
        let Slot { mut set, add, remove } = later;
        if let Some(add) = add {
            let mut base = self.base(set);
            base.add(&add);
            set = Some(base);
        }
        if let Some(remove) = remove {
            let mut base = self.base(set);
            base.remove(&remove);
            set = Some(base);
        }
        if let Some(new) = set {
            match &mut self.set {
                Some(old) => old.replace_with(new),
                None => self.set = Some(new),
            }
        }
    }

    /// Applies later files that do nothing but add to the option, in the time one of them takes.
    pub(super) fn add_all(&mut self, added: Vec<Value>) {
        if added.is_empty() {
            return;
        }
        let mut base = self.base(None);
        let texts: Vec<&str> = std::iter::once(&*base.text).chain(added.iter().map(|value| &*value.text)).collect();
        base.text = texts.join("\n").into();
        added.iter().for_each(|value| base.log(ChangeKind::Add, value));
        self.set = Some(base);
    }

    /// What is added to or removed from. The value so far is taken: what grows from it stands in its place.
    fn base(&mut self, own: Option<Value>) -> Value {
        own.or_else(|| self.set.take()).unwrap_or_else(|| Value::new("", Origin::Implicit))
    }

    /// Bytes of the value.
    pub(super) fn length(&self) -> usize {
        self.set.as_ref().map_or(0, |value| value.text.len())
    }
}

/// A section that appears for the first time.
pub(super) fn introduce(section: Section) -> Section {
    let from_macro = section.get("<").is_some_and(|slot| slot.set.is_some());
    section.into_iter().map(|(name, slot)| (name, slot.introduced(from_macro))).collect()
}

/// Applies a section of a later file to what is there.
pub(super) fn apply(section: &mut Section, later: Section) {
    for (name, slot) in later {
        section.entry(name).or_default().apply(slot);
    }
}

/// Applies a whole later layer.
pub(super) fn update(layer: &mut Layer, later: Layer) {
    for (name, section) in later {
        match layer.get_mut(&name) {
            Some(existing) => apply(existing, section),
            None => {
                layer.insert(name, introduce(section));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Value> {
        Some(Value::new(text, Origin::Default))
    }

    fn text(slot: &Slot) -> Option<&str> {
        slot.set.as_ref().map(|value| &*value.text)
    }

    #[test]
    fn a_first_add_sets_and_a_first_remove_leaves_nothing() {
        let add = Slot { add: value("a"), ..Slot::default() }.introduced(false);
        assert_eq!(text(&add), Some("a"));
        let remove = Slot { remove: value("a\nb"), ..Slot::default() }.introduced(false);
        assert_eq!(text(&remove), Some(""));
    }

    #[test]
    fn add_comes_before_remove_and_an_empty_base_leaves_its_line() {
        let mut slot = Slot::value(Value::new("a", Origin::Default));
        slot.apply(Slot { set: None, add: value("b\nc"), remove: value("a\nc") });
        assert_eq!(text(&slot), Some("b"));
        let mut empty = Slot::default();
        empty.apply(Slot { add: value("c"), ..Slot::default() });
        assert_eq!(text(&empty), Some("\nc"));
    }
}
