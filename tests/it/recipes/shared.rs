//! Parts that are built once a machine.

use crate::server::Server;
use crate::support::{Scene, skipped, source_with_makefile};

/// A bundle of a shared part and one that uses it; the makefile of the first counts how often it is built.
fn bundled(more: &str) -> Scene {
    let (scene, server) = (Scene::new(), Server::start());
    let makefile = "all:\n\t@date +%N > built\ninstall:\n\tmkdir -p $(prefix)/lib; cp built $(prefix)/lib\n";
    let archive = source_with_makefile(makefile);
    let md5 = md5_of(&archive);
    let base = server.file("/base.tgz", archive);
    let user = "all:\n\t@cp $(BASE)/lib/built seen\ninstall:\n\tmkdir -p $(prefix); cp seen $(prefix)\n";
    let user = server.file("/user.tgz", source_with_makefile(user));
    let shared = scene.path("machine/shared").display().to_string();
    let config = format!(
        "[base]\nrecipe = slapos.recipe.cmmi\nurl = {base}\nmd5sum = {md5}\nshared = true\nconfigure-command = true\n{more}\n\
         [user]\nrecipe = slapos.recipe.cmmi\nurl = {user}\nconfigure-command = true\nenvironment =\n  BASE=${{base:location}}\n"
    );
    scene.project("app", "user", &config);
    let config = scene
        .read("app/buildout.cfg")
        .replace("[buildout]\n", &format!("[buildout]\nshared-part-list =\n  {shared}\n"));
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none").ok();
    scene
}

fn md5_of(bytes: &[u8]) -> String {
    let scene = Scene::new();
    let file = scene.write("file", bytes);
    let output = std::process::Command::new("md5sum").arg(file).output().expect("md5sum runs");
    String::from_utf8_lossy(&output.stdout)[..32].to_owned()
}

