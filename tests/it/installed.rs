//! `status`, `rollback` and `uninstall`, and `verify` of what is installed.

use crate::server::Server;
use crate::support::{Scene, output_of, set_mode, source, source_with_makefile};

/// Two releases, of which the second brings other files and another part.
fn releases() -> Scene {
    let (scene, server) = (Scene::new(), Server::start());
    let part = |name: &str, version: &str| {
        let url = server.file(&format!("/{name}-{version}.tgz"), source(name, version));
        format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n")
    };
    let header = |version: &str, parts: &str| {
        format!("[buildout]\nparts = {parts}\n[hardtack]\nname = app\nversion = {version}\n")
    };
    scene.write("app/buildout.cfg", header("1.0", "one gone") + &part("one", "1.0") + &part("gone", "1.0"));
    scene.write("app/settings.ini", "of release 1\n");
    scene.write("app/only-in-1.txt", "x");
    scene.write("app/same.txt", "same");
    scene.hardtack("bundle app --installer none").ok();
    scene.write("app/buildout.cfg", header("2.0", "one new") + &part("one", "2.0") + &part("new", "2.0"));
    scene.write("app/settings.ini", "of release 2\n");
    scene.write("app/only-in-2.txt", "x");
    std::fs::remove_file(scene.path("app/only-in-1.txt")).expect("removes");
    scene.hardtack("bundle app --installer none").ok();
    scene
}

/// What people see of the destination.
fn visible(scene: &Scene) -> Vec<String> {
    scene.tree("dest").into_iter().filter(|path| !path.starts_with(".hardtack")).collect()
}

fn one_says(scene: &Scene, version: &str) -> bool {
    output_of(&scene.path("dest/parts/one/bin/one")).starts_with(&format!("one {version}"))
}

#[test]
fn a_rollback_brings_everything_back_and_a_second_one_goes_forth() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.write("dest/same.txt", "the site's");
    scene.write("dest/parts/one/of-the-site", "x");
    scene.write("dest/notes.txt", "x");
    let first = visible(&scene);
    scene.hardtack("rollback dest").exits(2).says(&["error[no-previous]", "has no generation before this one"]);
    assert_eq!(visible(&scene), first);

    scene.hardtack("install app-2.0.tar.gz dest").ok();
    let second = visible(&scene);
    assert!(one_says(&scene, "2.0") && second != first);
    let status = scene.hardtack("status dest").ok().stdout;
    for line in ["app 2.0 (manifest ", "isolation: ", "part one: 1 file, built in ", "before: app 1.0 (manifest "] {
        assert!(status.contains(line), "no {line:?} in\n{status}");
    }

    scene.hardtack("rollback dest").ok().says(&["dest has app 1.0 (manifest ", " again"]);
    assert_eq!(visible(&scene), first);
    assert!(one_says(&scene, "1.0") && scene.read("dest/settings.ini") == "of release 1\n");
    assert_eq!(scene.read("dest/same.txt"), "the site's");
    scene.hardtack("verify dest").ok().says(&["is as it was installed"]);
    scene.hardtack("install app-1.0.tar.gz dest").ok().says(&["0 parts built, 2 kept"]);
    scene.hardtack("rollback dest").ok();

    scene.hardtack("rollback dest").ok();
    scene.hardtack("rollback dest").ok();
    scene.hardtack("install app-2.0.tar.gz dest").ok();
    assert!(one_says(&scene, "2.0"));
    assert_eq!(visible(&scene), second);
}

#[test]
fn a_rollback_of_what_is_not_whole_changes_nothing() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.hardtack("install app-2.0.tar.gz dest").ok();
    let before = visible(&scene);
    std::fs::remove_dir_all(scene.path("dest/.hardtack/previous/tree/parts/gone")).expect("removes");
    let ran = scene.hardtack("rollback dest").exits(4);
    ran.says(&["error[previous-damaged]", "previous/tree/parts/gone/bin/gone` of the generation before is gone"]);
    assert_eq!(visible(&scene), before);
    scene.hardtack("verify dest").ok();
}

#[test]
fn files_of_parts_that_the_site_edited_go_back_and_forth_and_are_never_lost() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.write("dest/parts/one/bin/one", "#!/bin/sh\necho edited at the site\n");
    scene.hardtack("install app-2.0.tar.gz dest").ok();
    scene.hardtack("rollback dest").ok();
    assert!(scene.read("dest/parts/one/bin/one").contains("edited at the site"));
    scene.hardtack("rollback dest").ok();
    let ran = scene.hardtack("uninstall dest").ok();
    ran.says(&["1 file left", "  parts/one/bin/one.hardtack-previous"]);
    assert!(scene.read("dest/parts/one/bin/one.hardtack-previous").contains("edited at the site"));
}

