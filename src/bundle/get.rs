//! Getting one source: from a cache, else from where the config says. The one place where the two meet.

use std::sync::PoisonError;

use camino::Utf8Path;

use super::failure::{Failure, FailureCause, Try, gravest};
use super::job::{Got, Job, named_commit};
use super::meter::Metered;
use super::mirror::{Place, candidates, repositories};
use super::order::{Caches, Collect, Fetch, LockUse, Progress};
use crate::archive::content_digest;
use crate::base::{Answer, Checkout, Class, Expected, KnownVersion, Repository, Sha256, Wanted, read_limited};
use crate::cache::{
    Cache, DeletePolicy, Error as CacheError, Event, Hit, KeyLock, Policy, Rule, Standing, Wrong, decide,
};
use crate::recipes::{Origin, Source};

/// How far a cache's answer goes in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// What is cached holds.
    Cached,
    /// What is cached holds if the server says so.
    Asked,
    /// The server's bytes are taken, whatever is cached.
    Anew,
}

/// Gets one source.
pub(super) fn get(job: &Job<'_>, order: &Collect<'_>) -> Result<Got, FailureCause> {
    let wanted = match order.caches.policy {
        Some(policy) => policy.classified(job.wanted.clone()),
        None => job.wanted.clone(),
    };
    let part = job.parts.first().copied().unwrap_or_default().to_owned();
    let getting = Getting { job, order, wanted: &wanted, caches: caches_for(&wanted, order)?, part };
    match &job.source.origin {
        Origin::Remote(_) | Origin::Git { .. } => getting.remote(),
        // Project files are never jobs.
        Origin::Project(_) => Err(FailureCause::NoFile),
        Origin::Outside { path, .. } => getting.local(path),
    }
}

/// What caches have of a source, and files in its place that are something else. Nothing is fetched.
///
/// # Errors
/// When a cache cannot be read.
pub fn find(
    source: &Source,
    parts: &[&str],
    wanted: Wanted,
    order: &Collect<'_>,
) -> Result<(Option<Hit>, Vec<Wrong>), Failure> {
    let declared = source.expected;
    let commit = named_commit(source, order);
    let job = Job { source, parts: parts.to_vec(), wanted, declared, commit, unpacked: None, prefer_cache: true };
    let part = parts.first().copied().unwrap_or_default().to_owned();
    let found = caches_for(&job.wanted, order).and_then(|caches| {
        let getting = Getting { job: &job, order, wanted: &job.wanted, caches, part };
        let There { found, wrong } = getting.look()?;
        Ok((found.map(|(_, hit)| hit), wrong))
    });
    let parts = || parts.iter().map(|part| (*part).to_owned()).collect();
    found.map_err(|cause| Failure { source_name: source.shown(), parts: parts(), cause })
}

/// The cache that a source is kept in, and those it is looked for in, that one first.
struct Chosen<'a> {
    main: &'a Cache,
    lower: &'a [Cache],
}

fn caches_for<'a>(wanted: &Wanted, order: &Collect<'a>) -> Result<Chosen<'a>, FailureCause> {
    let Caches { main, policy, lower, scratch, .. } = order.caches;
    let nowhere = Chosen { main: scratch, lower: &[] };
    let rule = match policy {
        None => Rule::Allowed,
        Some(policy) => decide(policy, wanted, delete_policy(policy, wanted, order)),
    };
    if !rule.allows() {
        if let Some(main) = main.filter(|_| rule.evicts()) {
            main.forget(&wanted.key)?;
        }
        return Ok(nowhere);
    }
    Ok(Chosen { main: main.unwrap_or(scratch), lower })
}

/// What the source's Tatin server says, asked once in a run; where it cannot be asked, what it said last.
fn delete_policy(policy: &Policy, wanted: &Wanted, order: &Collect<'_>) -> DeletePolicy {
    let Some(url) = policy.delete_policy_url(wanted) else { return DeletePolicy::Unknown };
    let mut known = order.caches.deletes.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(&url) {
        return *known;
    }
    let root = Utf8Path::new("/");
    let answer = Source::new(&url, Expected::default(), root, root).ok().and_then(|source| {
        let wanted = source.wanted()?;
        let wanted = Wanted { index: true, views: Vec::new(), ..wanted };
        let (declared, parts) = (Expected::default(), Vec::new());
        let job = Job { source: &source, parts, wanted, declared, commit: None, unpacked: None, prefer_cache: false };
        let got = get(&job, &Collect { observe: &|_| (), ..*order }).ok()?;
        String::from_utf8(read_limited(&got.hit.path, 4096).ok()?).ok()
    });
    let answer = answer.map_or(DeletePolicy::Unknown, |text| DeletePolicy::parse(&text));
    known.insert(url, answer);
    answer
}

/// One source on its way.
struct Getting<'a> {
    job: &'a Job<'a>,
    order: &'a Collect<'a>,
    wanted: &'a Wanted,
    caches: Chosen<'a>,
    part: String,
}

/// What caches have of a source.
struct There<'a> {
    found: Option<(&'a Cache, Hit)>,
    wrong: Vec<Wrong>,
}

