//! `install`: from bundles, unpacked bundles and projects.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::server::Server;
use crate::support::{Member, Scene, archive, output_of, set_mode, skipped, source};

/// The bundle of two parts, `two` using `one`, with the server gone.
fn bundled() -> Scene {
    let scene = Scene::new();
    bundle_into(&scene, "1.0", "1.0");
    scene
}

/// Makes the bundle `app-VERSION.tar.gz` whose part `one` has the given version.
fn bundle_into(scene: &Scene, version: &str, one: &str) {
    let server = Server::start();
    let one_url = server.file("/one.tgz", source("one", one));
    let two_url = server.file("/two.tgz", source("two", "1.0"));
    scene.write("app/etc/app.conf", "port = 1\n");
    scene.project(
        "app",
        "two",
        &format!(
            "[one]\nrecipe = zc.recipe.cmmi\nurl = {one_url}\n\
         [two]\nrecipe = zc.recipe.cmmi\nurl = {two_url}\nextra_options = --with-one=${{one:location}}\n"
        ),
    );
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.run(&["bundle", "app", "--installer", "none", "--version", version]).ok();
}

#[test]
fn a_bundle_installs_with_the_server_gone() {
    let scene = bundled();
    scene.hardtack("install app-1.0.tar.gz").ok().says(&[
        "verified [SCENE]/app-1.0.tar.gz: 11 files",
        "[1/2] installing one",
        "[2/2] installing two",
        "installed to app-1.0: 2 parts built in",
    ]);
    let two = output_of(&scene.path("app-1.0/parts/two/bin/two"));
    assert_eq!(two, format!("two 1.0 at {}\n", scene.path("app-1.0/parts/two").display()));
    let found = scene.tree("app-1.0");
    let project: Vec<&String> = found.iter().filter(|path| !path.starts_with(".hardtack/")).collect();
    assert_eq!(project, ["buildout.cfg", "etc/app.conf", "hardtack.lock", "parts/one/bin/one", "parts/two/bin/two"]);
}

#[test]
fn the_destination_may_be_named_and_the_cache_kept() {
    let scene = bundled();
    scene.hardtack("install app-1.0.tar.gz deep/er/dest --keep-cache").ok();
    assert_eq!(scene.tree("deep/er/dest/download-cache/cmmi").len(), 2);
    assert!(scene.exists("deep/er/dest/parts/two/bin/two"));
}

#[test]
fn a_second_install_finds_nothing_to_do_and_a_removed_part_is_built_again() {
    let scene = bundled();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok().says(&["everything is installed already"]);
    std::fs::remove_dir_all(scene.path("dest/parts/two")).expect("removes");
    scene
        .hardtack("install app-1.0.tar.gz dest")
        .ok()
        .says(&["uninstalling two: its files are gone or have changed", "installing two", "1 part built, 1 kept"])
        .never_says(&["installing one"]);
}

#[test]
fn an_upgrade_builds_what_changed_and_what_uses_it_and_keeps_what_the_site_did() {
    let scene = bundled();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    scene.write("dest/etc/app.conf", "port = 2\n");
    scene.write("dest/etc/site.conf", "mine\n");
    scene.write("dest/parts/one/var/data", "mine\n");
    scene.write("dest/var/data", "mine\n");
    bundle_into(&scene, "3.0", "1.1");
    scene.hardtack("install app-3.0.tar.gz dest").ok().says(&[
        "building one again: source `one.tgz` changed\n",
        "building two again: part one, which it uses, changed\n",
        "2 parts built",
    ]);
    assert!(output_of(&scene.path("dest/parts/one/bin/one")).starts_with("one 1.1 "));
    assert_eq!(scene.read("dest/etc/app.conf"), "port = 2\n");
    for file in ["dest/etc/site.conf", "dest/parts/one/var/data", "dest/var/data"] {
        assert_eq!(scene.read(file), "mine\n", "{file}");
    }
    assert!(output_of(&scene.path("dest/.hardtack/previous/tree/parts/one/bin/one")).starts_with("one 1.0 "));
}

