//! Downloads and caches.

use hardtack::base::{Md5, Sha1};

use crate::server::{Answer, Server};
use crate::support::{Scene, source};

#[test]
fn a_second_run_downloads_nothing() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("fetch app").ok().says(&["1 source in [SCENE]/home/.cache/hardtack; 1 downloaded"]);
    scene.hardtack("fetch app").ok().says(&["; 0 downloaded"]);
    scene.hardtack("bundle app --installer none").ok().says(&["(0 downloaded)"]);
    assert_eq!(server.requests().len(), 1);
    assert!(scene.exists("home/.cache/hardtack/CACHEDIR.TAG"));
}

#[test]
fn each_way_a_download_fails_has_its_own_words() {
    let (scene, server) = (Scene::new(), Server::start());
    let body = source("foo", "1.0");
    server.file("/whole.tgz", body.clone());
    server.answer("/cut.tgz", Answer::Cut(body.clone(), 100));
    server.answer("/broken.tgz", Answer::Status(500));
    let gone = Server::start();
    let refused = gone.url("/refused.tgz");
    gone.stop();
    let cases = [
        (server.url("/none.tgz"), "", 9, "download-refused", "the server answered 404 Not Found for"),
        (server.url("/broken.tgz"), "", 9, "download-refused", "the server answered 500"),
        (refused, "", 9, "download-no-connection", "Connection refused"),
        (server.url("/cut.tgz"), "", 9, "download-truncated", "broke off after 100 of"),
        (server.url("/whole.tgz"), "md5sum = 0123456789abcdef0123456789abcdef", 6, "wrong-digest", "MD5 is"),
        ("http://".to_owned(), "", 2, "unsupported", "is not a URL"),
        ("ftp://127.0.0.1/x".to_owned(), "", 2, "unsupported", "URL scheme `ftp`"),
        (scene.path("nowhere.tgz").display().to_string(), "", 3, "source-missing", "there is no such file"),
    ];
    for (url, digest, code, word, words) in cases {
        scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n{digest}\n"));
        let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
        let ran = scene.hardtack("fetch app").exits(code).says(&[&format!("error[{word}]"), words, "foo"]);
        let shown = url.replace(scene.path("").to_str().expect("UTF-8").trim_end_matches('/'), "[SCENE]");
        assert!(ran.stderr.contains(&shown), "{}", ran.stderr);
        assert!(!scene.exists("app/hardtack.lock"), "nothing is locked that was not got");
    }
}

#[test]
fn everything_is_tried_before_anything_is_reported() {
    let (scene, server) = (Scene::new(), Server::start());
    let good = server.file("/good.tgz", source("good", "1"));
    scene.project(
        "app",
        "a b c",
        &format!(
            "[a]\nrecipe = zc.recipe.cmmi\nurl = {}\n[b]\nrecipe = zc.recipe.cmmi\nurl = {good}\n\
         [c]\nrecipe = zc.recipe.cmmi\nurl = {}\n",
            server.url("/none-a.tgz"),
            server.url("/none-c.tgz")
        ),
    );
    scene.hardtack("fetch app").exits(9).says(&["2 sources could not be had", "none-a.tgz", "none-c.tgz"]);
    assert_eq!(server.requests().len(), 3);
    server.file("/none-a.tgz", source("a", "1"));
    server.file("/none-c.tgz", source("c", "1"));
    scene.hardtack("fetch app").ok().says(&["2 downloaded"]);
}

#[test]
fn redirects_are_followed_and_circles_are_not() {
    let (scene, server) = (Scene::new(), Server::start());
    server.file("/real.tgz", source("foo", "1"));
    let url = server.answer("/moved.tgz", Answer::Redirect("/real.tgz".into()));
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    scene.hardtack("fetch app").ok();
    let circle = server.answer("/circle.tgz", Answer::Redirect("/circle.tgz".into()));
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {circle}\n"));
    scene.hardtack("fetch app").exits(9).says(&["error[download-redirect]", "more than ten times"]);
}

