//! From text to [`Document`], line by line.
//!
//! The rules, as the original has them: `#` or `;` in the first column makes a comment, even inside a value; an
//! indented line goes on with the option above it; a header may carry a condition and a comment; all bad lines of a
//! file are reported together.

use std::ops::Range;
use std::sync::Arc;

use super::condition::Condition;
use super::document::{Block, Document, Entry, Op, PART_DEPENDENCIES};
use super::error::{Error, ErrorKind};
use super::loader::MAX_CONFIG_SIZE;
use super::text::{is_space, strip, strip_end};
use crate::base::{Place, SourceFile};

/// Checks that `bytes` are text a config can be made of.
///
/// # Errors
/// [`ErrorKind::NotUtf8`] and [`ErrorKind::ByteOrderMark`], with the byte's place.
pub(super) fn decode(name: &str, bytes: Vec<u8>) -> Result<SourceFile, Error> {
    if bytes.len() as u64 > MAX_CONFIG_SIZE {
        return Err(Error::new(ErrorKind::TooLarge { file: name.to_owned(), limit: MAX_CONFIG_SIZE }));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count();
        Error::new(ErrorKind::NotUtf8 { file: name.to_owned(), offset, line })
    })?;
    if text.starts_with('\u{feff}') {
        return Err(Error::new(ErrorKind::ByteOrderMark { file: name.to_owned() }));
    }
    Ok(SourceFile { name: name.to_owned(), text: text.into() })
}

/// Bad lines that are shown; more of them only bury the first.
const MAX_SHOWN: usize = 20;

/// Parses one file.
///
/// # Errors
/// [`ErrorKind::Syntax`] with a place for every bad line, [`ErrorKind::NoSection`], and a condition's own errors.
pub(super) fn parse(file: Arc<SourceFile>) -> Result<Document, Error> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut bad = BadLines::default();
    let mut block_mode = false;
    for (start, line) in lines(&file.text) {
        let span = start..start + strip_end(line).len();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let option = blocks.last_mut().and_then(|block| block.entries.last_mut());
        if let (true, Some(entry)) = (line.is_empty() || line.starts_with(is_space), option) {
            continue_value(entry, line, start, block_mode);
            continue;
        }
        if let Some(header) = Header::read(line) {
            let expression = header.expression.filter(|text| !text.is_empty());
            let condition = expression
                .map(|text| {
                    Condition::parse(text).map_err(|kind| Error::at(kind, Some(Place::new(&file, span.clone()))))
                })
                .transpose()?;
            let (entries, stray) = (Vec::new(), None);
            blocks.push(Block { name: header.name.into(), condition, header: span, entries, stray });
            continue;
        }
        if strip(line).is_empty() {
            continue;
        }
        let Some(block) = blocks.last_mut() else {
            let kind = ErrorKind::NoSection { file: file.name.clone() };
            return Err(Error::at(kind, Some(Place::new(&file, span))));
        };
        match read_option(line) {
            Some((name, op, tight, value)) => {
                block_mode = value.is_empty();
                let inline = value.to_owned();
                let continuation = String::new();
                block.entries.push(Entry { name: name.into(), op, tight, inline, continuation, span });
            }
            // Whether it matters is known once the condition is decided.
            None if block.condition.is_some() && line.starts_with(is_space) => {
                block.stray.get_or_insert(span);
            }
            None => bad.add(span),
        }
    }
    if bad.count == 0 { Ok(Document { file, blocks }) } else { Err(bad.into_error(&file)) }
}

/// The error about an indented line with no option above it.
pub(super) fn stray_line(file: &Arc<SourceFile>, span: Range<usize>) -> Error {
    let mut bad = BadLines::default();
    bad.add(span);
    bad.into_error(file)
}

/// Lines that make no sense: all are counted, the first are shown.
#[derive(Default)]
struct BadLines {
    count: usize,
    first: Vec<Range<usize>>,
}

impl BadLines {
    fn add(&mut self, span: Range<usize>) {
        self.count += 1;
        if self.first.len() < MAX_SHOWN {
            self.first.push(span);
        }
    }

    fn into_error(self, file: &Arc<SourceFile>) -> Error {
        let kind = ErrorKind::Syntax { file: file.name.clone(), count: self.count };
        let places = self.first.into_iter().map(|span| {
            let label = complaint(&file.text[span.clone()]);
            Place::new(file, span).label(label)
        });
        Error { kind: Box::new(kind), places: places.collect() }
    }
}

/// Lines without their ends; `\r\n` and a lone `\r` end a line too, as in Python's text mode.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let (length, end) = match rest.find(['\n', '\r']) {
            Some(at) if rest[at..].starts_with("\r\n") => (at, 2),
            Some(at) => (at, 1),
            None => (rest.len(), 0),
        };
        let line = (start, &rest[..length]);
        start += length + end;
        Some(line)
    })
}

/// Below an empty option line, a value keeps its blank lines and indentation; else lines are stripped and blank ones go.
fn continue_value(entry: &mut Entry, line: &str, start: usize, block_mode: bool) {
    let kept = if block_mode { strip_end(line) } else { strip(line) };
    if !block_mode && kept.is_empty() {
        return;
    }
    entry.continuation.push('\n');
    entry.continuation.push_str(kept);
    if !kept.is_empty() {
        entry.span.end = start + strip_end(line).len();
    }
}

struct Header<'a> {
    name: &'a str,
    expression: Option<&'a str>,
}

