//! `annotate`, in the words and shape of buildout's own.

use crate::base::normalize;
use crate::config::{Annotated, AnnotatedOption, Change, ChangeKind, Location, Origin};

/// The text of `annotate` for the sections named, all if none is. `directory` is the buildout directory, from which
/// files are named; with `verbose`, every step of every value's history is shown.
pub fn annotated(annotated: &Annotated, sections: &[String], directory: &str, verbose: bool) -> String {
    let mut text = String::from("\nAnnotated sections\n==================\n");
    for section in &annotated.sections {
        if !sections.is_empty() && !sections.iter().any(|name| *name == *section.name) {
            continue;
        }
        text += &format!("\n[{}]\n", section.name);
        let mut options: Vec<&AnnotatedOption> = section.options.iter().collect();
        options.sort_by(|a, b| a.name.cmp(&b.name));
        for option in options {
            text += &key_and_value(option);
            text += &if verbose { history(option, directory) } else { sources(option, directory) };
        }
    }
    text
}

/// Lines as Python's `splitlines` finds them, which the original prints by.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let whole = text.split_inclusive(ends);
    whole.map(move |line| line.strip_suffix(ends).unwrap_or(line))
}

fn key_and_value(option: &AnnotatedOption) -> String {
    let value = &option.value.text;
    let mut rest = lines(value);
    let first = rest.next().unwrap_or_default();
    if lines(value).count() <= 1 {
        let blank = if value.is_empty() { "" } else { " " };
        return format!("{}={blank}{value}\n", option.name);
    }
    let rest: String = rest.map(|line| format!("{line}\n")).collect();
    format!("{}= {first}\n{rest}", option.name)
}

/// The last assignment and the additions and removals after it.
fn sources(option: &AnnotatedOption, directory: &str) -> String {
    let history = &option.value.history;
    let grows = |change: &Change| matches!(change.kind, ChangeKind::Add | ChangeKind::Remove);
    let start = history.iter().rposition(|change| !grows(change)).unwrap_or(0);
    let lines = history[start..].iter().map(|change| {
        let mark = match change.kind {
            ChangeKind::Add => "+=  ",
            ChangeKind::Remove => "-=  ",
            _ => "    ",
        };
        format!("{mark}{}\n", source(&change.origin, directory))
    });
    lines.collect()
}

fn history(option: &AnnotatedOption, directory: &str) -> String {
    let mut text = String::from("\n");
    for change in option.value.history.iter().rev() {
        let prefix = match change.origin {
            Origin::Default | Origin::Computed | Origin::CommandLine => "AS",
            Origin::File(..) | Origin::Implicit => "IN",
        };
        text += &format!("   {prefix} {}\n", source(&change.origin, directory));
        let word = match change.kind {
            ChangeKind::Set => "SET",
            ChangeKind::Override => "OVERRIDE",
            ChangeKind::Add => "ADD",
            ChangeKind::Remove => "REMOVE",
            ChangeKind::Directory => "DIRECTORY",
        };
        if lines(&change.text).count() <= 1 {
            text += &format!("   {word} VALUE = {}\n", change.text);
        } else {
            text += &format!("   {word} VALUE =\n");
            lines(&change.text).for_each(|line| text += &format!("      {line}\n"));
        }
    }
    text + "\n"
}

fn source(origin: &Origin, directory: &str) -> String {
    match origin {
        Origin::Default => "DEFAULT_VALUE".to_owned(),
        Origin::Computed => "COMPUTED_VALUE".to_owned(),
        Origin::CommandLine => "COMMAND_LINE_VALUE".to_owned(),
        Origin::Implicit => "IMPLICIT_VALUE".to_owned(),
        Origin::File(file, _) => match &file.location {
            Location::Path(path) if path.as_str().starts_with(directory) => relative(path.as_str(), directory),
            location => location.as_str().to_owned(),
        },
    }
}

/// `path` as seen from `base`, with `..` where it lies beside it.
fn relative(path: &str, base: &str) -> String {
    let (path, base) = (normalize(path.into()), normalize(base.into()));
    for (ups, above) in base.ancestors().enumerate() {
        if let Ok(below) = path.strip_prefix(above) {
            return format!("{}{below}", "../".repeat(ups));
        }
    }
    path.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_the_directory_are_named_from_it() {
        assert_eq!(relative("/p/a/buildout.cfg", "/p/a"), "buildout.cfg");
        assert_eq!(relative("/p/a/../zlib/buildout.cfg", "/p/a"), "../zlib/buildout.cfg");
    }
}