#[test]
fn a_configured_download_cache_takes_everything_in_buildouts_layout() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    let local = scene.write("elsewhere/bar-1.0.tgz", source("bar", "1.0"));
    let local = format!("file://{}", local.display());
    scene.write(
        "app/buildout.cfg",
        format!(
            "[buildout]\nparts = foo bar\ndownload-cache = cache\n[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n\
         [bar]\nrecipe = zc.recipe.cmmi\nurl = {local}\n"
        ),
    );
    scene.hardtack("fetch app").ok();
    for key in [&url, &local] {
        assert!(scene.exists(&format!("app/cache/cmmi/{}", Md5::of(key))), "{key}");
    }
    assert!(scene.exists("app/cache/dist") && !scene.exists("home/.cache/hardtack"));

    let _ = std::fs::remove_dir_all(scene.path("app/cache"));
    scene.hardtack("fetch app --cache-layout classic").ok();
    let folder = format!("app/cache/cmmi/{}", Sha1::of(&url));
    assert!(scene.exists(&format!("{folder}/foo-1.0.tar.gz")));
    let ini = scene.read(format!("{folder}/cache.ini"));
    assert!(ini.starts_with(&format!("[cache]\ndownload_url = {url}\nretrieved = 20")), "{ini}");
    assert!(!scene.exists(&format!("app/cache/cmmi/{}", Md5::of(&url))));
}

#[test]
fn a_cache_another_program_filled_is_used_in_both_layouts() {
    for classic in [false, true] {
        let (scene, server) = (Scene::new(), Server::start());
        let url = server.url("/foo-1.0.tar.gz");
        let key = match classic {
            true => format!("{}/foo-1.0.tar.gz", Sha1::of(&url)),
            false => Md5::of(&url).to_string(),
        };
        scene.write(&format!("app/cache/cmmi/{key}"), source("foo", "1.0"));
        scene.write(
            "app/buildout.cfg",
            format!("[buildout]\nparts = foo\ndownload-cache = cache\n[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"),
        );
        scene.hardtack("install app").ok();
        assert!(server.requests().is_empty());
        assert!(scene.exists("app/parts/foo/bin/foo"));
    }
}

#[test]
fn no_cache_means_none() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("bundle app --installer none --no-cache").ok();
    scene.hardtack("bundle app --installer none --no-cache").ok();
    assert_eq!(server.requests().len(), 2);
    assert!(!scene.exists("home/.cache/hardtack"));
}

#[test]
fn settings_files_and_variables_say_where_the_cache_is() {
    let (mut scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    let place = |name: &str| scene.path(name).display().to_string();
    let (by_file, by_variable, by_flag) = (place("by-file"), place("by-variable"), place("by-flag"));
    scene.write("home/.config/hardtack/config.toml", format!("[cache]\npath = \"{by_file}\"\n"));
    scene.hardtack("fetch app").ok();
    scene.set("HARDTACK_CACHE_DIR", by_variable);
    scene.hardtack("fetch app").ok();
    scene.run(&["fetch", "app", "--cache-dir", &by_flag]).ok();
    for folder in ["by-file", "by-variable", "by-flag"] {
        assert!(scene.exists(&format!("{folder}/cmmi")), "{folder}");
    }
    scene.write("home/.config/hardtack/config.toml", "[cache]\npaths = 1\n");
    scene.hardtack("fetch app").exits(2).says(&["error[settings]", "unknown field `paths`"]);
}

#[test]
fn a_layout_asked_for_later_gets_what_is_cached_already() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    scene.hardtack("fetch app").ok();
    scene.hardtack("fetch app --cache-layout both").ok();
    let classic = format!("home/.cache/hardtack/cmmi/{}/foo-1.0.tar.gz", hardtack::base::Sha1::of(&url));
    let modern = format!("home/.cache/hardtack/cmmi/{}", hardtack::base::Md5::of(&url));
    assert!(scene.exists(&classic) && scene.exists(&modern));
    std::fs::remove_file(scene.path(&modern)).expect("removes");
    scene.hardtack("fetch app").ok();
    assert!(scene.exists(&modern));
    assert_eq!(server.requests().len(), 1);
}
