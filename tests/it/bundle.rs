//! `bundle` and `verify`.

use std::process::Command;

use crate::server::Server;
use crate::support::{Scene, noise, set_mode, source};

/// Runs git in the project; its output.
fn git(scene: &Scene, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@host.example", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.args(identity).arg("-C").arg(scene.path("app")).args(arguments).env("HOME", scene.path("home"));
    command.env("GIT_AUTHOR_DATE", "2026-11-22T10:00:00Z").env("GIT_COMMITTER_DATE", "2026-11-22T10:00:00Z");
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A project with one part, bundled without an installer.
fn bundled() -> (Scene, Server) {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("bundle app --installer none").ok();
    (scene, server)
}

#[test]
fn a_bundle_holds_what_the_design_says_in_the_order_it_says() {
    let (scene, _server) = bundled();
    let listing = Command::new("tar").arg("tzf").arg(scene.path("app-1.0.tar.gz")).output().expect("GNU tar runs");
    assert!(listing.status.success() && listing.stderr.is_empty());
    let listing = String::from_utf8(listing.stdout).expect("UTF-8");
    let names: Vec<&str> = listing.lines().collect();
    let cached = names.iter().find(|name| name.contains("cmmi/")).expect("the source").to_string();
    assert_eq!(
        names,
        [
            "app-1.0/.hardtack/README.txt",
            "app-1.0/.hardtack/lock.toml",
            "app-1.0/.hardtack/sbom.cdx.json",
            "app-1.0/.hardtack/sbom.spdx.json",
            "app-1.0/buildout.cfg",
            &cached,
            "app-1.0/download-cache/dist/",
            "app-1.0/hardtack.lock",
            "app-1.0/install",
            "app-1.0/.hardtack/manifest.json",
            "app-1.0/.hardtack/index.json",
            "app-1.0/SHA256SUMS",
        ]
    );
}

#[test]
fn old_tools_unpack_and_check_a_bundle() {
    let (scene, _server) = bundled();
    let status = Command::new("tar").arg("xzf").arg("app-1.0.tar.gz").current_dir(scene.path("")).status();
    assert!(status.expect("tar runs").success());
    let check = |folder: &str, file: &str| {
        Command::new("sha256sum").args(["-c", file]).current_dir(scene.path(folder)).output().expect("runs")
    };
    assert!(check("app-1.0", "SHA256SUMS").status.success());
    assert!(check("", "app-1.0.tar.gz.sha256").status.success());
    assert!(Command::new("gzip").arg("-t").arg(scene.path("app-1.0.tar.gz")).status().expect("runs").success());
    scene.hardtack("verify app-1.0").ok().says(&["app-1.0 is whole: 9 files"]);
    scene.hardtack("verify app-1.0.tar.gz").ok().says(&["app-1.0.tar.gz is whole: 9 files"]);
}

#[test]
fn each_compression_is_a_bundle_like_the_others_and_one_that_old_tools_unpack() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    let bytes = |name: &str| std::fs::read(scene.path(name)).expect("reads");
    assert!(
        scene.hardtack("bundle app --installer none --compression zstd").ok().stdout.ends_with("  app-1.0.tar.zst\n")
    );
    scene.hardtack("bundle app --installer none -o other.tzst").ok();
    assert_eq!(bytes("app-1.0.tar.zst"), bytes("other.tzst"));
    scene.write("out/x", "");
    assert!(
        scene
            .hardtack("bundle app --installer none -o out --compression none")
            .ok()
            .stdout
            .ends_with("  out/app-1.0.tar\n")
    );
    scene.hardtack("bundle app --installer none -o named --compression gzip").ok();
    for file in ["app-1.0.tar.zst", "out/app-1.0.tar", "named"] {
        scene.hardtack(&format!("verify {file}")).ok().says(&["is whole: 9 files"]);
        let folder = scene.path("by-tar");
        std::fs::create_dir(&folder).expect("makes a folder");
        let tar = Command::new("tar").arg("xf").arg(scene.path(file)).arg("-C").arg(&folder).output().expect("runs");
        if !tar.status.success() && file.ends_with(".zst") {
            crate::support::skipped("tar cannot open .tar.zst: is zstd here?");
        } else {
            assert!(tar.status.success() && tar.stderr.is_empty(), "{file}: {tar:?}");
            scene.hardtack("verify by-tar/app-1.0").ok();
        }
        std::fs::remove_dir_all(&folder).expect("removes");
        scene.hardtack(&format!("install {file} dest")).ok();
        assert!(crate::support::output_of(&scene.path("dest/parts/foo/bin/foo")).starts_with("foo 1.0"));
        std::fs::remove_dir_all(scene.path("dest")).expect("removes");
    }
    let wrong = scene.hardtack("bundle app --installer none -o x.tar.gz --compression zstd").exits(2);
    wrong.says(&["`x.tar.gz` is no name for a bundle", "let it end in .tar.zst, or leave --compression out"]);
    assert!(!scene.exists("x.tar.gz"));
}

