//! Which part is built next: one whose parts to use are there, and of those the one with the longest way to go.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::recipes::{Part, Plan};

/// The parts of a plan on their way.
pub(super) struct Schedule<'p> {
    entries: Vec<Entry<'p>>,
}

struct Entry<'p> {
    part: &'p Part,
    /// Indices of parts it uses.
    uses: Vec<usize>,
    /// How long it takes from its start until everything that needs it is built, if all others wait for nothing.
    way: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
    Failed,
    /// One it uses failed.
    Skipped,
}

impl<'p> Schedule<'p> {
    /// For a plan of which some parts are built already. `takes` guesses how long one takes.
    pub(super) fn new(plan: &'p Plan, built: &BTreeSet<String>, takes: &dyn Fn(&Part) -> Duration) -> Self {
        let index = |name: &String| plan.parts.iter().position(|part| part.name == *name);
        let mut entries: Vec<Entry<'_>> = Vec::with_capacity(plan.parts.len());
        for (own, part) in plan.parts.iter().enumerate() {
            let state = if built.contains(&part.name) { State::Done } else { State::Waiting };
            // A plan has parts after those they use; nothing may wait for itself.
            let uses = part.uses.iter().filter_map(index).filter(|used| *used < own).collect();
            entries.push(Entry { part, uses, way: takes(part), state });
        }
        for own in (0..entries.len()).rev() {
            let way = entries[own].way;
            for used in entries[own].uses.clone() {
                let through = takes(entries[used].part) + way;
                entries[used].way = entries[used].way.max(through);
            }
        }
        Self { entries }
    }

    /// The part to be begun next, which then counts as running; none where all wait.
    pub(super) fn begin(&mut self) -> Option<&'p Part> {
        let ready = (0..self.entries.len()).filter(|index| self.is_ready(*index));
        // Of equals the first of the plan.
        let next = ready.max_by_key(|index| (self.entries[*index].way, std::cmp::Reverse(*index)))?;
        self.entries[next].state = State::Running;
        Some(self.entries[next].part)
    }

    /// Whether there is one to be begun.
    pub(super) fn has_ready(&self) -> bool {
        (0..self.entries.len()).any(|index| self.is_ready(index))
    }

    fn is_ready(&self, index: usize) -> bool {
        let entry = &self.entries[index];
        entry.state == State::Waiting && entry.uses.iter().all(|used| self.entries[*used].state == State::Done)
    }

    /// A part is whole.
    pub(super) fn done(&mut self, part: &str) {
        self.set(part, State::Done);
    }

    /// A part failed: what uses it is not begun.
    pub(super) fn failed(&mut self, part: &str) {
        self.set(part, State::Failed);
        for index in 0..self.entries.len() {
            let lost = |used: &usize| matches!(self.entries[*used].state, State::Failed | State::Skipped);
            if self.entries[index].state == State::Waiting && self.entries[index].uses.iter().any(lost) {
                self.entries[index].state = State::Skipped;
            }
        }
    }

    fn set(&mut self, part: &str, state: State) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.part.name == part) {
            entry.state = state;
        }
    }

    /// How many parts are not whole.
    pub(super) fn unbuilt(&self) -> usize {
        self.named(|state| state != State::Done).count()
    }

    /// The parts that will not be built, since one they use failed.
    pub(super) fn skipped(&self) -> Vec<String> {
        self.named(|state| state == State::Skipped).collect()
    }

    fn named(&self, wanted: impl Fn(State) -> bool) -> impl Iterator<Item = String> {
        self.entries.iter().filter(move |entry| wanted(entry.state)).map(|entry| entry.part.name.clone())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use camino::Utf8PathBuf;

    use super::*;
    use crate::base::RelPath;
    use crate::recipes::{Location, Project};

    /// A part without steps.
    pub(in super::super) fn part(name: &str, uses: &[&str]) -> Part {
        Part {
            name: name.to_owned(),
            recipe: String::new(),
            location: Location::Project(RelPath::new(format!("parts/{name}")).expect("a path")),
            uses: uses.iter().map(|used| (*used).to_owned()).collect(),
            environment: Default::default(),
            sources: Vec::new(),
            steps: Vec::new(),
            writes: Default::default(),
            fills: None,
            python: None,
            network_attempts: Default::default(),
        }
    }

    fn plan(parts: &[(&str, &[&str])]) -> Plan {
        let project = Project { root: Utf8PathBuf::from("/p"), directory: Utf8PathBuf::from("/p") };
        Plan { project, parts: parts.iter().map(|(name, uses)| part(name, uses)).collect(), notes: Vec::new() }
    }

    fn begun(schedule: &mut Schedule<'_>) -> Vec<String> {
        std::iter::from_fn(|| schedule.begin().map(|part| part.name.clone())).collect()
    }

    #[test]
    fn the_longest_way_goes_first_and_nothing_before_what_it_uses() {
        let plan = plan(&[("small", &[]), ("zlib", &[]), ("png", &["zlib"]), ("gd", &["png", "zlib"]), ("big", &[])]);
        let takes = |part: &Part| Duration::from_secs(if part.name == "big" { 25 } else { 10 });
        let mut schedule = Schedule::new(&plan, &BTreeSet::new(), &takes);
        assert_eq!(begun(&mut schedule), ["zlib", "big", "small"]);
        assert!(!schedule.has_ready());
        schedule.done("zlib");
        assert_eq!(begun(&mut schedule), ["png"]);
        schedule.done("png");
        assert_eq!(begun(&mut schedule), ["gd"]);
        assert_eq!(schedule.unbuilt(), 3);
    }

    #[test]
    fn what_uses_a_failed_part_is_skipped_and_nothing_else() {
        let plan = plan(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]);
        let mut schedule = Schedule::new(&plan, &BTreeSet::new(), &|_| Duration::ZERO);
        assert_eq!(begun(&mut schedule), ["a", "d"]);
        schedule.failed("a");
        assert_eq!(schedule.skipped(), ["b", "c"]);
        assert!(!schedule.has_ready());
    }

    #[test]
    fn parts_that_are_there_are_not_begun() {
        let plan = plan(&[("a", &[]), ("b", &["a"])]);
        let mut schedule = Schedule::new(&plan, &BTreeSet::from(["a".to_owned()]), &|_| Duration::ZERO);
        assert_eq!(begun(&mut schedule), ["b"]);
    }
}
