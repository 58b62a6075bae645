//! Where each value came from, as data; the views of it are made elsewhere.

use std::sync::Arc;

use super::layer::{Layer, Value};

/// All sections with their options' histories, sorted by name.
#[derive(Debug)]
pub struct Annotated {
    /// The sections.
    pub sections: Vec<AnnotatedSection>,
}

/// One section.
#[derive(Debug)]
pub struct AnnotatedSection {
    /// Its name.
    pub name: Arc<str>,
    /// Its options, sorted by name.
    pub options: Vec<AnnotatedOption>,
}

/// One option. A `+=` or `-=` that waits for the section's macro is an option of its own, named `x +` or `x -`.
#[derive(Debug)]
pub struct AnnotatedOption {
    /// The option's name.
    pub name: String,
    /// Raw value and history.
    pub value: Value,
}

impl Annotated {
    pub(super) fn new(layer: &Layer) -> Self {
        let sections = layer.iter().map(|(name, section)| {
            let slots = section.iter().flat_map(|(name, slot)| {
                [(name.to_string(), &slot.set), (format!("{name} +"), &slot.add), (format!("{name} -"), &slot.remove)]
            });
            let options = slots.filter_map(|(name, value)| Some(AnnotatedOption { name, value: value.clone()? }));
            AnnotatedSection { name: Arc::clone(name), options: options.collect() }
        });
        Self { sections: sections.collect() }
    }
}
