//! How long it takes to fetch many files, with curl, aria2c and Python's urllib beside it.
//!
//! `cargo bench --bench fetch` serves 210 files of 320 MB in all from loopback, with 50 ms of thinking before each answer,
//! and fetches them with `hardtack fetch` over 16 connections (files whose SHA-256 is known, those of which the MD5 is to be
//! taken too, and those nobody knows yet, which are read again before they are locked), with `curl --parallel --parallel-max 16`, with
//! `aria2c -j16` where it is here, and one after another with Python's urllib. Digests are taken by hardtack alone.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks, and stops where it cannot go on")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hardtack::base::{Md5, Sha256};

const FILES: usize = 210;
const BYTES: usize = 320_000_000;
const THINKING: Duration = Duration::from_millis(50);
const RUNS: usize = 5;
/// Projects of the same files: with the SHA-256 of each, with that and the MD5, with nothing.
const VARIANTS: [&str; 3] = ["hardtack-first", "hardtack-md5", "hardtack"];
/// Makes this program the server.
const SERVE: &str = "HARDTACK_BENCH_SERVE";

/// A tar archive with one file of bytes in no order.
fn archive(index: usize, size: usize) -> Vec<u8> {
    let mut state = index as u64 + 1;
    let mut bytes = vec![0; size];
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, format!("p-{index}/data"), bytes.as_slice()).expect("appends");
    builder.into_inner().expect("finishes")
}

fn serve(stream: TcpStream, files: &[Vec<u8>]) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        std::thread::sleep(THINKING);
        let index = line.split(['/', '.', ' ']).find_map(|word| word.parse::<usize>().ok()).unwrap_or(0);
        let body = &files[index % files.len()];
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(body)?;
    }
}

struct Measured {
    wall: Duration,
    cpu: f64,
    /// Largest resident size, in MiB.
    memory: f64,
}

/// Runs a command and takes its times, and those of what it starts.
#[allow(clippy::zombie_processes, reason = "wait4 waits for it, and tells what it took")]
fn measure(command: &mut Command) -> Measured {
    let start = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid rusage, which holds numbers only.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types; the child is ours and not waited for elsewhere.
    let waited = unsafe { libc::wait4(child.id() as i32, &raw mut status, 0, &raw mut usage) };
    let wall = start.elapsed();
    assert!(waited > 0 && std::process::ExitStatus::from_raw(status).success(), "{command:?} fails");
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    Measured { wall, cpu, memory: usage.ru_maxrss as f64 / 1024.0 }
}

/// Serves the files until the other end of its input is closed; the port is the first line it prints.
///
/// In a process of its own, so that its memory is not counted as that of what it starts.
fn serve_all() {
    let files: Arc<Vec<Vec<u8>>> = Arc::new((0..FILES).map(|index| archive(index, BYTES / FILES)).collect());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let files = Arc::clone(&files);
            // A client that goes away has its reasons.
            std::thread::spawn(move || drop(serve(stream, &files)));
        }
    });
    println!("{port}");
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

fn main() {
    if std::env::var_os(SERVE).is_some() {
        return serve_all();
    }
    let program = std::env::current_exe().expect("has a path");
    let mut server =
        Command::new(program).env(SERVE, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    let mut port = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut port).expect("tells its port");
    let port = port.trim();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let urls: Vec<String> = (0..FILES).map(|index| format!("http://127.0.0.1:{port}/{index}.tar")).collect();
    let (mut configs, mut curl, mut parts) = ([const { String::new() }; 3], String::new(), String::new());
    for (index, url) in urls.iter().enumerate() {
        let _ = write!(parts, " p{index}");
        let bytes = archive(index, BYTES / FILES);
        let sha256 = format!("sha256 = {}\n", Sha256::of(&bytes));
        let md5 = format!("{sha256}md5sum = {}\n", Md5::of(&bytes));
        for (config, digests) in configs.iter_mut().zip(["", md5.as_str(), sha256.as_str()]) {
            let _ = writeln!(config, "[p{index}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n{digests}");
        }
        let _ = writeln!(curl, "url = {url}\noutput = {index}.tar");
    }
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("writes");
    for (name, config) in VARIANTS.iter().zip(&configs) {
        std::fs::create_dir(folder.join(name)).expect("makes it");
        write(&format!("{name}/buildout.cfg"), &format!("[buildout]\nparts ={parts}\n{config}"));
    }
    write("curl.txt", &curl);
    write("urls.txt", &urls.join("\n"));
    write(
        "get.py",
        "import urllib.request, sys\nfor i, u in enumerate(open('../urls.txt').read().split()):\n    urllib.request.urlretrieve(u, f'{i}.tar')\n",
    );

    // Nothing is removed before the end: file systems remember for seconds what was, and take their time over it.
    let runs = std::cell::Cell::new(0);
    let fresh = |name: &str| {
        runs.set(runs.get() + 1);
        let name = format!("{name}-{}", runs.get());
        std::fs::create_dir(folder.join(&name)).expect("makes it");
        name
    };
    let hardtack = |project: &str| {
        let _ = std::fs::remove_file(folder.join(project).join("hardtack.lock"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_hardtack"));
        command.args(["fetch", project, "-q", "--cache-dir", &fresh("cache"), "--connections", "16"]);
        command.current_dir(folder);
        command
    };
    let other = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(folder.join(fresh("out")));
        command
    };
    let mut rows: Vec<(&str, Vec<Measured>)> = Vec::new();
    let mut take = |name: &'static str, measured: Measured| match rows.iter_mut().find(|(known, _)| *known == name) {
        Some((_, all)) => all.push(measured),
        None => rows.push((name, vec![measured])),
    };
    let have = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    for _ in 0..RUNS {
        for project in VARIANTS {
            take(project, measure(&mut hardtack(project)));
        }
        take("curl", measure(&mut other(&["curl", "-sS", "--parallel", "--parallel-max", "16", "-K", "../curl.txt"])));
        if have("aria2c") {
            let words = ["aria2c", "-q", "-j16", "-x1", "-i", "../urls.txt"];
            take("aria2c", measure(&mut other(&words)));
        }
    }
    take("urllib", measure(&mut other(&["python3", "../get.py"])));
    println!(
        "{FILES} files, {} MB, {THINKING:?} before each, the best of {RUNS}, wall and CPU each for itself:",
        BYTES / 1_000_000
    );
    for (name, all) in &rows {
        let best = all.iter().min_by_key(|measured| measured.wall).expect("one at least");
        let cpu = all.iter().map(|measured| measured.cpu).fold(f64::INFINITY, f64::min);
        let per_gb = cpu / (BYTES as f64 / 1e9);
        println!(
            "{name:14} {:6.3} s wall  {:5.2} s CPU  {per_gb:5.2} s CPU a GB  {:6.1} MiB",
            best.wall.as_secs_f64(),
            cpu,
            best.memory
        );
    }
    drop(server.stdin.take());
    let _ = server.wait();
}