#[test]
fn the_digest_goes_to_stdout_and_into_a_file_beside() {
    let (scene, _server) = bundled();
    let again = scene.hardtack("bundle app --installer none").ok();
    assert_eq!(again.stdout, scene.read("app-1.0.tar.gz.sha256"));
    let json = scene.hardtack("bundle app --installer none --format json").ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["sha256"].as_str(), again.stdout.split(' ').next());
}

#[test]
fn a_name_and_a_version_are_needed() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/x.tgz", source("x", "1"));
    scene.write("buildout.cfg", format!("[buildout]\nparts = a\n[a]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene
        .hardtack("bundle")
        .exits(2)
        .says(&["a bundle needs a name: set `name` in section [hardtack], or give `--name`"]);
    scene.hardtack("bundle --name a/b --version 1").exits(2).says(&["--name: `a/b` takes letters"]);
    scene.hardtack("bundle --name n --version 2 --installer none").ok();
    assert!(scene.exists("n-2.tar.gz"));
    assert_eq!(server.requests(), ["/x.tgz"], "nothing is fetched for a bundle that cannot be named");
}

#[test]
fn git_says_which_files_and_what_time() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.write("app/tool.sh", "#!/bin/sh\n");
    set_mode(&scene.path("app/tool.sh"), 0o755);
    scene.write("app/ignored.log", "x");
    scene.write("app/.gitignore", "*.log\n");
    scene.write("app/.netrc", "password");
    git(&scene, &["init", "-q"]);
    git(&scene, &["add", "."]);
    git(&scene, &["commit", "-qm", "first"]);
    scene
        .hardtack("bundle app --installer none")
        .ok()
        .says(&["files are dated 2026-11-22T10:00:00Z (the commit's)", "look like keys or credentials: .netrc"]);
    let listing = Command::new("tar").arg("tvzf").arg(scene.path("app-1.0.tar.gz")).output().expect("runs");
    let listing = String::from_utf8(listing.stdout).expect("UTF-8");
    assert!(listing.contains("-rwxr-xr-x 0/0") && listing.contains("app-1.0/tool.sh"));
    assert!(!listing.contains("ignored.log") && !listing.contains(".netrc") && !listing.contains(".git/"));
    assert!(listing.contains("app-1.0/.gitignore") && listing.contains("app-1.0/hardtack.lock"));
}

#[test]
fn uncommitted_changes_are_an_error_unless_allowed() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    git(&scene, &["init", "-q"]);
    git(&scene, &["add", "."]);
    git(&scene, &["commit", "-qm", "first"]);
    scene.write("app/new.txt", "x");
    scene
        .hardtack("bundle app --installer none")
        .exits(2)
        .says(&["error[uncommitted-changes]: the project has uncommitted changes: new.txt", "--allow-dirty"]);
    assert!(server.requests().is_empty() && !scene.exists("app-1.0.tar.gz"));
    scene.hardtack("bundle app --installer none --allow-dirty").ok().says(&["packing uncommitted changes: new.txt"]);
    let status = Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(status.expect("tar runs").success() && scene.exists("app-1.0/new.txt"));
    assert!(scene.read("app-1.0/.hardtack/manifest.json").contains("\"dirty\": true"));
}

