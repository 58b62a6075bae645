//! The text of `${section:option}` references.

use super::error::ErrorKind;

/// A stretch of a value.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// Taken as it is; `$$` stays `$$`.
    Text(&'a str),
    /// `${…}`.
    Reference(Reference<'a>),
}

/// `${…}` as written, not yet checked.
#[derive(Debug, PartialEq)]
pub(super) struct Reference<'a>(&'a str);

/// Cuts a value into text and references. `$$` only keeps what follows it from being read as a reference.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    let (mut pairs, mut ends) = (Ahead::new("$$"), Ahead::new("}"));
    while let Some(found) = text[at..].find('$').map(|found| at + found) {
        let rest = &text[found..];
        if rest.starts_with("$$") {
            at = found + 2;
            continue;
        }
        // As in the original, `$$` inside the braces ends the search for `}`.
        let end = ends.from(text, found);
        if rest.starts_with("${") && end < pairs.from(text, found) && end < text.len() {
            pieces.push(Piece::Text(&text[start..found]));
            pieces.push(Piece::Reference(Reference(&text[found..=end])));
            at = end + 1;
            start = at;
        } else {
            at = found + 1;
        }
    }
    pieces.push(Piece::Text(&text[start..]));
    pieces
}

/// Where a sign comes next; asked for places that only go forward, it reads the text once in all.
struct Ahead {
    sign: &'static str,
    next: Option<usize>,
}

impl Ahead {
    fn new(sign: &'static str) -> Self {
        Self { sign, next: None }
    }

    /// Its first place from `from` on; the text's end where there is none.
    fn from(&mut self, text: &str, from: usize) -> usize {
        match self.next {
            Some(next) if next >= from => next,
            _ => *self.next.insert(text[from..].find(self.sign).map_or(text.len(), |at| from + at)),
        }
    }
}

impl<'a> Reference<'a> {
    /// Section, empty for the own one, and option.
    pub(super) fn parse(&self) -> Result<(&'a str, &'a str), ErrorKind> {
        let bad = |reason| ErrorKind::BadSubstitution { text: self.0.to_owned(), reason };
        let inside = &self.0[2..self.0.len() - 1];
        let (section, option) = inside.split_once(':').ok_or_else(|| bad("has no colon"))?;
        if option.contains(':') {
            return Err(bad("has more than one colon"));
        }
        let simple = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '.' | '_'));
        if !simple(section) {
            return Err(bad("has a section name with characters a reference cannot hold"));
        }
        if option.is_empty() {
            return Err(bad("has no option after the colon"));
        }
        if !simple(option) {
            return Err(bad("has an option name with characters a reference cannot hold"));
        }
        Ok((section, option))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let pieces = pieces(text).into_iter();
        pieces
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Reference(reference) => format!("<{}>", reference.0),
            })
            .collect()
    }

    #[test]
    fn doubled_dollars_hide_what_follows_and_stay() {
        assert_eq!(shown("a$${b:c}d"), ["a$${b:c}d"]);
        assert_eq!(shown("$$${b:c}"), ["$$", "<${b:c}>", ""]);
        assert_eq!(shown("$x ${a:b}${:c}"), ["$x ", "<${a:b}>", "", "<${:c}>", ""]);
        assert_eq!(shown("${a:b"), ["${a:b"]);
        assert_eq!(shown("${a$$b}"), ["${a$$b}"]);
    }

    #[test]
    fn a_reference_needs_one_colon_and_plain_names() {
        let parse = |text| Reference(text).parse().map_err(|error| error.to_string());
        assert_eq!(parse("${a.b-c:d e}"), Ok(("a.b-c", "d e")));
        assert_eq!(parse("${:d}"), Ok(("", "d")));
        assert_eq!(parse("${foo}"), Err("substitution `${foo}` has no colon".into()));
        assert_eq!(parse("${a:b:c}"), Err("substitution `${a:b:c}` has more than one colon".into()));
        assert!(parse("${a/b:c}").is_err() && parse("${a:b/c}").is_err() && parse("${a:}").is_err());
    }
}
