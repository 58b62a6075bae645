//! How long a cache takes to answer, and to be read through.
//!
//! `cargo bench --bench cache` fills a cache with a thousand sources and asks for them one after another, as a warm
//! `fetch` does; then it verifies one of large files, beside `sha256sum` on all processors over the same files.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks, and stops where it cannot go on")]

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use hardtack::base::{Expected, LinkMode, Sha256, SourceKey, Validators, View, Wanted};
use hardtack::cache::{Cache, CacheKind, CacheOptions, Depth, ViewLayout};

/// Runs of each measurement; the shortest counts.
const RUNS: usize = 7;
const SOURCES: usize = 1000;
/// Bytes of each of them.
const SMALL: usize = 20_000;
/// Files to be verified, and the bytes of each.
const LARGE: (usize, usize) = (16, 32 << 20);

fn open(folder: &Utf8Path) -> Cache {
    let options = CacheOptions {
        kind: CacheKind::Shared,
        views: ViewLayout::Modern,
        link_mode: LinkMode::Auto,
        now: jiff::Timestamp::now(),
    };
    Cache::open(folder, options).expect("opens")
}

fn wanted(index: usize) -> Wanted {
    let url = format!("https://host.example/files/source-{index}.tar.gz");
    let (key, file_name) = (SourceKey::url(&url), format!("source-{index}.tar.gz"));
    Wanted {
        key,
        views: vec![View::Cmmi(url)],
        file_name,
        expected: Expected::default(),
        local: false,
        index: false,
        secret: false,
    }
}

fn fill(cache: &Cache, count: usize, size: usize) -> Vec<Wanted> {
    let keep = |index: usize| {
        let mut wanted = wanted(index);
        let lock = cache.lock(&wanted.key, &mut |_| ()).expect("locks");
        let mut staged = cache.stage(&lock, false).expect("stages");
        let bytes: Vec<u8> = (0..size).map(|at| (at.wrapping_mul(index + 7) >> 3) as u8).collect();
        staged.write_all(&bytes).expect("writes");
        cache.keep(staged, &wanted, Validators::default(), &mut |_| ()).expect("keeps");
        // As a lock has it.
        wanted.expected.sha256 = Some(Sha256::of(&bytes));
        wanted
    };
    (0..count).map(keep).collect()
}

/// The shortest of several runs.
fn shortest(mut run: impl FnMut()) -> Duration {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = Utf8Path::from_path(folder.path()).expect("UTF-8");
    let cache = open(&folder.join("small"));
    let sources = fill(&cache, SOURCES, SMALL);
    for (what, depth, locked) in [
        ("is it there, no lock", Depth::Presence, false),
        ("is it there, locked", Depth::Presence, true),
        ("every byte read", Depth::Bytes, true),
    ] {
        let took = shortest(|| {
            for wanted in &sources {
                let mut wanted = wanted.clone();
                wanted.expected.sha256 = wanted.expected.sha256.filter(|_| locked);
                let hit = cache.lookup(&wanted, depth, &mut |_| ()).expect("looks").hit;
                assert!(hit.is_some(), "{}", wanted.key);
            }
        });
        println!("{SOURCES} warm lookups, {what}: {:.1} ms", took.as_secs_f64() * 1e3);
    }

    let (count, size) = LARGE;
    let cache = open(&folder.join("large"));
    fill(&cache, count, size);
    let ours = shortest(|| assert!(cache.verify(&mut |_| ()).expect("verifies").is_empty()));
    let script = format!("find {}/.hardtack/store -type f -print0 | xargs -0 -n 1 -P 0 sha256sum", cache.root());
    let theirs = shortest(|| {
        let status = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()));
    });
    let rate = |took: Duration| (count * size) as f64 / took.as_secs_f64() / f64::from(1 << 20);
    println!("verify: {:.0} MiB/s; sha256sum side by side on all processors: {:.0} MiB/s", rate(ours), rate(theirs));
}
