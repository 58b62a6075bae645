//! White space as the original parser sees it, which is Python's idea of it.

/// Whether Python's `str.isspace` holds for `c`.
///
/// Besides Unicode's white space, Python counts the four ASCII separators.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// `text` without white space at both ends.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `text` without white space at its end.
pub(super) fn strip_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// What becomes of a value that starts with white space: the end is cut, common indentation and leading blank lines go.
pub(super) fn dedent(value: &str) -> String {
    let value = strip_end(value);
    let lines: Vec<&str> = value.split('\n').map(|line| if blank(line) { "" } else { line }).collect();
    let margin = lines.iter().filter(|line| !line.is_empty()).map(|line| indentation(line)).reduce(common_prefix);
    let margin = margin.unwrap_or_default().len();
    let body = lines.iter().skip_while(|line| line.chars().all(is_space));
    let cut: Vec<&str> = body.map(|line| line.get(margin..).unwrap_or_default()).collect();
    cut.join("\n")
}

fn blank(line: &str) -> bool {
    line.chars().all(|c| c == ' ' || c == '\t')
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn common_prefix<'a>(a: &'a str, b: &'a str) -> &'a str {
    let length = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    &a[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dedent_does_what_textwrap_does() {
        for (value, expected) in [
            ("\n  a\n    b\n  c", "a\n  b\nc"),
            ("\n\n  a\n\n  b\n\n", "a\n\nb"),
            ("\n\ta\n  b", "\ta\n  b"),
            ("\n  a\n \n  b", "a\n\nb"),
            ("\n  a\nb", "  a\nb"),
            ("  \n", ""),
        ] {
            assert_eq!(dedent(value), expected, "{value:?}");
        }
    }
}
