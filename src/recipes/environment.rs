//! The `environment` option of recipes.

use std::collections::BTreeMap;

/// Reads `NAME=value` words separated by white space. A word that is no assignment goes on with the value before it,
/// so values may hold blanks; runs of white space become one blank.
///
/// # Errors
/// The first word, if it is no assignment.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut settings: Vec<(String, String)> = Vec::new();
    for word in text.split_whitespace() {
        match (assignment(word), settings.last_mut()) {
            (Some((name, value)), _) => settings.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(' ');
                value.push_str(word);
            }
            (None, None) => return Err(word.to_owned()),
        }
    }
    Ok(settings.into_iter().collect())
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (plain && !name.is_empty() && !name.starts_with(|c: char| c.is_numeric())).then_some((name, value))
}

/// `NAME = value` lines.
pub(super) fn assignments(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    pairs.map(|(name, value)| (name.trim_end().to_owned(), value.trim_start().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_no_assignment_go_on_with_the_value() {
        let settings = parse("CFLAGS=-O2 -g\n  LDFLAGS=-L/a -Wl,-rpath=/b").expect("parses");
        assert_eq!(settings["CFLAGS"], "-O2 -g");
        assert_eq!(settings["LDFLAGS"], "-L/a -Wl,-rpath=/b");
        assert_eq!(parse("-O2 A=1"), Err("-O2".into()));
        assert_eq!(parse("1A=1"), Err("1A=1".into()));
        assert_eq!(parse(""), Ok(BTreeMap::new()));
    }
}
