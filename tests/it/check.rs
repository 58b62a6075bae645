//! `check`: what a config says and probably does not mean.

use snapbox::{assert_data_eq, str};

use crate::server::Server;
use crate::support::{Scene, source};

#[test]
fn every_lint_points_at_its_line() {
    let scene = Scene::new();
    scene.project(
        "app",
        "a b",
        "[base]\nrecipe = zc.recipe.cmmi\nconfigure-option = --quick\nnick = ${:nobody}\n\n\
         [a]\n<= base\nnobody = 1\nurl = http://host.example/a.tgz\nunread = yes\nversion = 1\n\n\
         [b]\n<= base\nnobody = 2\nurl = https://host.example/b.tgz\npatch = https://host.example/b.patch\n\
         patch-md5sum = 0123456789abcdef0123456789abcdef\nconfigure-options = --static\n",
    );
    let ran = scene.hardtack("check app").ok();
    assert_eq!(ran.stdout, "");
    assert_data_eq!(
        ran.stderr,
        str![[r#"
warning[misspelled-option]: section `a`: `zc.recipe.cmmi` has no option `configure-option`
  --> buildout.cfg:10:1
   |
10 | configure-option = --quick
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: did you mean `configure-options`?
warning[unused-option]: section `a`: nothing reads option `nick`
  --> buildout.cfg:11:1
   |
11 | nick = ${:nobody}
   | ^^^^^^^^^^^^^^^^^
warning[insecure-url]: section `a`: `http://host.example/a.tgz` comes over http, and no digest says that it arrived as it was sent
  --> buildout.cfg:16:1
   |
16 | url = http://host.example/a.tgz
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: say which bytes are meant: `sha256 = …`
warning[unused-option]: section `a`: nothing reads option `unread`
  --> buildout.cfg:17:1
   |
17 | unread = yes
   | ^^^^^^^^^^^^
warning[no-digest]: section `b`: no digest says what `https://host.example/b.tgz` must be
  --> buildout.cfg:23:1
   |
23 | url = https://host.example/b.tgz
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: say which bytes are meant: `sha256 = …`
warning[lost-prefix]: section `b`: `configure-options` stand in the place of `--prefix`, and nothing says where to install
  --> buildout.cfg:26:1
   |
26 | configure-options = --static
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: put them into `extra_options`, which come after it
6 warnings in 1 file

"#]]
    );
}

#[test]
fn paths_of_this_machine_and_carriage_returns_are_found() {
    let scene = Scene::new();
    let here = scene.path("app").display().to_string();
    scene.project(
        "app",
        "p",
        &format!("[p]\nrecipe = zc.recipe.cmmi\nurl = x.tgz\n[a]\nx = {here}/x\ny = ${{buildout:directory}}\r\n"),
    );
    let ran = scene.hardtack("check app").ok();
    ran.says(&[
        "warning[machine-path]: `a:x` has the path that the project has on this machine",
        "warning[carriage-return]: `buildout.cfg` has carriage returns, the first at byte",
        "2 warnings in 1 file",
    ]);
    scene
        .hardtack("check app --strict")
        .exits(1)
        .says(&["error[lints]: 2 warnings in 1 file, and --strict allows none"]);
}

#[test]
fn operators_without_a_blank_are_found_and_values_are_not() {
    let scene = Scene::new();
    scene.project("app", "p", "[p]\nrecipe = zc.recipe.cmmi\nurl = x.tgz\n[a]\nx+=1\ny += 2\nz =\n  make CFLAGS+=-O2\nw = a+=b\n# v+=1\nu-= 3\n");
    let ran = scene.hardtack("check app").ok();
    ran.says(&[
        "--> buildout.cfg:12:1",
        "--> buildout.cfg:18:1",
        "put a blank before the sign",
        "2 warnings in 1 file",
    ]);
}

#[test]
fn a_config_that_builds_nothing_and_what_was_meant_are_found() {
    let scene = Scene::new();
    scene.write(
        "app/buildout.cfg",
        "[buildot]\nparts = a\n[buildout]\nprats = a\nmine = 1\n[a]\nx = ${buildout:mine}\n",
    );
    scene.hardtack("check app").ok().says(&[
        "warning[misspelled-section]: section `buildot` means nothing to hardtack",
        "hint: did you mean `[buildout]`?",
        "warning[misspelled-option]: section `buildout` has no option `prats`",
        "hint: did you mean `parts`?",
        "warning[no-parts]: the config has no parts: nothing would be built",
        "3 warnings in 1 file",
    ]);
}

#[test]
fn a_locked_download_needs_no_digest_in_the_config() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("check app").ok().says(&["warning[insecure-url]: section `foo`: `http://127.0.0.1:"]);
    scene.hardtack("bundle app --installer none").ok().says(&["warning[insecure-url]"]);
    scene.hardtack("check app --strict").ok().says(&["0 warnings in 1 file"]);
    scene.hardtack("bundle app --installer none").ok().never_says(&["warning"]);
}

#[test]
fn what_would_stop_a_bundle_comes_after_the_lints() {
    let scene = Scene::new();
    let part = "[a]\nrecipe = slapos.recipe.cmmi\nurl = https://host.example/a.tgz\nmake-target = x\n\
                pre-make-hook = hook.py:run\n";
    scene.project("app", "a", part);
    let ran = scene.hardtack("check app").exits(2);
    let (first, last) = (ran.stderr.find("warning[misspelled-option]"), ran.stderr.find("error[unsupported]"));
    assert!(first.is_some() && first < last, "{}", ran.stderr);
    let ran = scene.hardtack("check app --format json").exits(2);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(found["lints"][0]["code"], "no-digest");
    assert_eq!(found["lints"][1]["hint"], "did you mean `make-targets`?");
    assert_eq!((&found["lints"][1]["line"], &found["lints"][1]["file"]), (&11.into(), &"buildout.cfg".into()));
    assert_eq!(found["problem"]["code"], "unsupported");
}

#[test]
fn digests_in_urls_local_files_and_options_others_read_are_no_matter() {
    let scene = Scene::new();
    scene.write("app/src/x.tgz", source("x", "1.0"));
    scene.write("app/env.txt", "");
    scene.project(
        "app",
        "x",
        "[x]\nrecipe = zc.recipe.cmmi\nurl = src/x.tgz\nown = 1\nextra_options = --with=${:own} --env=${other:given}\n\n\
         [other]\nrecipe = slapos.recipe.cmmi\nurl = https://host.example/o.tgz#0123456789abcdef0123456789abcdef\n\
         given = 1\nlevel = 3\npost-install = echo %(level)s\nenvironment = env\n\n[env]\nA = 1\n",
    );
    scene.hardtack("check app").ok().says(&["0 warnings in 1 file"]);
}

#[test]
fn a_commit_is_a_digest_and_a_branch_is_none() {
    let scene = Scene::new();
    let section = |name: &str, revision: &str| {
        format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = git+https://host.example/x.git@{revision}\n")
    };
    let clone = |name: &str, more: &str| {
        format!("[{name}]\nrecipe = slapos.recipe.build:gitclone\nrepository = ../r\n{more}\n")
    };
    let commit = "5aaed9baa4fe5aaed9baa4fe5aaed9baa4fe5aae";
    let sections = section("a", commit) + &section("b", "main") + &clone("c", &format!("revision = {commit}"));
    scene.project("app", "a b c d e", &(sections + &clone("d", "revision = v1") + &clone("e", "")));
    let ran = scene.hardtack("check app").ok();
    let ran = ran.says(&["section `b`: `git+https://host.example/x.git@main` is another commit tomorrow"]);
    let ran = ran.says(&["section `d`: `git+", "section `e`: `git+", "name the commit, or lock it: hardtack lock"]);
    ran.never_says(&["section `a`", "section `c`"]);
}