#[test]
fn products_of_builds_and_older_bundles_stay_out() {
    let (scene, _server) = bundled();
    for file in ["parts/foo/x", "bin/x", "eggs/x", ".installed.cfg", "app-notes.tar.gz"] {
        scene.write(&format!("app/{file}"), "x");
    }
    let output = "out/renamed.tgz";
    scene.write("app/out/kept.txt", "x");
    let first = scene.run(&["-C", "app", "bundle", "--installer", "none", "-o", output]).ok().stdout;
    assert!(scene.exists("app/out/renamed.tgz.sha256"));
    let again = scene.run(&["-C", "app", "bundle", "--installer", "none", "-o", output]).ok().stdout;
    assert_eq!(first, again, "the bundle that is being made is no part of itself");
    scene.hardtack("-C app bundle --installer none -o out/a.tzst").ok();
    scene.hardtack("-C app bundle --installer none -o out/a.tar").ok();
    let listed = scene.hardtack("-C app bundle --installer none --dry-run").ok().stdout;
    let files: Vec<&str> = listed.lines().filter(|line| line.starts_with("file")).collect();
    assert_eq!(files, ["file\tapp-notes.tar.gz", "file\tbuildout.cfg", "file\thardtack.lock", "file\tout/kept.txt"]);
}

#[test]
fn what_another_process_was_writing_is_not_packed() {
    let scene = Scene::new();
    scene.project("app", "", "");
    scene.write("app/.hardtack-tmp-x1", "half a lock");
    scene.write("app/data/.hardtack-tmp-x2/file", "half a view");
    scene.hardtack("bundle app --installer none --allow-dirty").ok();
    let list =
        std::process::Command::new("tar").arg("-tzf").arg(scene.path("app-1.0.tar.gz")).output().expect("tar runs");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("app-1.0/buildout.cfg") && !list.contains("hardtack-tmp"), "{list}");
}

#[test]
fn a_dry_run_downloads_and_writes_nothing() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    let listed = scene.hardtack("bundle app --installer none -n").ok().says(&["would write app-1.0.tar.gz"]).stdout;
    assert_eq!(listed, format!("file\tbuildout.cfg\nsource\t{url}\n"));
    assert!(server.requests().is_empty() && scene.tree("app") == ["buildout.cfg"]);
}

#[test]
fn dry_runs_have_a_form_for_programs() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    let read =
        |line: &str| -> serde_json::Value { serde_json::from_str(&scene.hardtack(line).ok().stdout).expect("JSON") };
    let dry = read("bundle app -n --installer none --format json");
    assert_eq!((&dry["files"][0], &dry["sources"][0]), (&"buildout.cfg".into(), &url.clone().into()));
    scene.hardtack("bundle app --installer none").ok();
    for what in ["app", "app-1.0.tar.gz"] {
        let dry = read(&format!("install {what} -n --format json"));
        let wanted = serde_json::json!({
            "name": "foo", "recipe": "zc.recipe.cmmi", "action": "build", "because": "it is new"
        });
        assert_eq!(dry["parts"], serde_json::json!([wanted]));
    }
    scene.hardtack("-C app annotate --format json").exits(2).says(&["annotate prints text only"]);
}

