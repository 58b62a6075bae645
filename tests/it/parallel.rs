//! Parts that are built side by side.

use crate::server::Server;
use crate::support::{Scene, skipped, source_with_makefile};

/// Bundles parts with these names, makefiles and other options.
fn bundled(parts: &[(&str, &str, &str)]) -> Scene {
    let (scene, server) = (Scene::new(), Server::start());
    let section = |(name, makefile, options): &(&str, &str, &str)| {
        let url = server.file(&format!("/{name}.tgz"), source_with_makefile(makefile));
        let out = "environment = OUT=${buildout:parts-directory}";
        format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n{out}\n{options}\n")
    };
    let names: Vec<&str> = parts.iter().map(|(name, _, _)| *name).collect();
    scene.project("app", &names.join(" "), &parts.iter().map(section).collect::<String>());
    scene.hardtack("bundle app --installer none").ok();
    scene
}

/// Waits for a file, but not forever.
const WAIT: &str = "wait() { for i in $$(seq 500); do [ -e $$1 ] && return; sleep 0.02; done; exit 1; }";

#[test]
fn parts_that_do_not_use_one_another_are_built_at_the_same_time() {
    // Each ends only when it has seen the other begin.
    let makefile = |own: &str, other: &str| {
        format!("all:\n\t@{WAIT}; touch $(OUT)/{own}/begun; wait $(OUT)/{other}/begun\ninstall:\n")
    };
    let scene = bundled(&[("a", &makefile("a", "b"), ""), ("b", &makefile("b", "a"), "")]);
    // They name each other's folders in their makefiles, where nobody looks for it.
    let ran = scene.hardtack("install app-1.0.tar.gz dest -j2").ok();
    ran.says(&["[1/2] installing a", "[2/2] installing b", "2 parts built"]);
}

#[test]
fn the_jobs_of_parts_that_ended_go_to_those_that_run() {
    // Three jobs that end when all three run: one is the part's own, two were others'.
    let rule = format!("j%:\n\t@{WAIT}; touch $(OUT)/big/$@; for n in 1 2 3; do wait $(OUT)/big/j$$n; done\n");
    let big = format!("all: j1 j2 j3\n\t@:\ninstall:\n{rule}");
    let small = "all install:\n\t@true\n";
    let scene = bundled(&[("big", &big, ""), ("one", small, ""), ("two", small, "")]);
    scene.hardtack("install app-1.0.tar.gz dest -j3").ok().never_says(&["jobserver"]);
    assert!(!scene.read("dest/.hardtack/logs/big.log").contains("jobserver"));
}

#[test]
fn one_job_builds_one_part_after_another_in_their_order() {
    let makefile = "all install:\n\t@test -z \"$$MAKEFLAGS\" || echo \"flags: $$MAKEFLAGS\"\n";
    let scene = bundled(&[("b", makefile, ""), ("a", makefile, ""), ("c", makefile, "")]);
    let ran = scene.hardtack("install app-1.0.tar.gz dest -j1 -v").ok();
    let told: Vec<&str> =
        ran.stderr.lines().filter(|line| line.starts_with('[') || line.contains(": built in")).collect();
    let heads: Vec<&str> = told.iter().map(|line| line.split(" in ").next().unwrap_or(line)).collect();
    let wanted = ["[1/3] installing b", "b: built", "[2/3] installing a", "a: built", "[3/3] installing c", "c: built"];
    assert_eq!(heads, wanted);
    assert!(!scene.read("dest/.hardtack/logs/b.log").contains("flags"));
}

#[test]
fn a_part_that_names_the_folder_of_one_before_it_waits_for_it() {
    let first = "all:\n\t@sleep 0.3\ninstall:\n\t@touch $(OUT)/first/file\n";
    let second = "all install:\n\t@true\n";
    let by_path = "configure-command = test -e ${buildout:directory}/parts/first/file && :";
    let scene = bundled(&[("first", first, ""), ("second", second, by_path)]);
    scene.hardtack("install app-1.0.tar.gz dest -j4").ok();
}

