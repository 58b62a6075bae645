//! Lists of conditions, as they are typed.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::error::{ENVIRONMENT, Report, USAGE};
use crate::install::sandbox::{Aid, Condition, MARKER};
use crate::install::varying::NotVaried;

/// Why something is not varied that could be.
const LEFT_OUT: &str = "--vary leaves it out";

/// What is to be different in a second build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// What is not to be as in the first.
    pub(super) conditions: BTreeSet<Condition>,
    /// What both are to do without.
    pub(super) without: BTreeSet<Aid>,
}

impl Wanted {
    /// Reads what is to be varied. A list that begins with something to be left out goes on from `usual`.
    pub(super) fn to_vary(list: Option<&str>, usual: &str) -> Result<Self, Report> {
        match list.map(str::trim).filter(|list| !list.is_empty()) {
            None => Self::parse("--vary", usual),
            Some(list) if list.starts_with('-') => Self::parse("--vary", &format!("{usual},{list}")),
            Some(list) => Self::parse("--vary", list),
        }
    }

    /// Reads a list; `option` is where it stands.
    pub(super) fn parse(option: &str, list: &str) -> Result<Self, Report> {
        let mut wanted = Self::default();
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, is_in) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
            let (conditions, aids) = named(name).ok_or_else(|| unknown(option, name))?;
            if name == "none" && is_in {
                wanted = Self::default();
            }
            for condition in conditions {
                if is_in {
                    wanted.conditions.insert(condition)
                } else {
                    wanted.conditions.remove(&condition)
                };
            }
            for aid in aids {
                if is_in {
                    wanted.without.insert(aid)
                } else {
                    wanted.without.remove(&aid)
                };
            }
        }
        Ok(wanted)
    }
}

/// What a word stands for.
fn named(name: &str) -> Option<(Vec<Condition>, Vec<Aid>)> {
    Some(match name {
        "all" => (Condition::ALL.to_vec(), Aid::ALL.to_vec()),
        "site" => (Condition::ALL.into_iter().filter(|condition| !condition.is_held()).collect(), Vec::new()),
        "none" => (Vec::new(), Vec::new()),
        _ => {
            let condition = Condition::ALL.into_iter().find(|condition| condition.name() == name);
            let aid = Aid::ALL.into_iter().find(|aid| aid.name() == name);
            condition.map(|condition| (vec![condition], Vec::new())).or(aid.map(|aid| (Vec::new(), vec![aid])))?
        }
    })
}

fn unknown(option: &str, name: &str) -> Report {
    let conditions = Condition::ALL.map(Condition::name);
    let aids = Aid::ALL.map(Aid::name);
    let all: Vec<&str> = conditions.into_iter().chain(aids).chain(["site", "all", "none"]).collect();
    let near = all.iter().filter(|known| strsim::damerau_levenshtein(known, name) <= 2);
    let hint = match near.min_by_key(|known| strsim::damerau_levenshtein(known, name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", all.join(", ")),
    };
    Report::new(USAGE, "usage", format!("{option}: there is no condition `{name}`")).hint(hint)
}

/// Conditions that a variable which is set for all steps holds.
const HELD_BY: [(&str, Condition); 7] = [
    ("TZ", Condition::Timezone),
    ("LC_ALL", Condition::Locale),
    ("LANG", Condition::Locale),
    ("LANGUAGE", Condition::Locale),
    ("TERM", Condition::Terminal),
    ("COLUMNS", Condition::Terminal),
    (MARKER.0, Condition::Environment),
];

/// Takes out what somebody holds by setting it for all steps.
pub(super) fn hold(wanted: &mut Wanted, environment: &BTreeMap<String, String>) -> Vec<NotVaried> {
    let mut held = Vec::new();
    for (name, condition) in HELD_BY {
        if environment.contains_key(name) && wanted.conditions.remove(&condition) {
            held.push(NotVaried { condition, reason: format!("--env sets {name}") });
        }
    }
    if environment.contains_key("SOURCE_DATE_EPOCH") {
        wanted.without.remove(&Aid::Epoch);
    }
    held
}

/// Fails where something that is required is not varied.
pub(super) fn check_required(required: &Wanted, wanted: &Wanted, not_varied: &[NotVaried]) -> Result<(), Report> {
    let mut lacking = Vec::new();
    for condition in &required.conditions {
        let reason = match not_varied.iter().find(|not_varied| not_varied.condition == *condition) {
            Some(not_varied) => not_varied.reason.clone(),
            None if !wanted.conditions.contains(condition) => LEFT_OUT.to_owned(),
            None => continue,
        };
        lacking.push(format!("{condition}: {reason}"));
    }
    for aid in required.without.difference(&wanted.without) {
        lacking.push(format!("{}: {LEFT_OUT}", aid.name()));
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let message = format!("what is required is not varied: {}", lacking.join("; "));
    let hint = match lacking.iter().all(|lacking| lacking.ends_with(LEFT_OUT)) {
        true => "name it in --vary, or require less",
        false => "build on another machine, or require less",
    };
    Err(Report::new(ENVIRONMENT, "not-varied", message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_add_up_and_take_away() {
        let read = |list: &str| Wanted::parse("--vary", list).map_err(|report| report.message);
        let site = read("site").expect("a list");
        assert!(site.conditions.contains(&Condition::Time) && !site.conditions.contains(&Condition::Path));
        assert!(site.without.is_empty());
        assert_eq!(read("all").expect("a list").conditions.len(), 18);
        assert_eq!(read("none,path, ar").expect("a list").without, BTreeSet::from([Aid::Ar]));
        let most = read("all,-locale,-epoch").expect("a list");
        assert!(!most.conditions.contains(&Condition::Locale) && !most.without.contains(&Aid::Epoch));
        assert!(read("all,none").expect("a list").conditions.is_empty());
        let usual = |list| Wanted::to_vary(list, "site").map_err(|report| report.message);
        assert_eq!(usual(None), usual(Some("")));
        assert_eq!(usual(Some("-time")).expect("a list").conditions.len(), site.conditions.len() - 1);
        assert_eq!(read("tmie"), Err("--vary: there is no condition `tmie`".to_owned()));
    }

    #[test]
    fn what_is_required_must_be_varied() {
        let wanted = Wanted::parse("--vary", "time,host").expect("a list");
        let required = |list: &str| Wanted::parse("--require", list).expect("a list");
        let not_varied = [NotVaried { condition: Condition::Time, reason: "no compiler".to_owned() }];
        assert!(check_required(&required("host"), &wanted, &not_varied).is_ok());
        let report = check_required(&required("time,path,ar"), &wanted, &not_varied).expect_err("lacking");
        let wanted = "time: no compiler; ar: --vary leaves it out";
        assert!(
            report.message.contains("time: no compiler") && report.message.ends_with("ar: --vary leaves it out"),
            "{wanted}"
        );
        assert_eq!(report.exit, ENVIRONMENT);
    }
}
