//! What differs, and why: files are opened, and builds repeated under fewer conditions.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::builds::{Builds, Tree};
use super::clues::values_of;
use super::differing::{Thing, differing_of, look_into};
use super::second::Second;
use crate::base::RelPath;
use crate::cli::args::Reproduce as Arguments;
use crate::cli::error::Report;
use crate::cli::trial::Unbuilt;
use crate::install::sandbox::Condition;
use crate::install::varying::Prepared;
use crate::reproduce::{Cause, Clues, Differing, HowDifferent, What, causes};

/// Lines of another program's opinion that are kept.
const OPINION: usize = 60;
/// Exit status of what starts a program that is not there.
const NO_PROGRAM: i32 = 127;
/// Seconds that it may take.
const OPINION_TAKES: &str = "300";

/// What a search goes by.
pub(super) struct Search<'a> {
    pub(super) builds: &'a Builds<'a>,
    pub(super) prepared: &'a Prepared,
    pub(super) first: &'a Tree,
    pub(super) second: &'a Second,
}

/// What one found.
pub(super) struct Found {
    /// How many files both have together.
    pub(super) files: usize,
    /// Those that differ, by their parts.
    pub(super) differing: BTreeMap<String, Vec<Differing>>,
    /// Why causes are not known.
    pub(super) no_causes: Option<String>,
}

impl Search<'_> {
    pub(super) fn differences(&self, arguments: &Arguments) -> Result<Found, Report> {
        let mut found = Found { files: self.first.files.len(), differing: BTreeMap::new(), no_causes: None };
        let Some(second) = &self.second.tree else { return Ok(found) };
        let (files, differing) = differing_of(self.first, second);
        let mut differing: Vec<Differing> = differing.into_iter().map(Differing::new).collect();
        found.files = files;
        let clues = self.clues(second);
        for file in &mut differing {
            self.explain(file, second, &clues)?;
        }
        if !differing.is_empty() && !arguments.no_causes {
            match self.find_causes(&mut differing) {
                Ok(()) => {}
                Err(report) => found.no_causes = Some(report.message),
            }
            // Knowing them, less is taken for what it only looks like.
            for file in &mut differing {
                if let Some(clues) = clues.only_of(&file.causes) {
                    self.explain(file, second, &clues)?;
                }
            }
        } else if arguments.no_causes && !differing.is_empty() {
            found.no_causes = Some("--no-causes was given".to_owned());
        }
        if arguments.diffoscope {
            self.ask_diffoscope(&mut differing, second);
        }
        for file in differing {
            let part = self.first.part_of(&file.path).or_else(|| second.part_of(&file.path));
            let name = part.map(|part| part.name.clone()).unwrap_or_default();
            found.differing.entry(name).or_default().push(file);
        }
        Ok(found)
    }

    /// Looks into a file.
    fn explain(&self, file: &mut Differing, second: &Tree, clues: &Clues) -> Result<(), Report> {
        if file.how != HowDifferent::Content {
            return Ok(());
        }
        let paths = [self.first.root.join(&file.path), second.root.join(&file.path)];
        file.spots = look_into(file.path.as_str(), paths.each_ref().map(|path| path.as_path()), clues)?;
        Ok(())
    }

    fn clues(&self, second: &Tree) -> Clues {
        let varied = self.prepared.varied.iter();
        let values = varied
            .filter(|varied| self.second.varied.contains(&varied.condition))
            .flat_map(|varied| values_of(varied, self.prepared.kit.timezone));
        Clues { values: values.collect(), clocks: Some([self.first.clock, second.clock]) }
    }

    /// Builds again until each file has its causes.
    fn find_causes(&self, differing: &mut [Differing]) -> Result<(), Report> {
        let (builds, console) = (self.builds, self.builds.context.console);
        let of_modes = |file: &Differing| matches!(file.how, HowDifferent::Mode(..)).then_some(Condition::Umask);
        let suspects: BTreeSet<Condition> = differing
            .iter()
            .flat_map(|file| file.spots.iter().flat_map(|spot| spot.what.suspects()).chain(of_modes(file)))
            .filter(|condition| self.second.varied.contains(condition))
            .collect();
        let things: BTreeSet<Thing> = differing.iter().map(Thing::of).collect();
        let differ =
            if things.len() == 1 { "1 file differs".to_owned() } else { format!("{} files differ", things.len()) };
        console.say(format!("{differ}; looking for the conditions that make the difference"));
        let mut build = |some: &BTreeSet<Condition>, things: &BTreeSet<Thing>| {
            let names: Vec<_> = some.iter().map(|condition| condition.name()).collect();
            let under = if names.is_empty() { "nothing else".to_owned() } else { names.join(", ") };
            console.say(format!("build {}: {under}", builds.count.get() + 1));
            let parts =
                things.iter().filter_map(|thing| self.first.part_of(&thing.path).or(self.of_second(&thing.path)));
            let parts = parts.map(|part| part.name.clone()).collect();
            builds.look(some, &parts, |built| match built {
                Ok(tree) => {
                    let (_, all) = differing_of(self.first, tree);
                    let all = all.into_iter().map(|file| Thing::of(&Differing::new(file)));
                    Ok(all.filter(|thing| things.contains(thing)).collect())
                }
                Err(Unbuilt::Part { report, .. } | Unbuilt::Other(report)) => Err(Report::new(
                    report.exit,
                    report.code,
                    format!("a build under {under} failed: {}", report.message),
                )),
            })
        };
        let found = causes(&things, &self.second.varied, &suspects, &mut build);
        for file in differing {
            file.causes = found.found.get(&Thing::of(file)).cloned().unwrap_or_default();
            // What differs each time may hold something of a condition, too, which its bytes prove.
            if file.causes.contains(&Cause::Unsteady) {
                let values = file.spots.iter().filter_map(|spot| match spot.what {
                    What::Value(condition) => Some(Cause::Condition(condition)),
                    _ => None,
                });
                file.causes.extend(values.collect::<BTreeSet<_>>());
            }
        }
        match found.stopped {
            Some(report) => Err(report),
            None => Ok(()),
        }
    }

    fn of_second(&self, path: &RelPath) -> Option<&crate::install::PartRecord> {
        self.second.tree.as_ref().and_then(|tree| tree.part_of(path))
    }

    /// Asks another program about what nothing is known of.
    fn ask_diffoscope(&self, differing: &mut [Differing], second: &Tree) {
        for file in differing.iter_mut().filter(|file| file.is_unexplained()) {
            let paths = [self.first.root.join(&file.path), second.root.join(&file.path)];
            let asked = Command::new("timeout")
                .args([OPINION_TAKES, "diffoscope", "--text", "-", "--no-progress"])
                .args(paths)
                .output();
            match asked {
                Ok(answer) if answer.status.code() == Some(NO_PROGRAM) => {
                    return self.builds.context.console.warn("diffoscope is not installed, and is not asked");
                }
                Ok(answer) => {
                    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
                    file.other_opinion = Some(text.lines().take(OPINION).collect::<Vec<_>>().join("\n"));
                }
                Err(error) => {
                    return self.builds.context.console.warn(format!("diffoscope cannot be asked: {error}"));
                }
            }
        }
    }
}