#[test]
fn a_failure_ends_what_uses_it_and_with_keep_going_nothing_else() {
    let good = "all install:\n\t@true\n";
    let bad = "all:\n\t@echo no luck; exit 3\ninstall:\n";
    let uses = "x = ${bad:location}";
    let parts = [
        ("bad", bad, ""),
        ("user", good, uses),
        ("good", good, "x = ${slow:location}"),
        ("slow", "all install:\n\t@sleep 0.3\n", ""),
    ];
    let scene = bundled(&parts);
    let ran = scene.hardtack("install app-1.0.tar.gz dest -j2").exits(5);
    ran.says(&[
        "bad: failed; still building slow; not built, for they use it: user",
        "step `make` of part `bad` failed",
    ])
    .never_says(&["installing good"]);
    let ran = scene.hardtack("install app-1.0.tar.gz dest -j2 --keep-going").exits(5);
    // What was running when the other failed was built to its end, and is kept.
    ran.says(&["installing good", "error[build-failed]: step `make` of part `bad`"]).never_says(&["installing slow"]);
    assert!(!scene.exists("dest/parts"));
}

#[test]
fn on_a_machine_with_much_to_do_one_part_is_built_after_another() {
    let makefile = |own: &str, other: &str| {
        format!(
            "all:\n\t@touch $(OUT)/{own}/begun; sleep 0.3; [ -e $(OUT)/{other}/ended ] || [ ! -e $(OUT)/{other}/begun ]\ninstall:\n\t@touch $(OUT)/{own}/ended\n"
        )
    };
    let scene = bundled(&[("a", &makefile("a", "b"), ""), ("b", &makefile("b", "a"), "")]);
    // Whatever it has to do, it is at least nothing.
    scene.hardtack("install app-1.0.tar.gz dest -j2 -l 0").ok().says(&["2 parts built"]);
    scene
        .hardtack("install app-1.0.tar.gz other -l much")
        .exits(2)
        .says(&["`much` is no load average such as 2 or 1.5"]);
}

#[test]
fn a_bundle_that_was_mended_goes_on_from_the_parts_that_are_whole() {
    let good = |made: &str| format!("all:\n\t@date +%N > built\ninstall:\n\t@cp built $(OUT)/good/; {made}\n");
    for made in [":", "touch $(OUT)/../beside"] {
        let (scene, server) = (Scene::new(), Server::start());
        let url = |path: &str, makefile: &str| server.file(path, source_with_makefile(makefile));
        let (one, bad) = (url("/good.tgz", &good(made)), url("/bad.tgz", "all:\n\t@false\ninstall:\n"));
        let mended = url("/mended.tgz", "all install:\n\t@true\n");
        let out = "environment = OUT=${buildout:parts-directory}";
        let config = |second: &str| {
            format!(
                "[good]\nrecipe = zc.recipe.cmmi\nurl = {one}\n{out}\n[bad]\nrecipe = zc.recipe.cmmi\nurl = {second}\nx = ${{good:location}}\n"
            )
        };
        scene.project("app", "bad", &config(&bad));
        scene.hardtack("bundle app --installer none").ok();
        scene.hardtack("install app-1.0.tar.gz dest").exits(5);
        scene.project("app", "bad", &config(&mended));
        scene.write("app/only-now", "");
        scene.hardtack("bundle app --installer none -o mended.tar.gz").ok();
        scene.hardtack("install mended.tar.gz dest").ok().says(&["1 part built, 1 kept"]);
        assert!(scene.exists("dest/parts/good/built") && scene.exists("dest/only-now"));
        assert_eq!(scene.exists("dest/beside"), made != ":");
        scene.hardtack("verify dest").ok();
    }
}

