//! Upgrades: what a release brings, what the site did, and installations that are killed on the way.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::Server;
use crate::support::{Scene, skipped, source};

/// Two releases of one project that differ in every way a tree can, with sources from the project itself.
fn releases() -> Scene {
    let scene = Scene::new();
    for (version, one) in [("1.0", "1.0"), ("2.0", "1.1")] {
        let folder = format!("v{version}/app");
        scene.write(&format!("{folder}/src/one.tgz"), source("one", one));
        scene.write(&format!("{folder}/src/two.tgz"), source("two", "1.0"));
        let header = format!("[buildout]\nparts = one two\n\n[hardtack]\nname = app\nversion = {version}\n\n");
        let sections = "[one]\nrecipe = zc.recipe.cmmi\nurl = src/one.tgz\n\
                        [two]\nrecipe = zc.recipe.cmmi\nurl = src/two.tgz\n";
        scene.write(&format!("{folder}/buildout.cfg"), header + sections);
        scene.write(&format!("{folder}/same"), "same");
        scene.write(&format!("{folder}/changed"), version);
        scene.write(&format!("{folder}/edited"), version);
    }
    scene.write("v1.0/app/dropped/by/release", "old");
    scene.write("v1.0/app/becomes-folder", "old");
    scene.write("v1.0/app/becomes-file/inner", "old");
    scene.write("v2.0/app/becomes-folder/inner", "new");
    scene.write("v2.0/app/becomes-file", "new");
    for (version, target) in [("1.0", "same"), ("2.0", "changed")] {
        symlink(target, scene.path(format!("v{version}/app/link"))).expect("links");
    }
    symlink("same", scene.path("v1.0/app/dropped-link")).expect("links");
    symlink("dropped", scene.path("v1.0/app/link-becomes-folder")).expect("links");
    scene.write("v2.0/app/link-becomes-folder/inner", "new");
    std::fs::create_dir_all(scene.path("v2.0/app/empty/folder")).expect("makes");
    for version in ["1.0", "2.0"] {
        let project = format!("v{version}/app");
        let output = format!("app-{version}.tar.gz");
        scene.run(&["bundle", &project, "--installer", "none", "-o", &output]).ok();
    }
    scene
}

/// What the site does with an installed 1.0.
fn site_work(scene: &Scene, dest: &str) {
    scene.write(&format!("{dest}/edited"), "by the site");
    scene.write(&format!("{dest}/site.conf"), "mine");
    scene.write(&format!("{dest}/parts/one/var/data"), "mine");
    scene.write(&format!("{dest}/parts/private/secret"), "mine");
    std::fs::create_dir_all(scene.path(format!("{dest}/parts/two/spool"))).expect("makes");
    set_mode(&scene.path(format!("{dest}/parts/private")), 0o700);
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("sets the mode");
}

/// Everything below a folder but hardtack's own: paths, and what the files say.
fn shown(scene: &Scene, folder: &str) -> Vec<String> {
    let root = scene.path(folder);
    let entries = walkdir::WalkDir::new(&root).min_depth(1).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| entry.file_name() != ".hardtack" && entry.file_name() != "src");
    let line = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(&root).expect("below").display().to_string();
        let name = entry.file_name().to_string_lossy();
        match () {
            () if entry.file_type().is_symlink() => {
                format!("{path} -> {}", std::fs::read_link(entry.path()).expect("reads").display())
            }
            () if entry.file_type().is_dir() => format!("{path}/"),
            () if name == "buildout.cfg" || name == "hardtack.lock" => path,
            () => {
                let text = std::fs::read_to_string(entry.path()).expect("reads");
                format!("{path}: {}", text.lines().last().unwrap_or_default().split(" at ").next().unwrap_or_default())
            }
        }
    };
    entries.map(|entry| line(entry.expect("reads"))).collect()
}

const OLD: &[&str] = &[
    "becomes-file/",
    "becomes-file/inner: old",
    "becomes-folder: old",
    "buildout.cfg",
    "changed: 1.0",
    "dropped/",
    "dropped-link -> same",
    "dropped/by/",
    "dropped/by/release: old",
    "edited: by the site",
    "hardtack.lock",
    "link -> same",
    "link-becomes-folder -> dropped",
    "parts/",
    "parts/one/",
    "parts/one/bin/",
    "parts/one/bin/one: echo one 1.0",
    "parts/one/var/",
    "parts/one/var/data: mine",
    "parts/private/",
    "parts/private/secret: mine",
    "parts/two/",
    "parts/two/bin/",
    "parts/two/bin/two: echo two 1.0",
    "parts/two/spool/",
    "same: same",
    "site.conf: mine",
];

