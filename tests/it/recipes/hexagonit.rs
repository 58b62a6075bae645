//! The recipes of hexagonit.

use super::{PATCH, install, project, telling};
use crate::support::{Member, archive};

#[test]
fn a_package_is_patched_configured_and_made() {
    let scene = project(
        "p",
        "[p]\nrecipe = hexagonit.recipe.cmmi\nurl = t.tgz\npatches = ${buildout:directory}/fix.patch\n\
         configure-options = --with=x\n  --and\nenvironment-section = env\nenvironment =\n  B=%(A)s b\nmake-options = X=1\n\
         [env]\nA = 100%%\n",
    );
    // Variables see those from before, not one another.
    let config = scene.read("app/buildout.cfg").replace("B=%(A)s", "B=%(TZ)s");
    scene.write("app/buildout.cfg", config);
    scene.write("app/t.tgz", telling());
    scene.write("app/fix.patch", PATCH);
    install(&scene);
    let prefix = scene.path("app/parts/p").display().to_string();
    let told = format!("configure --prefix={prefix} --with=x --and\nmake  1\nmake install 1\n");
    assert_eq!((scene.read("app/parts/p/told"), scene.read("app/parts/p/data")), (told, "new\n".to_owned()));
}

#[test]
fn files_and_archives_are_put_to_their_destination() {
    let docs = archive(&[
        Member { path: "d-1/doc/a.txt", text: "a", executable: false },
        Member { path: "d-1/src/b.c", text: "b", executable: true },
    ]);
    let section =
        |name: &str, more: &str| format!("[{name}]\nrecipe = hexagonit.recipe.download\nurl = d-1.tgz\n{more}\n");
    let scene = project(
        "whole stripped file named",
        &[
            section("whole", "excludes =\n  */doc/*"),
            section("stripped", "strip-top-level-dir = true\ndestination = ${buildout:directory}/vendor/d"),
            section("file", "download-only = true"),
            section("named", "download-only = true\nfilename = own\nmode = 0755"),
        ]
        .concat(),
    );
    scene.write("app/d-1.tgz", &docs);
    install(&scene);
    assert!(scene.exists("app/parts/whole/d-1/src/b.c") && !scene.exists("app/parts/whole/d-1/doc"));
    assert!(scene.exists("app/vendor/d/doc/a.txt"));
    assert!(scene.exists("app/parts/file/d-1.tgz"));
    let mode = std::fs::metadata(scene.path("app/parts/named/own")).expect("is there").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o7777, 0o755);
    scene.project("app", "bad", &section("bad", "download-only = true\nmode = rwx"));
    scene.hardtack("-C app fetch").exits(2).says(&["part `bad`: `rwx` is no mode in octal"]);
}

#[test]
fn parts_that_only_a_section_of_variables_names_are_built_first() {
    let scene = project(
        "t",
        "[t]\nrecipe = hexagonit.recipe.cmmi\nurl = t.tgz\nenvironment-section = env\nconfigure-command = test -e ${:file}\nfile = x\n\
         [env]\nLIB = ${lib:location}/t-1\n[lib]\nrecipe = hexagonit.recipe.download\nurl = t.tgz\n",
    );
    let config = scene.read("app/buildout.cfg").replace(
        "test -e ${:file}",
        "test -e $LIB/configure && ./configure\nconfigure-options = --prefix=${buildout:parts-directory}/t",
    );
    scene.write("app/buildout.cfg", config);
    scene.write("app/t.tgz", telling());
    scene.hardtack("install app").ok().says(&["2 parts built"]);
}