#[test]
fn what_git_does_not_have_whole_is_not_packed_by_halves() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.write("app/docs/a.txt", "x");
    git(&scene, &["init", "-q"]);
    git(&scene, &["add", "."]);
    git(&scene, &["commit", "-qm", "first"]);
    scene.hardtack("lock app").ok();
    let bundle = || scene.run(&["bundle", "app", "--installer", "none"]);

    scene.write("app/nested/file", "x");
    git(&scene, &["-C", "nested", "init", "-q"]);
    git(&scene, &["-C", "nested", "add", "."]);
    git(&scene, &["-C", "nested", "commit", "-qm", "nested"]);
    bundle().exits(2).says(&["app/nested` cannot be packed: it is a git repository of its own"]);

    let commit = git(&scene, &["-C", "nested", "rev-parse", "HEAD"]);
    git(&scene, &["update-index", "--add", "--cacheinfo", &format!("160000,{},nested", commit.trim())]);
    git(&scene, &["commit", "-qm", "a submodule"]);
    std::fs::rename(scene.path("app/nested"), scene.path("elsewhere")).expect("moves");
    std::fs::create_dir(scene.path("app/nested")).expect("makes");
    bundle().exits(2).says(&["app/nested` cannot be packed: the submodule is not checked out"]);
    git(&scene, &["rm", "-qf", "--cached", "nested"]);
    std::fs::remove_dir(scene.path("app/nested")).expect("removes");
    git(&scene, &["commit", "-qm", "no submodule"]);
    bundle().ok();

    git(&scene, &["sparse-checkout", "set", "--no-cone", "/*", "!/docs/"]);
    bundle().exits(2).says(&["app/docs/a.txt` cannot be packed: git tracks it and it is not checked out"]);
}

