//! Which parts a part uses.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Config;

/// The parts that section `name` refers to by `${part:option}`, `=>` or through a macro. What is between, sections
/// that are no parts and options of `[buildout]`, is followed.
pub(super) fn find(config: &Config, name: &str, parts: &[Arc<str>]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<Reference<'_>> = vec![Reference { section: name, option: None }];
    let mut seen = BTreeSet::new();
    while let Some(reference) = waiting.pop() {
        if !seen.insert(reference) {
            continue;
        }
        let Some(options) = config.raw_section(reference.section) else { continue };
        for (option, value) in options.filter(|(option, _)| reference.option.is_none_or(|wanted| wanted == *option)) {
            for other in referenced(option, &value.text) {
                let is_part = parts.iter().any(|part| &**part == other.section);
                if is_part && other.section != name && option != "<" {
                    found.insert(other.section.to_owned());
                } else if other.section.is_empty() {
                    waiting.push(Reference { section: reference.section, option: other.option });
                } else {
                    waiting.push(other);
                }
            }
        }
    }
    found
}

/// A section, or one option of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reference<'c> {
    section: &'c str,
    option: Option<&'c str>,
}

/// What an option refers to.
fn referenced<'c>(option: &str, text: &'c str) -> Vec<Reference<'c>> {
    if matches!(option, "<" | "<part-dependencies>") {
        return text.split_whitespace().map(|section| Reference { section, option: None }).collect();
    }
    // Of other sections everything counts, since their recipes read more than is named; of [buildout] just the option.
    let reference = |(section, option)| Reference { section, option: (section == "buildout").then_some(option) };
    named(text).map(reference).collect()
}

/// The sections, empty for the own one, and options that the references of a text name.
pub(super) fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let after = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    after.filter_map(|(name, _)| name.split_once(':'))
}