#[test]
fn a_part_that_is_gone_from_the_config_is_uninstalled() {
    let scene = bundled();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    let server = Server::start();
    let url = server.file("/one.tgz", source("one", "1.0"));
    scene.project("app", "one", &format!("[one]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene.hardtack("bundle app --installer none --version 2.0").ok();
    scene.hardtack("install app-2.0.tar.gz dest").ok().says(&["uninstalling two: the config no longer has it"]);
    assert!(scene.exists("dest/parts/one") && !scene.exists("dest/parts/two"));
}

#[test]
fn a_bundle_or_a_cache_is_no_destination() {
    let scene = bundled();
    assert!(Command::new("tar").arg("xzf").arg("app-1.0.tar.gz").current_dir(scene.path("")).status().is_ok());
    scene.write("cache/.hardtack/format", "1");
    for folder in ["app-1.0", "cache"] {
        let before = scene.tree(folder);
        scene.hardtack(&format!("install app-1.0.tar.gz {folder}")).exits(4).says(&["error[foreign-folder]"]);
        assert_eq!(scene.tree(folder), before);
    }
}

#[test]
fn a_foreign_folder_is_refused() {
    let scene = bundled();
    scene.write("dest/precious", "x");
    scene.hardtack("install app-1.0.tar.gz dest").exits(4).says(&["error[foreign-folder]", "new or empty"]);
    assert_eq!(scene.tree("dest"), ["precious"]);
}

#[test]
fn a_build_that_fails_leaves_the_destination_as_it_was_and_the_next_one_goes_on() {
    for level in ["full", "seccomp"] {
        let (scene, server) = (Scene::new(), Server::start());
        let one = server.file("/one.tgz", source("one", "1.0"));
        // Programs on the PATH are there inside, wherever they are.
        let path = format!("PATH={}:/usr/bin:/bin", scene.path("bin").display());
        std::fs::create_dir(scene.path("bin")).expect("makes a folder");
        let makefile = "all:\n\t@echo looking for the tool\n\tthe-tool\ninstall:\n".to_owned();
        let two = server.file("/two.tgz", crate::support::source_with_makefile(&makefile));
        scene.project(
            "app",
            "one two",
            &format!("[one]\nrecipe = zc.recipe.cmmi\nurl = {one}\n[two]\nrecipe = zc.recipe.cmmi\nurl = {two}\n"),
        );
        scene.hardtack("bundle app --installer none").ok();
        let install = ["install", "app-1.0.tar.gz", "dest", "--sandbox", level, "--env", &path];
        let failed = scene.run(&install);
        if failed.stderr.contains("error[no-isolation]") {
            crate::support::skipped(&format!("level {level} is not to be had here"));
            continue;
        }
        failed.exits(5).says(&[
            "error[build-failed]: step `make` of part `two` failed with exit status 2",
            "  | looking for the tool",
            "the whole output is in [SCENE]/dest/.hardtack/logs/two.log",
            "parts that are whole are kept",
        ]);
        let visible: Vec<String> =
            scene.tree("dest").into_iter().filter(|path| !path.starts_with(".hardtack/")).collect();
        assert_eq!(visible, ["hardtack-failure.txt"], "level {level}");

        let tool = scene.write("bin/the-tool", "#!/bin/sh\n");
        crate::support::set_mode(&tool, 0o755);
        scene
            .run(&install)
            .ok()
            .says(&["[2/2] installing two", "1 part built, 1 kept"])
            .never_says(&["installing one"]);
        assert!(scene.exists("dest/parts/one/bin/one") && scene.exists("dest/parts/two"));
    }
}

#[test]
fn a_failed_upgrade_leaves_the_running_generation() {
    let scene = bundled();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    let before = scene.tree("dest");
    let server = Server::start();
    let bad = server.file("/bad.tgz", crate::support::source_with_makefile("all:\n\tfalse\n"));
    scene.project("app", "one", &format!("[one]\nrecipe = zc.recipe.cmmi\nurl = {bad}\n"));
    scene.hardtack("bundle app --installer none --version 2.0").ok();
    scene.hardtack("install app-2.0.tar.gz dest").exits(5);
    let told =
        |path: &str| path.starts_with(".hardtack/next") || path.contains("logs/") || path == "hardtack-failure.txt";
    let after: Vec<String> = scene.tree("dest").into_iter().filter(|path| !told(path)).collect();
    let before: Vec<String> = before.into_iter().filter(|path| !path.contains("logs/")).collect();
    assert_eq!(after, before);
    assert!(output_of(&scene.path("dest/parts/two/bin/two")).starts_with("two 1.0"));
}

#[test]
fn without_a_place_aside_an_upgrade_needs_a_word() {
    let scene = bundled();
    let install =
        |bundle: &str, more: &[&str]| scene.run(&[&["install", bundle, "dest", "--sandbox", "none"], more].concat());
    install("app-1.0.tar.gz", &[]).ok();
    bundle_into(&scene, "2.0", "1.1");
    install("app-2.0.tar.gz", &[]).exits(2).says(&["error[downtime]", "--allow-downtime"]);
    install("app-2.0.tar.gz", &["--allow-downtime"]).ok();
    assert!(
        scene
            .hardtack("status dest")
            .ok()
            .stdout
            .contains("built in place: the release before could not be used meanwhile")
    );
    assert!(output_of(&scene.path("dest/parts/one/bin/one")).starts_with("one 1.1 "));
}

#[test]
fn an_unpacked_bundle_installs_where_it_is_or_elsewhere() {
    let scene = bundled();
    let tar = Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    scene.hardtack("install app-1.0 dest").ok();
    assert!(scene.exists("dest/parts/two/bin/two") && !scene.exists("dest/download-cache"));
    assert!(!scene.exists("app-1.0/parts"));
    scene.hardtack("install app-1.0").ok();
    assert!(scene.exists("app-1.0/parts/two/bin/two"));
    scene.hardtack("install app-1.0").ok().says(&["everything is installed already"]);
}

#[test]
fn a_missing_source_is_named_with_its_part_and_nothing_is_built() {
    let scene = bundled();
    let tar = Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    let blobs = scene.tree("app-1.0/download-cache/cmmi");
    let blob = scene.path("app-1.0/download-cache/cmmi").join(&blobs[0]);
    let bytes = std::fs::read(&blob).expect("reads");
    std::fs::remove_file(&blob).expect("removes");
    for arguments in [&["install", "app-1.0"][..], &["install", "app-1.0", "dest"]] {
        let ran =
            scene.run(arguments).exits(3).says(&["error[source-missing]: source `http://127.0.0.1:", "of part `"]);
        assert!(ran.stderr.contains("one.tgz") != ran.stderr.contains("two.tgz"));
    }
    assert!(!scene.exists("app-1.0/parts") && !scene.exists("dest/parts"));

    let mut changed = bytes.clone();
    changed[20] ^= 1;
    std::fs::write(&blob, changed).expect("writes");
    scene.hardtack("install app-1.0").exits(6).says(&["error[wrong-digest]: `download-cache/cmmi/", "of part `"]);
    std::fs::remove_dir_all(scene.path("app-1.0/download-cache/cmmi")).expect("removes");
    scene.hardtack("install app-1.0").exits(3).says(&[
        "2 sources are missing",
        "one.tgz` of part `one`",
        "two.tgz` of",
    ]);
}

#[test]
fn the_bundles_own_script_installs_without_hardtack_on_the_path() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.run(&["bundle", "app", "--installer", env!("CARGO_BIN_EXE_hardtack")]).ok();
    server.stop();
    let tar = Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    let run = |arguments: &[&str], variable: Option<(&str, String)>| {
        let mut command = Command::new(scene.path("app-1.0/install"));
        command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
        command.envs(variable);
        command.output().expect("the script runs")
    };
    let dest = scene.path("dest");
    let output = run(&[dest.to_str().expect("UTF-8")], None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output_of(&dest.join("parts/foo/bin/foo")).starts_with("foo 1.0 at "));

    let run_dir = scene.path("run").display().to_string();
    let output = run(&[], Some(("HARDTACK_RUN_DIR", run_dir)));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(scene.exists("app-1.0/parts/foo/bin/foo"));
    assert!(scene.tree("run").is_empty(), "the copy is removed");

    let program = scene.path(format!("app-1.0/.hardtack/bin/{}-linux", std::env::consts::ARCH));
    std::fs::rename(&program, program.with_file_name("pdp11-linux")).expect("renames");
    let output = run(&[], None);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4));
    assert!(said.contains("carries no installer for this machine") && said.contains("pdp11-linux"), "{said}");
}