impl Getting<'_> {
    fn observe(&self, event: Event) {
        (self.order.observe)(Progress::Cache { part: self.part.clone(), event });
    }

    fn look(&self) -> Result<There<'_>, FailureCause> {
        let mut there = There { found: None, wrong: Vec::new() };
        for cache in std::iter::once(self.caches.main).chain(self.caches.lower) {
            let lookup = cache.lookup(self.wanted, self.order.depth, &mut |event| self.observe(event))?;
            there.wrong.extend(lookup.wrong);
            if let Some(hit) = lookup.hit.filter(|hit| self.job.is_current(hit)) {
                there.found = Some((cache, hit));
                break;
            }
        }
        Ok(there)
    }

    /// Takes what a cache has.
    fn take(&self, cache: &Cache, hit: Hit) -> Result<Got, FailureCause> {
        let git = self.job.check(&hit.path)?;
        cache.show(self.wanted, &hit, &mut |event| self.observe(event));
        Ok(Got { hit, downloaded: false, git, examined: None })
    }

    /// A file of this machine outside the project.
    fn local(&self, path: &Utf8Path) -> Result<Got, FailureCause> {
        if self.order.lock_use == LockUse::Honour
            && let Some((cache, hit)) = self.look()?.found
        {
            return self.take(cache, hit);
        }
        if !path.is_file() {
            return Err(if path.is_dir() { FailureCause::Folder } else { FailureCause::NoFile });
        }
        let git = self.job.check(path)?;
        let hit = self.caches.main.copy_in(path, self.wanted, &mut |event| self.observe(event))?;
        Ok(Got { hit, downloaded: false, git, examined: None })
    }

    fn freshness(&self) -> Freshness {
        let Collect { network, lock_use, refresh, .. } = *self.order;
        // What one secret opens is not another's, though both go by one name.
        let index = self.wanted.class() == Class::Index;
        let changes = (index || self.wanted.secret) && !self.wanted.expected.is_some();
        match lock_use {
            _ if network.is_none() => Freshness::Cached,
            LockUse::Update => Freshness::Anew,
            LockUse::Honour if refresh || changes && !self.job.prefer_cache => Freshness::Asked,
            LockUse::Honour => Freshness::Cached,
        }
    }

    fn remote(&self) -> Result<Got, FailureCause> {
        let freshness = self.freshness();
        // Looked at without a lock first, so that a cache on read-only media can serve.
        let there = match freshness {
            Freshness::Anew => There { found: None, wrong: Vec::new() },
            Freshness::Cached | Freshness::Asked => self.look()?,
        };
        let Some(network) = self.order.network else { return self.without_network(there) };
        if freshness == Freshness::Cached
            && let Some((cache, hit)) = there.found
        {
            return self.take(cache, hit);
        }
        let cache = self.caches.main;
        let lock = cache.lock(&self.wanted.key, &mut |event| self.observe(event))?;
        if freshness == Freshness::Cached
            && let Some(hit) = cache.lookup(self.wanted, self.order.depth, &mut |_| ())?.hit
        {
            // Another process got it meanwhile.
            return self.take(cache, hit);
        }
        let standing = match &there.found {
            Some((cache, hit)) => Some(cache.standing(&self.wanted.key, &hit.fingerprint.sha256)?),
            None => None,
        };
        let known = standing.as_ref().and_then(|standing| standing.version.as_ref());
        let source = self.job.source.shown();
        if known.is_none() {
            (self.order.observe)(Progress::Download { part: self.part.clone(), source: source.clone() });
        }
        let known_bytes = there.found.as_ref().map(|(_, hit)| hit.fingerprint.sha256);
        let mut tries = Vec::new();
        let mut candidates = candidates(self.job.source, self.order.mirrors);
        if known.is_some() {
            // Only its own server can say that nothing has changed.
            candidates.sort_by_key(|candidate| !candidate.own);
        }
        for candidate in candidates {
            // What a server said of its file is for that server alone.
            let asked = if candidate.own { known } else { None };
            match self.download(network, &candidate.place, asked, known_bytes.as_ref(), Some(&lock)) {
                Ok(Some(got)) => {
                    let proved = self.wanted.expected.is_some() || self.job.commit.is_some();
                    if !candidate.own && !proved {
                        let place = candidate.place.public();
                        (self.order.observe)(Progress::Unproved { source: source.clone(), place });
                    }
                    (self.order.observe)(Progress::Downloaded { source, size: got.hit.fingerprint.size });
                    return Ok(got);
                }
                // Nothing is unchanged where nothing was known.
                Ok(None) => match there.found {
                    Some((cache, hit)) => {
                        (self.order.observe)(Progress::Unchanged { source });
                        return self.take(cache, hit);
                    }
                    None => return Err(FailureCause::Missing),
                },
                // What is wrong with this machine is wrong with every place.
                Err(cause @ FailureCause::Cache(_)) => return Err(cause),
                Err(cause) => {
                    let (place, reason) = (candidate.place.public(), cause.to_string());
                    (self.order.observe)(Progress::Elsewhere { place, reason });
                    tries.push(Try { url: candidate.place.public(), own: candidate.own, cause });
                }
            }
        }
        match (gravest(tries), there.found) {
            (cause @ (FailureCause::Network(_) | FailureCause::Nowhere(_)), Some((cache, hit)))
                if self.wanted.class() == Class::Index =>
            {
                self.stale(cache, hit, standing, Some(cause.to_string()))
            }
            (cause, _) => Err(cause),
        }
    }

    /// Downloads the source and keeps it; `None` where the known version still is the current one. Without a lock,
    /// nothing of earlier attempts is used.
    fn download(
        &self,
        network: &dyn Fetch,
        place: &Place<'_>,
        known: Option<&KnownVersion>,
        known_bytes: Option<&Sha256>,
        lock: Option<&KeyLock>,
    ) -> Result<Option<Got>, FailureCause> {
        let cache = self.caches.main;
        let mut staged = match lock {
            Some(lock) => cache.stage(lock, self.wanted.expected.md5.is_some())?,
            None => cache.stage_anew()?,
        };
        let source = self.job.source.shown();
        let work = staged.path().with_extension("git");
        let mut sink = Metered::new(&mut staged, &source, self.order.observe);
        let fetched = match place {
            Place::Web(url) => network.fetch(url, known, &mut sink),
            Place::Git { source, repository } => {
                let places = |own: &Repository| repositories(own, self.order.mirrors);
                let commit = self.job.commit;
                let checkout = Checkout { source, place: repository, commit, work: &work, places: &places };
                network.checkout(&checkout, known, &mut sink)
            }
        };
        (self.order.observe)(Progress::Ended { source });
        let version = match fetched.map_err(FailureCause::Network)? {
            Answer::Unchanged(version) => {
                if let Some(sha256) = known_bytes {
                    cache.confirm(&self.wanted.key, sha256, &version)?;
                }
                return Ok(None);
            }
            Answer::Body(version) => version,
        };
        let resumed = staged.resumed();
        let mut wanted = self.wanted.clone();
        if let Err(mismatch) = wanted.expected.check(&staged.so_far())
            && !resumed
            && self.is_recompressed(staged.path())
        {
            // What the config itself says of the bytes holds, whatever is in them.
            let declared = self.job.declared;
            if !self.order.accept_recompressed || declared.check(&staged.so_far()).is_err() {
                staged.discard();
                return Err(FailureCause::Recompressed { mismatch, declared: declared.is_some() });
            }
            (self.order.observe)(Progress::Recompressed { source: self.job.source.shown() });
            wanted.expected = declared;
        }
        let checked = self.job.check(staged.path()).and_then(|git| match wanted.expected.is_some() {
            true => Ok((git, None)),
            // What no digest speaks for is read to its end before it is kept.
            false => Ok((git, Some(self.job.examine(staged.path())?))),
        });
        let kept = match checked {
            Ok((git, examined)) => {
                let kept = cache.keep(staged, &wanted, version, &mut |event| self.observe(event));
                Ok(kept.map(|hit| Got { hit, downloaded: true, git, examined }))
            }
            Err(cause) => {
                staged.discard();
                Err(cause)
            }
        };
        match kept {
            // What an earlier attempt left may have been wrong; the next one starts from nothing.
            Err(_) | Ok(Err(CacheError::WrongDigest { .. })) if resumed => {
                self.download(network, place, known, known_bytes, None)
            }
            Ok(kept) => Ok(Some(kept?)),
            Err(cause) => Err(cause),
        }
    }

    /// Whether a file has the content that is locked, in other bytes.
    fn is_recompressed(&self, path: &Utf8Path) -> bool {
        let locked = self.order.lock.get(&self.wanted.key).and_then(|locked| locked.content);
        locked.is_some() && locked == content_digest(path)
    }

    fn without_network(&self, there: There<'_>) -> Result<Got, FailureCause> {
        let There { found, mut wrong } = there;
        match (found, wrong.pop()) {
            (Some((cache, hit)), _) if self.wanted.class() == Class::Index && !self.wanted.expected.is_some() => {
                let standing = cache.standing(&self.wanted.key, &hit.fingerprint.sha256)?;
                self.stale(cache, hit, Some(standing), None)
            }
            (Some(_), _) if self.wanted.secret && !self.wanted.expected.is_some() => Err(FailureCause::SecretUnlocked),
            (Some((cache, hit)), _) => self.take(cache, hit),
            (None, Some(wrong)) => Err(FailureCause::Wrong(wrong.mismatch)),
            (None, None) => Err(FailureCause::Missing),
        }
    }

    /// Takes an index for which no server has spoken now, if it may be so old.
    fn stale(
        &self,
        cache: &Cache,
        hit: Hit,
        standing: Option<Standing>,
        reason: Option<String>,
    ) -> Result<Got, FailureCause> {
        let age = standing.and_then(|standing| standing.age);
        if let Some(limit) = self.order.max_index_age
            && age.is_none_or(|age| age > limit)
        {
            return Err(FailureCause::TooOld { age, limit, reason });
        }
        let source = self.job.source.shown();
        (self.order.observe)(Progress::Stale { source, reason, age });
        self.take(cache, hit)
    }
}