impl<'a> Header<'a> {
    /// `[ name : expression ] # comment`, where neither name nor expression can hold `#` or `;`.
    fn read(line: &'a str) -> Option<Self> {
        let inside = line.strip_prefix('[')?;
        let inside = &inside[..inside.find(['#', ';']).unwrap_or(inside.len())];
        let inside = strip_end(inside).strip_suffix(']')?;
        let (name, expression) = match inside.split_once(':') {
            Some((name, expression)) => (strip(name), Some(expression)),
            None => (strip(inside), None),
        };
        let bad = |c: char| is_space(c) || matches!(c, '[' | ']' | '{' | '}');
        let expression = expression.map(strip);
        (!name.is_empty() && !name.contains(bad)).then_some(Self { name, expression })
    }
}

/// `name =`, `name +=`, `name -=` or `=> parts`; the value is stripped.
fn read_option(line: &str) -> Option<(&str, Op, bool, &str)> {
    if let Some(parts) = line.strip_prefix("=>") {
        return Some((PART_DEPENDENCIES, Op::Set, false, strip(parts)));
    }
    let (left, value) = line.split_once('=')?;
    let left = strip_end(left);
    // The operator is the last character before `=`, whether or not a blank stands before it.
    let (name, op) = match left.as_bytes().last()? {
        b'+' => (left.trim_end_matches(['+', ' ']), Op::Add),
        b'-' => (left.trim_end_matches(['-', ' ']), Op::Remove),
        _ => (left, Op::Set),
    };
    let tight = op != Op::Set && !left[..left.len() - 1].ends_with(is_space);
    let name = strip_end(name);
    let bad = |c: char| is_space(c) || matches!(c, '{' | '}' | '[' | ']' | ':');
    (!name.is_empty() && !name.contains(bad)).then_some((name, op, tight, strip(value)))
}

fn complaint(line: &str) -> &'static str {
    if line.starts_with(is_space) {
        "indented, but no option stands above it"
    } else if line.starts_with('[') {
        "not a section header: a name has no blanks and none of `# [ ] : ; { }`"
    } else if line.contains('=') {
        "not an option: a name has no blanks and none of `{ } [ ] :`"
    } else {
        "neither a section header nor an option; lines that go on with a value are indented"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Document, Error> {
        parse(Arc::new(SourceFile { name: "test.cfg".into(), text: text.into() }))
    }

    fn shape(text: &str) -> Vec<String> {
        let document = read(text).expect("parses");
        let blocks = document.blocks.iter();
        blocks
            .flat_map(|block| {
                let entries = block.entries.iter();
                entries.map(|entry| {
                    format!("{}:{} {:?} {:?}{:?}", block.name, entry.name, entry.op, entry.inline, entry.continuation)
                })
            })
            .collect()
    }

    #[test]
    fn comments_are_dropped_even_inside_a_value_and_indented_ones_are_text() {
        assert_eq!(shape("# c\n[a] ; c\nx = 1\n; c\n  2\n  # kept\n"), [r##"a:x Set "1""\n2\n# kept""##]);
    }

    #[test]
    fn block_values_keep_blank_lines_and_inline_values_do_not() {
        assert_eq!(
            shape("[a]\nx =\n  1\n\n   2\ny = 1\n\n   2\n"),
            [r#"a:x Set """\n  1\n\n   2""#, r#"a:y Set "1""\n2""#]
        );
    }

    #[test]
    fn operators_need_no_blank_and_equals_signs_may_stand_in_values() {
        assert_eq!(
            shape("[a]\nx += 1\ny+=2\nz-= 3\n<= m\n=> b c\nu=a=b\n"),
            [
                r#"a:x Add "1""""#,
                r#"a:y Add "2""""#,
                r#"a:z Remove "3""""#,
                r#"a:< Set "m""""#,
                r#"a:<part-dependencies> Set "b c""""#,
                r#"a:u Set "a=b""""#,
            ]
        );
    }

    #[test]
    fn crlf_and_spaces_in_headers_are_fine() {
        assert_eq!(shape("[ a ]\r\nx = 1\r\n  2\r\n"), [r#"a:x Set "1""\n2""#]);
    }

    #[test]
    fn all_bad_lines_are_reported_together() {
        let error = read("[a]\n  indented\nx: 1\nx = 1\nnonsense\n[b c]\n").expect_err("four bad lines");
        assert!(matches!(*error.kind, ErrorKind::Syntax { count: 4, .. }), "{error}");
        assert_eq!(error.places.iter().map(Place::line).collect::<Vec<_>>(), [2, 3, 5, 6]);
    }

    #[test]
    fn text_above_the_first_header_is_an_error_with_its_line() {
        let error = read("\n\nx = 1\n").expect_err("no section");
        assert_eq!(error.to_string(), "`test.cfg` has text before its first [section] header");
        assert_eq!(error.places[0].line(), 3);
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_place() {
        let error = decode("x.cfg", b"[a]\nx = \xff\n".to_vec()).expect_err("not UTF-8");
        assert_eq!(error.to_string(), "`x.cfg` is not UTF-8: byte 8 (line 2)");
        let error = decode("x.cfg", b"\xef\xbb\xbf[a]\n".to_vec()).expect_err("a BOM");
        assert_eq!(error.to_string(), "`x.cfg` starts with a byte order mark (bytes 0 to 2)");
    }
}
