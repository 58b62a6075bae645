//! Building one part, step by step.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::ExitStatus;

use camino::{Utf8Path, Utf8PathBuf};

use super::attempts::Seen;
use super::building::Bench;
use super::causes::{self, Cause};
use super::copying::{Places, exclude};
use super::error::Error;
use super::event::Event;
use super::fixed_jobs::FixedJobs;
use super::sandbox::{self, BUILD_FOLDERS, Bind, Conditions, HOMES, Level, Outcome, Sandbox, TEMPORARY, Task};
use super::varying::equip;
use crate::archive::{Unpack, unpack};
use crate::base::{IoContext, clone_file, create_dir_all, only_folder, remove_tree};
use crate::recipes::{Input, Part, StepKind};

/// Lines of output shown when a step fails.
const TAIL: usize = 30;
/// Bytes of a log that are looked at for them.
const TAIL_BYTES: u64 = 64 << 10;
/// The other folder for everybody's files.
const OTHER_TEMPORARY: &str = "/var/tmp";
/// What is in it from the start, whatever the machine's own folders of these names hold.
const TAKEN_INSIDE: [&str; 2] = ["/tmp/build", "/tmp/home"];

/// Checks that builds at `level` can see a destination.
///
/// # Errors
/// [`Error::Hidden`].
pub fn check_visible(destination: &Utf8Path, level: Level) -> Result<(), Error> {
    match TAKEN_INSIDE.into_iter().find(|taken| destination.starts_with(taken)) {
        Some(hidden) if level == Level::Full => Err(Error::Hidden { hidden }),
        _ => Ok(()),
    }
}

/// Everything a part is built with.
pub(super) struct Build<'a> {
    pub(super) part: &'a Part,
    /// Name and file of its sources, in the order the part lists them.
    pub(super) sources: Vec<(String, Utf8PathBuf)>,
    pub(super) sandbox: &'a Sandbox,
    /// What is the same for all steps of all parts.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Folders it may write to beside its work, where no mounts say so.
    pub(super) writable: Vec<Utf8PathBuf>,
    /// Folder for this part's work, on the destination's disk.
    pub(super) work: Utf8PathBuf,
    /// Where its log goes.
    pub(super) log: Utf8PathBuf,
    /// The file its processes keep locked.
    pub(super) lock: Utf8PathBuf,
    /// Folders that show up elsewhere in the sandbox.
    pub(super) binds: Vec<Bind>,
    pub(super) bench: &'a Bench,
    /// Where the folders are that parts are built from.
    pub(super) places: Places<'a>,
}