/// Kills a command at its so-manieth change of names; whether it was killed.
fn killed_at(scene: &Scene, count: usize, arguments: &[&str]) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let inject = format!("inject=rename,renameat,renameat2,unlink,unlinkat,rmdir:signal=KILL:when={count}");
    let words = ["-f", "-qq", "-o", "/dev/null", "-e", &inject];
    let status = scene.under("strace", &words, arguments).output().expect("strace runs").status;
    status.signal() == Some(9) || status.code() == Some(137)
}

#[test]
fn a_rollback_or_an_uninstallation_that_was_killed_goes_on_with_the_same_command() {
    if std::process::Command::new("strace").arg("--version").output().is_err() {
        return crate::support::skipped("strace is not here");
    }
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.write("dest/parts/one/of-the-site", "x");
    scene.hardtack("install app-2.0.tar.gz dest").ok();
    let copy = |name: &str| {
        let _ = std::fs::remove_dir_all(scene.path(name));
        let copied = std::process::Command::new("cp").arg("-a").arg(scene.path("dest")).arg(scene.path(name)).status();
        assert!(copied.is_ok_and(|status| status.success()));
    };
    let mut kills = 0;
    for count in 1.. {
        copy("copy");
        if !killed_at(&scene, count, &["rollback", "copy"]) {
            break;
        }
        kills += 1;
        scene.hardtack("rollback copy").ok().says(&["copy has app 1.0"]);
        assert!(
            scene.read("copy/settings.ini") == "of release 1\n" && scene.exists("copy/parts/one/of-the-site"),
            "{count}"
        );
        scene.hardtack("verify copy").ok();
    }
    assert!(kills > 5, "{kills}");
    for count in 1.. {
        copy("copy");
        if !killed_at(&scene, count, &["uninstall", "copy"]) {
            break;
        }
        let again = scene.hardtack("uninstall copy");
        assert!(again.code == Some(0) || again.stderr.contains("nothing is installed"), "{count}: {}", again.stderr);
        let left: Vec<String> = scene.tree("copy").into_iter().filter(|path| !path.starts_with(".hardtack/")).collect();
        assert_eq!(left, ["parts/one/of-the-site"], "{count}");
    }
}

#[test]
fn an_uninstallation_takes_what_was_installed_and_leaves_the_rest() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.hardtack("install app-2.0.tar.gz dest").ok();
    scene.hardtack("uninstall dest").ok().says(&["removed app 2.0 (manifest "]).never_says(&["left"]);
    assert!(!scene.exists("dest"));

    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.write("dest/settings.ini", "the site's\n");
    scene.write("dest/data/file", "x");
    scene.write("dest/parts/one/etc/of-the-site", "x");
    scene.write("dest/parts/gone/bin/gone", "#!/bin/sh\necho mended at the site\n");
    let ran = scene.hardtack("uninstall dest").ok();
    ran.says(&["4 files left, which the site put there or changed:", "  parts/one/etc/of-the-site"]);
    assert_eq!(scene.tree("dest"), ["data/file", "parts/gone/bin/gone", "parts/one/etc/of-the-site", "settings.ini"]);
    assert_eq!(scene.read("dest/settings.ini"), "the site's\n");
}

#[test]
fn an_uninstalled_project_keeps_its_own_files() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("fetch app").ok();
    scene.hardtack("install app").ok();
    scene.hardtack("status app").ok();
    scene.hardtack("verify app").ok();
    scene.hardtack("uninstall app").ok().says(&["removed a project, installed where it is"]);
    assert_eq!(scene.tree("app"), ["buildout.cfg", "hardtack.lock"]);
}

#[test]
fn what_changed_since_it_was_installed_is_named() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.hardtack("verify dest").ok().says(&["[SCENE]/dest is as it was installed: "]);
    scene.write("dest/settings.ini", "the site's\n");
    scene.write("dest/data/file", "x");
    scene.hardtack("verify dest").ok().says(&["note: `settings.ini` was changed at the site"]);

    let program = scene.path("dest/parts/one/bin/one");
    set_mode(&program, 0o711);
    std::fs::remove_file(scene.path("dest/parts/gone/bin/gone")).expect("removes");
    let ran = scene.hardtack("verify dest").exits(6);
    let ran = ran.says(&["error[installation-changed]", "2 files of its parts differ"]);
    ran.says(&["error: `parts/one/bin/one` was changed", "error: `parts/gone/bin/gone` is gone"]);
}

