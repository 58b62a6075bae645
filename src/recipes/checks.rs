//! What must hold of a plan before anything is done for it.

use camino::Utf8Path;

use super::error::Problem;
use super::plan::{Part, Project};
use crate::base::{Expected, Place, RelPath};

/// Why a section of this name cannot be a part: its name becomes the name of a folder and of files.
pub(super) fn bad_part_name(name: &str) -> Option<String> {
    if name == "hardtack" {
        return Some("that section holds hardtack's own settings".to_owned());
    }
    if name.contains('/') {
        return Some("its name has a `/`, and becomes the name of a folder".to_owned());
    }
    RelPath::new(name).err().map(|error| error.to_string())
}

/// Characters that would mean something to `/bin/sh` where commands name the project's folder.
pub(super) fn folder(project: &Project) -> Option<Problem> {
    let means_something = |c: &char| matches!(c, '"' | '$' | '`' | '\\') || c.is_control();
    let found = project.root.as_str().chars().find(means_something)?;
    let message = format!(
        "nothing can be built in `{}`: its name has a `{}`, which commands would not leave alone",
        project.root.as_str().escape_debug(),
        found.escape_debug()
    );
    Some(Problem { message, place: None, hint: Some("choose another folder".to_owned()) })
}

/// Parts that would overwrite each other.
pub(super) fn clashes(parts: &[Part], root: &Utf8Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let location = part.location_in(root);
        let earlier = parts[..index].iter().find(|earlier| {
            let other = earlier.location_in(root);
            location.starts_with(&other) || other.starts_with(&location)
        });
        if let Some(earlier) = earlier {
            let location = &part.location;
            let message = format!(
                "part `{}` would be put to `{location}`, where part `{}` puts its files (`{}`)",
                part.name, earlier.name, earlier.location
            );
            let hint = Some("give one of them another `location`".to_owned());
            problems.push(Problem { message, place: None, hint });
        }
        for (path, other) in part.writes.iter().flat_map(|path| parts.iter().map(move |other| (path, other))) {
            let in_other = other.name != part.name && root.join(path).starts_with(other.location_in(root));
            let both = parts[..index].iter().any(|earlier| earlier.name == other.name) && other.writes.contains(path);
            if in_other || both {
                let what = if both { "which" } else { "which lies in what" };
                let message = format!("part `{}` would write `{path}`, {what} part `{}` makes", part.name, other.name);
                let hint = Some("give one of them another path".to_owned());
                problems.push(Problem { message, place: None, hint });
            }
        }
    }
    problems
}

/// Makes what parts say of one source hold for all of them; where they contradict each other, no bytes would do.
pub(super) fn merge_digests(parts: &mut [Part], place: &mut dyn FnMut(&str) -> Option<Place>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let all: Vec<_> = parts
        .iter()
        .flat_map(|part| part.sources.iter().map(|source| (part.name.clone(), source.shown(), source.expected)))
        .collect();
    for part in parts.iter_mut() {
        for source in &mut part.sources {
            let name = source.shown();
            for (other_part, _, other) in all.iter().filter(|(_, other, _)| *other == name) {
                match merge(source.expected, *other) {
                    Ok(merged) => source.expected = merged,
                    // Told once, at the later of the two.
                    Err(_) if *other_part >= part.name => {}
                    Err(algorithm) => {
                        let message = format!(
                            "part `{}` wants another {algorithm} of `{name}` than part `{other_part}`",
                            part.name
                        );
                        problems.push(Problem { message, place: place(&part.name), hint: None });
                    }
                }
            }
        }
    }
    problems
}

/// Both together; the error names the digest in which they differ.
fn merge(one: Expected, other: Expected) -> Result<Expected, &'static str> {
    if one.sha256.is_some() && other.sha256.is_some() && one.sha256 != other.sha256 {
        return Err("SHA-256");
    }
    if one.md5.is_some() && other.md5.is_some() && one.md5 != other.md5 {
        return Err("MD5");
    }
    Ok(Expected { sha256: one.sha256.or(other.sha256), md5: one.md5.or(other.md5) })
}
