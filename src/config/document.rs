//! A config file as it was read, before conditions, `extends` and macros mean anything.

use std::ops::Range;
use std::sync::Arc;

use super::condition::Condition;
use crate::base::SourceFile;

/// One parsed file: its sections in order, a repeated one as often as it stands there.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: Arc<SourceFile>,
    pub(super) blocks: Vec<Block>,
}

/// A section header and the options below it.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) name: Arc<str>,
    pub(super) condition: Option<Condition>,
    pub(super) header: Range<usize>,
    pub(super) entries: Vec<Entry>,
    /// An indented line with no option above it, which is an error only where the section counts.
    pub(super) stray: Option<Range<usize>>,
}

/// How an option treats what the same option was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Op {
    /// `=`: replaces it.
    Set,
    /// `+=`: adds lines.
    Add,
    /// `-=`: removes lines.
    Remove,
}

/// One option as it stands in the file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) op: Op,
    /// Written `x+=`, without a blank: a later `x =` in the same section does not discard it.
    pub(super) tight: bool,
    /// What stands on the option's own line.
    pub(super) inline: String,
    /// The continuation lines, each with a newline before it.
    pub(super) continuation: String,
    pub(super) span: Range<usize>,
}

/// The option name that `=> a b` stands for.
pub(super) const PART_DEPENDENCIES: &str = "<part-dependencies>";