impl Build<'_> {
    /// Runs all steps. The work folder is removed when they went well and kept when not.
    pub(super) fn run(&self) -> Result<Seen, Error> {
        remove_tree(&self.work)?;
        let top = self.work.join("tmp");
        create_dir_all(&top.join(self.conditions().map_or(HOMES[0], Conditions::home)))?;
        self.conditions().map_or(Ok(()), |conditions| equip(conditions, &top))?;
        create_dir_all(&self.work.join("var-tmp"))?;
        create_dir_all(self.log.parent().unwrap_or(&self.log))?;
        File::create(&self.log).at("create", &self.log)?;
        // A step that empties its output by `> /dev/stdout` must not leave a hole where it was.
        let mut log = File::options().append(true).open(&self.log).at("open", &self.log)?;
        // Below `build`, where the archive's own folders are.
        let mut folder = Utf8PathBuf::from(self.build_folder());
        let mut seen = Seen::default();
        // What unpacks makes the folder itself.
        if matches!(self.part.steps.first().map(|step| &step.kind), Some(StepKind::Shell { .. })) {
            create_dir_all(&top.join(&folder))?;
        }
        for step in &self.part.steps {
            let command = match &step.kind {
                StepKind::Shell { command, .. } => Some(command.clone()),
                _ => None,
            };
            if !matches!(step.kind, StepKind::EnterOnlyFolder { .. }) {
                let (part, step) = (self.part.name.clone(), step.name.to_owned());
                self.bench.tell(Event::Step { part, step, command });
            }
            match &step.kind {
                StepKind::Unpack { source, links, limits } => {
                    let name = self.part.sources[*source].content_name();
                    let order = Unpack { archive: &self.sources[*source].1, name, limits: *limits, links: *links };
                    self.unpack(&order, &self.sources[*source].0, &top.join(self.build_folder()), &mut log)?;
                }
                StepKind::CopyIn { from } => {
                    let copied = self.places.copy(from, &top.join(self.build_folder()))?;
                    writeln!(log, "# copied {from}: {copied} files").at("write", &self.log)?;
                }
                StepKind::Gather { folder } => {
                    let folder = top.join(self.build_folder()).join(folder);
                    create_dir_all(&folder)?;
                    for (source, (_, file)) in self.part.sources.iter().zip(&self.sources) {
                        clone_file(file, &folder.join(source.distribution_name()))?;
                    }
                    writeln!(log, "# gathered {} files", self.sources.len()).at("write", &self.log)?;
                }
                StepKind::Exclude { patterns } => {
                    let removed = exclude(&top.join(self.build_folder()), patterns)?;
                    writeln!(log, "# left out: {removed} files and folders").at("write", &self.log)?;
                }
                StepKind::EnterOnlyFolder { unless, or_fail } => {
                    folder = self.enter(&top, folder, unless, *or_fail)?;
                }
                StepKind::Shell { command, input } => {
                    let input = input.as_ref().map(|input| self.input(input)).transpose()?;
                    self.shell((step.name, command), input.as_deref(), (&top, &folder), &mut log, &mut seen)?;
                }
            }
        }
        remove_tree(&self.work)?;
        Ok(seen)
    }

    /// A file with what a command reads.
    fn input(&self, input: &Input) -> Result<Utf8PathBuf, Error> {
        match input {
            Input::Source(index) => Ok(self.sources[*index].1.clone()),
            Input::Text(text) => {
                let path = self.work.join("input");
                fs::write(&path, text).at("write", &path)?;
                Ok(path)
            }
        }
    }

    fn unpack(&self, order: &Unpack<'_>, name: &str, target: &Utf8Path, log: &mut File) -> Result<(), Error> {
        let unpacked =
            unpack(order, target).map_err(|source| Error::Archive { part: self.part.name.clone(), source })?;
        let line = format!("# unpacked {name}: {} files, {} bytes\n", unpacked.files, unpacked.bytes);
        log.write_all(line.as_bytes()).at("write", &self.log)?;
        for path in unpacked.stripped {
            let line = format!("# setuid, setgid or sticky bit left out: {path}\n");
            log.write_all(line.as_bytes()).at("write", &self.log)?;
        }
        Ok(())
    }

    /// The one folder in `folder`, unless one of the files is there.
    fn enter(
        &self,
        top: &Utf8Path,
        folder: Utf8PathBuf,
        unless: &[String],
        or_fail: bool,
    ) -> Result<Utf8PathBuf, Error> {
        let here = top.join(&folder);
        if unless.iter().any(|name| here.join(name).exists()) {
            return Ok(folder);
        }
        match only_folder(&here)?.as_deref().and_then(Utf8Path::file_name) {
            Some(only) => Ok(folder.join(only)),
            None if or_fail => Err(Error::NoMarker { part: self.part.name.clone(), wanted: unless.first().cloned() }),
            None => Ok(folder),
        }
    }

    /// Runs a command in a folder below the top of the work, with a file as its input.
    fn shell(
        &self,
        (step, command): (&str, &str),
        input: Option<&Utf8Path>,
        (top, folder): (&Utf8Path, &Utf8Path),
        log: &mut File,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        writeln!(log, "# {step}: {command}").at("write", &self.log)?;
        let inside = match self.sandbox.level {
            Level::Full => Utf8PathBuf::from(TEMPORARY),
            Level::Seccomp | Level::None => top.to_owned(),
        };
        let mut environment = self.environment.clone();
        let home = self.conditions().map_or(HOMES[0], Conditions::home);
        environment.insert("HOME".to_owned(), inside.join(home).into_string());
        environment.insert("TMPDIR".to_owned(), inside.to_string());
        if let Some(conditions) = self.conditions() {
            conditions.apply(&mut environment, &inside);
        }
        let mut own = BTreeMap::new();
        let inherited = self.bench.jobserver().map(|server| (server.descriptors(), server.flags()));
        let inherit = inherited.map_or_else(Vec::new, |((read, write), flags)| {
            environment.insert("MAKEFLAGS".to_owned(), flags);
            vec![read, write]
        });
        for (name, value) in &self.part.environment {
            let filled = value.fill(&environment).map_err(|missing| Error::NoVariable {
                part: self.part.name.clone(),
                variable: name.clone(),
                missing,
            })?;
            own.insert(name.clone(), filled);
        }
        environment.extend(own);
        if let Some(conditions) = self.conditions() {
            conditions.preload(&mut environment, &inside);
        }
        let mut command = command.to_owned();
        if let Some(fixed) = FixedJobs::of(self.part, &command) {
            let jobs = self.bench.hold_jobs();
            command = fixed.tell(&command, jobs);
            for (name, value) in fixed.variables(jobs) {
                environment.entry(name).or_insert(value);
            }
        }
        let binds = self.folders(top, &environment);
        let lock = Some(self.lock.clone());
        let folder_inside = inside.join(folder);
        let writable = [std::slice::from_ref(&self.work), &self.writable].concat();
        let task = Task { command, folder: folder_inside, environment, binds, writable, lock, inherit };
        let input = input.map(|path| File::open(path).at("open", path)).transpose()?;
        let outcome = self.sandbox.run(&task, &self.work.join("messages"), input, log);
        self.bench.step_ended();
        let outcome = outcome?;
        log.seek(SeekFrom::End(0)).at("write", &self.log)?;
        let part = self.part.name.clone();
        match outcome {
            Outcome::Ran(status, sightings) => {
                seen.add(step, sightings);
                if status.success() {
                    return Ok(());
                }
                let (tail, cause) = last_words(&self.log)?;
                Err(Error::Step {
                    part,
                    step: step.to_owned(),
                    outcome: describe(status),
                    attempts: std::mem::take(&mut seen.attempts),
                    refusals: seen.refused_sockets.iter().filter(|known| known.step == step).cloned().collect(),
                    cause: cause.map(Box::new),
                    tail,
                    log: self.log.clone(),
                    folder: top.join(folder),
                })
            }
            Outcome::NoWalls(reason) => Err(Error::Sandbox { part, step: step.to_owned(), reason }),
        }
    }
}

