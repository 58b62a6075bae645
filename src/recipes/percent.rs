//! Python's `%` with a mapping to its right, as far as recipes use it: `%(name)s` and `%%` (Python Library Reference,
//! "printf-style String Formatting").

use serde::Serialize;

/// A piece of a text that is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Piece {
    Text(String),
    /// The value that goes by this name.
    Name(String),
}

/// A `%` that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no `%(name)s`; a `%` itself is written `%%`")]
pub(super) struct PercentError(String);

/// Takes a text to pieces.
pub(super) fn parse(text: &str) -> Result<Vec<Piece>, PercentError> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('%') {
            plain.push('%');
            rest = after;
            continue;
        }
        let named = after.strip_prefix('(').and_then(|name| name.split_once(')'));
        let Some((name, after)) = named.and_then(|(name, after)| Some((name, after.strip_prefix('s')?))) else {
            return Err(PercentError(rest[at..].chars().take(12).collect()));
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Name(name.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Puts the pieces together; the error is a name that has no value.
pub(super) fn fill(pieces: &[Piece], value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Name(name) => text.push_str(&value(name).ok_or_else(|| name.clone())?),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let pieces = parse(text).map_err(|error| error.to_string())?;
        fill(&pieces, &|name| (name == "a b").then(|| "<%(x)s>".to_owned()))
    }

    #[test]
    fn names_are_filled_in_once_and_signs_doubled() {
        assert_eq!(filled("x%(a b)sy%%z%(a b)s"), Ok("x<%(x)s>y%z<%(x)s>".to_owned()));
        assert_eq!((filled(""), filled("plain")), (Ok(String::new()), Ok("plain".to_owned())));
        assert_eq!(filled("%(c)s"), Err("c".to_owned()));
    }

    #[test]
    fn what_stands_for_nothing_is_refused_with_what_it_is() {
        for (text, shown) in
            [("100% sure", "% sure"), ("%(a", "%(a"), ("%(a)d and more words", "%(a)d and mo"), ("x%", "%")]
        {
            let wanted = format!("`{shown}` is no `%(name)s`; a `%` itself is written `%%`");
            assert_eq!(filled(text), Err(wanted), "{text}");
        }
    }
}
