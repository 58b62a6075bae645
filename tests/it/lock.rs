//! `lock`, and the lock file in other commands.

use crate::server::Server;
use crate::support::{Scene, source};

#[test]
fn the_first_run_writes_the_lock_and_the_next_one_keeps_it() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    scene.hardtack("lock app").ok().says(&["locked 1 source in app/hardtack.lock"]);
    let lock = scene.read("app/hardtack.lock");
    assert!(lock.contains(&format!("url = \"{url}\"")) && lock.contains("parts = [\"foo\"]"), "{lock}");
    scene.hardtack("lock app").ok().says(&["already locked: 1 source"]);
    assert_eq!(scene.read("app/hardtack.lock"), lock);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn other_bytes_than_the_locked_ones_are_an_error_until_the_lock_is_updated() {
    let (mut scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("lock app").ok();
    let before = scene.read("app/hardtack.lock");
    server.file("/foo-1.0.tar.gz", source("foo", "1.0 again"));
    scene.set("HARDTACK_CACHE_DIR", scene.path("other-cache").display().to_string());
    scene.hardtack("bundle app --installer none").exits(6).says(&[
        "error[wrong-digest]: failed to get `http://127.0.0.1:",
        "/foo-1.0.tar.gz` for part foo: SHA-256 is ",
        ", expected ",
        "hardtack lock --update",
    ]);
    scene.hardtack("lock app --update").ok();
    assert_ne!(scene.read("app/hardtack.lock"), before);
    scene.hardtack("bundle app --installer none").ok();
}

#[test]
fn locked_refuses_changes_and_frozen_the_network_too() {
    let (mut scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("fetch app --locked").exits(2).says(&["error[lock-outdated]", "it does not exist"]);
    scene.hardtack("fetch app").ok();
    scene.hardtack("fetch app --locked").ok();
    scene.hardtack("fetch app --frozen").ok();
    let bar = server.file("/bar.tgz", source("bar", "1"));
    scene.project(
        "app",
        "foo bar",
        &format!(
            "[foo]\nrecipe = zc.recipe.cmmi\nurl = {}\n[bar]\nrecipe = zc.recipe.cmmi\nurl = {bar}\n",
            server.url("/foo-1.0.tar.gz")
        ),
    );
    scene.hardtack("fetch app --locked").exits(2).says(&["is not locked"]);
    assert!(!server.requests().contains(&"/bar.tgz".to_owned()), "found out before anything is downloaded");
    scene.hardtack("fetch app").ok();
    scene.set("HARDTACK_CACHE_DIR", scene.path("empty-cache").display().to_string());
    scene.hardtack("fetch app --frozen").exits(3).says(&[
        "error[source-missing]: 2 sources could not be had",
        "bar.tgz",
        "foo-1.0.tar.gz",
    ]);
}

#[test]
fn a_digest_in_the_config_that_contradicts_the_lock_is_told() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    scene.hardtack("lock app").ok();
    let wrong = "0".repeat(64);
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\nsha256 = {wrong}\n"));
    scene.hardtack("lock app").exits(6).says(&["error[lock-contradiction]", &wrong]);
}

#[test]
fn a_lock_that_makes_no_sense_is_said_to() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.write("app/hardtack.lock", "format = 1\n[[source]]\nurl = 3\n");
    scene.hardtack("lock app").exits(2).says(&["error[lock-malformed]", "hardtack.lock"]);
    scene.write("app/hardtack.lock", "format = 9\n");
    scene.hardtack("lock app").exits(2).says(&["has format 9, this hardtack knows format 1"]);
}
