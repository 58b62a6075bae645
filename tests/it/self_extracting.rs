//! Bundles that unpack and install themselves.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Scene, set_mode, skipped};

fn bundled() -> Scene {
    let scene = Scene::new();
    scene.project("app", "p", "[p]\nrecipe = hardtack:copy\npath = src\n");
    scene.write("app/src/file", "x");
    scene.hardtack("bundle app --self-extracting").ok().says(&["app-1.0.run: "]);
    scene
}

/// Runs it with a shell, and what the shell finds.
fn run(scene: &Scene, shell: &[&str], path: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).args(arguments).current_dir(scene.path("")).env_clear().env("PATH", path);
    command.env("HOME", scene.path("home")).output().expect("the shell runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

#[test]
fn it_lists_checks_unpacks_and_installs_itself() {
    let scene = bundled();
    let sh = |arguments: &[&str]| run(&scene, &["/bin/sh"], PATH, arguments);
    assert!(
        said(&sh(&["app-1.0.run", "--help"])).contains("Usage: sh ./app-1.0.run [DEST [options of hardtack install]]")
    );
    assert!(said(&sh(&["app-1.0.run", "--list"])).contains("app-1.0/src/file\n"));
    assert_eq!(said(&sh(&["app-1.0.run", "--verify"])), "app-1.0: it is whole\n");
    assert!(sh(&["app-1.0.run", "--extract-only", "out"]).status.success());
    assert!(scene.exists("out/app-1.0/install") && scene.exists("out/app-1.0/SHA256SUMS"));
    // What stands after the script is the bundle itself.
    let (bundle, both) = (std::fs::read(scene.path("app-1.0.tar.gz")), std::fs::read(scene.path("app-1.0.run")));
    assert!(both.expect("reads").ends_with(&bundle.expect("reads")));
    let sums = Command::new("sha256sum").args(["-c", "app-1.0.run.sha256"]).current_dir(scene.path("")).output();
    assert!(sums.expect("sha256sum runs").status.success());

    let ran = sh(&["app-1.0.run", "some/where/dest", "-j1"]);
    assert!(ran.status.success() && said(&ran).contains("1 part built"), "{}", said(&ran));
    assert_eq!(scene.read("some/where/dest/parts/p/file"), "x");
    assert_eq!(scene.tree("some/where").iter().filter(|line| line.contains(".app-1.0.")).count(), 0);
    // By its own name, where the program is found, to its usual place; then again.
    let here = format!("{}:{PATH}", scene.path("").display());
    assert!(run(&scene, &["/bin/sh", "-c", "cd home && app-1.0.run"], &here, &[]).status.success());
    assert!(scene.exists("home/app-1.0/parts/p/file"));
    let again = run(&scene, &["/bin/sh", "-c", "cd home && app-1.0.run"], &here, &[]);
    assert!(said(&again).contains("everything is installed already"), "{}", said(&again));
    // The exit status is the installer's.
    assert_eq!(sh(&["app-1.0.run", "dest", "--no-such-option"]).status.code(), Some(2));
}

#[test]
fn one_that_was_cut_short_or_changed_does_nothing() {
    let scene = bundled();
    let bytes = std::fs::read(scene.path("app-1.0.run")).expect("reads");
    let sh = |arguments: &[&str]| run(&scene, &["/bin/sh"], PATH, arguments);
    scene.write("cut.run", &bytes[..bytes.len() - 1]);
    let mut changed = bytes.clone();
    let middle = bytes.len() / 2;
    changed[middle] ^= 1;
    scene.write("changed.run", changed);
    for (file, words) in
        [("cut.run", "it was cut short or changed; copy it again"), ("changed.run", "it was changed: its SHA-256 is")]
    {
        for arguments in [vec![file, "dest"], vec![file, "--verify"], vec![file, "--extract-only", "dest"]] {
            let ran = sh(&arguments);
            assert!(ran.status.code() == Some(4) && said(&ran).contains(words), "{}", said(&ran));
        }
        assert!(!scene.exists("dest"));
    }
}

#[test]
fn where_there_is_no_room_nothing_is_unpacked() {
    let scene = bundled();
    let df = scene.write(
        "tools/df",
        "#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted on'\necho 'disk 100 99 1 99% /'\n",
    );
    set_mode(&df, 0o755);
    let path = format!("{}:{PATH}", scene.path("tools").display());
    let ran = run(&scene, &["/bin/sh"], &path, &["app-1.0.run", "dest"]);
    assert!(ran.status.code() == Some(4) && said(&ran).contains("has 1 KiB free, and "), "{}", said(&ran));
    assert!(!scene.exists("dest") && !scene.tree(".").iter().any(|line| line.starts_with(".app-1.0")));
}

#[test]
fn the_tools_of_busybox_are_enough() {
    let Some(busybox) = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists()) else {
        return skipped("no busybox");
    };
    let scene = bundled();
    std::fs::create_dir(scene.path("tools")).expect("makes");
    for tool in [
        "sh",
        "tail",
        "wc",
        "sha256sum",
        "gzip",
        "tar",
        "df",
        "mkdir",
        "dirname",
        "basename",
        "rm",
        "cat",
        "uname",
        "chmod",
    ] {
        std::os::unix::fs::symlink(busybox, scene.path("tools").join(tool)).expect("links");
    }
    let path = scene.path("tools").display().to_string();
    let ran = run(&scene, &[busybox, "sh"], &path, &["app-1.0.run", "dest"]);
    assert!(ran.status.success(), "{}", said(&ran));
    assert!(scene.exists("dest/parts/p/file"));
}

