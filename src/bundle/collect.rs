//! Getting the sources of a plan: from the cache, else from where the config says. The one place where the two meet.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::failure::{Failure, FailureCause};
use super::layout::blob_path;
use crate::archive::detect;
use crate::base::{Expected, Fingerprint, IoContext, RelPath, SourceKey, SourceUrl, Wanted, fingerprint_file};
use crate::cache::{Cache, Event, Hit, Policy, Retrieved, decide};
use crate::lock::{Lock, Locked};
use crate::recipes::{Origin, Plan, Source, StepKind};

/// A way to the network.
pub trait Fetch: Sync {
    /// Writes the bytes of a URL to `sink`.
    ///
    /// # Errors
    /// Why they cannot be had.
    fn fetch(
        &self,
        url: &SourceUrl,
        sink: &mut dyn Write,
    ) -> Result<Retrieved, Box<dyn std::error::Error + Send + Sync>>;
}

#[cfg(feature = "net")]
impl Fetch for crate::fetch::Client {
    fn fetch(
        &self,
        url: &SourceUrl,
        sink: &mut dyn Write,
    ) -> Result<Retrieved, Box<dyn std::error::Error + Send + Sync>> {
        let fetched = self.get(url, sink)?;
        Ok(Retrieved { etag: fetched.etag, last_modified: fetched.last_modified })
    }
}

/// What the lock file is worth in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockUse {
    /// What is locked holds; what is new is added.
    Honour,
    /// Everything is fetched and locked anew.
    Update,
}

/// What a collection works with.
#[derive(Clone, Copy)]
pub struct Collect<'a> {
    /// The project's or the shared cache; sources go here if its policy lets them.
    pub cache: &'a Cache,
    /// The rules of a shared cache; `None` for a project's own, which takes everything.
    pub policy: Option<Policy>,
    /// A cache for this run alone, for what the policy keeps out.
    pub scratch: &'a Cache,
    /// The network, if it may be used.
    pub network: Option<&'a dyn Fetch>,
    /// What is locked.
    pub lock: &'a Lock,
    /// What that is worth.
    pub lock_use: LockUse,
    /// Downloads at the same time.
    pub connections: usize,
    /// Told about every step, from several threads.
    pub observe: &'a (dyn Fn(Progress) + Sync),
}

/// One step of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A cache was asked or filled, for this part.
    Cache {
        /// The first part that wants the source.
        part: String,
        /// What happened.
        event: Event,
    },
    /// A download starts.
    Download {
        /// The first part that wants it.
        part: String,
        /// The source.
        source: String,
    },
    /// What the cache has is taken, since the network gave nothing.
    Stale {
        /// The source.
        source: String,
        /// What was wrong with the network.
        reason: String,
    },
    /// A download ended well.
    Downloaded {
        /// The source.
        source: String,
        /// Its length.
        size: u64,
    },
}

/// A source that was got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectedSource {
    /// Its name.
    pub key: SourceKey,
    /// Where its bytes are.
    pub path: Utf8PathBuf,
    /// Their digests.
    pub fingerprint: Fingerprint,
    /// Where it goes in a bundle.
    pub bundle_path: RelPath,
    /// The parts that want it, sorted.
    pub parts: Vec<String>,
}

/// What a collection came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The sources, sorted by key.
    pub sources: Vec<CollectedSource>,
    /// The lock they make.
    pub lock: Lock,
    /// How many of them were downloaded.
    pub downloads: usize,
    /// How many bytes that were.
    pub downloaded: u64,
}