#[test]
fn tools_the_plan_names_are_looked_for_first() {
    let scene = bundled();
    scene
        .run(&["install", "app-1.0.tar.gz", "dest", "--env", "PATH=/nowhere"])
        .exits(4)
        .says(&["error[tool-missing]: the build calls programs that are not on PATH (/nowhere): make"]);
}

#[test]
fn a_machine_on_which_a_condition_differs_is_told_so_before_the_first_step() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo.tgz", source("foo", "1"));
    scene.project(
        "app",
        "foo",
        &format!(
            "[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n[foo : platform.freedesktop_os_release()['ID'] == 'debian']\n"
        ),
    );
    scene.hardtack("bundle app --installer none").ok();
    let id = |from: &str| from.lines().find_map(|line| line.strip_prefix("ID=")).map(str::to_owned);
    let Some(id) = std::fs::read_to_string("/etc/os-release").ok().and_then(|text| id(&text)) else {
        return crate::support::skipped("no /etc/os-release here");
    };
    // The manifest of a bundle made elsewhere: the same but for one fact.
    let tar = Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    let manifest = scene.read("app-1.0/.hardtack/manifest.json");
    let id = id.trim_matches('"');
    let (there, holds) = if id == "debian" { ("rhel", true) } else { ("debian", false) };
    let other = manifest.replace(&format!("\"ID\": \"{id}\""), &format!("\"ID\": \"{there}\""));
    let other = other.replace(&format!("\"holds\": {holds}"), &format!("\"holds\": {}", !holds));
    assert_ne!(manifest, other);
    let (old, new) = (hardtack::base::Sha256::of(&manifest), hardtack::base::Sha256::of(&other));
    scene.write("app-1.0/.hardtack/manifest.json", other);
    let sums = scene.read("app-1.0/SHA256SUMS").replace(&old.to_string(), &new.to_string());
    scene.write("app-1.0/SHA256SUMS", sums);
    scene.hardtack("install app-1.0").exits(4).says(&[
        "error[other-machine]",
        &format!("looks at os-release:ID, which was `{there}` and is `{id}` here"),
        "buildout.cfg:",
    ]);
}

