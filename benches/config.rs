//! How long configs take to load and resolve, with the real program beside it.
//!
//! `cargo bench --bench config` measures a made-up diamond of `extends`. Two variables add more:
//! `HARDTACK_BENCH_CONFIGS=FOLDER` every `FOLDER/*/buildout.cfg`, one after another, and
//! `HARDTACK_BENCH_PYTHON=PYTHON` the same with the zc.buildout of that Python, where it ends within a minute.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks, and stops where it cannot go on")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use hardtack::cache::DiskFiles;
use hardtack::config::{Config, Facts, Load, Location, PythonVersion};
use hardtack::recipes::BuiltinRecipes;

/// Runs of each measurement; the shortest counts.
const RUNS: usize = 5;
/// Layers of the diamond: two files each, both extended by both above, so that 2 to this power paths reach the bottom.
const LAYERS: usize = 8;
/// The real program gets this long.
const PATIENCE: &str = "60";

fn facts() -> Facts {
    Facts {
        machine: std::env::consts::ARCH.to_owned(),
        platform: "linux".to_owned(),
        python: PythonVersion::DEFAULT,
        os_release: Default::default(),
        paths: Default::default(),
        kernel_release: None,
    }
}

/// Loads a config and resolves all of its sections and the order of its parts, as `hardtack query` does.
fn resolve(path: &Path) -> usize {
    let path = Utf8PathBuf::from_path_buf(path.to_owned()).expect("UTF-8");
    let folder = path.parent().expect("a folder").to_owned();
    let load = Load::new(facts());
    let files = DiskFiles::new(folder);
    let Ok(config) = Config::load(&files, &Location::Path(path), &load) else { return 0 };
    let recipes = BuiltinRecipes::new(&files);
    let Ok(mut resolver) = config.resolver(&recipes) else { return 0 };
    let resolved = config.section_names().filter(|name| resolver.section(name).is_ok()).count();
    // A config whose parts do not resolve has no order.
    let _ = resolver.parts();
    resolved
}

/// The shortest of several runs.
fn shortest(run: impl Fn()) -> Duration {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

fn diamond(folder: &Path) -> PathBuf {
    let name = |layer: usize, side: usize| format!("l{layer}-{side}.cfg");
    for layer in 0..LAYERS {
        for side in 0..2 {
            let below = match layer + 1 == LAYERS {
                true => String::new(),
                false => format!("[buildout]\nextends = {} {}\n", name(layer + 1, 0), name(layer + 1, 1)),
            };
            let sections: String = (0..10)
                .map(|part| {
                    format!(
                        "[part-{layer}-{part}]\nrecipe = zc.recipe.cmmi\nurl = http://host.example/{side}.tgz\n\
                         configure-options =\n  --one\n  --two=${{versions:v{layer}}}\n[versions]\nv{layer} = {side}\n"
                    )
                })
                .collect();
            std::fs::write(folder.join(name(layer, side)), below + &sections).expect("writes");
        }
    }
    let root = folder.join("buildout.cfg");
    std::fs::write(&root, format!("[buildout]\nextends = {} {}\nparts = part-0-0\n", name(0, 0), name(0, 1)))
        .expect("writes");
    root
}

/// Seconds the real program takes to load a config; it resolves nothing.
fn original(config: &Path) -> Option<f64> {
    let python = std::env::var_os("HARDTACK_BENCH_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/original.py");
    let output = Command::new("timeout").arg(PATIENCE).arg(python).arg(script).arg(config).output().expect("starts");
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn row(name: &str, ours: Duration, theirs: Option<f64>) {
    let seconds = ours.as_secs_f64();
    match theirs {
        Some(theirs) => {
            println!("{name:<24}{:>10.2} ms {:>12.0} ms {:>9.0} x", seconds * 1e3, theirs * 1e3, theirs / seconds);
        }
        None => println!("{name:<24}{:>10.2} ms {:>12}", seconds * 1e3, "-"),
    }
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = diamond(folder.path());
    println!("{:<24}{:>13} {:>15} {:>11}", "config", "hardtack", "zc.buildout", "ratio");
    row(
        "diamond",
        shortest(|| {
            resolve(&root);
        }),
        original(&root),
    );
    let Some(configs) = std::env::var_os("HARDTACK_BENCH_CONFIGS") else { return };
    let mut found: Vec<PathBuf> = std::fs::read_dir(&configs)
        .expect("the folder can be read")
        .filter_map(|entry| Some(entry.ok()?.path().join("buildout.cfg")))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    let mut times: Vec<(Duration, &PathBuf)> = found
        .iter()
        .map(|path| {
            (
                shortest(|| {
                    resolve(path);
                }),
                path,
            )
        })
        .collect();
    let start = Instant::now();
    let sections: usize = found.iter().map(|path| resolve(path)).sum();
    row(&format!("all {}", found.len()), start.elapsed(), None);
    println!("({sections} sections resolved)");
    times.sort();
    let shown = [times.len() / 2, times.len() * 9 / 10, times.len().saturating_sub(1)];
    for (time, path) in shown.into_iter().filter_map(|index| times.get(index)) {
        let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        row(&name, *time, original(path));
    }
}
