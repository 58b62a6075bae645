//! Where symbolic links lead.

/// More links on one way than any system follows.
const MAX_LINKS: usize = 40;

/// Whether the link at `path` stays below the folder that all paths start from, however many other links are on the
/// way. `target` gives the target of the link at a path, and nothing for what is no link.
///
/// Text alone does not tell: `a/../b` is not `b` where `a` is a link. A link that leads nowhere, or in circles, leads
/// out of nothing.
pub fn link_stays_below(path: &[u8], target: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> bool {
    let mut steps = u64::MAX;
    link_stays_below_within(path, target, &mut steps).unwrap_or(false)
}

/// The same with so many steps at most, one a name on the way; `None` when they are spent.
pub fn link_stays_below_within(
    path: &[u8],
    target: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
    steps: &mut u64,
) -> Option<bool> {
    let mut at: Vec<u8> = Vec::new();
    let mut ahead: Vec<Vec<u8>> = reversed(path);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        *steps = steps.checked_sub(1)?;
        match name.as_slice() {
            b"" | b"." => {}
            b".." if at.is_empty() => return Some(false),
            b".." => at.truncate(at.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            _ => {
                let above = at.len();
                if above > 0 {
                    at.push(b'/');
                }
                at.extend_from_slice(&name);
                let Some(target) = target(&at) else { continue };
                links += 1;
                if links > MAX_LINKS {
                    return Some(true);
                }
                if target.starts_with(b"/") {
                    return Some(false);
                }
                at.truncate(above);
                ahead.extend(reversed(&target));
            }
        }
    }
    Some(true)
}

fn reversed(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_not_just_read() {
        let links = [
            ("inside", "a/../b"),
            ("outside", "../b"),
            ("absolute", "/etc"),
            ("a/b/up", "../../c"),
            ("chain", "a/b/up/../.."),
            ("fine", "a/b/up/.."),
            ("loop", "loop"),
            ("nowhere", "not/there"),
        ];
        let target = |path: &[u8]| {
            links.iter().find(|(name, _)| name.as_bytes() == path).map(|(_, target)| target.as_bytes().to_vec())
        };
        let stays: Vec<_> = links.iter().filter(|(name, _)| link_stays_below(name.as_bytes(), &target)).collect();
        let names: Vec<_> = stays.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["inside", "a/b/up", "fine", "loop", "nowhere"]);
    }
}