#[test]
fn a_failure_says_what_is_probably_missing_on_a_page_that_goes_when_it_is_mended() {
    let (scene, server) = (Scene::new(), Server::start());
    let makefile = "all:\n\techo '#include <ldap.h>' > b.c; echo 'b.c:1:10: fatal error: ldap.h: No such file or directory'; test -e $(OUT)/../../../mended\ninstall:\n";
    let url = server.file("/p-1.tgz", source_with_makefile(makefile));
    let options = format!("url = {url}\nenvironment = OUT=${{buildout:parts-directory}}/p\n");
    scene.project("app", "p", &format!("[p]\nrecipe = zc.recipe.cmmi\n{options}"));
    scene.hardtack("bundle app --installer none").ok();
    let hint =
        "hint: probably the header `ldap.h` is missing; it is in libldap-dev (Debian) or openldap-devel (Fedora)";
    let ran = scene.hardtack("install app-1.0.tar.gz dest").exits(5);
    ran.says(&[hint, "hint: one page on this, to be sent to who made the bundle: [SCENE]/dest/hardtack-failure.txt"]);
    let page = scene.read("dest/hardtack-failure.txt");
    for line in
        ["What hardtack could not build\n", "release    app 1.0, manifest ", "step `make` of part `p` failed", hint]
    {
        assert!(page.contains(line), "no {line:?} in\n{page}");
    }
    // Somebody's own file of that name stays.
    scene.write("dest/hardtack-failure.txt", "mine");
    scene.hardtack("install app-1.0.tar.gz dest").exits(5).never_says(&["one page"]);
    assert_eq!(scene.read("dest/hardtack-failure.txt"), "mine");
    scene.write("dest/hardtack-failure.txt", page);

    let good = server.file("/p-2.tgz", source_with_makefile("all install:\n\t@true\n"));
    scene.project("app", "p", &format!("[p]\nrecipe = zc.recipe.cmmi\nurl = {good}\n"));
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert!(!scene.exists("dest/hardtack-failure.txt"));
}

#[test]
fn a_dry_run_says_what_would_be_built_and_why_and_does_nothing() {
    let scene = releases();
    let first = scene.hardtack("install -n app-1.0.tar.gz dest").ok().stdout;
    assert_eq!(first, "build\tone\tzc.recipe.cmmi\tit is new\nbuild\tgone\tzc.recipe.cmmi\tit is new\n");
    assert!(!scene.exists("dest"));
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    let before = scene.tree("dest");
    let again = scene.hardtack("install -n app-1.0.tar.gz dest").ok().stdout;
    assert_eq!(again, "keep\tone\tzc.recipe.cmmi\t\nkeep\tgone\tzc.recipe.cmmi\t\n");
    let second = scene.hardtack("install -n app-2.0.tar.gz dest").ok().stdout;
    let wanted = "build\tone\tzc.recipe.cmmi\tsource `one-1.0.tgz` is gone; source `one-2.0.tgz` is new\n\
                  build\tnew\tzc.recipe.cmmi\tit is new\nremove\tgone\t\tthe config no longer has it\n";
    assert_eq!(second, wanted);
    assert_eq!(scene.tree("dest"), before);
    let json = scene.hardtack("install -n app-2.0.tar.gz dest --format json").ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["parts"][2]["action"], "remove");

    std::fs::remove_dir_all(scene.path("dest/parts/one")).expect("removes");
    let broken = scene.hardtack("install -n app-1.0.tar.gz dest").ok().stdout;
    assert!(broken.starts_with("build\tone\tzc.recipe.cmmi\tits files are gone or have changed\n"), "{broken}");

    let server = Server::start();
    scene.foo_project(&server);
    scene.hardtack("install -n app").exits(3).says(&["error[source-missing]"]);
    scene.hardtack("fetch app").ok();
    assert_eq!(scene.hardtack("install -n app").ok().stdout, "build\tfoo\tzc.recipe.cmmi\tit is new\n");
    assert!(!scene.exists("app/.hardtack") && !scene.exists("app/parts"));
}

