//! Resolved configs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::JSON_FORMAT;

/// `query --format json`.
#[derive(Debug, Serialize)]
pub struct ResolvedConfig {
    format: u32,
    /// Options by section.
    pub sections: BTreeMap<String, BTreeMap<String, String>>,
    /// What is wrong with the sections that do not resolve.
    pub errors: BTreeMap<String, SectionError>,
    /// The parts in the order they are installed; empty if that cannot be told.
    pub order: Vec<String>,
}

/// What is wrong with a section.
#[derive(Debug, Serialize)]
pub struct SectionError {
    /// A stable word for the kind of error.
    pub code: String,
    /// The message.
    pub message: String,
}

impl ResolvedConfig {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { format: JSON_FORMAT, sections: BTreeMap::new(), errors: BTreeMap::new(), order: Vec::new() }
    }

    /// Records an error of a section.
    pub fn add_error(&mut self, section: &str, code: &str, message: String) {
        self.errors.insert(section.to_owned(), SectionError { code: code.to_owned(), message });
    }
}

impl Default for ResolvedConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// A section as a config would have it: lines of a value go on indented.
pub fn section_text<'a>(name: &str, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = format!("[{name}]\n");
    for (option, value) in options {
        if value.contains('\n') {
            text += &format!("{option} =\n");
            value.lines().for_each(|line| text += &format!("  {line}\n"));
        } else if value.is_empty() {
            text += &format!("{option} =\n");
        } else {
            text += &format!("{option} = {value}\n");
        }
    }
    text
}
