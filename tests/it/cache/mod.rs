//! `cache`: what is in the shared cache, whether it is whole, and removing from it.

mod exchange;
mod failures;
mod hostile;
mod index;
mod policy;

use crate::server::Server;
use crate::support::{Scene, source};

/// A scene whose cache has three sources, two of them the same bytes.
fn filled() -> (Scene, Server) {
    let (scene, server) = (Scene::new(), Server::start());
    let urls = [("/a/zlib-1.0.tgz", "zlib"), ("/b/zlib-1.0.tgz", "zlib"), ("/c/foo-2.0.tgz", "foo")]
        .map(|(path, name)| server.file(path, source(name, "1.0")));
    let section = |name: &str, url: &str| format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n");
    let sections = section("a", &urls[0]) + &section("b", &urls[1]) + &section("c", &urls[2]);
    scene.project("app", "a b c", &sections);
    scene.hardtack("fetch app").ok();
    (scene, server)
}

fn json(scene: &Scene, line: &str) -> serde_json::Value {
    serde_json::from_str(&scene.hardtack(line).ok().stdout).expect("JSON")
}

#[test]
fn what_is_there_is_listed_by_url_host_and_pattern() {
    let (scene, _server) = filled();
    assert_eq!(scene.hardtack("cache dir").ok().stdout, "[SCENE]/home/.cache/hardtack\n");
    assert_eq!(json(&scene, "cache dir --format json")["path"], "[SCENE]/home/.cache/hardtack");
    let count = |words: &str| scene.hardtack(&format!("cache list {words}")).ok().stdout.lines().count();
    assert_eq!([count(""), count("127.0.0.1"), count("*/zlib-*")], [3, 3, 2]);
    let all = json(&scene, "cache list --format json");
    let url = all["sources"][0]["url"].as_str().expect("a URL");
    assert_eq!(count(url), 1);
    let paths = scene.hardtack(&format!("cache list {url} --path")).ok().stdout;
    assert!(paths.starts_with("[SCENE]/home/.cache/hardtack/.hardtack/store/sha256/"), "{paths}");
    let info = json(&scene, "cache info --format json");
    assert_eq!((&info["sources"], &info["blobs"], &info["quarantined"]), (&3.into(), &2.into(), &0.into()));
    for command in ["list", "clear"] {
        let ran = scene.hardtack(&format!("cache {command} nowhere.example")).exits(1);
        ran.says(&["error[no-such-source]", "is called `nowhere.example`", "give a URL, a host, a registry"]);
    }
}

#[test]
fn a_cache_that_was_never_written_is_empty_and_stays_away() {
    let scene = Scene::new();
    assert_eq!(scene.hardtack("cache list").ok().stdout, "");
    scene.hardtack("cache info").ok();
    scene.hardtack("cache verify").ok().says(&["is whole: 0 blobs"]);
    scene.hardtack("cache clear --all").ok().says(&["removed 0 sources"]);
    assert!(!scene.exists("home/.cache"));
}

#[test]
fn faults_are_named_and_repaired_and_fetched_again() {
    let (scene, server) = filled();
    let cache = "home/.cache/hardtack/.hardtack";
    scene.hardtack("cache verify").ok().says(&["is whole: 2 blobs"]);
    let list = json(&scene, "cache list --format json");
    let blob = |index: usize| {
        let path = list["sources"][index]["path"].as_str().expect("a path");
        let name = path.rsplit('/').next().expect("a name");
        format!("{cache}/store/sha256/{}/{name}", &name[..2])
    };
    // One changed in place, as a broken disk would, and with it its only view; the other gone, of which views are left.
    crate::support::set_mode(&scene.path(blob(2)), 0o644);
    scene.write(&blob(2), "something else");
    std::fs::remove_file(scene.path(blob(0))).expect("removes");
    let ran = scene.hardtack("cache verify").exits(6);
    ran.says(&[
        "error[cache-damaged]: 3 faults in",
        "is not what its name says",
        "the bytes of `http://127.0.0.1:",
        "--repair",
    ]);
    scene.hardtack("cache verify --repair").ok().says(&["repaired"]);
    scene.hardtack("cache verify").ok();
    assert_eq!(json(&scene, "cache info --format json")["quarantined"], 1);
    let asked = server.requests().len();
    // What was hard-linked to the changed blob is no help; what a view still has whole is.
    scene.hardtack("fetch app").ok();
    assert_eq!(server.requests()[asked..], ["/c/foo-2.0.tgz"]);
    scene.hardtack("cache verify").ok();
}

#[test]
fn what_is_removed_is_gone_with_its_views_and_what_is_shared_stays() {
    let (scene, server) = filled();
    let before = scene.tree("home/.cache/hardtack");
    let dry = json(&scene, "cache clear */a/* -n --format json");
    assert_eq!(dry["removed"].as_array().map(Vec::len), Some(1));
    assert_eq!(scene.tree("home/.cache/hardtack"), before);
    scene.hardtack("cache clear */a/*").ok().says(&["removed 1 source from"]);
    // The other zlib still has the bytes.
    scene.hardtack("cache verify").ok().says(&["2 blobs"]);
    let freed = json(&scene, "cache clear */b/* --format json");
    assert!(freed["freed"].as_u64().is_some_and(|freed| freed >= 512), "{freed}");
    scene.hardtack("cache clear --all").ok().says(&["removed 1 source"]);
    let left = scene.tree("home/.cache/hardtack");
    assert!(left.iter().all(|path| !path.starts_with("cmmi/") && !path.contains("/store/")), "{left:?}");
    scene.hardtack("cache clear").exits(2).says(&["nothing says what to remove"]);
    let asked = server.requests().len();
    scene.hardtack("fetch app").ok();
    assert_eq!(server.requests().len(), asked + 3);
}

#[test]
fn both_layouts_are_cleared_and_a_strangers_file_is_not() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    scene.hardtack("fetch app --cache-layout both").ok();
    let classic = format!("home/.cache/hardtack/cmmi/{}", hardtack::base::Sha1::of(&url));
    let root = format!("home/.cache/hardtack/{}", hardtack::base::Md5::of(&url));
    assert!(scene.exists(&format!("{classic}/cache.ini")));
    scene.write(&root, "what another recipe has under this name");
    scene.hardtack("cache clear --all").ok();
    assert!(!scene.exists(&classic) && scene.exists(&root));
}
