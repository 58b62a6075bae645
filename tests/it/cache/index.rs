//! Files that change: asked about, not fetched again, and taken offline as old as they may be.

use crate::server::{Answer, Server, Version};
use crate::support::{Scene, source};

const CONFIG: &str = "[v]\nname = one\n";

/// A project whose config extends `/base.cfg`.
fn extending(server: &Server) -> Scene {
    let scene = Scene::new();
    let url = server.url("/base.cfg");
    scene.write("app/buildout.cfg", format!("[buildout]\nextends = {url}\nparts =\n[hardtack]\nname = app\n"));
    scene
}

fn name(scene: &Scene) -> String {
    scene.hardtack("-C app query v:name").ok().stdout
}

#[test]
fn each_kind_of_server_is_asked_the_way_it_understands() {
    let etag = || Version { etag: Some("\"1\""), ..Version::default() };
    let weak = || Version { etag: Some("W/\"1\""), ..Version::default() };
    let dated = || Version { last_modified: Some("Sun, 22 Nov 2026 10:00:00 GMT"), ..Version::default() };
    // What is asked the second time, and the third; whether the body came again.
    let cases: [(&str, Version, [&str; 2], [bool; 2]); 7] = [
        ("etag", etag(), ["GET", "GET"], [false, false]),
        ("weak etag", weak(), ["GET", "GET"], [false, false]),
        ("date", dated(), ["GET", "GET"], [false, false]),
        ("304 without etag", Version { bare_304: true, ..etag() }, ["GET", "GET"], [false, false]),
        ("no version at all", Version::default(), ["GET", "GET"], [true, true]),
        ("conditions ignored", Version { ignores_conditions: true, ..etag() }, ["GET", "HEAD"], [false, false]),
        ("conditions ignored, weak", Version { ignores_conditions: true, ..weak() }, ["GET", "GET"], [true, true]),
    ];
    for (what, version, methods, bodies) in cases {
        let server = Server::start();
        let scene = extending(&server);
        server.answer("/base.cfg", Answer::Versioned(CONFIG.into(), version));
        assert_eq!(name(&scene), "one\n");
        assert_eq!(server.asked(), ["GET /base.cfg"]);
        for (method, body) in methods.into_iter().zip(bodies) {
            let ran = scene.hardtack("-C app query v:name -v").ok();
            assert_eq!(ran.stdout, "one\n");
            assert_eq!(server.asked(), [format!("{method} /base.cfg")], "{what}");
            assert_eq!(ran.stderr.contains("cache download"), body, "{what}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_server_that_knows_no_head_is_asked_for_the_file() {
    let server = Server::start();
    let scene = extending(&server);
    let version = Version { etag: Some("\"1\""), ignores_conditions: true, no_head: true, ..Version::default() };
    server.answer("/base.cfg", Answer::Versioned(CONFIG.into(), version));
    (0..2).for_each(|_| assert_eq!(name(&scene), "one\n"));
    server.asked();
    assert_eq!(name(&scene), "one\n");
    assert_eq!(server.asked(), ["HEAD /base.cfg", "GET /base.cfg"]);
}

#[test]
fn another_version_is_taken_and_the_earlier_one_kept() {
    let server = Server::start();
    let scene = extending(&server);
    let version = |etag| Version { etag: Some(etag), ..Version::default() };
    for (etag, text) in [("\"1\"", "one"), ("\"2\"", "two"), ("\"3\"", "two"), ("\"4\"", "one")] {
        server.answer("/base.cfg", Answer::Versioned(format!("[v]\nname = {text}\n").into(), version(etag)));
        assert_eq!(name(&scene), format!("{text}\n"));
    }
    let list: serde_json::Value =
        serde_json::from_str(&scene.hardtack("cache list --format json").ok().stdout).expect("JSON");
    let source = &list["sources"][0];
    assert_eq!((&source["etag"], &source["class"]), (&"\"4\"".into(), &"index".into()));
    assert_eq!(source["earlier"].as_array().map(Vec::len), Some(1), "two files, whatever their etags were");
}

#[test]
fn offline_the_current_one_is_taken_and_its_age_told() {
    let (mut scene, server) = (Scene::new(), Server::start());
    let url = server.url("/base.cfg");
    scene.write("app/buildout.cfg", format!("[buildout]\nextends = {url}\nparts =\n[hardtack]\nname = app\n"));
    scene.set("HARDTACK_NOW", "2026-11-22T10:00:00Z");
    for text in ["one", "two"] {
        server.answer("/base.cfg", Answer::Body(format!("[v]\nname = {text}\n").into()));
        assert_eq!(name(&scene), format!("{text}\n"));
    }
    // An earlier version that is newer on disk is not the current one.
    for blob in scene.tree("home/.cache/hardtack/.hardtack/store") {
        let path = scene.path(format!("home/.cache/hardtack/.hardtack/store/{blob}"));
        if std::fs::read_to_string(&path).expect("reads").contains("one") {
            let status = std::process::Command::new("touch").args(["-d", "2030-01-01"]).arg(&path).status();
            assert!(status.expect("touch runs").success());
        }
    }
    server.asked();
    scene.set("HARDTACK_NOW", "2026-11-24T13:30:00Z");
    // What is locked does not age.
    let offline = |scene: &Scene, more: &str| {
        let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
        scene.hardtack(&format!("fetch app --offline {more}"))
    };
    offline(&scene, "")
        .ok()
        .says(&["`http://127.0.0.1:", "base.cfg` is taken from the cache: it is 2 d 3 h 30 min old"]);
    offline(&scene, "--max-index-age 3days").ok();
    offline(&scene, "--max-index-age 1h").exits(3).says(&[
        "error[index-too-old]: failed to get config `http://127.0.0.1:",
        "what the cache has is 2 d 3 h 30 min old, and no more than 1 h is allowed",
        "buildout.cfg:2",
    ]);
    // A clock that went back knows no age.
    scene.set("HARDTACK_NOW", "2020-01-01T00:00:00Z");
    offline(&scene, "").ok().says(&["it is of unknown age"]);
    offline(&scene, "--max-index-age 9days").exits(3).says(&["what the cache has is of unknown age"]);
    assert!(server.asked().is_empty());
    // It is not refused where the server speaks for it, and is where the server fails.
    scene.set("HARDTACK_NOW", "2026-11-24T13:30:00Z");
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.hardtack("fetch app --max-index-age 1h").ok();
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    server.answer("/base.cfg", Answer::Status(503));
    scene.set("HARDTACK_NOW", "2026-11-24T19:30:00Z");
    scene.hardtack("fetch app").ok().says(&["the server answered 503", "is taken from the cache (6 h old)"]);
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.hardtack("fetch app --max-index-age 1h").exits(9).says(&["error[index-too-old]", "503"]);
}

#[test]
fn refresh_asks_about_what_would_not_be_asked_about() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    let version = |etag| Version { etag: Some(etag), ..Version::default() };
    let body = source("foo", "1.0");
    server.answer("/foo-1.0.tar.gz", Answer::Versioned(body.clone(), version("\"1\"")));
    scene.hardtack("fetch app").ok();
    server.asked();
    scene.hardtack("fetch app").ok();
    assert!(server.asked().is_empty());
    scene.hardtack("fetch app --refresh -v").ok().says(&[&format!("{url} has not changed"), "; 0 downloaded"]);
    assert_eq!(server.asked(), ["GET /foo-1.0.tar.gz"]);
    // The same bytes under another etag are fine; other bytes are not, whatever the etag is.
    server.answer("/foo-1.0.tar.gz", Answer::Versioned(body, version("\"2\"")));
    scene.hardtack("fetch app --refresh").ok().says(&["; 1 downloaded"]);
    server.answer("/foo-1.0.tar.gz", Answer::Versioned(source("foo", "1.1"), version("\"3\"")));
    scene.hardtack("fetch app --refresh").exits(6).says(&["error[wrong-digest]", "SHA-256 is", "expected", "--update"]);
    scene.hardtack("fetch app").ok().says(&["; 0 downloaded"]);
    scene.hardtack("lock app --update").ok();
    scene.hardtack("fetch app --refresh").ok().says(&["; 0 downloaded"]);
    scene.hardtack("fetch app --refresh --offline").exits(2);
}

#[test]
fn a_download_that_was_cut_goes_on_where_it_was() {
    let body = source("foo", "1.0");
    let cut = body.len() / 2;
    let version = |etag| Version { etag: Some(etag), ..Version::default() };
    // What the server has for the second try, and the bytes that it is asked for then.
    let cases: [(&str, Version, Version, Option<usize>); 4] = [
        ("the same", Version { cut: Some(cut), ..version("\"1\"") }, version("\"1\""), Some(cut)),
        ("another version", Version { cut: Some(cut), ..version("\"1\"") }, version("\"2\""), Some(cut)),
        (
            "no ranges",
            Version { cut: Some(cut), ..version("\"1\"") },
            Version { ignores_ranges: true, ..version("\"1\"") },
            Some(cut),
        ),
        ("a weak etag", Version { cut: Some(cut), ..version("W/\"1\"") }, version("W/\"1\""), None),
    ];
    for (what, first, second, from) in cases {
        let (scene, server) = (Scene::new(), Server::start());
        scene.foo_project(&server);
        server.answer("/foo-1.0.tar.gz", Answer::Versioned(body.clone(), first));
        scene.hardtack("fetch app").exits(9).says(&["error[download-truncated]"]);
        server.answer("/foo-1.0.tar.gz", Answer::Versioned(body.clone(), second));
        scene.hardtack("fetch app").ok().says(&["; 1 downloaded"]);
        let last = server.heads().pop().expect("a request");
        assert_eq!(last.headers.get("range").cloned(), from.map(|from| format!("bytes={from}-")), "{what}");
        scene.hardtack("cache verify").ok();
        let locked = scene.read("app/hardtack.lock");
        assert!(locked.contains(&hardtack::base::Sha256::of(&body).to_string()), "{what}: {locked}");
        let left = scene.tree("home/.cache/hardtack/.hardtack/partial");
        assert!(left.is_empty(), "{what}: {left:?}");
    }
}

#[test]
fn a_partial_file_with_other_bytes_is_found_out() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    let body = source("foo", "1.0");
    let version = Version { etag: Some("\"1\""), cut: Some(100), ..Version::default() };
    let md5 = hardtack::base::Md5::of(&body);
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\nmd5sum = {md5}\n"));
    server.answer("/foo-1.0.tar.gz", Answer::Versioned(body.clone(), version));
    scene.hardtack("fetch app").exits(9);
    let partial = "home/.cache/hardtack/.hardtack/partial";
    let data = scene.tree(partial).into_iter().find(|name| name.ends_with(".data")).expect("a first part");
    scene.write(&format!("{partial}/{data}"), [b'x'; 100]);
    let whole = Version { etag: Some("\"1\""), ..Version::default() };
    server.answer("/foo-1.0.tar.gz", Answer::Versioned(body, whole));
    // What is put together is wrong, so it is fetched from its start.
    server.asked();
    scene.hardtack("fetch app").ok();
    assert_eq!(server.asked().len(), 2);
}
