//! Two hundred processes at one cache, for a minute: they fetch, bundle, clean, clear and verify, and some are killed.

//!
//! A program of its own, so that the tests that run beside each other do not wait for it.

#![allow(unreachable_pub, dead_code, reason = "a test binary exports nothing, and shares more than it needs")]

#[path = "it/server.rs"]
mod server;
#[path = "it/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use server::Server;
use support::{Scene, source};

const PROCESSES: u64 = 200;
const PROJECTS: u64 = 10;

/// Numbers in no order, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

/// What was run, how often, and what must not have happened.
#[derive(Default)]
struct Tally {
    ran: BTreeMap<(&'static str, Option<i32>), usize>,
    wrong: Vec<String>,
}

/// A command at random: what it is called, its line, and how it may end.
fn command(random: &mut Random, worker: u64) -> (&'static str, String, &'static [i32]) {
    let project = random.below(PROJECTS);
    match random.below(20) {
        0..=9 => ("fetch", format!("fetch app{project}"), &[0]),
        10..=13 => ("bundle", format!("bundle app{project} --installer none -o out/{worker}.tar.gz"), &[0]),
        14..=15 => ("verify", "cache verify".to_owned(), &[0]),
        16 => ("gc", format!("cache gc --max-size {}", random.below(40) * 1024), &[0, 4]),
        17 => ("clear", format!("cache clear */{}-1.tgz", random.below(PROJECTS)), &[0, 1, 4]),
        18 => ("repair", "cache verify --repair".to_owned(), &[0, 4]),
        _ => ("list", "cache list".to_owned(), &[0]),
    }
}

fn work(scene: &Scene, worker: u64, until: Instant, tally: &Mutex<Tally>) {
    let mut random = Random(worker.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    while Instant::now() < until {
        let (what, line, ends) = command(&mut random, worker);
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut child = scene.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
        let kill = random.below(10) == 0;
        if kill {
            std::thread::sleep(Duration::from_millis(random.below(60)));
            // It may have ended before.
            let _ = child.kill();
        }
        let output = child.wait_with_output().expect("ends");
        let code = output.status.code();
        let mut tally = tally.lock().expect("lock");
        *tally.ran.entry((what, code)).or_default() += 1;
        if code.is_none_or(|code| !ends.contains(&code)) && !(kill && code.is_none()) {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            tally.wrong.push(format!("hardtack {line}: {code:?}\n{text}"));
        }
    }
}

#[test]
fn two_hundred_processes_with_kills_among_them_leave_a_whole_cache() {
    let seconds = std::env::var("HARDTACK_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let (scene, server) = (Scene::new(), Server::start());
    let urls: Vec<String> =
        (0..PROJECTS).map(|index| server.file(&format!("/{index}-1.tgz"), source(&format!("p{index}"), "1"))).collect();
    for project in 0..PROJECTS {
        let names = ["a", "b", "c"];
        let section = |(at, name): (usize, &&str)| {
            let url = &urls[(project as usize + at * 3) % urls.len()];
            format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n")
        };
        let sections: String = names.iter().enumerate().map(section).collect();
        scene.project(&format!("app{project}"), "a b c", &sections);
    }
    std::fs::create_dir(scene.path("out")).expect("makes it");
    let tally = Mutex::new(Tally::default());
    let until = Instant::now() + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for worker in 0..PROCESSES {
            let (scene, tally) = (&scene, &tally);
            scope.spawn(move || work(scene, worker, until, tally));
        }
    });
    let Tally { ran, wrong } = tally.into_inner().expect("lock");
    assert!(wrong.is_empty(), "{} of {ran:?} went wrong:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(ran.values().sum::<usize>() >= PROCESSES as usize, "{ran:?}");
    scene.hardtack("cache verify").ok();
    // What killed ones left is no trouble, and goes.
    for project in 0..PROJECTS {
        scene.hardtack(&format!("fetch app{project}")).ok();
    }
    scene.hardtack("cache gc").ok();
    scene.hardtack("cache verify").ok();
    assert_eq!(scene.tree("home/.cache/hardtack/.hardtack/leases"), [""; 0]);
}
