//! What is wrong with the texts themselves.

use std::sync::Arc;

use super::{Lint, LintCode};
use crate::base::{Place, SourceFile};
use crate::config::Config;

/// Finds carriage returns, tight operators, and paths of this machine.
pub(super) fn check(config: &Config, lints: &mut Vec<Lint>) {
    for file in config.texts() {
        tight_operators(file, lints);
        let Some(at) = file.text.find('\r') else { continue };
        let start = file.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let count = file.text.matches('\r').count();
        lints.push(Lint {
            code: LintCode::CarriageReturn,
            message: format!("`{}` has carriage returns, the first at byte {at}, {count} in all", file.name),
            section: None,
            place: Some(Place::new(file, start..at)),
            hint: Some("they are left out of values; save the file with plain line ends".to_owned()),
        });
    }
    let Some(directory) = config.raw("buildout", "directory").map(|value| value.text.clone()) else { return };
    // The root of a file system is in every path.
    if directory.len() < 2 {
        return;
    }
    for section in config.section_names() {
        for (option, value) in config.raw_section(section).into_iter().flatten() {
            let Some(place) = value.origin().place() else { continue };
            let written = place.file.text.get(place.span.clone()).is_some_and(|text| text.contains(&*directory));
            if written && value.text.contains(&*directory) {
                lints.push(Lint {
                    code: LintCode::MachinePath,
                    message: format!("`{section}:{option}` has the path that the project has on this machine"),
                    section: Some(section.to_owned()),
                    place: Some(place),
                    hint: Some("write `${buildout:directory}`".to_owned()),
                });
            }
        }
    }
}

/// `x+=` and `x-=` in column 0, where options are.
fn tight_operators(file: &Arc<SourceFile>, lints: &mut Vec<Lint>) {
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let key = line.split_once('=').map(|(key, _)| key).filter(|key| !key.starts_with(['#', ';', '[']));
        let tight = key.and_then(|key| key.strip_suffix(['+', '-'])).is_some_and(|name| {
            !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | '[' | ']' | ':'))
        });
        if tight {
            let end = start + line.trim_end().len();
            lints.push(Lint {
                code: LintCode::TightOperator,
                message: "zc.buildout takes the sign for a part of the name where the section is new".to_owned(),
                section: None,
                place: Some(Place::new(file, start..end)),
                hint: Some("put a blank before the sign".to_owned()),
            });
        }
        start += line.len();
    }
}
