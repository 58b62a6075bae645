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

/// A scene for each level that is to be had here.
fn levels() -> impl Iterator<Item = (Scene, &'static str)> {
    LEVELS.into_iter().map(|level| (Scene::new(), level)).filter(|(scene, level)| can(scene, level))
}

#[test]
fn it_goes_with_its_part_and_stays_with_the_others() {
    let makes = |name: &str| {
        format!(
            "mkdir -p conf parts/more var/{name}; echo {name} > conf/{name}; echo {name} > parts/more/{name}; echo {name} >> conf/all; ln -s all conf/link-{name}"
        )
    };
    for (scene, level) in levels() {
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
    for (scene, level) in levels() {
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
    for (scene, level) in levels() {
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

/// Everything below the destination but hardtack's own files.
fn dest(scene: &Scene) -> Vec<String> {
    let own = |line: &String| line.starts_with(".hardtack") || line == "hardtack-failure.txt";
    scene.tree("dest").into_iter().filter(|line| !own(line)).collect()
}

#[test]
fn whatever_kind_a_path_is_in_each_version_upgrades_rollbacks_and_uninstallations_go_through() {
    let kinds = [
        "echo 1 > conf",
        "mkdir conf; echo 2 > conf/x",
        "mkdir -p conf/x",
        "mkdir real; echo 4 > real/x; ln -s real conf",
        "mkdir -p conf/x; echo 5 > conf/x/in",
        "true",
        "mkdir -p parts/stray; echo 7 > parts/stray/x",
        "echo 8 > parts/stray",
    ];
    for (scene, level) in levels() {
        std::fs::remove_dir_all(scene.path("app/conf")).expect("removes");
        let mut fresh = Vec::new();
        for (index, kind) in kinds.iter().enumerate() {
            let version = format!("{}.0", index + 1);
            scene.write(
                "app/buildout.cfg",
                format!("[buildout]\nparts = one\n[hardtack]\nname = app\nversion = {version}\n{}", part("one", kind)),
            );
            scene.hardtack("bundle app --installer none").ok();
            scene.run(&install(&format!("app-{version}.tar.gz"), level)).ok();
            fresh.push(dest(&scene));
            scene.hardtack("uninstall dest").ok().never_says(&["left"]);
            assert!(!scene.exists("dest"), "{kind}: {:?}", scene.tree("dest"));
        }
        for (from, to) in [
            (0, 1),
            (1, 0),
            (1, 2),
            (2, 1),
            (0, 2),
            (2, 0),
            (1, 3),
            (3, 1),
            (3, 2),
            (4, 0),
            (3, 4),
            (5, 1),
            (1, 5),
            (6, 7),
            (7, 6),
        ] {
            let bundle = |index: usize| format!("app-{}.0.tar.gz", index + 1);
            let told = format!("{} to {} at {level}", kinds[from], kinds[to]);
            scene.run(&install(&bundle(from), level)).ok();
            scene.run(&install(&bundle(to), level)).ok().never_says(&["is not as the last release left it"]);
            assert_eq!(dest(&scene), fresh[to], "{told}");
            scene.hardtack("verify dest").ok().never_says(&["changed at the site"]);
            for wanted in [from, to] {
                scene.hardtack("rollback dest").ok().never_says(&["is not as the last release left it"]);
                assert_eq!(dest(&scene), fresh[wanted], "{told}, rolled back");
            }
            scene.hardtack("uninstall dest").ok().never_says(&["left"]);
            assert!(!scene.exists("dest"), "{told}: {:?}", scene.tree("dest"));
        }
    }
}

#[test]
fn a_build_that_removes_a_file_of_the_project_fails_and_everything_stays() {
    for (scene, level) in levels() {
        bundle(&scene, "1.0", &[("one", "echo 1 > one")]);
        scene.run(&install("app-1.0.tar.gz", level)).ok();
        let before = dest(&scene);
        for commands in [
            "rm conf/of-the-project",
            "mv conf conf2",
            "rm conf/of-the-project; mkdir conf/of-the-project; echo x > conf/of-the-project/x",
        ] {
            bundle(&scene, "2.0", &[("one", commands)]);
            for _ in 0..2 {
                let ran = scene.run(&install("app-2.0.tar.gz", level)).exits(5);
                ran.says(&[
                    "error[project-file-removed]: while part `one` was built, `conf/of-the-project` was removed",
                ]);
                // What a build did to the folders of others is where nothing can be built aside.
                let now: Vec<String> = dest(&scene).into_iter().filter(|line| !line.contains("conf2")).collect();
                assert_eq!(now, before, "{commands} at {level}");
            }
        }
        scene.run(&install("app-1.0.tar.gz", level)).ok();
        scene.hardtack("uninstall dest").ok();
    }
}

#[test]
fn at_the_lesser_level_what_the_site_edited_is_not_overwritten() {
    let scene = Scene::new();
    if !can(&scene, "seccomp") {
        return;
    }
    let makes = |version: &str| format!("mkdir -p conf; echo {version} > conf/x; echo {version} > conf/y");
    bundle(&scene, "1.0", &[("one", &makes("1"))]);
    scene.run(&install("app-1.0.tar.gz", "seccomp")).ok();
    scene.write("dest/conf/x", "edited");
    scene.write("mine", "the site's");
    std::fs::remove_file(scene.path("dest/conf/y")).expect("removes");
    std::os::unix::fs::symlink("../../mine", scene.path("dest/conf/y")).expect("links");
    bundle(&scene, "2.0", &[("one", &makes("2"))]);
    let ran = scene.run(&install("app-2.0.tar.gz", "seccomp")).ok();
    ran.says(&["dest/conf/x` is not as the last release left it, and stays; the new one is"]);
    assert_eq!(scene.read("dest/conf/x") + &scene.read("mine"), "editedthe site's");
    assert_eq!(scene.read("dest/conf/x.hardtack-new") + &scene.read("dest/conf/y.hardtack-new"), "2\n2\n");
}

#[test]
fn nothing_is_removed_through_a_link_that_the_site_put_there() {
    let scene = Scene::new();
    bundle(&scene, "1.0", &[("one", "mkdir own; echo 1 > own/x")]);
    for elsewhere in
        [scene.path("outside"), std::path::Path::new("/dev/shm").join(format!("hardtack-{}", std::process::id()))]
    {
        scene.run(&install("app-1.0.tar.gz", "full")).ok();
        std::fs::create_dir_all(&elsewhere).expect("makes");
        std::fs::copy(scene.path("dest/own/x"), elsewhere.join("x")).expect("copies");
        std::fs::remove_dir_all(scene.path("dest/own")).expect("removes");
        std::os::unix::fs::symlink(&elsewhere, scene.path("dest/own")).expect("links");
        scene.hardtack("uninstall dest").ok();
        assert!(elsewhere.join("x").exists());
        std::fs::remove_dir_all(&elsewhere).expect("removes");
        std::fs::remove_dir_all(scene.path("dest")).expect("removes");
    }
}

#[test]
fn what_another_part_had_in_its_location_may_be_beside_the_next_one() {
    for (scene, level) in levels() {
        bundle(&scene, "1.0", &[("one", "mkdir -p parts/one; echo own > parts/one/own")]);
        scene.run(&install("app-1.0.tar.gz", level)).ok();
        bundle(&scene, "2.0", &[("uno", "mkdir -p parts/one; echo new > parts/one/own")]);
        scene.run(&install("app-2.0.tar.gz", level)).ok();
        assert_eq!(scene.read("dest/parts/one/own"), "new\n");
        scene.hardtack("rollback dest").ok();
        assert_eq!(scene.read("dest/parts/one/own"), "own\n");
        scene.hardtack("uninstall dest").ok();
        assert!(!scene.exists("dest"), "at {level}: {:?}", scene.tree("dest"));
    }
}

#[test]
fn folders_that_are_moved_come_along_with_their_modes_and_odd_names_are_told() {
    use std::os::unix::fs::PermissionsExt;
    for (scene, level) in levels() {
        let odd = "mkdir dd sec ro; echo d > dd/f; echo s > sec/k; chmod 700 sec; echo r > ro/r; chmod 555 ro; mkfifo ff; printf a > $(printf 'bad\\377name'); echo t > t000; chmod 000 t000";
        bundle(&scene, "1.0", &[("one", odd), ("two", "mv dd ee")]);
        let said = scene.without_privileges(&install("app-1.0.tar.gz", level)).output().expect("runs");
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains("warning: one: `ff`, which its build made, is not installed"), "{said}");
        assert!(said.contains("2 parts built"), "{said}");
        assert_eq!(scene.read("dest/ee/f") + &scene.read("dest/sec/k") + &scene.read("dest/ro/r"), "d\ns\nr\n");
        let mode = |path: &str| std::fs::metadata(scene.path(path)).expect(path).permissions().mode() & 0o777;
        assert_eq!((mode("dest/sec"), mode("dest/ro") & 0o555), (0o700, 0o555), "at {level}");
        assert!(scene.without_privileges(&["verify", "dest"]).status().expect("runs").success());
        bundle(&scene, "2.0", &[("one", "true")]);
        assert!(scene.without_privileges(&install("app-2.0.tar.gz", level)).status().expect("runs").success());
        assert!(
            ["ee", "sec", "ro", "t000"].iter().all(|name| !scene.exists(&format!("dest/{name}"))),
            "{:?}",
            scene.tree("dest")
        );
        assert!(scene.without_privileges(&["uninstall", "dest"]).status().expect("runs").success());
    }
}

#[test]
fn in_a_project_nothing_of_its_authors_is_overwritten() {
    for (scene, level) in levels() {
        let config = |text: &str| {
            scene.write(
                "app/buildout.cfg",
                format!("[buildout]\nparts = t reads\n[t]\nrecipe = collective.recipe.template\ninput = inline: {text}\noutput = etc/x.conf\n{}", part("reads", "cp etc/x.conf parts/reads/copy # ${t:output}")),
            );
        };
        config("hello");
        scene.write("app/etc/x.conf", "mine");
        let arguments = ["install", "app", "--sandbox", level, "--allow-downtime"];
        scene.run(&arguments).ok().says(&["app/etc/x.conf` is not as the last release left it, and stays"]);
        assert_eq!(scene.read("app/etc/x.conf") + &scene.read("app/etc/x.conf.hardtack-new"), "minehello");
        assert_eq!(scene.read("app/parts/reads/copy"), "hello");
        std::fs::remove_file(scene.path("app/etc/x.conf")).expect("removes");
        std::fs::remove_file(scene.path("app/etc/x.conf.hardtack-new")).expect("removes");
        scene.run(&arguments).ok().says(&["t: its files are gone or have changed"]);
        assert_eq!(scene.read("app/etc/x.conf"), "hello");
        config("hello2");
        scene.run(&arguments).ok();
        assert_eq!(scene.read("app/etc/x.conf"), "hello2");
        scene.hardtack("rollback app").ok();
        assert_eq!(scene.read("app/etc/x.conf"), "hello");
        scene.write("app/etc/x.conf", "edited");
        config("hello3");
        scene.run(&arguments).ok();
        assert_eq!(scene.read("app/etc/x.conf") + &scene.read("app/etc/x.conf.hardtack-new"), "editedhello3");
        scene.hardtack("uninstall app").ok();
        assert_eq!(scene.read("app/etc/x.conf"), "edited");
    }
}

#[test]
fn of_a_part_that_failed_at_once_the_next_one_takes_nothing() {
    let scene = Scene::new();
    bundle(
        &scene,
        "1.0",
        &[("bad", "mkdir conf2; echo bad > conf2/bad; exit 1"), ("good", "mkdir -p conf2; echo good > conf2/good")],
    );
    for _ in 0..5 {
        scene.run(&[&install("app-1.0.tar.gz", "full")[..], &["--partial"]].concat()).exits(5);
        assert!(scene.exists("dest/conf2/good") && !scene.exists("dest/conf2/bad"));
        scene.hardtack("uninstall dest").ok();
    }
}

#[test]
fn owners_and_modes_that_the_site_gave_a_file_stay_where_its_part_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    for (scene, level) in levels() {
        bundle(&scene, "1.0", &[("one", "mkdir -p conf; echo 1 > conf/x")]);
        scene.run(&install("app-1.0.tar.gz", level)).ok();
        std::fs::set_permissions(scene.path("dest/conf/x"), std::fs::Permissions::from_mode(0o600)).expect("sets");
        bundle(&scene, "2.0", &[("one", "mkdir -p conf; echo 1 > conf/x"), ("two", "true")]);
        scene.run(&install("app-2.0.tar.gz", level)).ok().says(&["1 part built, 1 kept"]);
        let mode = std::fs::metadata(scene.path("dest/conf/x")).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "at {level}");
        scene.hardtack("rollback dest").ok();
        scene.hardtack("uninstall dest").ok();
        assert!(!scene.exists("dest"));
    }
}

#[test]
fn what_somebody_wrote_after_a_kill_is_not_lost_when_the_old_is_put_back() {
    for (scene, level) in levels() {
        // In a project, where builds work at the destination whatever the level.
        let template = "[t]\nrecipe = collective.recipe.template\ninput = inline: one\noutput = etc/x.conf\n";
        let slow = part("u", "echo ${t:output}; for i in $(seq 600); do test -e go-on && break; sleep 0.1; done");
        scene.write("app/buildout.cfg", format!("[buildout]\nparts = t u\n{template}{slow}"));
        scene.write("app/etc/x.conf", "the author's");
        let arguments = ["install", "app", "--sandbox", level, "--allow-downtime", "-j1"];
        let mut running = scene.command(&arguments).stderr(Stdio::null()).spawn().expect("starts");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !scene.exists("app/.hardtack/next/records/t.json") {
            assert!(Instant::now() < deadline, "no record comes");
            std::thread::sleep(Duration::from_millis(20));
        }
        running.kill().and_then(|()| running.wait()).expect("ends");
        std::thread::sleep(Duration::from_millis(500));
        scene.write("app/etc/x.conf", "the author's, later");
        scene.write("app/go-on", "");
        let ran = scene.run(&arguments).ok();
        ran.says(&["app/.hardtack/left/etc/x.conf` stood where something was put back"]);
        assert_eq!(scene.read("app/etc/x.conf"), "the author's");
        assert_eq!(scene.read("app/.hardtack/left/etc/x.conf"), "the author's, later");
        scene.run(&arguments).ok().never_says(&["stood where"]);
        scene.hardtack("uninstall app").ok();
        assert_eq!(scene.read("app/etc/x.conf.hardtack-left"), "the author's, later");
    }
}

#[test]
fn what_is_written_while_a_build_fails_is_kept_and_named() {
    let scene = Scene::new();
    if !can(&scene, "seccomp") {
        return;
    }
    bundle(&scene, "1.0", &[("one", "mkdir -p own; echo 1 > own/x")]);
    scene.run(&install("app-1.0.tar.gz", "seccomp")).ok();
    bundle(&scene, "2.0", &[("one", "mkdir -p own; echo 2 > own/x; false")]);
    for told in [true, false] {
        let ran = scene.run(&install("app-2.0.tar.gz", "seccomp")).exits(5);
        let words = "dest/.hardtack/left/own/x` stood where something was put back";
        // Not twice the same.
        if told {
            ran.says(&[words])
        } else {
            ran.never_says(&["stood where"])
        };
        assert_eq!(scene.read("dest/own/x"), "1\n");
    }
    scene.run(&install("app-1.0.tar.gz", "seccomp")).ok();
    assert_eq!(scene.read("dest/.hardtack/left/own/x"), "2\n");
    scene.hardtack("uninstall dest").ok().says(&["1 file left", "  own/x.hardtack-left"]);
}