#[test]
fn what_could_not_install_itself_is_not_written() {
    let scene = Scene::new();
    scene.project("app", "p", "[p]\nrecipe = hardtack:copy\npath = src\n");
    scene.write("app/src/file", "x");
    scene
        .hardtack("bundle app --self-extracting --installer none")
        .exits(2)
        .says(&["hint: leave --installer none out"]);
    scene
        .hardtack("bundle app --self-extracting --compression zstd")
        .exits(2)
        .says(&["hint: leave --compression zstd out"]);
    assert!(!scene.exists("app-1.0.run") && !scene.exists("app-1.0.tar.gz"));
}

#[test]
fn wherever_it_is_called_from_it_unpacks_beside_and_takes_no_folder_of_others() {
    let scene = bundled();
    std::fs::create_dir(scene.path("here")).expect("makes");
    let script = "cd here && sh ../app-1.0.run . && ls -A";
    let ran = run(&scene, &["/bin/sh", "-c", script], PATH, &[]);
    assert!(ran.status.success() && scene.exists("here/parts/p/file"), "{}", said(&ran));
    let ran = run(&scene, &["/bin/sh", "-c", "sh app-1.0.run -- -lead"], PATH, &[]);
    assert!(ran.status.success() && scene.exists("-lead/parts/p/file"), "{}", said(&ran));
    assert!(said(&run(&scene, &["/bin/sh", "-c", "sh app-1.0.run ''"], PATH, &[])).contains("DEST is empty"));
    // Somebody who guesses the name of its folder gets nothing into it.
    let script = "mkdir .app-1.0.$$; echo mine > .app-1.0.$$/keep; exec sh app-1.0.run dest";
    let ran = run(&scene, &["/bin/sh", "-c", script], PATH, &[]);
    assert!(ran.status.code() == Some(4) && said(&ran).contains("failed to make"), "{}", said(&ran));
    assert!(!scene.exists("dest") && scene.tree(".").iter().any(|line| line.ends_with("/keep")));
    scene.hardtack("verify app-1.0.run").exits(2).says(&["error[self-extracting]", "sh FILE --verify"]);
    // What is of another time is named.
    scene.write("app/src/file", "y");
    let ran = scene.hardtack("bundle app --installer none").ok();
    ran.says(&["warning: `app-1.0.run` is of an earlier bundle"]);
}
