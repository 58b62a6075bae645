//! What a collection works with: caches, a way to the network, the lock, and somebody who is told.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::SignedDuration;

use super::mirror::Mirror;
use crate::base::{Answer, Checkout, KnownVersion, Sink, SourceUrl};
use crate::cache::{Cache, DeletePolicy, Depth, Event, Policy};
use crate::lock::Lock;

/// A way to the network.
pub trait Fetch: Sync {
    /// Writes the bytes of a URL to `sink`, unless the known version still is the current one.
    ///
    /// # Errors
    /// Why they cannot be had.
    fn fetch(
        &self,
        url: &SourceUrl,
        known: Option<&KnownVersion>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>>;

    /// Writes the tar of a commit to `sink`, unless the known version still is what its tag or branch names.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn checkout(
        &self,
        checkout: &Checkout<'_>,
        known: Option<&KnownVersion>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>>;
}

#[cfg(feature = "net")]
impl Fetch for crate::fetch::Fetcher<'_> {
    fn fetch(
        &self,
        url: &SourceUrl,
        known: Option<&KnownVersion>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.get(&crate::fetch::Get { url, known }, sink)?)
    }

    fn checkout(
        &self,
        checkout: &Checkout<'_>,
        known: Option<&KnownVersion>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.checkout(checkout, known, sink)?)
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

/// The caches of a run.
#[derive(Clone, Copy)]
pub struct Caches<'a> {
    /// The project's or the shared cache, where there is one: sources go here if its policy lets them.
    pub main: Option<&'a Cache>,
    /// The rules of a shared cache; `None` for a project's own, which takes everything.
    pub policy: Option<&'a Policy>,
    /// Caches that are only read, after the main one and by the same rules.
    pub lower: &'a [Cache],
    /// A cache for this run alone, for what goes nowhere else.
    pub scratch: &'a Cache,
    /// What Tatin servers have said in this run.
    pub deletes: &'a DeletePolicies,
}

/// What Tatin servers say about who may delete packages, by the URL they were asked at.
#[derive(Debug, Default)]
pub struct DeletePolicies(pub(super) Mutex<BTreeMap<String, DeletePolicy>>);

/// What a collection works with.
#[derive(Clone, Copy)]
pub struct Collect<'a> {
    /// Where sources are looked for and kept.
    pub caches: Caches<'a>,
    /// The network, if it may be used.
    pub network: Option<&'a dyn Fetch>,
    /// Where files can be had as well.
    pub mirrors: &'a [Mirror],
    /// What is locked.
    pub lock: &'a Lock,
    /// What that is worth.
    pub lock_use: LockUse,
    /// Servers are asked about what is cached already.
    pub refresh: bool,
    /// Take archives whose files are those that are locked, compressed anew, and lock them.
    pub accept_recompressed: bool,
    /// How old an index may be for which no server has spoken; any age where nothing is said.
    pub max_index_age: Option<SignedDuration>,
    /// How sure a cache's answer has to be.
    pub depth: Depth,
    /// Sources that are worked on at the same time; the network has limits of its own.
    pub workers: usize,
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
    /// So many sources are worked on from here on.
    Start {
        /// All of them.
        sources: usize,
    },
    /// One of them is done, well or not.
    Done,
    /// Bytes of a download are there.
    Received {
        /// The source.
        source: String,
        /// Bytes so far, those of an earlier attempt included.
        bytes: u64,
        /// Length of the whole, if the server says it.
        length: Option<u64>,
    },
    /// A download has ended, well or not.
    Ended {
        /// The source.
        source: String,
    },
    /// A download starts.
    Download {
        /// The first part that wants it.
        part: String,
        /// The source.
        source: String,
    },
    /// An index is taken from the cache although no server has spoken for it now.
    Stale {
        /// The source.
        source: String,
        /// What was wrong with the network; `None` where it may not be used.
        reason: Option<String>,
        /// How long ago the server last spoke for it, if a clock can tell.
        age: Option<SignedDuration>,
    },
    /// A file was taken from another place than its own, and no digest says that it is the same.
    Unproved {
        /// The source.
        source: String,
        /// The place.
        place: String,
    },
    /// An archive was taken whose files are those that are locked, compressed anew.
    Recompressed {
        /// The source.
        source: String,
    },
    /// One of several places to have a file from failed.
    Elsewhere {
        /// The place.
        place: String,
        /// What was wrong.
        reason: String,
    },
    /// The server says that what is cached is still current.
    Unchanged {
        /// The source.
        source: String,
    },
    /// A download ended well.
    Downloaded {
        /// The source.
        source: String,
        /// Its length.
        size: u64,
    },
}
