//! Places in source texts, for messages that point at the line they speak of.

use std::ops::Range;
use std::sync::Arc;

/// A text that was read, under the name a user knows it by.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path or URL, as it is shown.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// A range of bytes in a [`SourceFile`], and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The text pointed into.
    pub file: Arc<SourceFile>,
    /// Byte range in the text; ends at most at its end.
    pub span: Range<usize>,
    /// A few words shown beside the caret; may be empty.
    pub label: String,
}

impl Place {
    /// Points at `span` of `file` without a label.
    pub fn new(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        Self { file: Arc::clone(file), span, label: String::new() }
    }

    /// The same place with words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The line number, counted from 1.
    pub fn line(&self) -> usize {
        let end = self.span.start.min(self.file.text.len());
        1 + self.file.text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.name, self.line())
    }
}
