//! What a user sees when it goes wrong: whole screens.

use snapbox::{assert_data_eq, str};

use crate::server::Server;
use crate::support::Scene;

#[test]
fn no_config_here() {
    let scene = Scene::new();
    assert_data_eq!(
        scene.hardtack("bundle").exits(2).stderr,
        str![[r#"
error[config-not-found]: there is no config `buildout.cfg` in `[SCENE]`
hint: name the folder with -C DIR, or the config with -c FILE

"#]]
    );
}

#[test]
fn a_folder_that_is_not_there() {
    let scene = Scene::new();
    assert_data_eq!(
        scene.hardtack("-C nowhere query").exits(2).stderr,
        str![[r#"
error[not-found]: failed to enter `[SCENE]/nowhere`: No such file or directory (os error 2)

"#]]
    );
}

#[test]
fn a_url_that_is_a_typo() {
    let scene = Scene::new();
    scene.project("app", "a", "[a]\nrecipe = zc.recipe.cmmi\nurl = htps://host.example/a.tgz\nmd5sum = 12\n");
    assert_data_eq!(
        scene.hardtack("fetch app").exits(2).stderr,
        str![[r#"
error[unsupported]: 2 things in this config cannot be done
error: part `a`: `md5sum`: `12` is not an MD5: it takes 32 hexadecimal digits
  --> buildout.cfg:11:1
   |
11 | md5sum = 12
   | ^^^^^^^^^^^
error: part `a`: URL scheme `htps` of `htps://host.example/a.tgz` is not supported: http, https and file are
  --> buildout.cfg:10:1
   |
10 | url = htps://host.example/a.tgz
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

"#]]
    );
}

#[test]
fn a_part_outside_the_project() {
    let scene = Scene::new();
    scene.project("app", "a", "[a]\nrecipe = zc.recipe.cmmi\nurl = http://127.0.0.1:1/a.tgz\nlocation = /usr/local\n");
    assert_data_eq!(
        scene.hardtack("fetch app").exits(2).stderr,
        str![[r#"
error[unsupported]: part `a` would be put to `/usr/local/a`, which is outside the project or hardtack's own
  --> buildout.cfg:11:1
   |
11 | location = /usr/local
   | ^^^^^^^^^^^^^^^^^^^^^
hint: parts lie below the buildout directory, so that they can be replaced and removed together

"#]]
    );
}

#[test]
fn json_errors_go_to_stdout_too() {
    let scene = Scene::new();
    scene.write("buildout.cfg", "[buildout]\nparts = a\n");
    assert_data_eq!(
        scene.hardtack("query --format json").exits(2).stdout,
        str![[r#"
{
  "error": {
    "causes": [],
    "code": "config-no-section",
    "hints": [],
    "items": [],
    "message": "section `a` does not exist",
    "places": [
      "buildout.cfg:2"
    ]
  },
  "format": 1
}

"#]]
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let scene = Scene::new();
    scene.project("app", "", "");
    let mut command = scene.command(&["-C", "app", "query"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("ends").success());
}

#[test]
fn quiet_says_nothing_but_results() {
    let scene = Scene::new();
    scene.project("app", "", "");
    let ran = scene.hardtack("bundle app -q --installer none").ok();
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.stdout.lines().count(), 1);
}

#[test]
fn parts_that_cannot_be_put_anywhere_are_refused_together() {
    let scene = Scene::new();
    let part =
        |name: &str, more: &str| format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = http://127.0.0.1:1/x\n{more}");
    let sections = part("../x", "")
        + &part("hardtack", "")
        + &part("a", "md5sum = 00000000000000000000000000000000\n")
        + &part("b", "md5sum = 11111111111111111111111111111111\n");
    scene.write("app/buildout.cfg", format!("[buildout]\nparts = ../x hardtack a b\n{sections}"));
    scene.hardtack("lock app").exits(2).says(&[
        "3 things in this config cannot be done",
        "`../x` cannot be a part: its name has a `/`, and becomes the name of a folder",
        "`hardtack` cannot be a part: that section holds hardtack's own settings",
        "part `b` wants another MD5 of `http://127.0.0.1:1/x` than part `a`",
    ]);
}

#[test]
fn a_folder_whose_name_means_something_to_a_shell_is_refused() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("bundle app --installer none").ok();
    for name in ["D$x", "a`b", "c\"d", "e\\f"] {
        let message = "commands would not leave alone";
        scene.run(&["install", "app-1.0.tar.gz", name]).exits(2).says(&["nothing can be built in", message]);
        assert!(!scene.exists(name), "nothing stays of an installation that never began");
    }
}

#[test]
fn a_relative_location_is_below_the_project() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", crate::support::source("foo", "1.0"));
    let section = format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\nlocation = opt\n");
    scene.project("app", "foo", &section);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert!(scene.exists("dest/opt/foo/bin/foo"));
}

#[test]
fn a_source_beside_the_project_is_the_same_wherever_both_are() {
    let scene = Scene::new();
    for place in ["here", "there"] {
        scene.write(&format!("{place}/x-1.0.tgz"), crate::support::source("x", "1.0"));
        let section = "[x]\nrecipe = zc.recipe.cmmi\nurl = ../x-1.0.tgz\n";
        scene.project(&format!("{place}/app"), "x", section);
    }
    let digest = |place: &str| {
        let output = format!("{place}.tar.gz");
        scene.run(&["bundle", &format!("{place}/app"), "--installer", "none", "-o", &output]).ok();
        hardtack::base::Sha256::of(std::fs::read(scene.path(output)).expect("reads"))
    };
    assert_eq!(digest("here"), digest("there"));
    scene.hardtack("install here.tar.gz dest").ok();
    // Where no digest says which bytes are meant, those that are there now are.
    std::fs::remove_file(scene.path("there/app/hardtack.lock")).expect("removes");
    scene.write("there/x-1.0.tgz", crate::support::source("x", "1.0.1"));
    scene.hardtack("install there/app").ok();
    assert!(crate::support::output_of(&scene.path("there/app/parts/x/bin/x")).starts_with("x 1.0.1 "));
}

#[test]
fn a_part_where_a_bundle_has_its_own_files_is_refused() {
    for location in ["download-cache", "install", "extends-cache/a"] {
        let scene = Scene::new();
        let section = format!("[a]\nrecipe = zc.recipe.cmmi\nurl = http://127.0.0.1:1/a.tgz\nlocation = {location}\n");
        scene.project("app", "a", &section);
        scene.hardtack("lock app").exits(2).says(&["part `a` would be put to", "give it another `location`"]);
    }
}

#[test]
fn a_download_cache_around_the_project_is_refused() {
    for folder in ["/", ".", "..", "${buildout:directory}"] {
        let scene = Scene::new();
        let parts = "[a]\nrecipe = zc.recipe.cmmi\nurl = http://127.0.0.1:1/a.tgz\n";
        scene.project("app", "a", &format!("{parts}[buildout]\ndownload-cache = {folder}\n"));
        let message = ["where the project itself lies", "buildout.cfg:12", "give it a folder of its own"];
        scene.hardtack("fetch app").exits(2).says(&message);
    }
}

#[test]
fn a_source_that_is_the_projects_own_only_on_this_machine_is_refused_when_bundling() {
    let scene = Scene::new();
    let path = scene.write("app/x-1.0.tgz", crate::support::source("x", "1.0"));
    let section = format!("[x]\nrecipe = zc.recipe.cmmi\nurl = {}\n", path.display());
    scene.project("app", "x", &section);
    scene.hardtack("bundle app --installer none").exits(2).says(&[
        "source `[SCENE]/app/x-1.0.tgz` of part `x` is one file with the project in `[SCENE]/app`, another in `/opt/app`",
        "write its path as seen from the project",
    ]);
    assert!(!scene.exists("app-1.0.tar.gz"));
}

#[test]
fn an_argument_that_is_no_text_is_refused() {
    let scene = Scene::new();
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9");
    let output = scene.command(&["install", "app-1.0.tar.gz"]).arg(odd).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("invalid UTF-8"));
}