#[test]
fn options_that_would_fetch_are_overridden_with_a_note() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo.tgz", source("foo", "1"));
    scene.write(
        "app/buildout.cfg",
        format!(
            "[buildout]\nparts = foo\ndownload-cache = cache\ninstall-from-cache = false\noffline = true\n\
         [foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"
        ),
    );
    scene.hardtack("fetch app").ok();
    scene.hardtack("install app").ok().says(&[
        "note: `install-from-cache = false` (buildout.cfg:4) does not count",
        "note: `offline = true` (buildout.cfg:5) does not count",
    ]);
}

#[test]
fn every_option_of_the_recipe_does_what_it_does_there() {
    let (scene, server) = (Scene::new(), Server::start());
    let autogen = "#!/bin/sh\ncat >setup <<'E'\n#!/bin/sh\necho \"args: $*\" >log\necho \"env: $ONE/$TWO\" >>log\n\
                   cat text >>log\nE\nchmod +x setup\ntouch ready\n";
    let body = archive(&[
        Member { path: "p/generate.sh", text: autogen, executable: true },
        Member { path: "p/text", text: "old\n", executable: false },
        Member { path: "p/Makefile", text: "all:\ninstall:\n\tcp log $(DEST)/\n", executable: false },
    ]);
    let url = server.file("/p.tgz", body.clone());
    let patch = "--- a/text\n+++ b/text\n@@ -1 +1 @@\n-old\n+new\n";
    scene.write("app/patches/text.patch", patch);
    let (md5, patch_md5) = (hardtack::base::Md5::of(&body), hardtack::base::Md5::of(patch));
    scene.project(
        "app",
        "p",
        &format!(
            "[p]\nrecipe = zc.recipe.cmmi\nurl = {url}\nmd5sum = {md5}\nsha256 = {}\n\
         patch = patches/text.patch\npatch-md5sum = {patch_md5}\npatch_options = -p1\n\
         autogen = generate.sh\nsource-directory-contains = ready\nconfigure-command = ./setup\n\
         configure-options =\n  --one\n  --two=${{buildout:directory}}\nextra_options =\n  --three\n\
         environment =\n  ONE=1 and a half\n  TWO=2\n  DEST=${{buildout:directory}}/local/p\n\
         location = ${{buildout:directory}}/local\n",
            hardtack::base::Sha256::of(&body)
        ),
    );
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    let dest = scene.path("dest").display().to_string();
    assert_eq!(scene.read("dest/local/p/log"), format!("args: --one --two={dest} --three\nenv: 1 and a half/2\nnew\n"));
    assert!(scene.exists("dest/patches/text.patch"));
}