/// Gets all sources of `plan`. Everything is tried before anything is reported.
///
/// # Errors
/// [`Error::Sources`] with all that failed; [`Error::Lock`] where config and lock contradict each other, or the lock
/// would have to change and may not.
pub fn collect(plan: &Plan, collect: &Collect<'_>) -> Result<Collected, Error> {
    let unpacked = unpacked_sources(plan);
    let mut jobs = Vec::new();
    for (key, source, mut parts) in plan.sources() {
        parts.sort_unstable();
        let expected = match collect.lock_use {
            LockUse::Update => source.expected,
            LockUse::Honour => collect.lock.expected(&key, source.expected)?,
        };
        let Some(wanted) = source.wanted() else { continue };
        let unpacked = unpacked.contains(&source.shown());
        jobs.push(Job { source, parts, wanted: Wanted { expected, ..wanted }, declared: source.expected, unpacked });
    }
    jobs.sort_by(|a, b| a.wanted.key.cmp(&b.wanted.key));
    let outcomes = run(&jobs, collect);

    let mut failures = project_failures(plan, &unpacked);
    let mut result = Collected { sources: Vec::new(), lock: Lock::default(), downloads: 0, downloaded: 0 };
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let parts: Vec<String> = job.parts.iter().map(|part| (*part).to_owned()).collect();
        match outcome {
            Ok(got) => {
                result.downloads += usize::from(got.downloaded);
                result.downloaded += if got.downloaded { got.hit.fingerprint.size } else { 0 };
                result.lock.insert(job.locked(&got.hit.fingerprint, parts.clone()));
                result.sources.push(CollectedSource {
                    key: job.wanted.key.clone(),
                    path: got.hit.path,
                    fingerprint: got.hit.fingerprint,
                    bundle_path: blob_path(job.source, &got.hit.fingerprint.sha256),
                    parts,
                });
            }
            Err(cause) => failures.push(Failure { source_name: job.source.shown(), parts, cause }),
        }
    }
    if !failures.is_empty() {
        return Err(Error::Sources(failures));
    }
    Ok(result)
}

/// The sources that some part unpacks.
fn unpacked_sources(plan: &Plan) -> BTreeSet<String> {
    let mut unpacked = BTreeSet::new();
    for part in &plan.parts {
        for step in &part.steps {
            let StepKind::Unpack { source } = step.kind else { continue };
            unpacked.extend(part.sources.get(source).map(Source::shown));
        }
    }
    unpacked
}

/// Whether a file is an archive at all: servers answer with pages that say what went wrong, too.
fn archive(path: &Utf8Path) -> Result<(), FailureCause> {
    let found = detect(path);
    if !matches!(found, Ok(None) | Err(crate::archive::Error::Damaged { .. })) {
        return Ok(());
    }
    let mut head = [0; 24];
    let length = File::open(path).and_then(|mut file| file.read(&mut head)).at("read", path)?;
    let line = head[..length].split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let text = std::str::from_utf8(line).ok().filter(|line| !line.is_empty() && !line.contains(char::is_control));
    Err(FailureCause::NotAnArchive { starts: text.map(str::to_owned) })
}

/// Sources among the project's own files that are not there, or are something else.
fn project_failures(plan: &Plan, unpacked: &BTreeSet<String>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for part in &plan.parts {
        for source in &part.sources {
            let Origin::Project(path) = &source.origin else { continue };
            let full = plan.project.root.join(path);
            let whole = local_file(&full).and_then(|fingerprint| Ok(source.expected.check(&fingerprint)?));
            let usable = whole.and_then(|()| match unpacked.contains(&source.shown()) {
                true => archive(&full),
                false => Ok(()),
            });
            let Err(cause) = usable else { continue };
            failures.push(Failure { source_name: source.shown(), parts: vec![part.name.clone()], cause });
        }
    }
    failures
}

fn local_file(path: &Utf8Path) -> Result<Fingerprint, FailureCause> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(FailureCause::Folder),
        _ if path.is_file() => Ok(fingerprint_file(path)?),
        _ => Err(FailureCause::NoFile),
    }
}

pub(super) struct Job<'p> {
    source: &'p Source,
    parts: Vec<&'p str>,
    wanted: Wanted,
    declared: Expected,
    /// A part unpacks it.
    unpacked: bool,
}

pub(super) struct Got {
    pub(super) hit: Hit,
    downloaded: bool,
}

impl<'p> Job<'p> {
    /// A config that is extended by URL.
    pub(super) fn config(source: &'p Source, wanted: Wanted) -> Self {
        Self { source, parts: vec!["extends"], wanted, declared: Expected::default(), unpacked: false }
    }

