//! Getting all sources of a plan.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::failure::{Failure, FailureCause};
use super::get::get;
use super::job::{Got, Job, Strictness, check_archive, named_commit};
use super::layout::blob_path;
use super::order::{Collect, LockUse, Progress};
use crate::archive::Links;
use crate::base::{Fingerprint, RelPath, SourceKey, Wanted, fingerprint_file, in_parallel, redact};
use crate::lock::{Lock, Locked};
use crate::recipes::{Origin, Plan, StepKind};

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
        let unpacked = unpacked.get(&source.shown()).copied();
        let (wanted, declared) = (Wanted { expected, ..wanted }, source.expected);
        let commit = named_commit(source, collect);
        jobs.push(Job { source, parts, wanted, declared, commit, unpacked, prefer_cache: false });
    }
    jobs.sort_by(|a, b| a.wanted.key.cmp(&b.wanted.key));
    (collect.observe)(Progress::Start { sources: jobs.len() });
    let outcomes = in_parallel(&jobs, collect.workers, |job| {
        let outcome = got_and_locked(job, collect);
        (collect.observe)(Progress::Done);
        outcome
    });

    let mut failures = project_failures(plan, &unpacked);
    failures.extend(same_names(plan));
    let mut result = Collected { sources: Vec::new(), lock: Lock::default(), downloads: 0, downloaded: 0 };
    for (job, outcome) in jobs.iter().zip(outcomes) {
        match outcome {
            Ok((got, locked)) => {
                // Other MD5s some runs know and some do not.
                let fingerprint = Fingerprint { md5: job.declared.md5, ..got.hit.fingerprint };
                result.downloads += usize::from(got.downloaded);
                result.downloaded += if got.downloaded { got.hit.fingerprint.size } else { 0 };
                result.sources.push(CollectedSource {
                    key: job.wanted.key.clone(),
                    path: got.hit.path,
                    fingerprint,
                    bundle_path: blob_path(job.source, &got.hit.fingerprint.sha256),
                    parts: locked.parts.clone(),
                });
                result.lock.insert(locked);
            }
            Err(cause) => failures.push(Failure { source_name: job.source.shown(), parts: job.parts(), cause }),
        }
    }
    if !failures.is_empty() {
        return Err(Error::Sources(failures));
    }
    Ok(result)
}

/// Sources whose URLs differ only in their secrets.
fn same_names(plan: &Plan) -> Vec<Failure> {
    let mut texts: BTreeMap<SourceKey, &str> = BTreeMap::new();
    let mut failures = Vec::new();
    for part in &plan.parts {
        for source in &part.sources {
            let Some(key) = source.key().filter(|_| matches!(source.origin, Origin::Remote(_) | Origin::Git { .. }))
            else {
                continue;
            };
            let known = *texts.entry(key).or_insert(&source.text);
            if known != source.text && redact(&source.text) != source.text {
                let parts = vec![part.name.clone()];
                failures.push(Failure { source_name: source.shown(), parts, cause: FailureCause::SameName });
            }
        }
    }
    failures
}

/// The sources that some part unpacks, and how strictly: of several, the strictest links and the first limits.
fn unpacked_sources(plan: &Plan) -> BTreeMap<String, Strictness> {
    let mut unpacked: BTreeMap<String, Strictness> = BTreeMap::new();
    for part in &plan.parts {
        for step in &part.steps {
            let StepKind::Unpack { source, links, limits } = step.kind else { continue };
            let Some(source) = part.sources.get(source) else { continue };
            let strictness = unpacked.entry(source.shown()).or_insert(Strictness { links, limits });
            if links == Links::Inside {
                strictness.links = links;
            }
        }
    }
    unpacked
}

/// Sources among the project's own files that are not there, or are something else.
fn project_failures(plan: &Plan, unpacked: &BTreeMap<String, Strictness>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for part in &plan.parts {
        for source in &part.sources {
            let Origin::Project(path) = &source.origin else { continue };
            let full = plan.project.root.join(path);
            let whole = local_file(&full).and_then(|fingerprint| Ok(source.expected.check(&fingerprint)?));
            let usable = whole.and_then(|()| match unpacked.contains_key(&source.shown()) {
                true => check_archive(&full),
                false => Ok(()),
            });
            let Err(cause) = usable else { continue };
            failures.push(Failure { source_name: source.shown(), parts: vec![part.name.clone()], cause });
        }
        for step in &part.steps {
            let StepKind::CopyIn { from } = &step.kind else { continue };
            if !plan.is_in_part(from, &plan.project.root) && !from.is_dir() {
                let cause = FailureCause::NoFolder;
                failures.push(Failure { source_name: from.to_string(), parts: vec![part.name.clone()], cause });
            }
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

/// Gets a source and what the lock will say of it.
fn got_and_locked(job: &Job<'_>, collect: &Collect<'_>) -> Result<(Got, Locked), FailureCause> {
    let got = get(job, collect)?;
    let locked = job.locked(&got, collect.lock.get(&job.wanted.key))?;
    Ok((got, locked))
}