#[test]
fn what_a_build_puts_beside_its_location_is_installed_too_and_goes_with_the_rest() {
    let (scene, server) = (Scene::new(), Server::start());
    let part = |name: &str, version: &str| {
        let lines = format!("mkdir -p $(TOP)/conf && echo {name} {version} > $(TOP)/conf/{name}.conf");
        let url = server
            .file(&format!("/{name}-{version}.tgz"), source_with_makefile(&format!("all:\ninstall:\n\t{lines}\n")));
        format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\nenvironment = TOP=${{buildout:directory}}\n")
    };
    let bundle = |version: &str, one: &str| {
        let header = format!("[buildout]\nparts = one two\n[hardtack]\nname = app\nversion = {version}\n");
        scene.write("app/buildout.cfg", header + &part("one", one) + &part("two", "1"));
        scene.write("app/conf/of-the-project", "x");
        scene.hardtack("bundle app --installer none").ok();
    };
    bundle("1.0", "1");
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert_eq!(scene.read("dest/conf/one.conf") + &scene.read("dest/conf/two.conf"), "one 1\ntwo 1\n");
    scene.hardtack("install app-1.0.tar.gz dest").ok().says(&["everything is installed already"]);
    scene.hardtack("verify dest").ok();
    // One is built anew and brings its file; the other is kept, and so is its file.
    bundle("2.0", "2");
    scene.hardtack("install app-2.0.tar.gz dest").ok().says(&["1 part built, 1 kept"]);
    assert_eq!(scene.read("dest/conf/one.conf") + &scene.read("dest/conf/two.conf"), "one 2\ntwo 1\n");
    scene.hardtack("rollback dest").ok();
    assert_eq!(scene.read("dest/conf/one.conf") + &scene.read("dest/conf/two.conf"), "one 1\ntwo 1\n");
    // The site's changes stay.
    scene.write("dest/conf/two.conf", "the site's");
    scene.hardtack("install app-2.0.tar.gz dest").ok();
    assert_eq!(scene.read("dest/conf/two.conf"), "the site's");
    scene.hardtack("uninstall dest").ok().says(&["1 file left", "  conf/two.conf"]);
}

#[test]
fn where_nothing_is_installed_nothing_is_made() {
    let scene = Scene::new();
    scene.write("folder/file", "x");
    for command in ["status", "rollback", "uninstall"] {
        for place in ["folder", "nowhere"] {
            let ran = scene.hardtack(&format!("{command} {place}")).exits(2);
            ran.says(&["error[not-installed]: nothing is installed at `[SCENE]/"]);
        }
    }
    scene.hardtack("verify folder").exits(2).says(&["error[not-a-bundle]", "nothing is installed there"]);
    assert_eq!(scene.tree("folder"), ["file"]);
    assert!(!scene.exists("nowhere"));
}

#[test]
fn the_doctor_says_whether_a_bundle_has_what_it_needs() {
    let scene = Scene::new();
    let bundle = |command: &str| {
        let part = format!(
            "[a]\nrecipe = plone.recipe.command\ncommand = {command}\n[b]\nrecipe = hardtack:make\npath = src\n"
        );
        scene.project("app", "a b", &part);
        scene.write("app/src/Makefile", "all install:\n");
        scene.hardtack("bundle app --installer none").ok();
    };
    bundle("true");
    let told = scene.hardtack("doctor app-1.0.tar.gz").ok().stdout;
    assert!(told.contains("ok  make: for b, on /usr/local/bin:/usr/bin:/bin"), "{told}");
    let config = scene.read("app/buildout.cfg").replace("path = src", "path = src\nconfigure = nothing-like-that");
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("doctor app-1.0.tar.gz").exits(4);
    let ran = ran.says(&["error[missing-tools]: the bundle needs 1 thing that this machine has not"]);
    assert!(ran.stdout.contains("no  nothing-like-that: for b, not on"), "{}", ran.stdout);
}

#[test]
fn the_doctor_says_what_the_machine_allows() {
    let scene = Scene::new();
    let told = scene.hardtack("doctor").ok().stdout;
    for line in ["isolation at level `full`: ", "isolation at level `seccomp`: ", "make: on /usr/local/bin", "disk: "] {
        assert!(told.contains(line), "no {line:?} in\n{told}");
    }
    let told = scene.hardtack("doctor --format json").ok().stdout;
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["isolated"], true);
}

#[test]
fn killed_at_any_moment_an_upgrade_leaves_a_program_that_runs() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    for round in 0..30u64 {
        let bundle = if round % 2 == 0 { "app-2.0.tar.gz" } else { "app-1.0.tar.gz" };
        let mut command = scene.command(&["install", bundle, "dest", "-q"]);
        let mut running = command.stderr(std::process::Stdio::null()).spawn().expect("starts");
        // From before its first look to after its last move.
        std::thread::sleep(std::time::Duration::from_millis(round * 17 % 290));
        let _ = running.kill();
        running.wait().expect("ends");
        let said = output_of(&scene.path("dest/parts/one/bin/one"));
        assert!(said.starts_with("one 1.0") || said.starts_with("one 2.0"), "round {round}: {said}");
    }
    // What the killed one had started may take a moment to be gone.
    let ended = (0..50).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        scene.hardtack("install app-2.0.tar.gz dest").code == Some(0)
    });
    assert!(ended && one_says(&scene, "2.0") && scene.read("dest/settings.ini") == "of release 2\n");
    scene.hardtack("verify dest").ok();
    assert!(!scene.exists("dest/.hardtack/next") && !scene.exists("dest/.hardtack/journal"));
}