    /// Fails where a part could not unpack the file.
    fn check(&self, path: &Utf8Path) -> Result<(), FailureCause> {
        if self.unpacked { archive(path) } else { Ok(()) }
    }

    fn locked(&self, fingerprint: &Fingerprint, parts: Vec<String>) -> Locked {
        let kind = if self.wanted.local { "file" } else { "remote" };
        Locked {
            url: self.wanted.key.clone(),
            kind: kind.to_owned(),
            sha256: fingerprint.sha256,
            size: fingerprint.size,
            md5: self.declared.md5,
            parts,
        }
    }
}

/// Works through the jobs on a few threads; the outcomes come in the order of the jobs.
fn run(jobs: &[Job<'_>], collect: &Collect<'_>) -> Vec<Result<Got, FailureCause>> {
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<Result<Got, FailureCause>>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..collect.connections.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(job), Some(slot)) = (jobs.get(index), outcomes.get(index)) else { break };
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(get(job, collect));
                }
            });
        }
    });
    let finished = outcomes.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    finished.map(|outcome| outcome.unwrap_or(Err(FailureCause::Missing))).collect()
}

pub(super) fn get(job: &Job<'_>, collect: &Collect<'_>) -> Result<Got, FailureCause> {
    let wanted = &job.wanted;
    let part = job.parts.first().copied().unwrap_or_default();
    let mut observe = |event| (collect.observe)(Progress::Cache { part: part.to_owned(), event });
    let allowed = collect.policy.is_none_or(|policy| decide(policy, wanted).allowed);
    let cache = if allowed { collect.cache } else { collect.scratch };
    // Looked at without a lock first, so that a cache on read-only media can serve.
    let anew = collect.lock_use == LockUse::Update && collect.network.is_some();
    let mut wrong = Vec::new();
    if !anew {
        let lookup = cache.lookup(wanted, &mut observe)?;
        if let Some(hit) = lookup.hit.filter(|hit| is_current(job.source, hit, wanted)) {
            job.check(&hit.path)?;
            cache.show(wanted, &hit)?;
            return Ok(Got { hit, downloaded: false });
        }
        wrong = lookup.wrong;
    }
    let url = match &job.source.origin {
        // Project files are never jobs.
        Origin::Outside { path, .. } if path.is_file() => {
            job.check(path)?;
            return Ok(Got { hit: cache.import(path, wanted, &mut observe)?, downloaded: false });
        }
        Origin::Outside { path, .. } if path.is_dir() => return Err(FailureCause::Folder),
        Origin::Outside { .. } | Origin::Project(_) => return Err(FailureCause::NoFile),
        Origin::Remote(url) => url,
    };
    let Some(network) = collect.network else {
        return Err(match wrong.pop() {
            Some(wrong) => FailureCause::Wrong(wrong.mismatch),
            None => FailureCause::Missing,
        });
    };
    let _lock = cache.lock(&wanted.key, &mut observe)?;
    if !anew && let Some(hit) = cache.lookup(wanted, &mut |_| ())?.hit {
        return Ok(Got { hit, downloaded: false });
    }
    let source = job.source.shown();
    (collect.observe)(Progress::Download { part: part.to_owned(), source: source.clone() });
    let mut staged = cache.stage()?;
    let retrieved = network.fetch(url, &mut staged).map_err(FailureCause::Network)?;
    job.check(staged.path())?;
    let hit = cache.keep(staged, wanted, retrieved, &mut observe)?;
    (collect.observe)(Progress::Downloaded { source, size: hit.fingerprint.size });
    Ok(Got { hit, downloaded: true })
}

/// Whether a hit still is the source. A file of this machine may have changed since it was cached; where no digest says
/// which bytes are wanted, those that are there now are.
pub fn is_current(source: &Source, hit: &Hit, wanted: &Wanted) -> bool {
    let Origin::Outside { path, .. } = &source.origin else { return true };
    let now = || fingerprint_file(path).map(|fingerprint| fingerprint.sha256);
    wanted.expected.is_some() || !path.is_file() || now().is_ok_and(|sha256| sha256 == hit.fingerprint.sha256)
}
