//! The second build, without the conditions under which a part does not build at all.

use std::collections::BTreeSet;

use super::builds::{Builds, Tree};
use crate::base::remove_tree;
use crate::cli::error::Report;
use crate::cli::trial::Unbuilt;
use crate::install::sandbox::Condition;
use crate::install::varying::{NotVaried, Varied};
use crate::reproduce::{Cause, Failure, causes};

/// The second build.
pub(super) struct Second {
    /// None where no conditions are left that it could be made under.
    pub(super) tree: Option<Tree>,
    /// Parts that are not built under all conditions.
    pub(super) failures: Vec<(String, Failure)>,
    /// The conditions it was made under.
    pub(super) varied: BTreeSet<Condition>,
}

impl Second {
    /// Conditions that were left out since a part does not build under them.
    pub(super) fn left_out(&self, wanted: &[Varied]) -> Vec<NotVaried> {
        let names: Vec<_> = self.failures.iter().map(|(name, _)| name.as_str()).collect();
        let reason = format!("{} does not build like that", names.join(", "));
        let left = wanted.iter().map(|varied| varied.condition).filter(|condition| !self.varied.contains(condition));
        left.map(|condition| NotVaried { condition, reason: reason.clone() }).collect()
    }
}

/// Builds under these conditions; where a part fails because of some of them, without those.
pub(super) fn second_build(
    builds: &Builds<'_>,
    first: &Tree,
    varied: &BTreeSet<Condition>,
    look_for_causes: bool,
) -> Result<Second, Report> {
    let mut second = Second { tree: None, failures: Vec::new(), varied: varied.clone() };
    loop {
        let (name, report) = match builds.build("second", &second.varied) {
            Ok(tree) => return Ok(Second { tree: Some(tree), ..second }),
            Err(Unbuilt::Part { name, report }) => (name, report),
            Err(Unbuilt::Other(report)) => return Err(report),
        };
        remove_tree(&builds.within.join("second"))?;
        // One that nobody knows was not built for another reason.
        if !first.records.iter().any(|record| record.name == name) {
            return Err(report);
        }
        let said = report.output.iter().rev().take(8).rev().map(|line| format!("\n{line}")).collect::<String>();
        let mut failure = Failure { message: report.message.clone() + &said, causes: Vec::new() };
        if look_for_causes {
            builds.context.console.say(format!("{name} does not build like this; looking for the condition"));
            let things = BTreeSet::from([name.clone()]);
            let mut build = |some: &BTreeSet<Condition>, _: &BTreeSet<String>| {
                builds.look(some, &things, |built| match built {
                    Err(Unbuilt::Part { name, .. }) if things.contains(name) => Ok(things.clone()),
                    _ => Ok(BTreeSet::new()),
                })
            };
            let found = causes(&things, &second.varied, &BTreeSet::new(), &mut build);
            if let Some(report) = found.stopped {
                return Err(report);
            }
            failure.causes = found.found.into_values().flatten().collect();
        }
        let before = second.varied.len();
        for cause in &failure.causes {
            match cause {
                Cause::Condition(condition) => drop(second.varied.remove(condition)),
                Cause::Together(conditions) => second.varied.retain(|condition| !conditions.contains(condition)),
                Cause::Unsteady => {}
            }
        }
        second.failures.push((name, failure));
        if second.varied.len() == before {
            return Ok(second);
        }
    }
}
