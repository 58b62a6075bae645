//! How many configs of a collection come to a whole plan: `cargo bench --bench plans -- FOLDER`, where each
//! `FOLDER/*/buildout.cfg` is one. What stands in the way of the others is counted.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks, and stops where it cannot go on")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Exit statuses of a config that has a plan: its sources are here, or are not.
const PLANNED: [i32; 2] = [0, 3];

fn configs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of folders").flatten();
    let mut configs: Vec<PathBuf> = entries.map(|entry| entry.path().join("buildout.cfg")).collect();
    configs.retain(|config| config.is_file());
    configs.sort();
    configs
}

/// What stands in the way of a config, without the names of its own.
fn reasons(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().filter_map(|line| line.strip_prefix("error"));
    let reasons = lines.filter(|line| !line.contains("things in this config cannot be done")).map(|line| {
        let text = line.split_once(": ").map_or(line, |(_, text)| text);
        let text = text.strip_prefix("part `").and_then(|rest| rest.split_once('`')).map_or(text, |(_, rest)| rest);
        text.trim_start_matches([':', ' ']).to_owned()
    });
    let mut reasons: Vec<String> = reasons.collect();
    reasons.dedup();
    reasons
}

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let Some(folder) = folder.map(PathBuf::from) else {
        println!("skipped: cargo bench --bench plans -- FOLDER looks at each FOLDER/*/buildout.cfg");
        return;
    };
    let folder = folder.canonicalize().expect("the folder is there");
    let configs = configs(&folder);
    let (start, mut whole) = (Instant::now(), 0);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for config in &configs {
        let home = config.parent().expect("a file has a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hardtack"));
        command.args(["fetch", "--dry-run", "--offline", "-U"]).arg(home).current_dir(home);
        let output = command.output().expect("hardtack starts");
        if output.status.code().is_some_and(|code| PLANNED.contains(&code)) {
            whole += 1;
            continue;
        }
        for reason in reasons(&String::from_utf8_lossy(&output.stderr)) {
            *counts.entry(reason).or_default() += 1;
        }
    }
    let all = configs.len();
    println!(
        "{whole} of {all} configs have a whole plan ({:.0} %), in {:.1} s",
        100.0 * whole as f64 / all as f64,
        start.elapsed().as_secs_f64()
    );
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), reason.clone()));
    counts.iter().take(15).for_each(|(reason, count)| println!("{count:5}  {reason}"));
}
