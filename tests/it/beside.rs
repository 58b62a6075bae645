//! What builds make beside the locations of their parts: whose it is, and what becomes of it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Scene, skipped};

const LEVELS: [&str; 2] = ["full", "seccomp"];

/// A part that runs commands in the destination.
fn part(name: &str, commands: &str) -> String {
    format!(
        "[{name}]\nrecipe = plone.recipe.command\ncommand = cd ${{buildout:directory}}; {commands}\nstop-on-error = yes\n"
    )
}

/// A bundle of such parts.
fn bundle(scene: &Scene, version: &str, parts: &[(&str, &str)]) {
    let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    let sections: String = parts.iter().map(|(name, commands)| part(name, commands)).collect();
    scene.write(
        "app/buildout.cfg",
        format!("[buildout]\nparts = {}\n[hardtack]\nname = app\nversion = {version}\n{sections}", names.join(" ")),
    );
    scene.write("app/conf/of-the-project", "x");
    scene.hardtack("bundle app --installer none").ok();
}

/// Arguments of an installation at a level, one part after another.
fn install<'a>(bundle: &'a str, level: &'a str) -> Vec<&'a str> {
    vec!["install", bundle, "dest", "--sandbox", level, "--allow-downtime", "-j1"]
}

/// Whether the level is to be had here; says so where it is not.
fn can(scene: &Scene, level: &str) -> bool {
    bundle(scene, "0.1", &[("try", "true")]);
    let ran = scene.run(&["install", "app-0.1.tar.gz", "try", "--sandbox", level]);
    let can = !ran.stderr.contains("error[no-isolation]");
    if !can {
        skipped(&format!("level {level} is not to be had here"));
    }
    can
}

#[test]
fn it_goes_with_its_part_and_stays_with_the_others() {
    let makes = |name: &str| {
        format!(
            "mkdir -p conf parts/more var/{name}; echo {name} > conf/{name}; echo {name} > parts/more/{name}; echo {name} >> conf/all; ln -s all conf/link-{name}"
        )
    };
    for level in LEVELS {
        let scene = Scene::new();
        if !can(&scene, level) {
            continue;
        }
        let (one, two) = (makes("one"), makes("two"));
        bundle(&scene, "1.0", &[("one", &one), ("two", &two)]);
        scene.run(&install("app-1.0.tar.gz", level)).ok();
        let status = scene.hardtack("status dest").ok().stdout;
        assert!(status.contains("part one: 0 files and 5 beside its location"), "{status}");
        scene.hardtack("verify dest").ok();
        scene.write("dest/conf/mine", "the site's");
        scene.run(&install("app-1.0.tar.gz", level)).ok().says(&["everything is installed already"]);
        let before = scene.tree("dest");

        bundle(&scene, "2.0", &[("two", &two)]);
        scene.run(&install("app-2.0.tar.gz", level)).ok().says(&["uninstalling one", "0 parts built, 1 kept"]);
        for gone in ["conf/one", "conf/link-one", "parts/more/one", "var"] {
            assert_eq!(scene.exists(&format!("dest/{gone}")), gone == "var", "{gone} at {level}");
        }
        for (kept, text) in [
            ("conf/two", "two\n"),
            ("parts/more/two", "two\n"),
            ("conf/all", "one\ntwo\n"),
            ("conf/link-two", "one\ntwo\n"),
            ("conf/mine", "the site's"),
        ] {
            assert_eq!(scene.read(format!("dest/{kept}")), text, "{kept} at {level}");
        }
        assert!(scene.exists("dest/var/two") && !scene.exists("dest/var/one"));
        scene.hardtack("verify dest").ok();

        scene.hardtack("rollback dest").ok();
        let is_own = |line: &String| line.contains(".hardtack");
        let without_own = |tree: Vec<String>| tree.into_iter().filter(|line| !is_own(line)).collect::<Vec<_>>();
        assert_eq!(without_own(scene.tree("dest")), without_own(before), "at {level}");
        scene.hardtack("uninstall dest").ok().says(&["1 file left", "  conf/mine"]);
        assert!(!scene.exists("dest/parts") && !scene.exists("dest/var"));
    }
}

#[test]
fn of_a_part_that_failed_nothing_is_installed() {
    for level in LEVELS {
        let scene = Scene::new();
        if !can(&scene, level) {
            continue;
        }
        let good = "mkdir -p conf; echo good > conf/good; date +%N > parts/stamp";
        let bad = "mkdir -p conf; echo bad > conf/bad; test -e mended";
        bundle(&scene, "1.0", &[("good", good), ("bad", bad)]);
        scene.run(&install("app-1.0.tar.gz", level)).exits(5);
        assert!(!scene.exists("dest/conf/good") && !scene.exists("dest/parts"), "at {level}");
        let partial = [install("app-1.0.tar.gz", level), vec!["--partial"]].concat();
        scene.run(&partial).exits(5).never_says(&["installing good"]);
        assert_eq!(scene.read("dest/conf/good"), "good\n");
        // Where nothing can be built aside it lies there, and is nobody's.
        assert_eq!(scene.exists("dest/conf/bad"), level == "seccomp");
        scene.hardtack("verify dest").ok();
        let stamp = scene.read("dest/parts/stamp");

        scene.write("app/mended", "");
        bundle(&scene, "1.1", &[("good", good), ("bad", bad)]);
        scene.run(&install("app-1.1.tar.gz", level)).ok().says(&["1 part built, 1 kept"]);
        assert_eq!(scene.read("dest/conf/good") + &scene.read("dest/conf/bad"), "good\nbad\n");
        assert_eq!(scene.read("dest/parts/stamp"), stamp);
        scene.hardtack("uninstall dest").ok();
        assert!(!scene.exists("dest"), "at {level}: {:?}", scene.tree("dest"));
    }
}

