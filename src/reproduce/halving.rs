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

/// A build under some conditions: which of the things differ then.
pub type Build<'b, T, E> = dyn FnMut(&BTreeSet<Condition>, &BTreeSet<T>) -> Result<BTreeSet<T>, E> + 'b;

/// What a search came to.
#[derive(Debug)]
pub struct Causes<T, E> {
    /// The causes of things, as far as they are known.
    pub found: BTreeMap<T, Vec<Cause>>,
    /// What ended the search before all were.
    pub stopped: Option<E>,
}

/// Finds the causes of what differs under all of `conditions`. `build` builds under some of them and tells which of the named
/// things differ then from the first build; `suspects` are tried apart from the others, which spares builds where the
/// suspicion is right and costs two where it is not.
pub fn causes<T: Ord + Clone, E>(
    things: &BTreeSet<T>,
    conditions: &BTreeSet<Condition>,
    suspects: &BTreeSet<Condition>,
    build: &mut Build<'_, T, E>,
) -> Causes<T, E> {
    let mut search = Search { build, seen: BTreeMap::new(), found: BTreeMap::new() };
    let stopped = search.all(things, conditions, suspects).err();
    search.found.values_mut().for_each(|causes| causes.sort());
    Causes { found: search.found, stopped }
}

struct Search<'s, 'b, T, E> {
    build: &'s mut Build<'b, T, E>,
    /// What was asked about, and what differed, under which conditions.
    seen: BTreeMap<BTreeSet<Condition>, (BTreeSet<T>, BTreeSet<T>)>,
    found: BTreeMap<T, Vec<Cause>>,
}

impl<T: Ord + Clone, E> Search<'_, '_, T, E> {
    fn all(
        &mut self,
        things: &BTreeSet<T>,
        conditions: &BTreeSet<Condition>,
        suspects: &BTreeSet<Condition>,
    ) -> Result<(), E> {
        if things.is_empty() {
            return Ok(());
        }
        let unsteady = self.differing(&BTreeSet::new(), things)?;
        let steady: BTreeSet<T> = things.difference(&unsteady).cloned().collect();
        unsteady.into_iter().for_each(|thing| self.add(&thing, Cause::Unsteady));
        let (likely, others): (BTreeSet<_>, BTreeSet<_>) =
            conditions.iter().partition(|condition| suspects.contains(condition));
        match likely.is_empty() || others.is_empty() {
            true => self.halve(conditions, &steady)?,
            false => self.split([likely, others], &steady)?,
        }
        self.confirm(conditions, &steady)
    }

    /// Finds the causes of things that all differ under all of the conditions.
    fn halve(&mut self, conditions: &BTreeSet<Condition>, things: &BTreeSet<T>) -> Result<(), E> {
        let mut all = conditions.iter().copied();
        if let (Some(only), None) = (all.next(), all.next()) {
            things.iter().for_each(|thing| self.add(thing, Cause::Condition(only)));
            return Ok(());
        }
        let half = conditions.len().div_ceil(2);
        let (first, second) = (conditions.iter().copied().take(half), conditions.iter().copied().skip(half));
        self.split([first.collect(), second.collect()], things)
    }

    /// The same with the two halves.
    fn split(&mut self, halves: [BTreeSet<Condition>; 2], things: &BTreeSet<T>) -> Result<(), E> {
        let mut together = things.clone();
        for half in halves.iter().filter(|half| !half.is_empty()) {
            // A thing may have a cause in each.
            let differing = self.differing(half, things)?;
            together.retain(|thing| !differing.contains(thing));
            self.halve(half, &differing)?;
        }
        self.narrow(halves.into_iter().flatten().collect(), BTreeSet::new(), &together)
    }

    /// Finds which of the conditions `in_question` it takes, beside those that are `needed`, for things that differ under both
    /// together: one after the other is left out.
    fn narrow(
        &mut self,
        mut in_question: BTreeSet<Condition>,
        mut needed: BTreeSet<Condition>,
        things: &BTreeSet<T>,
    ) -> Result<(), E> {
        if things.is_empty() {
            return Ok(());
        }
        let Some(out) = in_question.pop_first() else {
            things.iter().for_each(|thing| self.add(thing, Cause::Together(needed.clone())));
            return Ok(());
        };
        let without = self.differing(&in_question.union(&needed).copied().collect(), things)?;
        let with: BTreeSet<T> = things.difference(&without).cloned().collect();
        self.narrow(in_question.clone(), needed.clone(), &without)?;
        needed.insert(out);
        self.narrow(in_question, needed, &with)
    }

