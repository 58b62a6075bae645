//! Building parts side by side, as many as there are processors for.
//!
//! Each part that is being built counts as one job. Jobs that are left go to the `make`s of these parts, and come back
//! when another part can be begun: a part that others wait for goes before more jobs for one that runs.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Resource;

use super::error::Error;
use super::event::Event;
use super::jobserver::Jobserver;
use super::schedule::Schedule;
use crate::base::{IoContext, PathError};
use crate::recipes::Part;

/// How often jobs that a part has no use for are given to another.
const TICK: Duration = Duration::from_millis(100);
/// How long one that did not use what it was given goes without, where others do.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a step that needs a fixed number of jobs looks whether there are any before it does with one.
const HOLD_ROUNDS: u32 = 12;
/// Descriptors that a part's build holds here at a time, and some room.
const A_PART_HOLDS: u64 = 16;
/// Those of everything else.
const OTHER_DESCRIPTORS: u64 = 64;

/// What is told from where a part is built.
enum Note {
    Event(Event),
    /// A step of the part ended, and so many jobs of it are free again.
    Freed(String, usize),
    /// The part ended; without an outcome, in a bug.
    Ended(String, Option<Result<(), Error>>),
}

/// What somebody who builds a part is given.
pub(super) struct Bench {
    part: String,
    notes: Sender<Note>,
    jobserver: Option<Arc<Mutex<Jobserver>>>,
}

impl Bench {
    /// Tells what happens.
    pub(super) fn tell(&self, event: Event) {
        // Nobody is left to be told when the installation is over.
        let _ = self.notes.send(Note::Event(event));
    }

    /// The part's jobs; none where it has but one.
    pub(super) fn jobserver(&self) -> Option<MutexGuard<'_, Jobserver>> {
        self.jobserver.as_deref().map(lock)
    }

    /// As many jobs as nobody else has a use for right now, for a step that cannot ask for them one by one.
    pub(super) fn hold_jobs(&self) -> usize {
        // When the last step ended all its jobs were free; the next round gives them to those who can use them.
        let Some(jobserver) = &self.jobserver else { return 1 };
        for _ in 0..HOLD_ROUNDS {
            thread::sleep(TICK / 4);
            let held = lock(jobserver).hold();
            if held > 1 {
                return held;
            }
        }
        1
    }

    /// A step is over, with all its processes.
    pub(super) fn step_ended(&self) {
        if let Some(mut jobserver) = self.jobserver() {
            let _ = self.notes.send(Note::Freed(self.part.clone(), jobserver.end()));
        }
    }
}

/// Tells how it ended, also where it did in a panic.
struct Ending<'b> {
    bench: &'b Bench,
    outcome: Option<Result<(), Error>>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let _ = self.bench.notes.send(Note::Ended(self.bench.part.clone(), self.outcome.take()));
    }
}

/// Who builds a part.
pub(super) type Build<'b> = dyn Fn(&Part, &Bench) -> Result<(), Error> + Sync + 'b;

/// How parts are built.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// Processes at a time.
    pub(super) jobs: usize,
    /// The load average from which on nothing is begun beside what runs.
    pub(super) most_load: Option<f64>,
    /// What does not need a part that failed is built nevertheless.
    pub(super) keep_going: bool,
    /// Parts of the plan.
    pub(super) total: usize,
}

/// Builds all parts of the schedule that are not built yet; returns their names.
///
/// # Errors
/// That of the part that failed; of several, all of them. What was running then is built to its end.
pub(super) fn build_all(
    schedule: &mut Schedule<'_>,
    order: Order,
    build: &Build<'_>,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<String>, Error> {
    let (notes, inbox) = mpsc::channel();
    thread::scope(|scope| {
        let begun = order.total - schedule.unbuilt();
        let mut site = Site {
            schedule,
            order,
            most: side_by_side(),
            free: order.jobs,
            running: BTreeMap::new(),
            begun,
            failed: Vec::new(),
        };
        let mut built = Vec::new();
        loop {
            while let Some(part) = site.next() {
                let bench = site.begin(part, &notes, observe)?;
                scope.spawn(move || {
                    let mut ending = Ending { bench: &bench, outcome: None };
                    ending.outcome = Some(build(part, &bench));
                });
            }
            if site.running.is_empty() {
                break;
            }
            match site.wait(&inbox) {
                None => site.balance(),
                Some(Note::Event(event)) => observe(event),
                Some(Note::Freed(part, jobs)) => site.freed(&part, jobs),
                Some(Note::Ended(part, outcome)) => {
                    let Some(took) = site.ended(&part) else { continue };
                    match outcome {
                        // The scope goes on with the panic.
                        None => break,
                        Some(Ok(())) => {
                            site.schedule.done(&part);
                            observe(Event::Built { part: part.clone(), took });
                            built.push(part);
                        }
                        Some(Err(error)) => {
                            site.schedule.failed(&part);
                            site.failed.push(error);
                            let running = site.running.keys().cloned().collect();
                            observe(Event::Failed { part, running, skipped: site.schedule.skipped() });
                        }
                    }
                }
            }
        }
        let mut failed = site.failed;
        match failed.len() {
            0 => Ok(built),
            1 => Err(failed.remove(0)),
            _ => Err(Error::Several(failed)),
        }
    })
}

