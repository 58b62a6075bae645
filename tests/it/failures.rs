//! What a user sees when it goes wrong: whole screens.

use snapbox::{assert_data_eq, str};

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
fn an_option_that_is_a_typo() {
    let scene = Scene::new();
    scene.project("app", "a", "[a]\nrecipe = zc.recipe.cmmi\nurl = http://127.0.0.1:1/a.tgz\nconfigure-option = --x\n");
    assert_data_eq!(
        scene.hardtack("fetch app --dry-run").ok().stderr,
        str![[r#"
note: part `a`: no recipe reads option `configure-option`; did you mean `configure-options`? (buildout.cfg:11)

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