const NEW: &[&str] = &[
    "becomes-file: new",
    "becomes-folder/",
    "becomes-folder/inner: new",
    "buildout.cfg",
    "changed: 2.0",
    "edited: by the site",
    "edited.hardtack-new: 2.0",
    "empty/",
    "empty/folder/",
    "hardtack.lock",
    "link -> changed",
    "link-becomes-folder/",
    "link-becomes-folder/inner: new",
    "parts/",
    "parts/one/",
    "parts/one/bin/",
    "parts/one/bin/one: echo one 1.1",
    "parts/one/var/",
    "parts/one/var/data: mine",
    "parts/private/",
    "parts/private/secret: mine",
    "parts/two/",
    "parts/two/bin/",
    "parts/two/bin/two: echo two 1.0",
    "parts/two/spool/",
    "same: same",
    "site.conf: mine",
];

#[test]
fn a_release_may_differ_in_every_way_and_the_sites_work_stays() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    site_work(&scene, "dest");
    assert_eq!(sorted(shown(&scene, "dest")), sorted(OLD.to_vec()));
    scene.hardtack("install app-2.0.tar.gz dest").ok().says(&[
        "building one again: source `one.tgz` changed\n",
        "note: `[SCENE]/dest/edited` is not as the last release left it, and stays; the new one is `[SCENE]/dest/edited.hardtack-new`",
        "1 part built, 1 kept",
    ]);
    assert_eq!(sorted(shown(&scene, "dest")), sorted(NEW.to_vec()));
    let mode = scene.path("dest/parts/private").metadata().expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    scene.hardtack("install app-2.0.tar.gz dest").ok().says(&["everything is installed already"]);
}

fn sorted<T: AsRef<str>>(lines: Vec<T>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.as_ref().to_owned()).collect();
    lines.sort();
    lines
}

#[test]
fn a_kill_at_any_rename_leaves_what_the_next_install_puts_right() {
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped("strace is not here");
    }
    let scene = releases();
    for level in ["full", "seccomp"] {
        let base = format!("base-{level}");
        let install = |version: &str, dest: &str| {
            let bundle = format!("app-{version}.tar.gz");
            scene.run(&["install", &bundle, dest, "--sandbox", level, "--allow-downtime"])
        };
        let first = install("1.0", &base);
        if first.stderr.contains("error[no-isolation]") {
            skipped(&format!("level {level} is not to be had here"));
            continue;
        }
        first.ok();
        site_work(&scene, &base);
        let mut kills = 0;
        for nth in 1.. {
            let dest = format!("{level}-{nth}");
            // Installed programs know their prefix, so what is killed must be what was installed: under one name.
            std::fs::rename(scene.path(&base), scene.path(&dest)).expect("moves");
            let copied = Command::new("cp").arg("-a").args([scene.path(&dest), scene.path(&base)]).status();
            assert!(copied.expect("cp runs").success());
            let inject = format!("inject=rename,renameat,renameat2:signal=KILL:when={nth}");
            let mut strace = Command::new("strace");
            strace.args(["-qq", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-e", &inject]);
            let bundle = scene.path("app-2.0.tar.gz");
            strace.arg(env!("CARGO_BIN_EXE_hardtack")).arg("install").arg(bundle).arg(&dest);
            strace.args(["--sandbox", level, "--allow-downtime"]).current_dir(scene.path(""));
            strace.env("HOME", scene.path("home")).stderr(Stdio::null());
            let killed = !strace.status().expect("strace runs").success();
            // Every other time the operator goes back instead of on.
            let (version, wanted) = if killed && nth % 2 == 0 { ("1.0", OLD) } else { ("2.0", NEW) };
            install(version, &dest).ok();
            let mut found = sorted(shown(&scene, &dest));
            if version == "1.0" {
                // The new file beside the site's own may have been put there already: it is the site's to remove.
                found.retain(|line| !line.contains(".hardtack-new"));
            }
            assert_eq!(found, sorted(wanted.to_vec()), "level {level}, killed at rename {nth}, then {version}");
            if version == "2.0" {
                let previous = format!("{dest}/.hardtack/previous/tree/parts/one/bin/one");
                assert!(scene.exists(&previous), "level {level}, killed at rename {nth}: no previous generation");
            }
            std::fs::remove_dir_all(scene.path(&dest)).expect("removes");
            kills += usize::from(killed);
            if !killed {
                break;
            }
        }
        assert!(kills > 10, "level {level}: only {kills} renames were interrupted");
    }
}

#[test]
fn a_file_of_the_sites_in_the_way_stops_the_upgrade_before_it_begins() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    std::fs::remove_file(scene.path("dest/becomes-folder")).expect("removes");
    scene.write("dest/becomes-folder", "the site's");
    let before = shown(&scene, "dest");
    scene.hardtack("install app-2.0.tar.gz dest").exits(4).says(&[
        "error[blocked]: `[SCENE]/dest/becomes-folder/inner` cannot be installed: `[SCENE]/dest/becomes-folder` is in \
         the way",
        "hint: move it to another place",
    ]);
    assert_eq!(shown(&scene, "dest"), before);
    std::fs::rename(scene.path("dest/becomes-folder"), scene.path("dest/becomes-folder.mine")).expect("moves");
    scene.hardtack("install app-2.0.tar.gz dest").ok();
}