/// What runs, and who has which jobs.
struct Site<'s, 'p> {
    schedule: &'s mut Schedule<'p>,
    order: Order,
    /// Parts that can run at a time, whatever the jobs.
    most: usize,
    /// Jobs nobody has.
    free: usize,
    running: BTreeMap<String, Running>,
    begun: usize,
    failed: Vec<Error>,
}

struct Running {
    jobserver: Option<Arc<Mutex<Jobserver>>>,
    since: Instant,
    /// It left unused what it was given.
    idle: Option<Instant>,
}

impl<'p> Site<'_, 'p> {
    /// Whether there is a part to be begun, given a job for it.
    fn may_begin(&self) -> bool {
        let room = self.running.len() < self.most;
        room && !self.is_loaded() && (self.failed.is_empty() || self.order.keep_going) && self.schedule.has_ready()
    }

    /// Others have so much to do on this machine that what runs is enough.
    fn is_loaded(&self) -> bool {
        let most = self.order.most_load.filter(|_| !self.running.is_empty());
        most.is_some_and(|most| load_average().is_some_and(|load| load >= most))
    }

    /// The next part to be begun, if there is a job for it.
    fn next(&mut self) -> Option<&'p Part> {
        if !self.may_begin() {
            return None;
        }
        if self.free == 0 {
            self.free += self.running.values().filter_map(Running::jobserver).any(|mut server| server.take()) as usize;
        }
        if self.free == 0 { None } else { self.schedule.begin() }
    }

    fn begin(&mut self, part: &Part, notes: &Sender<Note>, observe: &mut dyn FnMut(Event)) -> Result<Bench, PathError> {
        let make = || Jobserver::new(self.order.jobs).map(|server| Arc::new(Mutex::new(server)));
        let jobserver = (self.order.jobs > 1).then(make).transpose().at("make a pipe for", &part.name)?;
        self.free -= 1;
        self.begun += 1;
        let running = Running { jobserver: jobserver.clone(), since: Instant::now(), idle: None };
        self.running.insert(part.name.clone(), running);
        observe(Event::Installing { part: part.name.clone(), index: self.begun, total: self.order.total });
        Ok(Bench { part: part.name.clone(), notes: notes.clone(), jobserver })
    }

    /// The next note; none when it is time to look who uses which jobs.
    fn wait(&self, inbox: &Receiver<Note>) -> Option<Note> {
        match self.order.jobs {
            1 => inbox.recv().ok(),
            _ => inbox.recv_timeout(TICK).ok(),
        }
    }

    fn freed(&mut self, part: &str, jobs: usize) {
        self.free += jobs;
        if let Some(running) = self.running.get_mut(part) {
            running.idle = None;
        }
    }

    /// A part ended; the time it took.
    fn ended(&mut self, part: &str) -> Option<Duration> {
        let running = self.running.remove(part)?;
        self.free += 1;
        Some(running.since.elapsed())
    }

    /// Gives jobs that nobody uses to those who used what they had.
    fn balance(&mut self) {
        for running in self.running.values_mut() {
            let Some(mut server) = running.jobserver.as_deref().map(lock) else { continue };
            let had_some = server.granted() > 0;
            let mut unused = false;
            while server.take() {
                self.free += 1;
                unused = true;
            }
            drop(server);
            match (had_some, unused) {
                (true, true) => drop(running.idle.get_or_insert_with(Instant::now)),
                (true, false) => running.idle = None,
                (false, _) => {
                    running.idle = running.idle.filter(|since| since.elapsed() < PATIENCE);
                }
            }
        }
        // What can be begun comes first.
        if self.may_begin() || self.is_loaded() {
            return;
        }
        let eager = self.running.values().any(|running| running.idle.is_none());
        let takers: Vec<_> = self.running.values().filter(|running| running.idle.is_none() || !eager).collect();
        while self.free > 0 && !takers.is_empty() {
            for running in &takers {
                let given = self.free > 0 && running.jobserver().is_some_and(|mut server| server.give().is_ok());
                if !given {
                    return;
                }
                self.free -= 1;
            }
        }
    }
}

impl Running {
    fn jobserver(&self) -> Option<MutexGuard<'_, Jobserver>> {
        self.jobserver.as_deref().map(lock)
    }
}

/// Processes that ran or waited to, on average over the last minute, as the kernel says.
fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// As many parts as this process may have descriptors for: pipes, logs, and files for messages.
fn side_by_side() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit.saturating_sub(OTHER_DESCRIPTORS) / A_PART_HOLDS).unwrap_or(usize::MAX).max(1)
}

fn lock(jobserver: &Mutex<Jobserver>) -> MutexGuard<'_, Jobserver> {
    jobserver.lock().unwrap_or_else(PoisonError::into_inner)
}
