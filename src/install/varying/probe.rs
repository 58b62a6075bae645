//! The proof that conditions are varied: what a command sees of them.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use serde::Serialize;

use super::super::asking::Inquiry;
use super::super::error::Error;
use super::super::sandbox::{Condition, Conditions, Kit, LOCALE, Sandbox, TEMPORARY, TIMEZONE};
use super::equipment::{equip, make};
use crate::base::create_dir_all;

/// Prints what a step sees of each condition, a line each.
const LOOK: &str = r#"tell() { printf '%s\t%s\n' "$1" "$2"; }
mkdir order && for name in a b c d e f; do : > order/$name; done
tell path "$(pwd)"
tell time "$(date -u +%Y-%m-%d)"
tell timezone "$(date +'%Z %z')"
tell locale "$LC_ALL: $(printf 'B\na\nz\nt\n' | sort | tr '\n' ' ')"
tell umask "$(umask)"
tell host "$(uname -n)"
tell user "$(id -u)"
tell home "$HOME"
tell environment "${HARDTACK_ANOTHER-none}"
tell exec-path "$PATH"
tell cpus "$(nproc)"
tell file-order "$(ls -U order | tr '\n' ' ')"
tell kernel "$(uname -r)"
tell hardware "$(grep MemTotal /proc/meminfo | tr -s ' ')"
case $(cut -c4 /proc/self/personality) in
    4|6) tell aslr fixed ;;
    0|2) tell aslr random ;;
esac
tell processes "$$"
if test -t 0; then tell terminal yes; else tell terminal none; fi
"#;

/// A condition that differs from the first build to the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Varied {
    /// Which.
    pub condition: Condition,
    /// What a command saw of it in the first.
    pub first: String,
    /// What one saw in the second.
    pub second: String,
}

/// One that is the same in both, though somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NotVaried {
    /// Which.
    pub condition: Condition,
    /// Why.
    pub reason: String,
}

/// What can be varied on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What that takes.
    pub kit: Kit,
    /// What differs.
    pub varied: Vec<Varied>,
    /// What does not.
    pub not_varied: Vec<NotVaried>,
}

/// Finds out which of the wanted conditions a sandbox can vary. `environment` is that of all steps, `jobs` how many processes
/// work at a time in the first build and in the second, and `folder` is kept as long as there are builds.
///
/// # Errors
/// Those of files and sandboxes.
pub fn prepare(
    sandbox: &Sandbox,
    wanted: &BTreeSet<Condition>,
    (environment, jobs): (&BTreeMap<String, String>, (usize, usize)),
    folder: &Utf8Path,
) -> Result<Prepared, Error> {
    let (kit, mut missing) = make(sandbox, wanted, environment, folder)?;
    if wanted.is_empty() {
        return Ok(Prepared { kit, varied: Vec::new(), not_varied: Vec::new() });
    }
    let look = |varied: BTreeSet<Condition>, name: &str| {
        let conditions = Conditions { varied, without: BTreeSet::new(), kit: kit.clone() };
        see(sandbox, conditions, environment, &folder.join(name))
    };
    let (first, second) = (look(BTreeSet::new(), "first")?, look(wanted.clone(), "second")?);
    let (mut varied, mut not_varied) = (Vec::new(), Vec::new());
    for condition in wanted.iter().copied() {
        let values = match condition {
            Condition::Jobs => Some((jobs.0.to_string(), jobs.1.to_string())),
            _ => first.get(condition.name()).cloned().zip(second.get(condition.name()).cloned()),
        };
        match values.filter(|(first, second)| first != second) {
            Some((first, second)) => varied.push(Varied { condition, first, second }),
            None => {
                let reason = missing.remove(&condition).unwrap_or_else(|| why_not(condition).to_owned());
                not_varied.push(NotVaried { condition, reason });
            }
        }
    }
    Ok(Prepared { kit, varied, not_varied })
}

/// What a command says of its conditions, by their names.
fn see(
    sandbox: &Sandbox,
    conditions: Conditions,
    environment: &BTreeMap<String, String>,
    top: &Utf8Path,
) -> Result<BTreeMap<String, String>, Error> {
    let inside = Utf8Path::new(TEMPORARY);
    create_dir_all(&top.join(conditions.build_folder()))?;
    equip(&conditions, top)?;
    let mut environment = environment.clone();
    environment.insert("TZ".to_owned(), TIMEZONE.to_owned());
    environment.insert("LC_ALL".to_owned(), LOCALE.to_owned());
    environment.insert("HOME".to_owned(), inside.join(conditions.home()).into_string());
    conditions.apply(&mut environment, inside);
    conditions.preload(&mut environment, inside);
    let folder = inside.join(conditions.build_folder());
    let inquiry = Inquiry { command: LOOK, input: None, environment, temporary: top, folder: &folder };
    let (_, words) = inquiry.answer(&sandbox.under(conditions), &top.with_extension("scratch"))?;
    let pairs = words.lines().filter_map(|line| line.split_once('\t'));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}

/// Why a command may see no difference.
fn why_not(condition: Condition) -> &'static str {
    match condition {
        Condition::Cpus => "there is one processor",
        Condition::User => "without a user namespace, nobody is somebody else",
        Condition::Time | Condition::FileOrder => "the library for it has no effect on this machine's programs",
        Condition::Locale => "sort knows no other order here",
        Condition::Hardware | Condition::Kernel => "the kernel does not allow it here",
        _ => "a command sees no difference",
    }
}