#[test]
fn a_folder_of_the_sites_where_the_release_has_a_file_stays() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    std::fs::remove_file(scene.path("dest/changed")).expect("removes");
    scene.write("dest/changed/mine", "mine");
    scene.hardtack("install app-2.0.tar.gz dest").ok().says(&["dest/changed.hardtack-new`"]);
    assert_eq!(scene.read("dest/changed/mine"), "mine");
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert_eq!(scene.read("dest/changed/mine"), "mine");
}

#[test]
fn a_changed_file_whose_release_did_not_change_is_kept_in_silence() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.write("dest/same", "by the site");
    scene.hardtack("install app-2.0.tar.gz dest").ok().never_says(&["dest/same`"]);
    assert_eq!(scene.read("dest/same"), "by the site");
    assert!(!scene.exists("dest/same.hardtack-new"));
}

#[test]
fn special_files_and_odd_names_of_the_site_are_brought_along() {
    let scene = releases();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    let fifo = scene.path("dest/parts/one/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9");
    std::fs::write(scene.path("dest/parts/one").join(odd), "mine").expect("writes");
    scene.hardtack("install app-2.0.tar.gz dest").ok();
    assert!(scene.exists("dest/parts/one/fifo"));
    assert!(scene.path("dest/parts/one").join(odd).exists());
}

#[test]
fn an_installation_has_the_modes_it_was_made_with_whatever_the_umask() {
    let scene = releases();
    let line = format!("umask 077 && exec {} install app-1.0.tar.gz dest", env!("CARGO_BIN_EXE_hardtack"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(scene.path("")).env("HOME", scene.path("home"));
    assert!(shell.status().expect("runs").success());
    for path in ["dest", "dest/parts", "dest/parts/one/bin", "dest/dropped/by"] {
        let mode = scene.path(path).metadata().expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{path}");
    }
}

#[test]
fn an_installation_without_network_is_not_taken_from_one_with() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest --sandbox none").ok();
    scene
        .hardtack("install app-1.0.tar.gz dest --allow-downtime")
        .ok()
        .says(&["building foo again: it was built at level none, and this is "]);
}

#[test]
fn what_the_site_has_where_a_part_brings_a_file_stops_the_installation() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("bundle app --installer none").ok();
    // A file under a name the part brings, and a folder with something in it.
    for (path, made) in [("one/parts/foo/bin/foo", "one"), ("two/parts/foo/bin/foo/mine", "two")] {
        scene.run(&["install", "app-1.0.tar.gz", made]).ok();
        std::fs::remove_dir_all(scene.path(format!("{made}/parts/foo"))).expect("removes");
        std::fs::remove_file(scene.path(format!("{made}/.hardtack/records/foo.json"))).expect("removes");
        scene.write(path, "the site's");
        let ran = scene.run(&["install", "app-1.0.tar.gz", made]).exits(4);
        ran.says(&[
            "error[blocked]: `[SCENE]/",
            "/parts/foo/bin/foo` cannot be installed",
            "hint: move it to another place",
        ]);
        assert_eq!(scene.read(path), "the site's");
    }
}