#[test]
fn a_hook_of_another_repository_does_not_change_whose_files_are_packed() {
    let (mut scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    git(&scene, &["init", "-q"]);
    git(&scene, &["add", "."]);
    git(&scene, &["commit", "-qm", "first"]);
    let commit = git(&scene, &["rev-parse", "HEAD"]);
    scene.write("other/file", "x");
    scene.set("GIT_DIR", scene.path("other/.git").display().to_string());
    scene.set("GIT_WORK_TREE", scene.path("other").display().to_string());
    scene.hardtack("bundle app --installer none").ok();
    assert_eq!(unpacked_manifest(&scene, "app-1.0")["commit"], commit.trim());
}

#[test]
fn passwords_are_warned_of_and_kept_out_of_what_hardtack_writes() {
    let (scene, server) = (Scene::new(), Server::start());
    let url =
        server.file("/foo-1.0.tar.gz?token=tok3n", source("foo", "1.0")).replace("http://", "http://ann:hunter2@");
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene.hardtack("bundle app --installer none").ok().says(&[
        "warning: `foo:url` (buildout.cfg:10) holds a password or token, which will be in the bundle for all to read",
    ]);
    let set = format!("foo:url={url}");
    scene.project("app", "foo", "[foo]\nrecipe = zc.recipe.cmmi\n");
    std::fs::remove_file(scene.path("app/hardtack.lock")).expect("removes");
    scene.run(&["bundle", "app", "--installer", "none", "--set", &set]).ok();
    let manifest = unpacked_manifest(&scene, "app-1.0").to_string();
    assert!(!manifest.contains("hunter2") && !manifest.contains("tok3n"), "{manifest}");
    assert!(!scene.read("app/hardtack.lock").contains("hunter2"));
    scene.hardtack("install app-1.0.tar.gz dest").ok();

    scene.project("app", "foo", "[foo]\nrecipe = zc.recipe.cmmi\nurl = ftp://ann:hunter2@host.example/x\n");
    let ran = scene.hardtack("lock app").exits(2).says(&["url = ftp://************host.example/x"]);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
}

#[test]
fn no_home_folder_becomes_a_project() {
    let scene = Scene::new();
    scene.write("home/base.cfg", "[z]\n");
    scene.write("home/p/buildout.cfg", "[buildout]\nextends = ../base.cfg\nparts =\n");
    scene.hardtack("bundle home/p --name p --version 1 --installer none").exits(2).says(&[
        "error[project-too-wide]: config `[SCENE]/home/base.cfg` would make all of `[SCENE]/home` the project",
        "one git repository",
    ]);

    scene.write("app/buildout.cfg", "[buildout]\nparts =\n");
    scene.write("home/.buildout/default.cfg", "[buildout]\nx = 1\n");
    scene
        .hardtack("bundle app --name p --version 1 --installer none")
        .ok()
        .says(&["note: `[SCENE]/home/.buildout/default.cfg` counts, and is packed; to leave it out: -U"]);
    scene.write("home/.buildout/default.cfg", "[buildout]\nextends = c.cfg\n");
    scene.write("home/.buildout/c.cfg", "");
    scene
        .hardtack("bundle app --name p --version 1 --installer none")
        .exits(2)
        .says(&["the user's defaults extend `[SCENE]/home/.buildout/c.cfg`, which is no part of the project"]);
    scene.hardtack("bundle app --name p --version 1 --installer none -U").ok();
}

#[test]
fn excluded_files_stay_out_and_reserved_names_are_refused() {
    let (scene, _server) = bundled();
    scene.write("app/install", "x");
    scene.hardtack("bundle app --installer none").exits(2).says(&["error[reserved-name]", "app/install"]);
    let config = scene.read("app/buildout.cfg").replace("version = 1.0\n", "version = 1.0\nexclude = /install\n");
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none").ok();
}

#[test]
fn a_config_that_reads_files_above_it_makes_the_common_folder_the_project() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo.tgz", crate::support::source("foo", "1"));
    scene.write("w/lib/foo.cfg", format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene.write("w/app/buildout.cfg", "[buildout]\nextends = ../lib/foo.cfg\nparts = foo\n");
    scene.hardtack("bundle w/app --name app --version 1 --installer none").ok();
    let manifest = unpacked_manifest(&scene, "app-1");
    assert_eq!(manifest["config"], "app/buildout.cfg");
    scene.hardtack("install app-1.tar.gz dest").ok();
    let said = crate::support::output_of(&scene.path("dest/app/parts/foo/bin/foo"));
    assert_eq!(said, format!("foo 1 at {}\n", scene.path("dest/app/parts/foo").display()));
}

fn unpacked_manifest(scene: &Scene, root: &str) -> serde_json::Value {
    let archive = format!("{root}.tar.gz");
    let status = Command::new("tar").args(["xzf", &archive]).current_dir(scene.path("")).status();
    assert!(status.expect("tar runs").success());
    serde_json::from_str(&scene.read(format!("{root}/.hardtack/manifest.json"))).expect("JSON")
}

#[test]
fn no_home_folder_and_no_password_reach_a_bundle() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo.tgz", crate::support::source("foo", "1"));
    let secret = url.replace("http://", "http://ann:hunter2@");
    scene.write("home/src/bar-1.0.tgz", crate::support::source("bar", "1.0"));
    scene.write("app/base.cfg", "");
    scene.project(
        "app",
        "foo bar",
        "[foo]\nrecipe = zc.recipe.cmmi\nurl = ${hidden:url}\n[bar]\n\
                   recipe = zc.recipe.cmmi\nurl = ${hidden:path}\n[hidden]\n",
    );
    let path = scene.path("home/src/bar-1.0.tgz").display().to_string();
    scene
        .run(&["bundle", "app", "--installer", "none", &format!("hidden:url={secret}"), &format!("hidden:path={path}")])
        .ok()
        .never_says(&["hunter2"]);
    unpacked_manifest(&scene, "app-1.0");
    for file in ["app-1.0/.hardtack/lock.toml", "app-1.0/hardtack.lock", "app-1.0/.hardtack/README.txt"] {
        let text = scene.read(file);
        assert!(!text.contains("hunter2") && !text.contains("home/src"), "{file}: {text}");
        assert!(text.contains(&url) && text.contains("file:bar-1.0.tgz#"), "{file}: {text}");
    }
    let names = scene.tree("app-1.0/.hardtack/blobs");
    assert_eq!(names.len(), 1, "a source whose URL holds a password is in no view");
}

