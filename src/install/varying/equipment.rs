//! What varying takes: a library that moves the clock and turns folders round, and a locale.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::Utf8Path;

use super::super::asking::Inquiry;
use super::super::error::Error;
use super::super::sandbox::{
    Condition, Conditions, Kit, OtherLocale, OtherTimezone, Outcome, SECONDS, Sandbox, TEMPORARY,
};
use crate::base::{IoContext, clone_file, create_dir_all, files_below};

/// Compiled by the machine's own compiler, so that it fits the machine's programs.
const LIBRARY: &str = include_str!("preload.c");
/// All four of it at once, named as [`Kit::library`] does.
const COMPILE: &str = "for moved in 0 1; do for backwards in 0 1; do
    ${CC:-cc} -shared -fPIC -O1 -DSECONDS=\"$((moved * FAR))L\" -DBACKWARDS=$backwards \\
        -o $moved$backwards.so preload.c -ldl -lpthread &
done; done
wait
test -e 00.so && test -e 01.so && test -e 10.so && test -e 11.so";
/// Prints the name of a locale that sorts differently, which is installed or was just made. Estonian sorts letters where others
/// do not, so it is asked for first.
const FIND_LOCALE: &str = "all=$(locale -a 2>/dev/null | grep -i 'utf-*8$' | grep -v '^C\\.')
estonian=$(echo \"$all\" | grep '^et_EE' | head -n 1)
mkdir locales
if test -n \"$estonian\"; then echo \"$estonian\"
elif localedef --no-archive -c -i et_EE -f UTF-8 ./locales/et_EE.UTF-8 >/dev/null 2>&1 ||
    test -e locales/et_EE.UTF-8/LC_COLLATE; then echo et_EE.UTF-8
else echo \"$all\" | head -n 1
fi";

/// Makes in a folder what it takes to vary the wanted conditions in the root that the sandbox has; and why something of it is
/// missing, by what it is for.
///
/// # Errors
/// Those of files and sandboxes. That a machine cannot make something is none.
pub(super) fn make(
    sandbox: &Sandbox,
    wanted: &BTreeSet<Condition>,
    environment: &BTreeMap<String, String>,
    folder: &Utf8Path,
) -> Result<(Kit, BTreeMap<Condition, String>), Error> {
    let mut kit = Kit { timezone: OtherTimezone::of(jiff::Timestamp::now()), ..Kit::default() };
    let mut missing = BTreeMap::new();
    if wanted.contains(&Condition::Time) || wanted.contains(&Condition::FileOrder) {
        let libraries = folder.join("libraries");
        create_dir_all(&libraries)?;
        fs::write(libraries.join("preload.c"), LIBRARY).at("write", &libraries)?;
        let compile = COMPILE.replace("FAR", &SECONDS.to_string());
        let (compiled, words) = run(sandbox, &compile, environment, &libraries)?;
        if !compiled {
            let first = words.lines().next().unwrap_or("it says nothing");
            for condition in [Condition::Time, Condition::FileOrder] {
                missing.insert(condition, format!("the compiler does not make the library for it: {first}"));
            }
        }
        kit.libraries = compiled.then_some(libraries);
    }
    if wanted.contains(&Condition::Locale) {
        let locales = folder.join("locales");
        let (_, name) = run(sandbox, FIND_LOCALE, environment, &locales)?;
        let made = locales.join("locales");
        match name.trim() {
            "" => {
                let reason = "no other locale is installed, and localedef has nothing to make one of";
                missing.insert(Condition::Locale, reason.to_owned());
            }
            name => {
                let folder = made.join(name).is_dir().then_some(made);
                kit.locale = Some(OtherLocale { name: name.to_owned(), folder });
            }
        }
    }
    Ok((kit, missing))
}

/// Runs a shell command in a folder, which it has for temporary files; whether it went well, and what it said.
fn run(
    sandbox: &Sandbox,
    command: &str,
    environment: &BTreeMap<String, String>,
    folder: &Utf8Path,
) -> Result<(bool, String), Error> {
    let inside = Utf8Path::new(TEMPORARY);
    let inquiry = Inquiry { command, input: None, environment: environment.clone(), temporary: folder, folder: inside };
    Ok(match inquiry.answer(sandbox, &folder.with_extension("scratch"))? {
        (Outcome::Ran(status, _), words) => (status.success(), words),
        (Outcome::NoWalls(reason), _) => (false, reason),
    })
}

/// Lays what conditions take into the folder for temporary files of a step.
///
/// # Errors
/// Those of files.
pub fn equip(conditions: &Conditions, temporary: &Utf8Path) -> Result<(), Error> {
    for (from, name) in conditions.equipment() {
        let to = temporary.join(name);
        if from.is_dir() {
            for path in files_below(&from)? {
                create_dir_all(to.join(&path).parent().unwrap_or(&to))?;
                clone_file(&from.join(&path), &to.join(&path))?;
            }
        } else {
            clone_file(&from, &to)?;
        }
    }
    Ok(())
}
