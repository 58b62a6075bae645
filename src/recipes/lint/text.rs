//! What is wrong with the texts themselves.

use super::{Lint, LintCode};
use crate::base::Place;
use crate::config::Config;

/// Finds carriage returns, and paths of this machine.
pub(super) fn check(config: &Config, lints: &mut Vec<Lint>) {
    for file in config.texts() {
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