#[test]
fn what_is_whole_is_installed_where_that_is_wanted() {
    let made = "all install:\n\t@touch $(OUT)/good/made\n";
    let bad = "all:\n\t@echo no luck; test -e $(OUT)/../mended\ninstall:\n";
    let parts = [("good", made, ""), ("bad", bad, ""), ("user", "all install:\n\t@true\n", "x = ${bad:location}")];
    for level in ["full", "seccomp"] {
        let scene = bundled(&parts);
        let install = ["install", "app-1.0.tar.gz", "dest", "--partial", "--sandbox", level, "--allow-downtime"];
        let ran = scene.run(&install);
        if ran.stderr.contains("error[no-isolation]") {
            skipped(&format!("level {level} is not to be had here"));
            continue;
        }
        ran.exits(5).says(&[
            "warning: installed without bad, user, as --partial says",
            "error[build-failed]: step `make` of part `bad` failed",
        ]);
        assert!(
            scene.exists("dest/parts/good/made") && !scene.exists("dest/parts/bad") && !scene.exists("dest/parts/user")
        );
        let status = scene.hardtack("status dest").ok();
        assert!(status.stdout.contains("part bad: missing") && status.stdout.contains("part good: 1 file"));
        scene.hardtack("verify dest").ok();
        // Again, and nothing of it is built anew; then the whole.
        scene.run(&install).exits(5).never_says(&["installing good"]);
        scene.write("app/mended", "");
        scene.hardtack("bundle app --installer none -o mended.tar.gz").ok();
        let mended = [&["install", "mended.tar.gz"], &install[2..]].concat();
        scene.run(&mended).ok().says(&["2 parts built, 1 kept"]);
        assert!(!scene.hardtack("status dest").ok().stdout.contains("missing"));
        scene.hardtack("uninstall dest").ok();
    }
}

#[test]
fn a_part_that_tried_to_reach_the_network_is_not_whole() {
    let scene = bundled(&[
        ("good", "all install:\n\t@true\n", ""),
        ("bad", "all install:\n\t@getent hosts a.example; true\n", ""),
    ]);
    let ran = scene.hardtack("install app-1.0.tar.gz dest --partial --sandbox full");
    if ran.stderr.contains("error[no-isolation]") {
        return skipped("level full is not to be had here");
    }
    ran.exits(7).says(&["installed without bad"]);
    assert!(scene.exists("dest/parts/good") && !scene.exists("dest/parts/bad"));
}

#[test]
fn more_jobs_than_there_are_descriptors_for_are_met_with_fewer_parts() {
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let parts: Vec<(&str, &str, &str)> =
        names.iter().map(|name| (name.as_str(), "all install:\n\t@sleep 0.2\n", "")).collect();
    let scene = bundled(&parts);
    let words = ["-c", "ulimit -n 128; exec \"$0\" \"$@\""];
    let output = scene.under("sh", &words, &["install", "app-1.0.tar.gz", "dest", "-j200"]).output().expect("sh runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("40 parts built"), "{stderr}");
}

#[test]
fn people_see_what_is_being_built_and_programs_are_told() {
    let scene = bundled(&[("a", "all install:\n\t@sleep 0.4\n", "")]);
    let ran = scene.hardtack("install app-1.0.tar.gz json --format json").ok();
    let events: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["message", "isolation", "installing", "step", "step", "step", "step", "built"]);
    assert!(events.last().is_some_and(|event| event["part"] == "a" && event["seconds"].as_f64() > Some(0.3)));

    let hardtack = scene.command(&[]);
    let mut command = std::process::Command::new("script");
    let program = env!("CARGO_BIN_EXE_hardtack");
    command.args(["-qec", &format!("stty cols 100; {program} install app-1.0.tar.gz dest"), "/dev/null"]);
    command.current_dir(scene.path("")).env_clear();
    command.envs(hardtack.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    match command.output() {
        Ok(output) => assert!(String::from_utf8_lossy(&output.stdout).contains("  a: make "), "{output:?}"),
        Err(_) => crate::support::skipped("script is not here"),
    }
}

#[test]
fn several_failures_are_told_together() {
    let bad = |word: &str| format!("all:\n\t@echo {word}; exit 3\ninstall:\n");
    let scene = bundled(&[("one", &bad("first"), ""), ("two", &bad("second"), "")]);
    scene.hardtack("install app-1.0.tar.gz dest -j1 -k").exits(5).says(&[
        "error[build-failed]: 2 parts could not be built",
        "error: step `make` of part `one` failed with exit status 2",
        "hint: the whole output is in [SCENE]/dest/.hardtack/logs/one.log",
        "error: step `make` of part `two` failed with exit status 2",
        "  | first",
    ]);
}