    /// Builds under everything that is no cause of anything: what differs then does so by chance.
    fn confirm(&mut self, conditions: &BTreeSet<Condition>, things: &BTreeSet<T>) -> Result<(), E> {
        let mut others = conditions.clone();
        for cause in self.found.values().flatten() {
            match cause {
                Cause::Condition(condition) => drop(others.remove(condition)),
                Cause::Together(all) => others.retain(|condition| !all.contains(condition)),
                Cause::Unsteady => {}
            }
        }
        for thing in self.differing(&others, things)? {
            self.found.insert(thing, vec![Cause::Unsteady]);
        }
        Ok(())
    }

    fn add(&mut self, thing: &T, cause: Cause) {
        self.found.entry(thing.clone()).or_default().push(cause);
    }

    /// Which of the things differ under some conditions; nothing is built twice.
    fn differing(&mut self, conditions: &BTreeSet<Condition>, things: &BTreeSet<T>) -> Result<BTreeSet<T>, E> {
        if things.is_empty() {
            return Ok(BTreeSet::new());
        }
        if let Some((asked, differing)) = self.seen.get(conditions)
            && things.is_subset(asked)
        {
            return Ok(things.intersection(differing).cloned().collect());
        }
        let differing = (self.build)(conditions, things)?;
        self.seen.insert(conditions.clone(), (things.clone(), differing.clone()));
        Ok(differing)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Finds causes where each thing differs if one of its sets is varied whole; with the number of builds.
    fn find(
        of: &[(&'static str, &[&[Condition]])],
        suspects: &[Condition],
    ) -> (BTreeMap<&'static str, Vec<Cause>>, usize) {
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
        (found.found, builds)
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
        assert_eq!(found["pair"], [Cause::Together(BTreeSet::from([Path, Umask]))]);
        let (again, few) = find(of, &[Path, Host, Time, Umask]);
        assert_eq!(again["date"], found["date"]);
        assert!(few < many, "{few} builds, and {many}");
        assert_eq!(find(&[("date", &[&[Time]])], &[Time]).1, 3);
        assert_eq!(find(&[], &[]).1, 0);
    }

    #[test]
    fn what_is_found_before_a_build_fails_is_kept() {
        let mut builds = 0;
        let mut build = |varied: &BTreeSet<Condition>, things: &BTreeSet<&'static str>| {
            builds += 1;
            match builds {
                1..4 if varied.contains(&Condition::Path) => Ok(things.clone()),
                1..4 => Ok(BTreeSet::new()),
                _ => Err("failed"),
            }
        };
        let conditions = BTreeSet::from([Condition::Path, Condition::Time]);
        let causes = causes(&BTreeSet::from(["a"]), &conditions, &BTreeSet::new(), &mut build);
        assert_eq!(causes.found["a"], [Cause::Condition(Condition::Path)]);
        assert_eq!(causes.stopped, None, "the build that confirms it is one of those before");
        let conditions = Condition::ALL.into();
        let causes =
            super::causes(&BTreeSet::from(["a"]), &conditions, &BTreeSet::new(), &mut |_, _| Err::<_, _>("failed"));
        assert!(causes.found.is_empty() && causes.stopped == Some("failed"));
    }

    #[test]
    fn what_differs_by_chance_is_not_laid_to_a_condition() {
        let mut builds = 0;
        let mut build = |_: &BTreeSet<Condition>, things: &BTreeSet<&'static str>| {
            builds += 1;
            // As if path were the cause; and then it differs without that, too.
            Ok::<_, Infallible>(if [2, 3, 6].contains(&builds) { things.clone() } else { BTreeSet::new() })
        };
        let conditions = BTreeSet::from([Condition::Path, Condition::Time, Condition::Host]);
        let found = causes(&BTreeSet::from(["a"]), &conditions, &BTreeSet::new(), &mut build).found;
        assert_eq!(found["a"], [Cause::Unsteady]);
        assert_eq!(builds, 6);
    }
}
