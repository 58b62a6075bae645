//! How long it takes to build packages of configure and make, with a shell that does the same one after another beside it.
//!
//! `cargo bench --bench install FOLDER [ROUNDS]` takes a folder of tarballs whose packages do not need one another, such as
//! hello, pcre2, libpng, sed, gawk and tinyproxy. In each round every way has its turn: the shell with plain `make`, the shell
//! with `make -j`, hardtack with all processors, with one job, and in a rehearsal, which notes what
//! is opened. Then 100 parts that are installed
//! already are installed once more.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks, and stops where it cannot go on")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Wall time and processor time of a command, in seconds.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

fn shell(folder: &Path, command: &str) -> Took {
    let timed = format!("TIMEFORMAT='%R %U %S'; time {{ {command}; }} >/dev/null 2>&1");
    let mut bash = Command::new("bash");
    bash.args(["-ec", &timed]).current_dir(folder).env("HARDTACK", env!("CARGO_BIN_EXE_hardtack"));
    let output = bash.stdin(Stdio::null()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command}: {said}");
    let numbers: Vec<f64> = said.lines().last().expect("times").split(' ').filter_map(|n| n.parse().ok()).collect();
    Took { wall: numbers[0], cpu: numbers[1] + numbers[2] }
}

/// The one in the middle.
fn median(mut took: Vec<Took>, by: impl Fn(&Took) -> f64) -> f64 {
    took.sort_by(|a, b| by(a).total_cmp(&by(b)));
    by(&took[took.len() / 2])
}

fn packages(tarballs: &[PathBuf], rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let name = |index: usize| format!("p{index}");
    let parts: Vec<String> = (0..tarballs.len()).map(name).collect();
    let mut config = format!("[buildout]\nparts = {}\n[hardtack]\nname = p\nversion = 1\n", parts.join(" "));
    for (part, tarball) in parts.iter().zip(tarballs) {
        writeln!(config, "[{part}]\nrecipe = zc.recipe.cmmi\nurl = {}", tarball.display()).expect("writes");
    }
    std::fs::create_dir(folder.join("project")).expect("makes a folder");
    std::fs::write(folder.join("project/buildout.cfg"), config).expect("writes");
    shell(folder, "\"$HARDTACK\" bundle project --installer none -o b.tar.gz");
    let by_hand = |make: &str| {
        let mut script = "rm -rf w && mkdir w".to_owned();
        for (part, tarball) in parts.iter().zip(tarballs) {
            let unpack = format!("mkdir w/{part} && tar xf {} -C w/{part}", tarball.display());
            let build = format!("./configure --prefix=$(pwd)/out && {make} && {make} install");
            write!(script, " && {unpack} && (cd w/{part}/* && {build})").expect("writes");
        }
        script
    };
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let hardtack =
        |jobs: usize| format!("rm -rf dest && \"$HARDTACK\" install b.tar.gz dest -q -j{jobs} --network-attempts=warn");
    let ways = [
        ("shell, make".to_owned(), by_hand("make")),
        (format!("shell, make -j{jobs}"), by_hand(&format!("make -j{jobs}"))),
        (format!("hardtack -j{jobs}"), hardtack(jobs)),
        ("hardtack -j1".to_owned(), hardtack(1)),
        (format!("rehearse -j{jobs}"), format!("\"$HARDTACK\" rehearse b.tar.gz -q -j{jobs}")),
    ];
    let mut took: Vec<Vec<Took>> = vec![Vec::new(); ways.len()];
    for _ in 0..rounds {
        for ((_, command), took) in ways.iter().zip(&mut took) {
            took.push(shell(folder, command));
        }
    }
    println!("{} packages, {rounds} rounds, medians", tarballs.len());
    let wall = |index: usize| median(took[index].clone(), |took| took.wall);
    let cpu = |index: usize| median(took[index].clone(), |took| took.cpu);
    for (index, (name, _)) in ways.iter().enumerate() {
        let ratios = format!("{:.2} of the first, {:.2} of the second", wall(index) / wall(0), wall(index) / wall(1));
        println!(
            "  {name:16} {:6.1} s, {ratios}; processors {:6.1} s, {:.3}",
            wall(index),
            cpu(index),
            cpu(index) / cpu(0)
        );
    }
    println!("  a rehearsal takes {:.2} of the installation", wall(4) / wall(2));
}

/// Installing where everything is installed.
fn nothing_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let source = "mkdir -p s/x-1 project && printf '#!/bin/sh\\n' > s/x-1/configure && chmod +x s/x-1/configure && \
                  printf 'all install:\\n' > s/x-1/Makefile && tar czf project/x-1.tgz -C s x-1";
    shell(folder, source);
    let names: Vec<String> = (0..100).map(|index| format!("p{index}")).collect();
    let mut config = format!("[buildout]\nparts = {}\n[hardtack]\nname = p\nversion = 1\n", names.join(" "));
    for name in &names {
        writeln!(config, "[{name}]\nrecipe = zc.recipe.cmmi\nurl = x-1.tgz").expect("writes");
    }
    std::fs::write(folder.join("project/buildout.cfg"), config).expect("writes");
    shell(folder, "\"$HARDTACK\" fetch project && \"$HARDTACK\" install project");
    let runs: Vec<Took> = (0..20).map(|_| shell(folder, "\"$HARDTACK\" install project")).collect();
    let best = runs.iter().map(|took| took.wall).fold(f64::INFINITY, f64::min);
    println!("100 parts, nothing to do: {:.0} ms, best of 20", best * 1000.0);
}

fn main() {
    nothing_to_do();
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let Some(folder) = words.next() else {
        println!("skipped: no folder of tarballs was given");
        return;
    };
    let rounds = words.next().and_then(|word| word.parse().ok()).unwrap_or(3);
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut tarballs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    tarballs.sort();
    packages(&tarballs, rounds);
}
