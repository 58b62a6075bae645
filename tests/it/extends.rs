//! `extends` by URL: fetched, locked, cached, packed, and read again where there is no network.

use crate::server::{Answer, Server};
use crate::support::{Scene, output_of, source};

/// A project whose part stands in a config on the server, which extends another one beside it.
fn scene(server: &Server, more: &str) -> Scene {
    let scene = Scene::new();
    let source = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    server.file("/cfg/versions.cfg", "[v]\nname = one\n");
    let part = format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {source}\n");
    let base = server.file("/cfg/base.cfg", format!("[buildout]\nextends = versions.cfg\nparts = foo\n{part}"));
    scene.write(
        "app/buildout.cfg",
        format!("[buildout]\nextends = {base}\n{more}\n[hardtack]\nname = app\nversion = 1.0\n"),
    );
    scene
}

#[test]
fn a_bundle_carries_the_configs_that_were_read_by_url() {
    let server = Server::start();
    let scene = scene(&server, "");
    scene.hardtack("bundle app --installer none").ok().says(&[
        "extends: downloading http://127.0.0.1:",
        "/cfg/base.cfg",
        "/cfg/versions.cfg",
        "wrote app/hardtack.lock",
    ]);
    let lock = scene.read("app/hardtack.lock");
    assert_eq!(lock.matches("kind = \"config\"").count(), 2, "{lock}");
    server.stop();
    scene.hardtack("verify app-1.0.tar.gz").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert!(output_of(&scene.path("dest/parts/foo/bin/foo")).starts_with("foo 1.0 "));
    // Unpacked by hand, with and without the caches kept.
    assert!(
        std::process::Command::new("tar")
            .args(["xzf", "app-1.0.tar.gz"])
            .current_dir(scene.path(""))
            .status()
            .expect("runs")
            .success()
    );
    scene.hardtack("install app-1.0 there --keep-cache").ok();
    let kept = scene.tree("there/extends-cache");
    assert_eq!(kept.len(), 2, "{kept:?}");
    scene.hardtack("install app-1.0.tar.gz kept --keep-cache").ok();
    assert_eq!(scene.tree("kept/extends-cache"), kept);
    // One of them gone: that is damage, told before anything is built.
    std::fs::remove_file(scene.path("app-1.0/extends-cache").join(&kept[0])).expect("removes");
    scene.hardtack("install app-1.0 elsewhere").exits(6).says(&["extends-cache/"]);
}

#[test]
fn a_locked_config_is_asked_for_once_and_stays_what_it_was() {
    let server = Server::start();
    let scene = scene(&server, "");
    scene.hardtack("lock app").ok();
    let asked = server.requests().len();
    server.file("/cfg/versions.cfg", "[v]\nname = two\n");
    scene.hardtack("-C app query v:name").ok();
    assert_eq!(scene.hardtack("-C app query v:name").ok().stdout, "one\n");
    assert_eq!(server.requests().len(), asked);
    scene.hardtack("lock app --locked").ok();
    // The cache is lost, and the server has other bytes than the locked ones.
    std::fs::remove_dir_all(scene.path("home/.cache")).expect("removes");
    let ran = scene.hardtack("-C app query v:name").exits(6);
    ran.says(&["error[wrong-digest]: failed to get config `http://127.0.0.1:", "SHA-256 is", "base.cfg:2"]);
    scene.hardtack("lock app --update").ok();
    assert_eq!(scene.hardtack("-C app query v:name").ok().stdout, "two\n");
}

