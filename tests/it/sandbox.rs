//! The network is shut out, and so is what comes near it.

use std::process::Command;

use crate::server::Server;
use crate::support::{Scene, skipped, source_with_makefile};

/// Bundles a package whose makefile is given; the bundle needs no server.
fn bundled(makefile: &str) -> Scene {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/p-1.tgz", source_with_makefile(makefile));
    scene.project(
        "app",
        "p",
        &format!("[p]\nrecipe = zc.recipe.cmmi\nurl = {url}\nenvironment = OUT=${{buildout:parts-directory}}/p\n"),
    );
    scene.hardtack("bundle app --installer none").ok();
    scene
}

const LEVELS: [&str; 2] = ["full", "seccomp"];

/// Whether the machine allows a level; if not, that is said.
fn allowed(level: &str) -> bool {
    let scene = bundled("all install:\n\t@true\n");
    let ran = scene.run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level]);
    if ran.code != Some(0) {
        skipped(&format!("level {level} is not to be had here: {}", ran.stderr));
    }
    ran.code == Some(0)
}

#[test]
fn a_build_that_connects_gets_no_network_and_fails() {
    let server = Server::start();
    server.file("/x", "x");
    let python = "import socket,sys\\ntry:\\n socket.create_connection((\"127.0.0.1\", PORT), 3)\\n\
                  except OSError as e:\\n sys.exit(\"refused: %s\" % e)"
        .replace("PORT", server.url("").rsplit(':').next().expect("a port"));
    let makefile = format!("all:\n\t@printf '{python}' > t.py && python3 t.py\ninstall:\n");
    if Command::new("python3").arg("--version").output().is_err() {
        return skipped("python3 is not here");
    }
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let scene = bundled(&makefile);
        scene
            .run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level])
            .exits(5)
            .says(&["error[build-failed]: step `make` of part `p` failed with exit status 2", "refused: "]);
        assert!(!scene.exists("dest/parts"));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn curl_reaches_nothing_and_its_words_are_shown() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skipped("curl is not here");
    }
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let scene = bundled("all:\n\tcurl -sS --max-time 5 http://198.51.100.1/x.tgz -o x.tgz\ninstall:\n");
        scene.run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level]).exits(5).says(&[
            "curl: (7)",
            "last lines of its output",
            "the whole output is in",
        ]);
    }
}

#[test]
fn loopback_works_inside_at_level_full() {
    if !allowed("full") || Command::new("python3").arg("--version").output().is_err() {
        return skipped("level full or python3 is not here");
    }
    let python = "import socket\\ns=socket.create_server((\"127.0.0.1\",0))\\n\
                  socket.create_connection(s.getsockname()).send(b\"x\")\\nprint(s.accept()[0].recv(1))";
    let scene = bundled(&format!("all:\n\t@printf '{python}' > t.py && python3 t.py\ninstall:\n"));
    scene.hardtack("install app-1.0.tar.gz dest --sandbox full").ok();
    assert!(scene.read("dest/.hardtack/logs/p.log").contains("b'x'"));
}

#[test]
fn steps_have_no_privileges_and_a_fixed_environment() {
    let makefile = "all:\n\tenv | sort > env.txt\n\tumask >> env.txt\n\tgrep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' \
                    /proc/self/status >> env.txt\ninstall:\n\tcp env.txt $(OUT)/\n";
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let mut scene = bundled(makefile);
        scene.set("SECRET_TOKEN", "hunter2");
        scene.set("http_proxy", "http://127.0.0.1:1");
        scene.run(&["install", "app-1.0.tar.gz", "dest", "-j1", "--sandbox", level, "--env", "EXTRA=1"]).ok();
        let found = scene.read("dest/parts/p/env.txt");
        for line in [
            "CapEff:\t0000000000000000",
            "CapBnd:\t0000000000000000",
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
            "EXTRA=1",
            "LC_ALL=C.UTF-8",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "SOURCE_DATE_EPOCH=315532800",
            "TZ=UTC",
            "0022",
        ] {
            assert!(found.lines().any(|other| other == line), "level {level}: no {line:?} in\n{found}");
        }
        assert!(!found.contains("SECRET") && !found.contains("proxy"), "{found}");
    }
}

#[test]
fn the_build_folder_has_the_same_path_everywhere_at_level_full() {
    if !allowed("full") {
        return;
    }
    let scene = bundled("all:\n\tpwd > where; hostname >> where || uname -n >> where\ninstall:\n\tcp where $(OUT)/\n");
    scene.hardtack("install app-1.0.tar.gz dest --sandbox full").ok();
    assert_eq!(scene.read("dest/parts/p/where"), "/tmp/build/p-1\nhardtack\n");
}

#[test]
fn none_is_warned_of_and_recorded() {
    let scene = bundled("all install:\n\t@true\n");
    scene
        .hardtack("install app-1.0.tar.gz dest --sandbox none")
        .ok()
        .says(&["warning: nothing keeps this build from the network"]);
    assert!(scene.read("dest/.hardtack/state.json").contains("\"level\": \"none\""));
    scene.hardtack("install app-1.0.tar.gz dest --sandbox some").exits(2).says(&["is not a level"]);
}

#[test]
fn no_process_of_an_install_connects_anywhere() {
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped("strace is not here");
    }
    let scene = bundled("all install:\n\t@true\n");
    let program = env!("CARGO_BIN_EXE_hardtack");
    let trace = scene.path("trace.txt");
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=network", "-o"]).arg(&trace).arg(program);
    command.args(["install", "app-1.0.tar.gz", "dest"]).current_dir(scene.path("")).env("HOME", scene.path("home"));
    let output = command.output().expect("strace runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = std::fs::read_to_string(trace).expect("reads");
    let connects = trace.lines().filter(|line| line.contains("connect(") || line.contains("sendto("));
    let outside: Vec<_> = connects.filter(|line| line.contains("AF_INET")).collect();
    assert!(outside.is_empty(), "{outside:#?}");
    assert!(trace.contains("exited with 0"), "the trace has something in it");
}
