//! The recipes that are built in: what they make, and what they refuse.

mod egg;
mod hexagonit;
mod make_folders_and_run;
mod ours;
mod shared;
mod slapos;
mod templates;

use crate::support::{Member, Scene, archive, skipped};

/// A project that installs where it is, in a folder `app`, with these sections.
fn project(parts: &str, sections: &str) -> Scene {
    let scene = Scene::new();
    scene.project("app", parts, sections);
    scene
}

/// Fetches and installs it.
fn install(scene: &Scene) {
    scene.hardtack("-C app fetch").ok();
    scene.hardtack("install app").ok();
}

/// Whether a program is here; if not, that is said.
fn have(program: &str) -> bool {
    let found = std::process::Command::new(program).arg("--version").output().is_ok();
    if !found {
        skipped(&format!("{program} is not here"));
    }
    found
}

/// A package whose configure writes down how it was called, and whose makefile does so of make.
fn telling() -> Vec<u8> {
    let configure = "#!/bin/sh\necho \"configure $*\" > told\nfor a; do case $a in --prefix=*) echo \"P=${a#--prefix=}\" > place;; esac; done\n";
    let makefile = "-include place\nall:\n\t@echo \"make $(MAKECMDGOALS) $(X)\" >> told\ninstall other:\n\t@echo \"make $@ $(X)\" >> told\n\
                    \t@mkdir -p \"$(or $(P),$(prefix))/bin\"; cp told data \"$(or $(P),$(prefix))\"; cp data \"$(or $(P),$(prefix))/bin\"\n";
    archive(&[
        Member { path: "t-1/configure", text: configure, executable: true },
        Member { path: "t-1/Makefile", text: makefile, executable: false },
        Member { path: "t-1/data", text: "old\n", executable: false },
    ])
}

const PATCH: &str = "--- data\n+++ data\n@@ -1 +1 @@\n-old\n+new\n";

#[test]
fn the_list_tells_what_there_is_and_what_each_option_means() {
    let scene = Scene::new();
    let list = scene.hardtack("recipes").ok().stdout;
    assert!(list.lines().any(|line| line.starts_with("zc.recipe.cmmi ")) && list.contains("hardtack:cmake"), "{list}");
    let one = scene.hardtack("recipes hardtack:meson").ok().stdout;
    for line in ["  prefix         Where it is installed to [LOCATION]", "of every part:", "  [dav1d]"] {
        assert!(one.contains(line), "{one}");
    }
    let json = scene.hardtack("recipes --format json").ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["recipes"][0]["options"][0]["name"], "url");
    scene
        .hardtack("recipes zc.recipe.cmi")
        .exits(2)
        .says(&["error[unknown-recipe]", "hint: did you mean `zc.recipe.cmmi`?"]);
}

#[test]
fn every_example_is_a_config_that_resolves() {
    let scene = Scene::new();
    let json = scene.hardtack("recipes --format json").ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    for recipe in json["recipes"].as_array().expect("a list") {
        let example = recipe["example"].as_str().expect("a text").replace('…', "0123456789abcdef0123456789abcdef");
        let example = example.replace("sha256 = 0123456789abcdef0123456789abcdef\n", "");
        let name = example.split(['[', ']']).nth(1).expect("a section").to_owned();
        let others = "[zlib]\nrecipe = hardtack:copy\npath = z\n[tool]\nrecipe = hardtack:copy\npath = t\n";
        let others = if name == "tool" || name == "zlib" { "" } else { others };
        let scene = project(&name, &format!("{example}{others}"));
        scene.write("app/templates/start.in", "#!/bin/sh\n");
        let ran = scene.hardtack("-C app fetch --dry-run");
        assert!(!ran.stderr.contains("error"), "{recipe}: {}", ran.stderr);
        scene.hardtack("-C app check").never_says(&["misspelled", "unused"]);
    }
}

#[test]
fn what_cannot_be_built_says_what_to_use_instead() {
    let scene = project(
        "a b c",
        "[a]\nrecipe = slapos.recipe.build\ninstall = program\n[b]\nrecipe = zc.recipe.egg:custom\negg = x\n\
         [c]\nrecipe = slapos.recipe.cmmi\npath = src\npre-make-hook = hook.py:run\n",
    );
    scene.hardtack("-C app fetch").exits(2).says(&[
        "error[unsupported]: 3 things in this config cannot be done",
        "part `a` uses recipe `slapos.recipe.build`, which is not built in",
        "hint: it runs Python from the config",
        "part `b` uses recipe `zc.recipe.egg:custom`, which is not built in",
        "part `c`: `pre-make-hook` is Python code, which hardtack does not run",
        "pre-make-hook = hook.py:run",
        "hint: write it as commands, in `pre-configure`, `pre-build` or `post-install`",
    ]);
}
