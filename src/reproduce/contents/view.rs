//! A few bytes of a file, as people look at them.

use serde::Serialize;

/// Bytes of a line of a hexadecimal view.
const ROW: usize = 16;
/// Rows of one.
const ROWS: usize = 4;
/// Characters of a line of text that are shown.
const WIDTH: usize = 160;

/// What one file has at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct View {
    /// A word or a line.
    pub words: String,
    /// More of what is around it; empty where the words say it all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

impl View {
    pub(super) fn none() -> Self {
        Self::words(String::new())
    }

    pub(super) fn words(words: impl Into<String>) -> Self {
        Self { words: clipped(&words.into()), lines: Vec::new() }
    }

    /// Bytes around a place.
    pub(super) fn bytes(words: impl Into<String>, bytes: &[u8], at: usize) -> Self {
        let first = at.min(bytes.len()) / ROW * ROW;
        let first = first.saturating_sub(ROW);
        let rows = bytes[first..].chunks(ROW).take(ROWS).enumerate();
        let lines = rows.map(|(index, row)| {
            let hex = row.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
            let text = row.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '.' });
            format!("{:06x}  {hex:<48} {}", first + index * ROW, text.collect::<String>())
        });
        Self { words: clipped(&words.into()), lines: lines.collect() }
    }

    /// Lines of a text from one on.
    pub(super) fn text(words: impl Into<String>, lines: &[&str], from: usize) -> Self {
        let from = from.min(lines.len()).saturating_sub(1);
        let around = lines[from..].iter().take(ROWS + 1).enumerate();
        let lines = around.map(|(index, line)| format!("{:>5}  {}", from + index + 1, clipped(line)));
        Self { words: clipped(&words.into()), lines: lines.collect() }
    }
}

/// As much of a line as is shown.
fn clipped(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => printable(&line[..end]) + "\u{2026}",
        None => printable(line),
    }
}

/// A text without what terminals and readers obey: control characters, those that turn the direction of writing, and those
/// that are no characters (Unicode 23.2 and 23.7).
pub fn printable(text: &str) -> String {
    let is_shown = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let is_none = u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
        !(c.is_control() || turns || is_none)
    };
    text.chars().map(|c| if is_shown(c) { c } else { '\u{b7}' }).collect()
}
