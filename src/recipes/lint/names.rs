//! Options that nothing reads.

use std::collections::BTreeSet;

use super::super::recipe::OF_ALL;
use super::super::references::named;
use super::{Lint, LintCode, Part, Written};
use crate::config::similar;

/// Which options other values read.
pub(super) struct References(BTreeSet<(String, String)>);

impl References {
    /// Of all sections, with their options as written.
    pub(super) fn of(sections: &[(&str, Written)]) -> Self {
        let names: BTreeSet<&str> = sections.iter().map(|(name, _)| *name).collect();
        let mut found = BTreeSet::new();
        for (section, options) in sections {
            for (name, value) in options {
                for (other, option) in named(&value.text) {
                    let target = if other.is_empty() { section } else { other };
                    found.insert((target.to_owned(), option.to_owned()));
                }
                // The commands of slapos.recipe.cmmi are filled in from the options.
                let filled = value.text.split("%(").skip(1).filter_map(|rest| rest.split_once(')'));
                found.extend(filled.map(|(option, _)| ((*section).to_owned(), option.to_owned())));
                // A value may be the name of a section that is read as a whole, as `environment` and `python` may.
                if names.contains(value.text.trim()) && &**name != "<" && *section != "buildout" {
                    found.insert((value.text.trim().to_owned(), String::new()));
                }
            }
        }
        Self(found)
    }

    pub(super) fn has(&self, section: &str, option: &str) -> bool {
        let known = |option: &str| self.0.contains(&(section.to_owned(), option.to_owned()));
        known(option) || known("")
    }
}

/// Finds options that neither the recipe nor any other value reads.
pub(super) fn check(part: &Part<'_>, references: &References, lints: &mut Vec<Lint>) {
    let about = part.recipe.about();
    let known: Vec<&str> = about.options().map(|option| option.name).collect();
    // It takes whatever there is.
    if known.contains(&"*") {
        return;
    }
    for (option, _) in part.written {
        if OF_ALL.contains(&&**option) || known.contains(&&**option) || references.has(part.name, option) {
            continue;
        }
        let recipe = about.name;
        lints.push(match similar(option, known.iter().copied().chain(OF_ALL)) {
            Some(meant) => part.lint(
                LintCode::MisspelledOption,
                option,
                format!("section `{}`: `{recipe}` has no option `{option}`", part.name),
                Some(format!("did you mean `{meant}`?")),
            ),
            None => part.lint(
                LintCode::UnusedOption,
                option,
                format!("section `{}`: nothing reads option `{option}`", part.name),
                None,
            ),
        });
    }
}
