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

/// As much of a line as is shown, without what a terminal would obey.
fn clipped(line: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{b7}' } else { c };
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => line[..end].chars().map(shown).chain(std::iter::once('\u{2026}')).collect(),
        None => line.chars().map(shown).collect(),
    }
}