#[test]
fn a_source_that_is_no_archive_or_a_hostile_one_is_refused_by_name() {
    let (scene, server) = (Scene::new(), Server::start());
    let page = server.file("/page.tgz", "<html>please log in</html>");
    scene.project("app", "p", &format!("[p]\nrecipe = zc.recipe.cmmi\nurl = {page}\n"));
    let says =
        ["error[not-an-archive]", "/page.tgz` for part p: it is not an archive: it starts with `<html>please log"];
    scene.hardtack("bundle app --installer none").exits(6).says(&says);
    let good = server.file("/page.tgz", source("p", "1"));
    assert_eq!(good, page);
    scene.hardtack("bundle app --installer none").ok();

    let evil = archive(&[Member { path: "p/x", text: "x", executable: false }]);
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*evil), &mut tar).expect("inflates");
    tar[..100].fill(0);
    tar[..10].copy_from_slice(b"../../evil");
    let mut header = tar::Header::from_byte_slice(&tar[..512]).clone();
    header.set_cksum();
    tar[..512].copy_from_slice(header.as_bytes());
    let url = server.file("/evil.tar", tar.clone());
    scene.project("app", "p", &format!("[p]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene.hardtack("bundle app --installer none --version 2").exits(6).says(&[
        "error[archive-refused]",
        "it would be refused when it is unpacked",
        "climbs out with `..`",
    ]);
    // What the project has itself is looked into where it is unpacked.
    scene.write("app/evil.tar", tar);
    scene.project("app", "p", "[p]\nrecipe = zc.recipe.cmmi\nurl = evil.tar\n");
    scene.hardtack("bundle app --installer none --version 2").ok();
    scene
        .hardtack("install app-2.tar.gz dest")
        .exits(6)
        .says(&["error[archive-refused]: part `p`: refused to unpack", "entry `../../evil` climbs out with `..`"]);
    assert!(!scene.exists("evil") && !scene.exists("dest/parts"));
}

