//! How long it takes to pack, check and unpack a bundle, with tar and its compressors beside it.
//!
//! `cargo bench --bench bundle [FOLDER...]` takes the folders it is given, else the crates that cargo has downloaded: as they
//! came, compressed, and as they were unpacked, thousands of files of text. Each is packed by `hardtack bundle`, which takes
//! the SHA-256 of every file and of the whole on the way, and by `tar` into `zstd -3 -T0` and `pigz -6`, which do not; then
//! checked and unpacked, by hardtack in one and by `tar` and `sha256sum -c` in two steps. The same as `.tar.zst` and as plain
//! `.tar`. All output goes to memory.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks, and stops where it cannot go on")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const RUNS: usize = 3;

/// The best wall time of a few runs of a shell command, in seconds.
fn best(folder: &Path, before: &str, command: &str) -> f64 {
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        shell.env("HARDTACK", env!("CARGO_BIN_EXE_hardtack"));
        let start = Instant::now();
        assert!(shell.status().expect("sh runs").success(), "{command}");
        start.elapsed().as_secs_f64()
    };
    let runs = (0..RUNS).map(|_| {
        shell(before);
        shell(command)
    });
    runs.fold(f64::INFINITY, f64::min)
}

/// Packs, unpacks and checks a folder both ways, in one compression.
fn measure_as(folder: &Path, ending: &str, packers: &[(&str, String)]) {
    let (bundle, other) = (format!("b{ending}"), format!("o{ending}"));
    let ours = format!("\"$HARDTACK\" bundle project -q --allow-dirty --installer none -o {bundle}");
    let pack = best(folder, &format!("rm -f {bundle}"), &ours);
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |data| data.len()) as f64 / 1e6;
    let row = |what: &str, ours: f64, peer: &str, theirs: f64, unit: &str| {
        println!("  {what:8} {ours:7.2} {unit:2}  {peer:36} {theirs:7.2} {unit:2}  ratio {:.3}", ours / theirs);
    };
    println!("  {ending}");
    for (peer, command) in packers {
        let theirs = best(folder, &format!("rm -f {other}"), &format!("{command} > {other}"));
        row("pack", pack, peer, theirs, "s");
    }
    row("size", size(&bundle), packers.last().map_or("", |(name, _)| name), size(&other), "MB");
    let install = best(folder, "rm -rf dest", &format!("\"$HARDTACK\" install -q {bundle} dest"));
    let by_hand = format!("tar xf {bundle} -C x && cd x/p-1 && sha256sum --quiet -c SHA256SUMS");
    let tar = best(folder, "rm -rf x && mkdir x", &by_hand);
    row("install", install, "tar xf; sha256sum -c", tar, "s");
    let verify = best(folder, "true", &format!("\"$HARDTACK\" verify -q {bundle}"));
    let sums = best(folder, "true", "cd x/p-1 && sha256sum --quiet -c SHA256SUMS");
    row("verify", verify, "sha256sum -c (loose files)", sums, "s");
}

fn measure(name: &str, payload: &Path) {
    let memory = Path::new("/dev/shm");
    let folder = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).expect("a folder");
    let folder = folder.path();
    let copied = Command::new("cp").arg("-rL").arg(payload).arg(folder.join("project")).status();
    assert!(copied.expect("cp runs").success());
    let config = "[buildout]\nparts =\n[hardtack]\nname = p\nversion = 1\n";
    std::fs::write(folder.join("project/buildout.cfg"), config).expect("writes");
    let files = walkdir::WalkDir::new(folder.join("project")).into_iter().flatten();
    let sizes = files.filter_map(|entry| entry.metadata().ok()).filter(|data| data.is_file()).map(|data| data.len());
    let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
    println!("{name}: {count} files, {:.0} MB", bytes as f64 / 1e6);
    let zstd = ("tar | zstd -3 -T0", "tar cf - project | zstd -q -3 -T0".to_owned());
    let pigz = ("tar | pigz -6 -n", "tar cf - project | pigz -6 -n".to_owned());
    measure_as(folder, ".tar.gz", &[zstd.clone(), pigz]);
    measure_as(folder, ".tar.zst", &[zstd]);
    measure_as(folder, ".tar", &[("tar", "tar cf - project".to_owned())]);
}

fn main() {
    for need in ["zstd", "pigz", "tar", "sha256sum"] {
        if Command::new(need).arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("skipped: {need} is not here");
            return;
        }
    }
    let given: Vec<PathBuf> = std::env::args().skip(1).filter(|word| word != "--bench").map(PathBuf::from).collect();
    if !given.is_empty() {
        given.iter().for_each(|folder| measure(&folder.display().to_string(), folder));
        return;
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let registry = home.expect("a home").join("registry");
    measure("crates as they came", &registry.join("cache"));
    measure("crates unpacked", &registry.join("src"));
}
