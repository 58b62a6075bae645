//! What building twice takes beyond two builds.
//!
//! `cargo bench --bench reproduce [ROUNDS]` makes a part that installs 10,000 files of 3 KB. In each round it is installed
//! twice, each time to a new folder, and then reproduced with nothing varied, which builds it twice as well. Its build takes
//! some ten seconds of one processor, which is little for so many files. `TMPDIR=/dev/shm` keeps a disk that is busy out of
//! it.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks, and stops where it cannot go on")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const FILES: usize = 10_000;

/// A project whose build compresses all its files, which stands for a compiler, and installs them.
fn project(folder: &Path) {
    for index in 0..FILES {
        let below = folder.join(format!("app/src/files/{}", index / 100));
        std::fs::create_dir_all(&below).expect("makes a folder");
        std::fs::write(below.join(format!("{index}.txt")), format!("{index}\n").repeat(600)).expect("writes");
    }
    let makefile = "all:\n\tfor i in `seq 14`; do for folder in files/*; do cat $$folder/* | gzip -9n >/dev/null; done; done\n\
                    install:\n\tmkdir -p $(PREFIX) && cp -R files $(PREFIX)/\n";
    std::fs::write(folder.join("app/src/Makefile"), makefile).expect("writes");
    let config =
        "[buildout]\nparts = p\n[hardtack]\nname = app\nversion = 1\n[p]\nrecipe = hardtack:make\npath = src\n";
    std::fs::write(folder.join("app/buildout.cfg"), config).expect("writes");
}

/// Seconds that commands took, one after another.
fn seconds(folder: &Path, lines: &[&str]) -> f64 {
    let started = Instant::now();
    for line in lines {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hardtack"));
        command
            .args(line.split(' '))
            .current_dir(folder)
            .env("TMPDIR", folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(command.status().expect("hardtack runs").success(), "{line}");
    }
    started.elapsed().as_secs_f64()
}

fn main() {
    let rounds: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(3);
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    project(folder);
    seconds(folder, &["bundle app --installer none"]);
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let builds = seconds(folder, &["install app-1.tar.gz one", "install app-1.tar.gz two"]);
        for dest in ["one", "two"] {
            std::fs::remove_dir_all(folder.join(dest)).expect("removes");
        }
        let reproduced = seconds(folder, &["reproduce app-1.tar.gz --vary none"]);
        ratios.push(reproduced / builds);
        println!(
            "round {round}: two installations {builds:.2} s, reproduce {reproduced:.2} s, {:.3}",
            reproduced / builds
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("median: {:.3}", ratios[ratios.len() / 2]);
}