#[test]
fn without_a_lock_the_network_comes_first_and_the_cache_helps_where_it_fails() {
    let server = Server::start();
    let scene = scene(&server, "");
    assert_eq!(scene.hardtack("-C app query v:name").ok().stdout, "one\n");
    server.file("/cfg/versions.cfg", "[v]\nname = two\n");
    assert_eq!(scene.hardtack("-C app query v:name").ok().stdout, "two\n");
    let asked = server.requests().len();
    assert_eq!(scene.hardtack("-C app query v:name --set newest=false").ok().stdout, "two\n");
    assert_eq!(server.requests().len(), asked, "newest = false asks the cache first");
    server.answer("/cfg/versions.cfg", Answer::Status(404));
    let ran = scene.hardtack("-C app query v:name").ok();
    assert_eq!(ran.stdout, "two\n");
    ran.says(&["warning: ", "/cfg/versions.cfg` is taken from the cache ("]);
    scene.hardtack("-C app query v:name --no-cache").exits(9).says(&[
        "error[download-refused]: failed to get config `http://127.0.0.1:",
        "404",
        "base.cfg:2",
    ]);
}

#[test]
fn installing_a_project_reads_configs_from_the_cache_alone() {
    let server = Server::start();
    let scene = scene(&server, "");
    scene.hardtack("install app").exits(3).says(&["error[source-missing]: failed to get config `http://127.0.0.1:"]);
    scene.hardtack("fetch app").ok();
    let asked = server.requests().len();
    scene.hardtack("install app").ok();
    assert_eq!(server.requests().len(), asked);
    assert!(scene.exists("app/parts/foo/bin/foo"));
    scene.hardtack("fetch app --offline").ok();
    scene.hardtack("fetch app --frozen").ok();
}

#[test]
fn a_configured_extends_cache_has_them_where_buildout_looks() {
    let server = Server::start();
    let scene = scene(&server, "extends-cache = ec");
    scene.hardtack("-C app query v").ok();
    for path in ["/cfg/base.cfg", "/cfg/versions.cfg"] {
        let name = hardtack::base::Md5::of(server.url(path)).to_string();
        assert!(scene.exists(&format!("app/ec/{name}")), "{path}");
    }
    assert!(!scene.exists("app/ec/cmmi"));
    let files = scene.hardtack("bundle app -n --installer none").ok().stdout;
    assert!(!files.contains("\tec/"), "{files}");
    let refused = scene.hardtack("-C app query --set extends-cache=${buildout:directory}/x").exits(2);
    refused.says(&["option `buildout:extends-cache` is needed before anything is substituted"]);
    // A file that somebody put there answers, as it does for buildout.
    let name = hardtack::base::Md5::of(server.url("/cfg/versions.cfg")).to_string();
    std::fs::remove_dir_all(scene.path("app/ec")).expect("removes");
    scene.write(&format!("app/ec/{name}"), "[v]\nname = three\n");
    assert_eq!(scene.hardtack("-C app query v:name --set newest=false").ok().stdout, "three\n");
}

#[test]
fn an_optional_url_is_no_file_and_a_circle_is_shown() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.write("buildout.cfg", format!("[buildout]\noptional-extends = {}\n[a]\nx = 1\n", server.url("/o.cfg")));
    scene.hardtack("query a").ok().says(&["is a URL, which never counts there"]);
    assert!(server.requests().is_empty());
    let a = server.file("/a.cfg", "[buildout]\nextends = b.cfg\n");
    server.file("/b.cfg", "[buildout]\nextends = a.cfg\n");
    scene.write("buildout.cfg", format!("[buildout]\nextends = {a}\n"));
    scene.hardtack("query").exits(2).says(&["`extends` runs in a circle: http://127.0.0.1:", "/b.cfg → http://"]);
}

#[test]
fn a_password_in_the_url_stays_in_the_config() {
    let server = Server::start();
    let scene = scene(&server, "");
    let config = scene.read("app/buildout.cfg").replace("http://", "http://ann:s3cret@");
    scene.write("app/buildout.cfg", config);
    let ran = scene.hardtack("bundle app --installer none").ok();
    ran.never_says(&["s3cret"]).says(&["holds a password or token"]);
    assert!(!scene.read("app/hardtack.lock").contains("s3cret"));
    server.stop();
    scene.hardtack("install app-1.0.tar.gz dest").ok().never_says(&["s3cret"]);
}
