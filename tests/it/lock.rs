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

/// The source of `foo`, with one entry more.
fn with_link(target: &str) -> Vec<u8> {
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*source("foo", "1.0")), &mut tar).expect("reads");
    // Before the blocks that end it.
    tar.truncate(tar.len() - 1024);
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_path("foo-1.0/link").expect("fits");
    header.set_link_name(target).expect("fits");
    header.set_size(0);
    header.set_cksum();
    tar.extend(header.as_bytes());
    tar.extend([0; 1024]);
    tar
}

#[test]
fn what_would_be_refused_at_the_site_is_refused_before_it_is_locked() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    server.file("/foo-1.0.tar.gz", with_link("/etc/passwd"));
    let refused = "it would be refused when it is unpacked: link `foo-1.0/link` leads out of the archive";
    let hint = "`hardtack-allow = outside-links`";
    scene.hardtack("lock app").exits(6).says(&["error[archive-refused]", refused, hint]);
    assert!(!scene.exists("app/hardtack.lock"));
    // A digest says which bytes are meant, and not that they are sound.
    let digest = hardtack::base::Sha256::of(with_link("/etc/passwd"));
    let config = scene.read("app/buildout.cfg");
    scene.write("app/buildout.cfg", format!("{config}sha256 = {digest}\n"));
    scene.hardtack("lock app").exits(6).says(&["error[archive-refused]", refused]);
    scene.write("app/buildout.cfg", format!("{config}hardtack-allow = outside-links\n"));
    scene.hardtack("bundle app -o app.tar.gz --installer none").ok();
    scene.hardtack("install app.tar.gz out").ok();
    // Limits are a part's own, too.
    scene.write("app/buildout.cfg", format!("{config}hardtack-allow = outside-links\nhardtack-limits = size=10\n"));
    let ran = scene.hardtack("lock app --update").exits(6);
    ran.says(&["error[archive-refused]", "more bytes than the limit of 10", "`hardtack-limits`"]);
    scene.write("app/buildout.cfg", format!("{config}hardtack-allow = everything\nhardtack-limits = size=1k\n"));
    let ran = scene.hardtack("lock app --update").exits(2);
    ran.says(&["`everything` is nothing that can be allowed", "known: outside-links", "`size=1k` is no limit"]);
}
