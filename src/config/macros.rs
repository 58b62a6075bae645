//! `<=`: sections made from other sections.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::error::{Error, ErrorKind, similar};
use super::layer::{Layer, Section, Value, apply};
use super::text::strip;

/// The options of a section after its macros, before substitution.
pub(super) type Options = BTreeMap<Arc<str>, Value>;

/// Expands macros, each section once.
pub(super) struct Macros<'a> {
    layer: &'a Layer,
    expanded: HashMap<Arc<str>, Arc<Section>>,
}

impl<'a> Macros<'a> {
    pub(super) fn new(layer: &'a Layer) -> Self {
        Self { layer, expanded: HashMap::new() }
    }

    /// The options of `name`; `None` if there is no such section.
    pub(super) fn options(&mut self, name: &str) -> Result<Option<Options>, Error> {
        if !self.layer.contains_key(name) {
            return Ok(None);
        }
        let section = self.expand(name, &mut Vec::new())?;
        let options = section.iter();
        Ok(Some(options.filter_map(|(name, slot)| Some((Arc::clone(name), slot.set.clone()?))).collect()))
    }

    fn expand(&mut self, name: &str, open: &mut Vec<Arc<str>>) -> Result<Arc<Section>, Error> {
        if let Some(done) = self.expanded.get(name) {
            return Ok(Arc::clone(done));
        }
        let (name, section) = match self.layer.get_key_value(name) {
            Some((name, section)) => (Arc::clone(name), section),
            None => return Ok(Arc::default()),
        };
        let parents = section.get("<").and_then(|slot| slot.set.as_ref()).filter(|_| &*name != "buildout");
        let Some(parents) = parents else {
            return Ok(Arc::new(section.clone()));
        };
        if let Some(start) = open.iter().position(|other| *other == name) {
            let circle = open[start..].iter().chain([&name]);
            let path = circle.map(ToString::to_string).collect();
            return Err(Error::at(ErrorKind::MacroCycle { path }, parents.origin().place()));
        }
        open.push(Arc::clone(&name));
        let mut result = Section::new();
        for parent in parents.text.split('\n').map(strip).filter(|parent| !parent.is_empty()) {
            if !self.layer.contains_key(parent) {
                let similar = similar(parent, self.layer.keys().map(|name| &**name));
                let kind = ErrorKind::NoMacro { section: name.to_string(), name: parent.to_owned(), similar };
                return Err(Error::at(kind, parents.origin().place()));
            }
            for (option, slot) in self.expand(parent, open)?.iter() {
                let merged = result.entry(Arc::clone(option)).or_default();
                // A later macro replaces what an earlier one set; pending additions stay until they are replaced.
                merged.set = slot.set.clone().or(merged.set.take());
                merged.add = slot.add.clone().or(merged.add.take());
                merged.remove = slot.remove.clone().or(merged.remove.take());
            }
        }
        open.pop();
        apply(&mut result, section.clone());
        result.remove("<");
        let result = Arc::new(result);
        self.expanded.insert(name, Arc::clone(&result));
        Ok(result)
    }
}
