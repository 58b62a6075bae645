//! What building twice came to, for people.

use camino::Utf8Path;

use super::vary::Wanted;
use crate::cli::context::Context;
use crate::install::varying::{NotVaried, Prepared, Varied};
use crate::report::plural;
use crate::reproduce::{Cause, Differing, Reproduction, Spot, Verdict, printable};

/// Files of a part that are told one by one.
const MOST: usize = 20;
/// Differences of a file that are told one by one.
const SPOTS: usize = 8;
/// Files that a fix is for are named up to this number.
const NAMED: usize = 4;

/// Says what will be varied, and what cannot be.
pub(super) fn announce(context: &Context<'_>, prepared: &Prepared, wanted: &Wanted) {
    let names = list(prepared.varied.iter().map(|varied| varied.condition.name()));
    context.console.say(format!("will be varied: {names}"));
    for not_varied in &prepared.not_varied {
        context.console.warn(format!("not varied: {}: {}", not_varied.condition, not_varied.reason));
    }
    if !wanted.without.is_empty() {
        let without = list(wanted.without.iter().map(|aid| aid.meaning()));
        context.console.say(format!("both builds do without {without}"));
    }
}

/// The verdict, what differs with its causes, and what was varied.
pub(super) fn summary(reproduction: &Reproduction) -> String {
    let Reproduction { name, version, files, parts, builds, .. } = reproduction;
    let differing = reproduction.differing_files();
    let of = format!("{name} {version}");
    let mut text = match (reproduction.verdict, differing) {
        (Verdict::Equal, _) => {
            let all = if *files == 1 { "1 file is".to_owned() } else { format!("all {files} files are") };
            format!("reproducible: {of}: {all} the same\n")
        }
        (_, 0) => format!("not reproducible: {of}\n"),
        _ => {
            let in_parts = parts.iter().filter(|part| !part.differing.is_empty()).count();
            let in_parts = match parts.len() {
                1 => String::new(),
                all => format!("in {in_parts} of {all} parts "),
            };
            let differ = if differing == 1 { "differs" } else { "differ" };
            format!("not reproducible: {of}: {differing} of {} {in_parts}{differ}\n", plural(*files, "file"))
        }
    };
    for (part, failure) in reproduction.failures() {
        let causes = causes(&failure.causes);
        let always = if failure.causes == [Cause::Unsteady] { "always " } else { "" };
        let causes = if always.is_empty() { causes } else { String::new() };
        text += &format!("\n{}: does not {always}build{causes}\n", part.name);
        failure.message.lines().for_each(|line| text += &format!("  {}\n", printable(line)));
    }
    let mut fixes: Vec<(&'static str, Vec<&str>)> = Vec::new();
    for part in parts.iter().filter(|part| !part.differing.is_empty()) {
        text += &format!("\n{}: {} of {}\n", part.name, part.differing_files(), plural(part.files, "file"));
        for file in part.differing.iter().take(MOST) {
            text += &line_of(file);
        }
        if part.differing.len() > MOST {
            text += &format!("  and {} more; --report and --format json have all\n", part.differing.len() - MOST);
        }
        for file in &part.differing {
            let path: &Utf8Path = file.path.as_ref();
            let name = path.file_name().unwrap_or_default();
            for fix in file.fixes() {
                match fixes.iter_mut().find(|(known, _)| *known == fix) {
                    Some((_, names)) => names.push(name),
                    None => fixes.push((fix, vec![name])),
                }
            }
        }
    }
    if !fixes.is_empty() {
        text += "\n";
        for (fix, names) in fixes {
            let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
            let names: Vec<_> = names.into_iter().take(NAMED).collect();
            text += &format!("fix for {}{more}:\n  {fix}\n", names.join(", "));
        }
    }
    if !reproduction.compared {
        text += "\nnothing was compared, for there was no second build\n";
    }
    if let Some(reason) = &reproduction.no_causes {
        text += &format!("\nnot all causes are known: {reason}\n");
    }
    text += "\n";
    text += &conditions(&reproduction.varied, &reproduction.not_varied);
    if !reproduction.without.is_empty() {
        text += &format!("built without: {}\n", list(reproduction.without.iter().map(|aid| aid.meaning())));
    }
    let apart = reproduction.apart;
    let (times, owners) = (plural(apart.times, "file"), plural(apart.owners, "file"));
    text += &format!("{builds} builds; of no account: {times} with other times, {owners} with other owners\n");
    text
}

/// What was varied, and what not.
pub(super) fn varied(prepared: &Prepared) -> String {
    conditions(&prepared.varied, &prepared.not_varied)
}

fn conditions(varied: &[Varied], not_varied: &[NotVaried]) -> String {
    let mut text = format!("varied: {}\n", list(varied.iter().map(|varied| varied.condition.name())));
    for not_varied in not_varied {
        text += &format!("not varied: {}: {}\n", not_varied.condition, not_varied.reason);
    }
    text
}

fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// ` [time, path]`; nothing where nothing is known.
fn causes(causes: &[Cause]) -> String {
    match causes {
        [] => String::new(),
        some => format!(" [{}]", some.iter().map(Cause::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// A file, and below it what is known of it.
fn line_of(file: &Differing) -> String {
    let head = format!("  {}{}", file.path, causes(&file.causes));
    let mut text = match file.spots.as_slice() {
        [] => format!("{head}: {}\n", printable(&file.how.to_string())),
        spots => {
            let lines = spots.iter().take(SPOTS).map(|spot| format!("    {}\n", self::spot(spot)));
            let more = match spots.len() {
                0..=SPOTS => String::new(),
                all => format!("    and {} more\n", all - SPOTS),
            };
            format!("{head}\n{}{more}", lines.collect::<String>())
        }
    };
    if let Some(opinion) = &file.other_opinion {
        opinion.lines().for_each(|line| text += &format!("    | {}\n", printable(line)));
    }
    text
}

/// `.rodata holds a date as __DATE__ writes it at 0x3f21: Nov 22 2026, and Dec 25 2027`
pub(super) fn spot(spot: &Spot) -> String {
    let inside: String = spot.inside.iter().map(|name| format!("{name}: ")).collect();
    let section = spot.section.iter().map(|section| format!("{section} holds ")).collect::<String>();
    let at = spot.at.map(|at| format!(" at 0x{at:x}")).unwrap_or_default();
    let values = match (spot.first.words.as_str(), spot.second.words.as_str()) {
        ("", "") => String::new(),
        ("", second) => format!(": {second}"),
        (first, "") => format!(": {first}, and nothing"),
        (first, second) => format!(": {first}, and {second}"),
    };
    format!("{inside}{section}{}{at}{values}", spot.what)
}