#[test]
fn a_destination_that_cannot_be_written_is_said_to_be() {
    let scene = bundled();
    std::fs::create_dir(scene.path("closed")).expect("makes it");
    set_mode(&scene.path("closed"), 0o555);
    let output = scene.without_privileges(&["install", "app-1.0.tar.gz", "closed/dest"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error[permission-denied]"));
}

#[test]
fn two_installs_to_one_place_do_not_mix() {
    let (scene, server) = (Scene::new(), Server::start());
    let (started, go) = (scene.path("started"), scene.path("go"));
    let makefile = format!(
        "all:\n\ttouch {0}; for i in $$(seq 600); do test -e {1} && exit 0; sleep 0.1; done; exit 1\ninstall:\n",
        started.display(),
        go.display()
    );
    let url = server.file("/slow.tgz", crate::support::source_with_makefile(&makefile));
    scene.project("app", "p", &format!("[p]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene.hardtack("bundle app --installer none").ok();
    // At level none the build sees the scene's folder as it is.
    let mut first = scene.command(&["install", "app-1.0.tar.gz", "dest", "--sandbox", "none"]).spawn().expect("starts");
    for _ in 0..600 {
        if started.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    scene.hardtack("install app-1.0.tar.gz dest --sandbox none").exits(4).says(&["error[busy]: another hardtack"]);
    std::fs::write(go, "").expect("writes");
    assert!(first.wait().expect("ends").success());
}

#[test]
fn files_that_nobody_may_read_are_installed() {
    let (scene, server) = (Scene::new(), Server::start());
    let makefile = "all:\ninstall:\n\techo secret >$(OUT)/key && chmod 000 $(OUT)/key\n";
    let url = server.file("/p-1.tgz", crate::support::source_with_makefile(makefile));
    let section = "[p]\nrecipe = zc.recipe.cmmi\nenvironment = OUT=${buildout:parts-directory}/p\nurl = ";
    scene.project("app", "p", &format!("{section}{url}\n"));
    scene.hardtack("bundle app --installer none").ok();
    let output = scene.without_privileges(&["install", "app-1.0.tar.gz", "dest/app"]).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mode = scene.path("dest/app/parts/p/key").metadata().expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0);
}

#[test]
fn a_project_below_tmp_sees_its_own_files() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    let command = "configure-command = sh ${buildout:directory}/conf.sh";
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n{command}\n"));
    scene.write("app/conf.sh", "exec ./configure \"$@\"\n");
    scene.hardtack("fetch app").ok();
    for level in ["full", "seccomp"] {
        let ran = scene.run(&["install", "app", "--allow-downtime", "--sandbox", level]);
        if ran.stderr.contains("error[no-isolation]") {
            skipped(&format!("level {level} is not to be had here: {}", ran.stderr));
            continue;
        }
        ran.ok();
        assert!(scene.exists("app/parts/foo/bin/foo"));
        std::fs::remove_dir_all(scene.path("app/parts")).expect("removes");
    }
}

#[test]
fn a_place_that_builds_could_not_see_is_refused() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("install app-1.0.tar.gz /tmp/build/hardtack-test --sandbox full");
    if ran.stderr.contains("error[no-isolation]") {
        return skipped("level full is not to be had here");
    }
    ran.exits(4).says(&["nothing can be installed below `/tmp/build`, where builds work at level `full`"]);
    assert!(!std::path::Path::new("/tmp/build/hardtack-test").exists());
}

#[test]
fn what_has_no_effect_on_a_bundle_is_refused() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("bundle app --installer none").ok();
    scene
        .hardtack("install app-1.0.tar.gz d --set foo:extra_options=--x")
        .exits(2)
        .says(&["--set has no effect on a bundle"]);
    scene.hardtack("install app-1.0.tar.gz d -c other.cfg").exits(2).says(&["-c has no effect on a bundle"]);
    let ran = scene.hardtack("install app-1.0.tar.gz foo:extra_options=--x").exits(2);
    ran.says(&["looks like an assignment, and a folder belongs here"]);
    assert!(!scene.exists("d") && !scene.exists("foo:extra_options=--x"));
}
