//! Which condition makes what differ: builds under halves of them, and halves of those, until one is left.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::install::sandbox::Condition;

/// Why something differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It differs each time, though nothing else does.
    Unsteady,
    /// It differs when this one does, and nothing else.
    Condition(Condition),
    /// It differs when several of these do, and not when half of them does.
    Together(BTreeSet<Condition>),
}

/// Finds the causes of what differs under all of `conditions`. `build` builds under some of them and tells which of the named
/// things differ then from the first build; `suspects` are tried apart from the others, which spares builds where the
/// suspicion is right and costs two where it is not.
///
/// # Errors
/// What `build` fails with; what was found before is lost.
pub fn causes<T: Ord + Clone, E>(
    things: &BTreeSet<T>,
    conditions: &BTreeSet<Condition>,
    suspects: &BTreeSet<Condition>,
    build: &mut Build<'_, T, E>,
) -> Result<BTreeMap<T, Vec<Cause>>, E> {
    let mut found = BTreeMap::new();
    if things.is_empty() {
        return Ok(found);
    }
    let unsteady = build(&BTreeSet::new(), things)?;
    let steady: BTreeSet<T> = things.difference(&unsteady).cloned().collect();
    for thing in unsteady {
        found.insert(thing, vec![Cause::Unsteady]);
    }
    let (likely, others): (BTreeSet<_>, BTreeSet<_>) =
        conditions.iter().partition(|condition| suspects.contains(condition));
    match likely.is_empty() || others.is_empty() {
        true => halve(conditions, &steady, build, &mut found)?,
        false => split([likely, others], &steady, build, &mut found)?,
    }
    found.values_mut().for_each(|causes| causes.sort());
    Ok(found)
}

/// What is known of things.
type Found<T> = BTreeMap<T, Vec<Cause>>;
/// A build under some conditions: which of the things differ then.
pub type Build<'b, T, E> = dyn FnMut(&BTreeSet<Condition>, &BTreeSet<T>) -> Result<BTreeSet<T>, E> + 'b;

/// Finds the causes of things that all differ under all of the conditions.
fn halve<T: Ord + Clone, E>(
    conditions: &BTreeSet<Condition>,
    things: &BTreeSet<T>,
    build: &mut Build<'_, T, E>,
    found: &mut Found<T>,
) -> Result<(), E> {
    if things.is_empty() {
        return Ok(());
    }
    let mut all = conditions.iter().copied();
    if let (Some(only), None) = (all.next(), all.next()) {
        things.iter().for_each(|thing| found.entry(thing.clone()).or_default().push(Cause::Condition(only)));
        return Ok(());
    }
    let half = conditions.len().div_ceil(2);
    let (first, second) = (conditions.iter().copied().take(half), conditions.iter().copied().skip(half));
    split([first.collect(), second.collect()], things, build, found)
}

/// The same with the two halves.
fn split<T: Ord + Clone, E>(
    halves: [BTreeSet<Condition>; 2],
    things: &BTreeSet<T>,
    build: &mut Build<'_, T, E>,
    found: &mut Found<T>,
) -> Result<(), E> {
    if things.is_empty() {
        return Ok(());
    }
    let mut together = things.clone();
    for half in &halves {
        // A thing may have a cause in each.
        let differing = if half.is_empty() { BTreeSet::new() } else { build(half, things)? };
        together.retain(|thing| !differing.contains(thing));
        halve(half, &differing, build, found)?;
    }
    let all: BTreeSet<Condition> = halves.into_iter().flatten().collect();
    for thing in together {
        found.entry(thing).or_default().push(Cause::Together(all.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Finds causes where each thing differs if one of its sets is varied whole; with the number of builds.
    fn find(of: &[(&'static str, &[&[Condition]])], suspects: &[Condition]) -> (Found<&'static str>, usize) {
        let mut builds = 0;
        let mut build = |varied: &BTreeSet<Condition>, things: &BTreeSet<&'static str>| {
            builds += 1;
            let differs =
                |sets: &[&[Condition]]| sets.iter().any(|set| set.iter().all(|condition| varied.contains(condition)));
            let differing = of.iter().filter(|(name, sets)| things.contains(name) && differs(sets));
            Ok::<_, Infallible>(differing.map(|(name, _)| *name).collect())
        };
        let things = of.iter().map(|(name, _)| *name).collect();
        let found = causes(&things, &Condition::ALL.into(), &suspects.iter().copied().collect(), &mut build);
        (found.unwrap_or_default(), builds)
    }

    #[test]
    fn each_thing_gets_its_own_cause_and_a_right_suspicion_spares_builds() {
        use Condition::{Host, Path, Time, Umask};
        let of: &[(&str, &[&[Condition]])] =
            &[("date", &[&[Time]]), ("both", &[&[Path], &[Host]]), ("pair", &[&[Path, Umask]]), ("random", &[&[]])];
        let (found, many) = find(of, &[]);
        assert_eq!(found["date"], [Cause::Condition(Time)]);
        assert_eq!(found["both"], [Cause::Condition(Path), Cause::Condition(Host)]);
        assert_eq!(found["random"], [Cause::Unsteady]);
        assert!(matches!(&found["pair"][..], [Cause::Together(set)] if set.contains(&Path) && set.contains(&Umask)));
        let (again, few) = find(of, &[Path, Host, Time, Umask]);
        assert_eq!(again["date"], found["date"]);
        assert!(few < many, "{few} builds, and {many}");
        assert_eq!(find(&[("date", &[&[Time]])], &[Time]).1, 3);
        assert_eq!(find(&[], &[]).1, 0);
    }
}