#[test]
fn the_installer_is_looked_at_before_it_is_packed() {
    let (scene, _server) = bundled();
    scene.write("script", "#!/bin/sh\n");
    scene
        .hardtack("bundle app --installer script")
        .exits(2)
        .says(&["cannot be the installer: it is not a Linux program"]);
    scene.hardtack("bundle app --installer nowhere").exits(4).says(&["error[not-found]", "nowhere"]);
}

#[test]
fn large_sources_that_are_compressed_already_come_through() {
    let (scene, server) = (Scene::new(), Server::start());
    // Around the length of a block, and of many.
    let bodies = [65_535 - 2048, 65_536 - 2048, 1_500_001].map(|length| noise(length as u64, length));
    let mut sections = String::new();
    for (index, body) in bodies.iter().enumerate() {
        let url = server.file(&format!("/{index}.bin"), body.clone());
        let digest = hardtack::base::Sha256::of(body);
        sections += &format!("[p{index}]\nrecipe = zc.recipe.cmmi\nurl = {url}\nsha256 = {digest}\n");
    }
    scene.project("app", "p0 p1 p2", &sections);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("verify app-1.0.tar.gz").ok();
    let tar = Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    scene.hardtack("verify app-1.0").ok();
}

#[test]
fn what_was_installed_or_unpacked_in_the_project_stays_out() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    let digest = || scene.hardtack("-C app bundle --installer none").ok().stdout;
    // The first run writes the lock, which is packed from then on.
    let first = digest();
    scene.hardtack("-C app install app-1.0.tar.gz").ok();
    scene.hardtack("-C app install app-1.0.tar.gz deep/there").ok();
    let mut tar = Command::new("tar");
    tar.args(["xzf", "app-1.0.tar.gz", "-C", "deep"]).current_dir(scene.path("app"));
    assert!(tar.status().expect("tar runs").success());
    assert_eq!(digest(), first);
    git(&scene, &["init", "-q"]);
    git(&scene, &["add", "buildout.cfg", "hardtack.lock"]);
    git(&scene, &["commit", "-qm", "x"]);
    scene.hardtack("-C app bundle --installer none").ok().says(&["left out, for a build writes them: ", "deep/there/"]);
}

#[test]
fn a_bundle_overwrites_nothing_but_bundles_and_makes_no_folders() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.write("app/README.txt", "precious");
    for name in ["README.txt", "buildout.cfg"] {
        let ran = scene.run(&["-C", "app", "bundle", "--installer", "none", "-o", name]).exits(2);
        ran.says(&["error[would-overwrite]", "is there already, and is no bundle"]);
    }
    assert_eq!(scene.read("app/README.txt"), "precious");
    let ran = scene.hardtack("-C app bundle --installer none -o /nowhere/x.tgz").exits(2);
    ran.says(&["there is no folder `/nowhere` to write the bundle to"]);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("bundle app --installer none").ok();
}

#[test]
fn a_project_that_was_installed_where_it_is_stays_a_project() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    let base = format!("[buildout]\nparts = foo\n[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n");
    scene.write("app/base/buildout.cfg", base);
    let own = "[hardtack]\nname = app\nversion = 1.0\n";
    scene.write("app/main/buildout.cfg", format!("[buildout]\nextends = ../base/buildout.cfg\n{own}"));
    std::fs::remove_file(scene.path("app/buildout.cfg")).expect("removes");
    scene.hardtack("fetch app/base").ok();
    scene.hardtack("install app/base").ok();
    let listed = scene.hardtack("bundle app/main -n --installer none").ok().stdout;
    assert!(listed.contains("file\tbase/buildout.cfg\n"), "{listed}");
}