#[test]
fn a_mended_bundle_without_a_part_has_nothing_of_it() {
    let scene = Scene::new();
    let good = "mkdir -p conf; echo good > conf/good; mkdir -p parts/good; echo x > parts/good/file";
    bundle(&scene, "1.0", &[("good", good), ("bad", "false")]);
    scene.run(&install("app-1.0.tar.gz", "full")).exits(5);
    bundle(&scene, "1.1", &[("other", "true")]);
    scene.run(&install("app-1.1.tar.gz", "full")).ok();
    assert!(!scene.exists("dest/conf/good") && !scene.exists("dest/parts/good"));
    assert!(!scene.hardtack("status dest").ok().stdout.contains("good"));
    scene.hardtack("uninstall dest").ok();
    assert!(!scene.exists("dest"));
}

#[test]
fn a_build_that_is_killed_goes_on_with_what_whole_parts_made() {
    for level in LEVELS {
        let scene = Scene::new();
        if !can(&scene, level) {
            continue;
        }
        let good = "mkdir -p conf; date +%N > conf/good";
        let slow = "echo slow > conf/slow; for i in $(seq 600); do test -e go-on && break; sleep 0.1; done";
        bundle(&scene, "1.0", &[("good", good), ("slow", slow)]);
        let mut running =
            scene.command(&install("app-1.0.tar.gz", level)).stderr(Stdio::null()).spawn().expect("starts");
        let record = "dest/.hardtack/next/records/good.json";
        let deadline = Instant::now() + Duration::from_secs(60);
        while !scene.exists(record) {
            assert!(Instant::now() < deadline, "{record} does not come");
            std::thread::sleep(Duration::from_millis(20));
        }
        running.kill().and_then(|()| running.wait()).expect("ends");
        // Only the shell is tied to hardtack at the lesser level; what it started ends by itself.
        std::thread::sleep(Duration::from_millis(500));
        scene.write("app/go-on", "");
        bundle(&scene, "1.1", &[("good", good), ("slow", slow)]);
        scene.run(&install("app-1.1.tar.gz", level)).ok().says(&["1 part built, 1 kept"]);
        let status = scene.hardtack("status dest").ok().stdout;
        assert!(status.contains("part good: 0 files and 1 beside"), "at {level}: {status}");
        assert!(scene.read("dest/conf/good").ends_with('\n') && scene.exists("dest/conf/slow"));
        scene.hardtack("uninstall dest").ok();
        assert!(!scene.exists("dest"), "at {level}: {:?}", scene.tree("dest"));
    }
}

#[test]
fn what_is_gone_is_made_again_and_what_the_site_edited_stays() {
    let scene = Scene::new();
    bundle(&scene, "1.0", &[("one", "mkdir -p conf; echo one > conf/one")]);
    scene.run(&install("app-1.0.tar.gz", "full")).ok();
    std::fs::remove_file(scene.path("dest/conf/one")).expect("removes");
    scene.run(&install("app-1.0.tar.gz", "full")).ok().says(&["one: its files are gone or have changed"]);
    assert_eq!(scene.read("dest/conf/one"), "one\n");
    scene.write("dest/conf/one", "edited");
    bundle(&scene, "2.0", &[("one", "mkdir -p conf; echo two > conf/one")]);
    scene.run(&install("app-2.0.tar.gz", "full")).ok();
    assert_eq!(scene.read("dest/conf/one"), "edited");
    assert_eq!(scene.read("dest/conf/one.hardtack-new"), "two\n");
}

#[test]
fn in_a_project_only_what_options_name_goes_with_its_part() {
    let scene = Scene::new();
    let template = |name: &str| {
        format!("[{name}]\nrecipe = collective.recipe.template\ninput = inline: {name}\noutput = etc/{name}.conf\n")
    };
    let config = |parts: &str| {
        let sections = [template("one"), template("two"), part("runs", "echo x > etc/by-a-command")].concat();
        scene.write("app/buildout.cfg", format!("[buildout]\nparts = {parts}\n{sections}"));
    };
    config("one two runs");
    scene.hardtack("install app").ok();
    assert!(["one.conf", "two.conf", "by-a-command"].iter().all(|name| scene.exists(&format!("app/etc/{name}"))));
    scene.hardtack("install app").ok().says(&["everything is installed already"]);
    config("two");
    scene.hardtack("install app").ok().says(&["0 parts built, 1 kept"]);
    assert!(
        !scene.exists("app/etc/one.conf") && scene.exists("app/etc/two.conf") && scene.exists("app/etc/by-a-command")
    );
    scene.hardtack("rollback app").ok();
    assert_eq!(scene.read("app/etc/one.conf"), "one");
    scene.hardtack("install app").ok();
    scene.write("app/etc/two.conf", "edited");
    scene.hardtack("verify app").ok().says(&["`etc/two.conf` was changed at the site"]);
    scene.hardtack("uninstall app").ok();
    assert_eq!(scene.read("app/etc/two.conf"), "edited");
    assert!(!scene.exists("app/etc/one.conf") && !scene.exists("app/.hardtack/state.json"));
}
