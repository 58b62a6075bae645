//! Parts that use others by their paths instead of by references: the original builds in the order of `parts`, so that such
//! configs work there.

use camino::Utf8Path;

use super::plan::Part;

/// Adds to what each part uses those before it whose location its commands or variables name.
pub(super) fn add(parts: &mut [Part], root: &Utf8Path) {
    for own in 1..parts.len() {
        let (before, rest) = parts.split_at_mut(own);
        let part = &mut rest[0];
        for other in before {
            let location = other.location_in(root);
            if !part.uses.contains(&other.name) && part.texts().any(|text| names(text, location.as_str())) {
                part.uses.insert(other.name.clone());
            }
        }
    }
}

/// Whether a text has the path of a folder or of something in it.
fn names(text: &str, folder: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    text.match_indices(folder).any(|(at, _)| !text[at + folder.len()..].starts_with(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_whole_or_with_what_follows() {
        for text in ["/p/parts/a", "-I/p/parts/a/include", "A=/p/parts/a:/p/parts/b", "ls '/p/parts/a'"] {
            assert!(names(text, "/p/parts/a"), "{text}");
        }
        for text in ["/p/parts/ab", "/p/parts/a-1/x", "/p/parts/b"] {
            assert!(!names(text, "/p/parts/a"), "{text}");
        }
    }
}
