//! What a site asks for, and what it gets.

use crate::server::Server;
use crate::support::{Scene, source};

#[test]
fn a_site_asks_for_what_it_lacks_and_gets_no_more() {
    let (mut scene, server) = (Scene::new(), Server::start());
    let urls = ["one", "two"].map(|name| server.file(&format!("/{name}-1.tgz"), source("foo", name)));
    let part = |name: &str, url: &str| format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n");
    scene.project("site", "one two", &(part("one", &urls[0]) + &part("two", &urls[1])));
    scene.hardtack("lock site").ok();
    // The site has the first, and the lock.
    scene.set("HARDTACK_CACHE_DIR", scene.path("site-cache").to_str().expect("UTF-8"));
    scene.project("first", "one", &part("one", &urls[0]));
    scene.hardtack("fetch first").ok();
    let asked = scene.hardtack("request site -o req.toml").ok().says(&["req.toml: 1 source is lacking"]);
    assert_eq!(asked.stdout, format!("{}\n", urls[1]));
    let text = scene.read("req.toml");
    assert!(
        text.contains(&format!("url = \"{}\"\nsha256 = ", urls[1])) && text.contains("parts = [\"two\"]"),
        "{text}"
    );

    scene.set("HARDTACK_CACHE_DIR", scene.path("other-cache").to_str().expect("UTF-8"));
    let before = server.requests().len();
    let made = scene
        .hardtack("fulfill req.toml")
        .ok()
        .says(&["at the site: hardtack cache import"])
        .never_says(&["commit it"]);
    assert_eq!(server.requests().len() - before, 1);
    let file = made.stdout.trim().split_once("  ").expect("a digest").1.to_owned();
    assert!(file.starts_with("app-request-") && file.ends_with(".tar.gz"), "{file}");
    // The same question has the same answer.
    let bytes = std::fs::read(scene.path(&file)).expect("reads");
    scene.hardtack("fulfill req.toml").ok();
    assert!(std::fs::read(scene.path(&file)).expect("reads") == bytes);

    scene.set("HARDTACK_CACHE_DIR", scene.path("site-cache").to_str().expect("UTF-8"));
    scene.hardtack("install site").exits(3);
    scene.hardtack(&format!("cache import {file}")).ok();
    scene.hardtack("request site -o req.toml").ok().says(&["0 sources are lacking"]);
    scene.hardtack("install site").ok();
    scene.hardtack("fulfill req.toml").exits(3).says(&["error[nothing-requested]"]);
}

#[test]
fn a_request_that_plays_tricks_is_refused() {
    let scene = Scene::new();
    let head = "format = 1\nname = \"x\"\nversion = \"1\"\nmachine = \"m\"\n";
    let source = |url: &str| format!("{head}[[source]]\nurl = \"{url}\"\nparts = [\"p\"]\n");
    for (text, reason) in [
        ("nonsense".to_owned(), "is no request of a site"),
        (head.replace("format = 1", "format = 7"), "it has format 7"),
        (head.to_owned() + "else = 1\n", "unknown field"),
        (source("https://h.example/a\\nrecipe = plone.recipe.command"), "is no source"),
        (source("https://user:password@h.example/a"), "is no source"),
        (source("/etc/passwd"), "is no source"),
        // What it names is of the machine that answers.
        (source("file:///etc/passwd"), "is no source that others have"),
        (source("git+file:///srv/project@main"), "is no source that others have"),
        (
            source("https://h.example/a").replace("name = \"x\"", "name = \"x\\n[evil]\\nrecipe = y\""),
            "its name: `x\\n[evil]",
        ),
        (source("https://h.example/a").replace("version = \"1\"", "version = \"../1\""), "its version: "),
    ] {
        scene.write("req.toml", text);
        scene.hardtack("fulfill req.toml").exits(2).says(&["error[request-malformed]", reason]);
    }
}
