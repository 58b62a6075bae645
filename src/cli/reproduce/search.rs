//! What differs, and why: files are opened, and builds repeated under fewer conditions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::builds::{Builds, Tree};
use crate::base::{IoContext, RelPath};
use crate::cli::args::Reproduce as Arguments;
use crate::cli::error::Report;
use crate::cli::trial::Unbuilt;
use crate::install::sandbox::{Condition, OtherTimezone};
use crate::install::varying::{NotVaried, Prepared, Varied};
use crate::reproduce::{
    Apart, Cause, Clues, Differing, Failure, FileDifference, HowDifferent, What, causes, differences, differing_files,
};

/// The longest file that is opened.
const LONGEST: u64 = 1 << 29;
/// Lines of another program's opinion that are kept.
const OPINION: usize = 60;
/// Exit status of what starts a program that is not there.
const NO_PROGRAM: i32 = 127;
/// Seconds that it may take.
const OPINION_TAKES: &str = "300";

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
        crate::base::remove_tree(&builds.within.join("second"))?;
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
                let clues = clues.only_of(&file.causes);
                self.explain(file, second, &clues)?;
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
        for path in &paths {
            if path.metadata().at("inspect", path)?.len() > LONGEST {
                return Ok(());
            }
        }
        let [first, second] = paths.each_ref().map(|path| fs::read(path).at("read", path));
        let (first, second) = match (first, second) {
            (Ok(first), Ok(second)) => (first, second),
            // Some files are for nobody to read, whoever made them; that they differ is known.
            (Err(error), _) | (_, Err(error)) if error.source.kind() == ErrorKind::PermissionDenied => return Ok(()),
            (Err(error), _) | (_, Err(error)) => return Err(error.into()),
        };
        file.spots = differences(file.path.as_str(), [&first, &second], clues);
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

/// What is not the same and counts for nothing.
pub(super) fn apart(first: &Tree, second: &Tree) -> Apart {
    let mut apart = Apart::default();
    for path in first.files.keys() {
        let look = |tree: &Tree| fs::symlink_metadata(tree.root.join(path)).ok();
        if let (Some(one), Some(other)) = (look(first), look(second)) {
            apart.times += usize::from((one.mtime(), one.mtime_nsec()) != (other.mtime(), other.mtime_nsec()));
            apart.owners += usize::from((one.uid(), one.gid()) != (other.uid(), other.gid()));
        }
    }
    apart
}

/// How many files two builds have together, and how they differ.
fn differing_of(first: &Tree, second: &Tree) -> (usize, Vec<FileDifference>) {
    let (count, mut differing) = differing_files(first.files(), second.files());
    // Records have no modes of what is beside locations.
    let of_both = first.beside.keys().filter(|path| second.beside.contains_key(*path));
    for path in of_both {
        let mode = |tree: &Tree| {
            let metadata = fs::symlink_metadata(tree.root.join(path)).ok().filter(fs::Metadata::is_file);
            metadata.map(|metadata| metadata.mode() & 0o7777)
        };
        if let (Some(one), Some(other)) = (mode(first), mode(second))
            && one != other
        {
            differing.push(FileDifference { path: path.clone(), how: HowDifferent::Mode(one, other) });
        }
    }
    (count, differing)
}

/// Something that differs and has causes of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Thing {
    path: RelPath,
    /// It is the file's mode, and not what it is or holds.
    is_mode: bool,
}

impl Thing {
    fn of(file: &Differing) -> Self {
        Self { path: file.path.clone(), is_mode: matches!(file.how, HowDifferent::Mode(..)) }
    }
}

/// What builds may have caught of a condition.
fn values_of(varied: &Varied, timezone: OtherTimezone) -> Vec<(Condition, [String; 2])> {
    use crate::install::sandbox::{
        BUILD_FOLDERS, DOMAIN, FOLDER_IN_PATH, HOMES, HOSTS, LOCALE, MARKER, TIMEZONE, USER,
    };
    let owned = |values: [&str; 2]| values.map(str::to_owned);
    let pairs = match varied.condition {
        Condition::Path => vec![owned(BUILD_FOLDERS).map(|folder| format!("/tmp/{folder}"))],
        Condition::Home => vec![owned(HOMES).map(|folder| format!("/tmp/{folder}"))],
        Condition::Host => vec![owned(HOSTS), owned(["", DOMAIN])],
        Condition::User => vec![owned(["", USER]), [varied.first.clone(), varied.second.clone()]],
        Condition::Environment => vec![owned(["", MARKER.1])],
        Condition::ExecPath => vec![owned(["", FOLDER_IN_PATH])],
        Condition::Timezone => {
            vec![owned([TIMEZONE, OtherTimezone::NAME]), owned(["+0000", timezone.offset()])]
        }
        Condition::Locale => {
            let name = varied.second.split(':').next().unwrap_or_default();
            vec![owned([LOCALE, name])]
        }
        Condition::Terminal => vec![owned(["", "xterm-256color"])],
        Condition::Kernel => vec![[varied.first.clone(), varied.second.clone()], owned(["", "2.6.39"])],
        Condition::Hardware => {
            let number = |text: &str| text.split_whitespace().nth(1).unwrap_or_default().to_owned();
            vec![owned(["", "Another Processor"]), [number(&varied.first), number(&varied.second)]]
        }
        Condition::Time | Condition::Umask | Condition::Cpus | Condition::Jobs | Condition::FileOrder => Vec::new(),
        Condition::Aslr | Condition::Processes => Vec::new(),
    };
    pairs.into_iter().map(|values| (varied.condition, values)).collect()
}
