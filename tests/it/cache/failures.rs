//! Everything that can go wrong with a cache: what was there stays right, and what was not is a clean miss.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use hardtack::base::{Md5, Sha1, Sha256};

use crate::server::{Answer, Server, Version};
use crate::support::{Scene, noise, set_mode, skipped, source};

/// An archive of more than one read of a download.
fn body() -> Vec<u8> {
    noise(1, 300_000)
}

/// A project with one source.
fn scene(server: &Server, answer: Answer) -> (Scene, String) {
    let scene = Scene::new();
    let url = server.answer("/data.bin", answer);
    project(&scene, "app", &url);
    (scene, url)
}

fn project(scene: &Scene, folder: &str, url: &str) {
    scene.project(folder, "data", &format!("[data]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
}

fn versioned() -> Answer {
    Answer::Versioned(body(), Version { etag: Some("\"1\""), ..Version::default() })
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        skipped(&format!("{program} is not here"));
    }
    found
}

/// `hardtack LINE` with faults injected into its system calls.
fn with_faults(scene: &Scene, faults: &[&str], line: &str) -> Output {
    let faults: Vec<String> = faults.iter().map(|fault| format!("inject={fault}")).collect();
    let words = ["-f", "-qq", "-o", "/dev/null"].into_iter();
    let words: Vec<&str> = words.chain(faults.iter().flat_map(|fault| ["-e", fault])).collect();
    scene.under("strace", &words, &line.split_whitespace().collect::<Vec<_>>()).output().expect("strace runs")
}

/// `hardtack LINE` in a mount namespace of its own, after `mount` was run there; `None` where there is none to be had.
fn with_mount(scene: &Scene, mount: &str, line: &str) -> Option<Output> {
    let root = rustix::process::geteuid().is_root();
    let flags = if root { "-m" } else { "-rm" };
    let works = Command::new("unshare").args([flags, "true"]).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        skipped("no mount namespace is to be had here");
        return None;
    }
    let script = format!("{mount} || exit 99; exec \"$@\"");
    let words = [flags, "sh", "-c", &script, "sh"];
    let mut command = scene.under("unshare", &words, &line.split_whitespace().collect::<Vec<_>>());
    let output = command.output().expect("unshare runs");
    assert_ne!(output.status.code(), Some(99), "mounting works in a namespace: {output:?}");
    Some(output)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a cache must be after anything: whole, and either with the source or without it.
fn check_cache(scene: &Scene, cache: &str, url: &str, what: &str) {
    let run = |line: &str| scene.hardtack(&format!("{line} --cache-dir {cache}"));
    let verified = run("cache verify");
    assert_eq!(verified.code, Some(0), "{what}: {}", verified.stderr);
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    let offline = run("fetch app --offline");
    assert!(matches!(offline.code, Some(0 | 3)), "{what}: {}", offline.stderr);
    let digest = Sha256::of(body()).to_string();
    if offline.code == Some(0) {
        assert!(scene.read("app/hardtack.lock").contains(&digest), "{what}: other bytes were taken");
    }
    let again = run("fetch app --cache-layout both");
    assert_eq!(again.code, Some(0), "{what}: {}", again.stderr);
    assert!(scene.read("app/hardtack.lock").contains(&digest), "{what}");
    assert_eq!(run("cache verify").code, Some(0), "{what}");
    let (modern, classic) = (Md5::of(url).to_string(), Sha1::of(url).to_string());
    for view in [format!("{cache}/cmmi/{modern}"), format!("{cache}/cmmi/{classic}/data.bin")] {
        assert!(std::fs::read(scene.path(&view)).is_ok_and(|bytes| bytes == body()), "{what}: {view}");
    }
}

#[test]
fn a_kill_at_any_point_of_a_write_leaves_a_clean_hit_or_miss() {
    if !has("strace") {
        return;
    }
    let server = Server::start();
    let (scene, url) = scene(&server, versioned());
    let mut kills = 0;
    for calls in ["write", "fsync", "fchmod", "rename,renameat,renameat2", "link,linkat", "ftruncate,flock"] {
        for nth in 1..60 {
            let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
            let cache = format!("cache-{}-{nth}", calls.split(',').next().expect("a name"));
            let fault = format!("{calls}:signal=KILL:when={nth}");
            let ran = with_faults(&scene, &[&fault], &format!("fetch app -q --cache-layout both --cache-dir {cache}"));
            let killed = ran.status.code().is_none() || ran.status.code() == Some(137);
            if scene.exists(&cache) {
                check_cache(&scene, &cache, &url, &format!("killed at {calls} {nth}"));
            }
            kills += usize::from(killed);
            if !killed {
                assert!(ran.status.success(), "{}", stderr(&ran));
                break;
            }
        }
    }
    assert!(kills > 15, "only {kills} points were met");
}

#[test]
fn many_processes_at_one_url_make_one_download() {
    for count in [2, 20] {
        let server = Server::start();
        let scene = Scene::new();
        let url = server.file("/data.bin", body());
        for index in 0..count {
            project(&scene, &format!("app{index}"), &url);
        }
        let start = |index: usize| {
            let mut command = scene.command(&["fetch", &format!("app{index}")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
        };
        let running: Vec<_> = (0..count).map(start).collect();
        for child in running {
            let output = child.wait_with_output().expect("ends");
            assert!(output.status.success(), "{}", stderr(&output));
        }
        assert_eq!(server.requests().len(), 1, "{count} processes");
        scene.hardtack("cache verify").ok().says(&["1 blob"]);
    }
}

#[test]
fn without_locks_there_are_two_downloads_and_one_blob() {
    if !has("strace") {
        return;
    }
    let server = Server::start();
    let (scene, url) = scene(&server, versioned());
    let both = std::thread::scope(|scope| {
        let run = || with_faults(&scene, &["flock:error=ENOLCK"], "fetch app --cache-layout both --cache-dir cache");
        let running = [scope.spawn(run), scope.spawn(run)];
        running.map(|thread| thread.join().expect("ends"))
    });
    for output in both {
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert!((1..=2).contains(&server.requests().len()));
    check_cache(&scene, "cache", &url, "no locks");
    let gc = with_faults(&scene, &["flock:error=ENOLCK"], "cache gc --max-size 0 --cache-dir cache");
    assert_eq!(gc.status.code(), Some(4), "{}", stderr(&gc));
    let words = "error[cache-no-locks]: `";
    assert!(stderr(&gc).contains(words) && stderr(&gc).contains("hardtack cache gc --force"), "{}", stderr(&gc));
    let gc = with_faults(&scene, &["flock:error=ENOLCK"], "cache gc --max-size 0 --force --cache-dir cache");
    assert!(gc.status.success(), "{}", stderr(&gc));
    assert_eq!(scene.hardtack("cache list --cache-dir cache").ok().stdout, "");
}

#[test]
fn a_file_system_without_links_gets_copies_and_a_stale_handle_is_asked_again() {
    if !has("strace") {
        return;
    }
    let server = Server::start();
    let (scene, url) = scene(&server, versioned());
    let no_links = ["link,linkat:error=EXDEV", "ioctl:error=EOPNOTSUPP"];
    let ran = with_faults(&scene, &no_links, "fetch app --cache-layout both --cache-dir cache --link-mode hardlink");
    assert!(ran.status.success(), "{}", stderr(&ran));
    assert_eq!(stderr(&ran).matches("are copies: the file system makes no hardlink there").count(), 1, "told once");
    check_cache(&scene, "cache", &url, "no links");
    let ledger = scene.tree("cache/.hardtack/ledger");
    let record = scene.path(format!("cache/.hardtack/ledger/{}", ledger.first().expect("a record")));
    let record = record.to_str().expect("UTF-8");
    let words = ["-f", "-qq", "-o", "/dev/null", "-P", record, "-e", "inject=openat:error=ESTALE:when=1"];
    let mut strace = scene.under("strace", &words, &["fetch", "app", "--offline", "--cache-dir", "cache"]);
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    let ran = strace.output().expect("strace runs");
    assert!(ran.status.success(), "{}", stderr(&ran));
}

#[test]
fn a_full_disk_publishes_nothing_and_says_what_is_missing() {
    let server = Server::start();
    for (what, answer) in [("announced", versioned()), ("unannounced", Answer::Unannounced(body()))] {
        let (scene, _) = scene(&server, answer);
        std::fs::create_dir(scene.path("small")).expect("makes it");
        let inspect = "ls -RA small/.hardtack";
        let mount = "mount -t tmpfs -o size=200k none small";
        let Some(ran) = with_mount(&scene, mount, "fetch app --cache-dir small") else { return };
        let text = stderr(&ran);
        assert_eq!(ran.status.code(), Some(4), "{what}: {text}");
        for words in ["error[disk-full]", "small/.hardtack/partial` has ", " bytes free, ", " more are needed"] {
            assert!(text.contains(words), "{what}: {text}");
        }
        assert!(!scene.exists("app/hardtack.lock"));
        // The same again, looking at what is left.
        let mount = format!(
            "{mount} && ({} -C . fetch app --cache-dir small; {inspect} >left) 2>/dev/null",
            env!("CARGO_BIN_EXE_hardtack")
        );
        with_mount(&scene, &mount, "cache dir").expect("as before");
        let left = scene.read("left");
        assert!(!left.contains(".data") && !left.contains("tmp-") && !left.contains("sha256:\n\n./"), "{what}: {left}");
        assert!(!left.contains("ledger"), "{what}: {left}");
    }
}

#[test]
fn a_disk_that_fails_publishes_nothing() {
    if !has("strace") {
        return;
    }
    let server = Server::start();
    let (scene, url) = scene(&server, versioned());
    for nth in 1..4 {
        let cache = format!("cache-{nth}");
        let fault = format!("fsync:error=EIO:when={nth}");
        let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
        let ran = with_faults(&scene, &[&fault], &format!("fetch app --cache-layout both --cache-dir {cache}"));
        assert!(!ran.status.success(), "fsync {nth} failed: {}", stderr(&ran));
        assert_eq!(ran.status.code(), Some(4), "{}", stderr(&ran));
        check_cache(&scene, &cache, &url, &format!("EIO at fsync {nth}"));
    }
}

#[test]
fn a_cache_that_cannot_be_written_serves_what_it_has() {
    let server = Server::start();
    let (scene, _) = scene(&server, versioned());
    scene.hardtack("fetch app --cache-dir cache").ok();
    let before = scene.tree("cache");
    let mount = "mount --bind cache cache && mount -o remount,bind,ro cache";
    let Some(ran) = with_mount(&scene, mount, "fetch app --cache-dir cache --cache-layout both") else { return };
    assert!(ran.status.success(), "{}", stderr(&ran));
    assert_eq!(scene.tree("cache"), before);
    project(&scene, "other", &server.file("/other.bin", body()));
    let ran = with_mount(&scene, mount, "fetch other --cache-dir cache").expect("as before");
    let text = stderr(&ran);
    assert_eq!(ran.status.code(), Some(4), "{text}");
    assert!(text.contains("error[cache-read-only]") && text.contains("the cache is read-only here"), "{text}");
}

#[test]
fn a_file_cut_short_in_a_view_and_empty_folders_of_the_original_are_misses() {
    let server = Server::start();
    let (scene, url) = scene(&server, versioned());
    let classic = format!("cache/cmmi/{}", Sha1::of(&url));
    std::fs::create_dir_all(scene.path(&classic)).expect("makes it");
    scene.write(&format!("cache/cmmi/{}", Md5::of(&url)), &body()[..100]);
    // Without a digest nothing tells the cut file of another program from a whole one, so it is not taken.
    scene.hardtack("fetch app --cache-dir cache --offline").exits(3);
    check_cache(&scene, "cache", &url, "left by an original");
    // What the lock says is believed over what lies there, too.
    let view = scene.path(format!("cache/cmmi/{}", Md5::of(&url)));
    set_mode(&view, 0o644);
    std::fs::write(&view, &body()[..100]).expect("writes");
    scene.hardtack("fetch app --cache-dir cache -v").ok().says(&["1 source in"]);
    check_cache(&scene, "cache", &url, "cut afterwards");
}

#[test]
fn names_as_long_as_a_file_system_takes_and_longer_are_no_trouble() {
    let (scene, server) = (Scene::new(), Server::start());
    for length in [255, 256, 4000] {
        let name = "n".repeat(length);
        let url = server.file(&format!("/{name}"), body());
        project(&scene, "app", &url);
        let ran = scene.hardtack("fetch app --cache-layout both").ok();
        let left_out = ran.stderr.contains("is left out of the layout: its name is longer than file systems take");
        assert_eq!(left_out, length > 255, "{}", ran.stderr);
        scene.hardtack("fetch app --offline").ok();
        scene.hardtack("cache verify").ok();
        scene.hardtack(&format!("cache clear {url}")).ok().says(&["removed 1 source"]);
        assert!(!scene.exists(&format!("home/.cache/hardtack/cmmi/{}", Sha1::of(&url))));
        let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    }
}

#[test]
fn a_newer_format_is_neither_written_nor_wiped() {
    let server = Server::start();
    let (scene, url) = scene(&server, versioned());
    scene.hardtack("fetch app --cache-dir cache").ok();
    scene.write("cache/.hardtack/format", "2\n");
    std::fs::remove_dir_all(scene.path("cache/.hardtack/ledger")).expect("removes");
    let before = scene.tree("cache");
    let asked = server.requests().len();
    // The view is still buildout's, and the lock says what it must be.
    let ran = scene.hardtack("fetch app --cache-dir cache").ok();
    ran.says(&["warning: cache `[SCENE]/cache` has format 2, this hardtack knows format 1; it is only read"]);
    assert_eq!(server.requests().len(), asked);
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.hardtack("fetch app --cache-dir cache").ok();
    assert_eq!(server.requests().len(), asked + 1, "without a digest nothing is believed");
    for command in ["list", "verify", "verify --repair", "clear --all", "gc --max-size 0"] {
        scene.hardtack(&format!("cache {command} --cache-dir cache")).exits(4).says(&["error[cache-newer]"]);
    }
    assert_eq!(scene.tree("cache"), before);
    assert!(scene.exists(&format!("cache/cmmi/{}", Md5::of(&url))));
}

#[test]
fn a_file_that_is_being_read_survives_its_removal() {
    use std::io::Read;
    let server = Server::start();
    let (scene, _) = scene(&server, versioned());
    scene.hardtack("fetch app").ok();
    let path = scene.hardtack("cache list --path").ok().stdout;
    let path = path.trim().replace("[SCENE]", scene.path("").to_str().expect("UTF-8").trim_end_matches('/'));
    let mut open = std::fs::File::open(&path).expect("opens");
    scene.hardtack("lock app --update").ok();
    scene.hardtack("cache clear --all").ok();
    assert!(!Path::new(&path).exists());
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes).expect("reads");
    assert_eq!(bytes, body());
}

#[test]
fn who_uses_the_cache_is_named_to_who_would_clean_it() {
    let server = Server::start();
    let (scene, _) = scene(&server, Answer::Slow(body()));
    let mut fetch = scene.command(&["fetch", "app"]).stderr(Stdio::null()).spawn().expect("starts");
    for _ in 0..1000 {
        if !server.requests().is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(server.requests().len(), 1);
    let cleaned = scene.hardtack("cache gc").ok();
    cleaned.says(&["waiting for the cache; it is used by hardtack fetch, process "]);
    assert!(fetch.wait().expect("ends").success());
}

#[test]
fn a_source_that_an_installation_uses_is_not_cleaned_away_and_nobody_waits_for_it() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene.hardtack("fetch app").ok();
    // A lease of a living process, as an installation holds it while it builds.
    let sha256 = Sha256::of(source("foo", "1.0"));
    let lease =
        scene.write("home/.cache/hardtack/.hardtack/leases/1-x", format!("hardtack install, process 1\n{sha256}\n"));
    let held = std::fs::File::open(&lease).expect("opens");
    held.lock().expect("locks");
    scene.hardtack("cache clear --all").ok().says(&["foo-1.0.tar.gz` is in use, and stays", "removed 0 sources"]);
    scene.hardtack("cache gc --max-size 0").ok().says(&["is in use, and stays", "removed 0 sources"]);
    drop(held);
    scene.hardtack("cache gc --max-size 0").ok().says(&["removed 1 source"]);
    assert!(!lease.exists(), "the lease of one that is dead is gone");
}