impl Build<'_> {
    /// What it is built under, where builds are compared.
    fn conditions(&self) -> Option<&Conditions> {
        self.sandbox.conditions()
    }

    /// The folder that is built in, below that for temporary files.
    fn build_folder(&self) -> &'static str {
        self.conditions().map_or(BUILD_FOLDERS[0], Conditions::build_folder)
    }

    /// The folders a step sees where the machine has others.
    fn folders(&self, top: &Utf8Path, environment: &BTreeMap<String, String>) -> Vec<Bind> {
        let mut folders = vec![Bind::new(top.to_owned(), TEMPORARY)];
        let root = self.sandbox.root().unwrap_or(Utf8Path::new("/"));
        if root.join(OTHER_TEMPORARY.trim_start_matches('/')).is_dir() {
            folders.push(Bind::new(self.work.join("var-tmp"), OTHER_TEMPORARY));
        }
        // What is not to be seen is, where somebody asked for the programs in it.
        let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
        let is_hidden = |folder: &&Utf8Path| {
            sandbox::is_masked(folder) || [TEMPORARY, OTHER_TEMPORARY].iter().any(|other| folder.starts_with(other))
        };
        let hidden = path.split(':').map(Utf8Path::new).filter(|folder| is_hidden(folder) && folder.is_dir());
        for folder in hidden {
            let whole = folder.parent().filter(|_| matches!(folder.file_name(), Some("bin" | "sbin")));
            // Nobody's whole home.
            let is_home = |folder: &&Utf8Path| *folder == "/root" || folder.parent().is_some_and(|top| top == "/home");
            let whole = whole.filter(|above| !is_home(above) && above.parent().is_some_and(|top| top != "/"));
            let installed = whole.unwrap_or(folder).to_owned();
            folders.push(Bind::read_only(installed.clone(), installed));
        }
        folders.extend(self.binds.clone());
        folders
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "failed".to_owned(),
    }
}

/// The last lines of a log, and what they probably mean.
fn last_words(path: &Utf8Path) -> Result<(Vec<String>, Option<Cause>), Error> {
    let mut file = File::open(path).at("open", path)?;
    let length = fs::metadata(path).at("inspect", path)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).at("read", path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).at("read", path)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let (before, tail) = lines.split_at(lines.len().saturating_sub(TAIL));
    // What failed first led to what failed later; further up, others went on after it.
    let cause = causes::find(tail).or_else(|| before.iter().rev().find_map(|line| causes::find(&[line])));
    Ok((tail.iter().map(|line| (*line).to_owned()).collect(), cause))
}