/// The folders of the part that are there.
fn places(scene: &Scene) -> Vec<String> {
    let entries = std::fs::read_dir(scene.path("machine/shared/base")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_shared_part_is_built_once_and_outlives_its_installations() {
    for level in ["full", "seccomp"] {
        let scene = bundled("");
        let install = |dest: &str| scene.run(&["install", "app-1.0.tar.gz", dest, "--sandbox", level]);
        let ran = install("one");
        if ran.stderr.contains("error[no-isolation]") {
            skipped(&format!("level {level} is not to be had here"));
            continue;
        }
        ran.ok().says(&["2 parts built"]);
        let [place] = &places(&scene)[..] else { panic!("{:?}", places(&scene)) };
        let built = scene.read(format!("machine/shared/base/{place}/lib/built"));
        assert_eq!(scene.read("one/parts/user/seen"), built);
        assert!(!scene.exists("one/parts/base"));
        install("two").ok().says(&["1 part built, 1 kept"]);
        assert_eq!(scene.read("two/parts/user/seen"), built);
        install("two").ok().says(&["everything is installed already"]);
        let status = scene.hardtack("status one").ok().stdout;
        assert!(status.contains("part base: shared with other installations, at "), "{status}");
        scene.hardtack("uninstall one").ok();
        scene.hardtack("verify two").ok();

        // Changed by hand: told, and built again where it is.
        scene.write(&format!("machine/shared/base/{place}/lib/built"), "something else");
        scene.hardtack("verify two").exits(6).says(&["machine/shared/base/", "lib/built` was changed"]);
        scene.run(&["install", "app-1.0.tar.gz", "two", "--sandbox", level, "--allow-downtime"]).ok();
        scene.hardtack("verify two").ok();
        assert_ne!(scene.read(format!("machine/shared/base/{place}/lib/built")), "something else");
    }
}

#[test]
fn other_options_are_another_place() {
    let scene = bundled("");
    scene.hardtack("install app-1.0.tar.gz one").ok();
    let config = scene.read("app/buildout.cfg").replace("shared = true", "shared = true\nmake-options = X=1");
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none -o other.tar.gz").ok();
    scene.hardtack("install other.tar.gz two").ok().says(&["2 parts built"]);
    assert_eq!(places(&scene).len(), 2);
}

#[test]
fn two_installations_at_once_build_it_once() {
    let scene = bundled("pre-configure = sleep 0.5");
    let start =
        |dest: &str| scene.command(&["install", "app-1.0.tar.gz", dest]).stderr(std::process::Stdio::piped()).spawn();
    let running = [start("one").expect("starts"), start("two").expect("starts")];
    let told: Vec<String> = running
        .map(|child| child.wait_with_output().expect("ends"))
        .into_iter()
        .map(|output| {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stderr).into_owned()
        })
        .collect();
    assert!(told.iter().any(|told| told.contains("base: waiting for another installation that builds it")), "{told:?}");
    assert_eq!(scene.read("one/parts/user/seen"), scene.read("two/parts/user/seen"));
}

#[test]
fn of_a_build_that_fails_nothing_is_left() {
    let scene = bundled("post-install = false");
    scene.hardtack("install app-1.0.tar.gz one").exits(5).says(&["step `post-install` of part `base` failed"]);
    assert_eq!(places(&scene), Vec::<String>::new());
}

#[test]
fn where_there_is_no_folder_for_them_each_installation_builds_its_own() {
    let scene = bundled("");
    let config = scene.read("app/buildout.cfg");
    scene.write("app/buildout.cfg", config.replace("shared-part-list", "other-list"));
    scene.hardtack("bundle app --installer none -o own.tar.gz").ok();
    scene.hardtack("install own.tar.gz one").ok();
    assert!(scene.exists("one/parts/base/lib/built") && !scene.exists("machine"));
    scene.write("app/buildout.cfg", config.replace("shared-part-list =", "shared-part-list = not/absolute\nx ="));
    scene
        .hardtack("-C app fetch")
        .exits(2)
        .says(&["`shared-part-list` names `not/absolute`, which is no absolute path"]);
}

#[test]
fn what_a_part_is_made_from_must_be_pinned_for_it_to_be_shared() {
    let scene = bundled("");
    let config = scene.read("app/buildout.cfg");
    let line = config.lines().find(|line| line.starts_with("md5sum")).expect("a digest").to_owned();
    scene.write("app/buildout.cfg", config.replace(&line, ""));
    scene.hardtack("bundle app --installer none -o own.tar.gz").ok().says(&[
        "note: part `base`: it is built for each installation, since its options do not say which bytes it is made from",
    ]);
    scene.hardtack("install own.tar.gz one").ok();
    assert!(scene.exists("one/parts/base/lib/built") && !scene.exists("machine"));
}

#[test]
fn a_shared_part_stays_what_it_is_whoever_comes_after() {
    let scene = bundled("");
    scene.hardtack("install app-1.0.tar.gz one").ok();
    // Another level and other variables are no reason to take it from under the first.
    let ran = scene.run(&["install", "app-1.0.tar.gz", "two", "--sandbox=seccomp", "--env", "X=1"]);
    if ran.stderr.contains("error[no-isolation]") {
        return skipped("level seccomp is not to be had here");
    }
    ran.ok().says(&["1 part built, 1 kept"]);
    scene.hardtack("verify one").ok();
}

#[test]
fn two_users_build_parts_in_one_folder() {
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        return skipped("two users need root");
    }
    let (scene, other) = (bundled(""), bundled("make-options = X=2"));
    let shared = scene.path("machine/shared").display().to_string();
    scene.hardtack("install app-1.0.tar.gz one").ok();
    // The folder was made by the first; whose it is to be, its administrator says.
    let chmod = format!("chmod -R a+rwX {shared} {}; rm -r {shared}", scene.path("").display());
    assert!(std::process::Command::new("sh").args(["-c", &chmod]).status().expect("runs").success());
    std::fs::create_dir(&shared).expect("makes");
    crate::support::set_mode(std::path::Path::new(&shared), 0o777);
    scene.hardtack("install app-1.0.tar.gz again").ok();
    let config = other.read("app/buildout.cfg").replace(&other.path("machine/shared").display().to_string(), &shared);
    other.write("app/buildout.cfg", config);
    other.hardtack("bundle app --installer none -o b.tar.gz").ok();
    crate::support::set_mode(&other.path(""), 0o777);
    let output = other.without_privileges(&["install", "b.tar.gz", "theirs"]).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn hardtacks_own_recipes_can_be_shared_too_and_used() {
    let scene = Scene::new();
    let files = crate::support::archive(&[crate::support::Member {
        path: "x-1/Makefile",
        text: "all install:\n\t@mkdir -p $(PREFIX); pwd > $(PREFIX)/at\n",
        executable: false,
    }]);
    let (shared, md5) = (scene.path("machine").display().to_string(), md5_of(&files));
    scene.write("app/x.tgz", files);
    scene.project(
        "app",
        "user",
        &format!(
            "[copied]\nrecipe = hardtack:copy\nurl = x.tgz\nmd5sum = {md5}\nshared = true\nto = in\n\
             [user]\nrecipe = hardtack:make\npath = ${{copied:location}}/in\n"
        ),
    );
    let config =
        scene.read("app/buildout.cfg").replace("[buildout]\n", &format!("[buildout]\nshared-part-list = {shared}\n"));
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz one").ok();
    assert!(scene.exists("one/parts/user/at") && !scene.exists("one/parts/copied"));
}
