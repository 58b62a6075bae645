//! What the shared cache takes and what it does not, and who else may use it.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use crate::server::{Answer, Server, Version};
use crate::support::{Member, Scene, archive, source};

fn settings(scene: &Scene, text: &str) {
    scene.write("home/.config/hardtack/config.toml", text);
}

fn project(scene: &Scene, folder: &str, urls: &[&str]) {
    let names: Vec<String> = (0..urls.len()).map(|index| format!("part{index}")).collect();
    let sections: String =
        names.iter().zip(urls).map(|(name, url)| format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n")).collect();
    scene.project(folder, &names.join(" "), &sections);
}

fn explain(scene: &Scene, url: &str) -> serde_json::Value {
    serde_json::from_str(&scene.run(&["cache", "explain", url, "--format", "json"]).ok().stdout).expect("JSON")
}

fn listed(scene: &Scene) -> Vec<String> {
    let lines = scene.hardtack("cache list").ok().stdout;
    lines.lines().filter_map(|line| Some(line.rsplit('/').next()?.to_owned())).collect()
}

/// A Tatin package.
pub(super) fn package(id: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let config = format!("{{ // JSON5\n  name: \"{id}\",\n  source: 'code', }}\n");
    for (name, text) in [("apl-package.json", config.as_str()), ("code/f.aplf", "f\n")] {
        zip.start_file(name, options).expect("starts");
        zip.write_all(text.as_bytes()).expect("writes");
    }
    zip.finish().expect("finishes").into_inner()
}

#[test]
fn a_registry_that_is_not_to_be_cached_is_not_and_still_goes_into_the_bundle() {
    let (scene, server) = (Scene::new(), Server::start());
    let (kept, not) =
        (server.file("/a/foo-1.0.tgz", source("foo", "1.0")), server.file("/b/bar-1.0.tgz", source("bar", "1.0")));
    project(&scene, "app", &[&kept, &not]);
    scene.hardtack("fetch app").ok();
    assert_eq!(listed(&scene), ["foo-1.0.tgz", "bar-1.0.tgz"]);
    settings(&scene, &format!("[registries.closed]\nurl = \"{}\"\ncache = false\n", server.url("/b")));
    let told = explain(&scene, &not);
    assert_eq!(
        (&told["cached"], &told["rule"], &told["registry"]),
        (&false.into(), &"registry".into(), &"closed".into())
    );
    assert_eq!(explain(&scene, &kept)["rule"], "allowed");
    server.asked();
    // What was kept before the rule is neither used nor left.
    scene.hardtack("bundle app --installer none").ok().says(&["(1 downloaded)"]);
    assert_eq!(server.asked(), ["GET /b/bar-1.0.tgz"]);
    assert_eq!(listed(&scene), ["foo-1.0.tgz"]);
    let bundle = scene.hardtack("cache import app-1.0.tar.gz --cache-dir other").ok();
    bundle.says(&["bar-1.0.tgz` was left: the settings say `cache = false` for its registry", "imported 1 file into"]);
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert!(scene.exists("dest/parts/part0/bin/foo") && scene.exists("dest/parts/part1/bin/bar"));
}

#[test]
fn a_setting_that_makes_no_sense_is_named_with_its_line() {
    let scene = Scene::new();
    for (text, words) in [
        ("[cache]\nmax-size = \"lots\"\n", "`lots` is no size such as 10GiB"),
        ("[cache]\nmax-age = \"soon\"\n", "`soon` is no time such as 30 days"),
        ("[cache]\nlink-mode = \"soft\"\n", "unknown variant `soft`"),
        ("[cache]\nsize = 1\n", "unknown field `size`"),
        ("[registries.x]\nurl = \"nonsense\"\n", "`nonsense` is not a URL"),
        ("[registries.x]\ncache = false\n", "missing field `url`"),
        ("[registries.x]\nurl = \"http://h\"\nkind = \"deb\"\n", "unknown variant `deb`"),
    ] {
        settings(&scene, text);
        let ran = scene.hardtack("cache info").exits(2);
        ran.says(&[
            "error[settings]: settings file `[SCENE]/home/.config/hardtack/config.toml`: TOML parse error at line",
            words,
        ]);
    }
}

#[test]
fn caching_that_is_off_reads_nothing_and_writes_nothing() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack("fetch app").ok();
    let before = scene.tree("home/.cache/hardtack");
    settings(&scene, "[cache]\nenabled = false\n");
    server.asked();
    scene.hardtack("fetch app").ok().says(&["1 source in no cache; 1 downloaded"]);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(scene.tree("home/.cache/hardtack"), before);
    scene.hardtack("cache info").ok();
    assert_eq!(explain(&scene, "http://host.example/x")["rule"], "off");
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("cache import app-1.0.tar.gz").exits(4).says(&["error[cache-off]"]);
}

#[test]
fn tatins_rules_are_for_tatins_registries_alone() {
    for (policy, kept) in [("None", true), ("JustBetas", true), ("Any", false), ("<html>", false)] {
        let (scene, server) = (Scene::new(), Server::start());
        settings(&scene, &format!("[registries.apl]\nkind = \"tatin\"\nurl = \"{}\"\n", server.url("/reg")));
        server.file("/reg/v1/delete-policy", policy);
        let release = server.file("/reg/example-Foo-1.0.0", package("Foo"));
        let beta = server.file("/reg/example-Foo-1.1.0-beta-1", package("Foo"));
        let other = server.file("/files/zlib-1.3.1-rc1.tar.gz", source("zlib", "1.3.1"));
        project(&scene, "app", &[&release, &beta, &other]);
        scene.hardtack("bundle app --installer none").ok().says(&["3 sources"]);
        assert_eq!(server.asked().iter().filter(|asked| asked.contains("delete-policy")).count(), 1, "once in a run");
        let listed = listed(&scene);
        assert_eq!(listed.contains(&"example-Foo-1.0.0".to_owned()), kept, "{policy}: {listed:?}");
        assert!(!listed.contains(&"example-Foo-1.1.0-beta-1".to_owned()), "{policy}");
        assert!(listed.contains(&"zlib-1.3.1-rc1.tar.gz".to_owned()), "{policy}");
        let rule = if kept {
            "allowed"
        } else if policy == "Any" {
            "delete-policy"
        } else {
            "delete-policy-unknown"
        };
        assert_eq!(explain(&scene, &release)["rule"], rule);
        assert_eq!(explain(&scene, &beta)["rule"], "pre-release");
        assert_eq!(explain(&scene, &other)["rule"], "allowed");
        let next = explain(&scene, &release)["next"].as_str().expect("text").to_owned();
        assert_eq!(next.starts_with("the registry is asked"), policy == "<html>", "{next}");
        // What the policy keeps out of one cache, no bundle brings into another. What is not known cannot be asked there.
        let imported = scene.hardtack("cache import app-1.0.tar.gz --cache-dir other").ok();
        imported.says(&["example-Foo-1.1.0-beta-1` was left: it is a pre-release", "example-Foo-1.0.0` was left"]);
    }
}

#[test]
fn a_server_that_changes_its_mind_is_believed() {
    let (scene, server) = (Scene::new(), Server::start());
    settings(&scene, &format!("[registries.apl]\nkind = \"tatin\"\nurl = \"{}\"\n", server.url("/reg")));
    server.file("/reg/v1/delete-policy", "None");
    let release = server.file("/reg/example-Foo-1.0.0", package("Foo"));
    project(&scene, "app", &[&release]);
    scene.hardtack("fetch app").ok();
    server.asked();
    // What it said holds where it cannot be asked.
    scene.hardtack("fetch app --offline").ok();
    assert!(server.asked().is_empty());
    assert!(listed(&scene).contains(&"example-Foo-1.0.0".to_owned()));
    server.file("/reg/v1/delete-policy", "Any");
    scene.hardtack("fetch app").ok().says(&["1 downloaded"]);
    assert!(!listed(&scene).contains(&"example-Foo-1.0.0".to_owned()));
    scene.hardtack("fetch app --offline").exits(3);
}

#[test]
fn an_apk_repositorys_index_is_asked_about_and_its_packages_are_not() {
    let (scene, server) = (Scene::new(), Server::start());
    let repository = server.url("/alpine/main");
    settings(&scene, &format!("[registries.alpine]\nkind = \"apk\"\nurl = \"{repository}\"\n"));
    let version = |etag| Version { etag: Some(etag), ..Version::default() };
    let file = |text: &'static str| archive(&[Member { path: "APKINDEX", text, executable: false }]);
    let index = server.answer("/alpine/main/x86_64/APKINDEX.tar.gz", Answer::Versioned(file("one"), version("\"i1\"")));
    let foo = server.answer("/alpine/main/x86_64/foo-1.0-r0.apk", Answer::Versioned(file("foo"), version("\"f1\"")));
    project(&scene, "app", &[&index, &foo]);
    scene.hardtack("fetch app").ok();
    let folder = format!("home/.cache/hardtack/{}/x86_64", repository.replace(':', "%3A").replace('/', "%2F"));
    assert_eq!(scene.read(format!("{folder}/APKINDEX.tar.gz.etag")), "\"i1\"");
    assert_eq!(scene.read(format!("{folder}/foo-1.0-r0.apk.etag")), "\"f1\"");
    assert_eq!(std::fs::read(scene.path(format!("{folder}/foo-1.0-r0.apk"))).expect("reads"), file("foo"));
    assert_eq!(
        (&explain(&scene, &index)["class"], &explain(&scene, &foo)["class"]),
        (&"index".into(), &"by-url".into())
    );
    // Without a lock the index is asked about, with one nothing is.
    server.asked();
    scene.hardtack("fetch app").ok();
    assert!(server.asked().is_empty());
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.hardtack("fetch app").ok().says(&["; 0 downloaded"]);
    assert_eq!(server.asked(), ["GET /alpine/main/x86_64/APKINDEX.tar.gz"]);
    server.answer("/alpine/main/x86_64/APKINDEX.tar.gz", Answer::Versioned(file("two"), version("\"i2\"")));
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.hardtack("fetch app").ok().says(&["; 1 downloaded"]);
    assert_eq!(scene.read(format!("{folder}/APKINDEX.tar.gz.etag")), "\"i2\"");
    server.asked();
    scene.hardtack("fetch app --refresh").ok();
    assert_eq!(server.asked().len(), 2, "a package's etag is compared where that is asked for");
    scene.hardtack("cache clear alpine").ok().says(&["removed 2 sources"]);
    assert!(!scene.exists(&folder));
}

#[test]
fn no_secret_of_a_url_reaches_a_name_a_record_a_lock_a_log_or_a_bundle() {
    let (scene, server) = (Scene::new(), Server::start());
    server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    server.file("/bar-1.0.tar.gz?token=s3cr3t&x=1", source("bar", "1.0"));
    let user = server.url("/foo-1.0.tar.gz").replace("http://", "http://ann:s3cr3t@");
    let token = server.url("/bar-1.0.tar.gz?token=s3cr3t&x=1");
    project(&scene, "app", &[&user, &token]);
    let ran = scene.hardtack("fetch app -v --cache-layout both").ok();
    assert!(!ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
    scene
        .hardtack("cache export out --layout both")
        .ok()
        .says(&["its URL has a secret, which must not get into a name"]);
    scene.run(&["cache", "explain", &user]).ok();
    for folder in ["home/.cache/hardtack", "out"] {
        for path in scene.tree(folder) {
            assert!(!path.contains("s3cr3t"), "{path}");
            let bytes = std::fs::read(scene.path(format!("{folder}/{path}"))).expect("reads");
            assert!(!bytes.windows(6).any(|window| window == b"s3cr3t"), "{path}");
            for url in [&user, &token] {
                let names = [hardtack::base::Md5::of(url).to_string(), hardtack::base::Sha1::of(url).to_string()];
                assert!(names.iter().all(|name| !path.contains(name)), "a digest of the URL can be guessed at: {path}");
            }
        }
    }
    assert!(!scene.read("app/hardtack.lock").contains("s3cr3t"));
    scene.hardtack("fetch app --offline").ok();
}

#[test]
fn a_cache_of_the_machine_is_read_and_never_written() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    project(&scene, "app", &[&url]);
    scene.hardtack("fetch app --cache-dir system").ok();
    let before = scene.tree("system");
    settings(&scene, &format!("[cache]\nsystem-path = \"{}\"\n", scene.path("system").display()));
    let other = server.file("/bar-1.0.tar.gz", source("bar", "1.0"));
    project(&scene, "app", &[&url, &other]);
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    server.asked();
    scene.hardtack("fetch app").ok().says(&["; 1 downloaded"]);
    assert_eq!(server.asked(), ["GET /bar-1.0.tar.gz"]);
    assert_eq!(listed(&scene), ["bar-1.0.tar.gz"]);
    scene.hardtack("install app").ok();
    scene.hardtack("bundle app --installer none --offline").ok();
    assert_eq!(scene.tree("system"), before);
    scene.hardtack("cache info").ok();
    let told = explain(&scene, &url);
    assert_eq!(told["next"], "taken from the cache");
    assert!(told["entry"]["path"].as_str().is_some_and(|path| path.contains("/system/")), "{told}");
}

#[test]
fn a_cache_that_a_group_may_write_stays_one() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    project(&scene, "app", &[&url]);
    std::fs::create_dir(scene.path("shared")).expect("makes it");
    std::fs::set_permissions(scene.path("shared"), std::fs::Permissions::from_mode(0o2775)).expect("sets it");
    scene.hardtack("fetch app --cache-dir shared --cache-layout both").ok();
    scene.hardtack("cache gc --cache-dir shared").ok();
    scene.hardtack("fetch app --cache-dir shared").ok();
    let mut folders = 0;
    for entry in walkdir::WalkDir::new(scene.path("shared")) {
        let entry = entry.expect("can be read");
        let mode = entry.metadata().expect("is there").permissions().mode();
        if entry.file_type().is_dir() {
            folders += 1;
            assert_eq!(mode & 0o2070, 0o2070, "{}: {mode:o}", entry.path().display());
        } else if ["lock", "turn"]
            .iter()
            .any(|name| entry.path().extension().or(entry.path().file_name()) == Some(name.as_ref()))
        {
            assert_eq!(mode & 0o060, 0o060, "{}: {mode:o}", entry.path().display());
        } else {
            assert_eq!(mode & 0o040, 0o040, "{}: {mode:o}", entry.path().display());
        }
    }
    assert!(folders > 8);
}

#[test]
fn what_is_old_or_too_much_goes_and_is_told_before() {
    let (mut scene, server) = (Scene::new(), Server::start());
    let urls: Vec<String> =
        ["a", "b", "c"].iter().map(|name| server.file(&format!("/{name}-1.tgz"), source(name, "1"))).collect();
    for (index, url) in urls.iter().enumerate() {
        scene.set("HARDTACK_NOW", format!("2026-11-{:02}T00:00:00Z", 10 + index));
        project(&scene, "app", &[url]);
        let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
        scene.hardtack("fetch app").ok();
    }
    // The first one is used again later than the second.
    scene.set("HARDTACK_NOW", "2026-11-20T00:00:00Z");
    project(&scene, "app", &[&urls[0]]);
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.hardtack("fetch app").ok();
    settings(&scene, "[cache]\nmax-age = \"30 days\"\nmax-size = \"1 GiB\"\n");
    scene.hardtack("cache gc").ok().says(&["removed 0 sources"]);
    let before = scene.tree("home/.cache/hardtack");
    let dry: serde_json::Value =
        serde_json::from_str(&scene.run(&["cache", "gc", "--max-age", "8d 12h", "-n", "--format", "json"]).ok().stdout)
            .expect("JSON");
    assert_eq!(dry["removed"].as_array().map(Vec::len), Some(1));
    assert_eq!(scene.tree("home/.cache/hardtack"), before);
    scene.run(&["cache", "gc", "--max-age", "8d 12h"]).ok().says(&["removed 1 source and 0 files nobody needs"]);
    assert_eq!(listed(&scene), ["a-1.tgz", "c-1.tgz"]);
    let on_disk = |scene: &Scene| {
        let info: serde_json::Value =
            serde_json::from_str(&scene.hardtack("cache info --format json").ok().stdout).expect("JSON");
        info["bytes"].as_u64().expect("a number")
    };
    let before = on_disk(&scene);
    let cleaned = scene.hardtack("cache gc --max-size 4KiB --format json").ok().stdout;
    let cleaned: serde_json::Value = serde_json::from_str(&cleaned).expect("JSON");
    let left = on_disk(&scene);
    assert_eq!((&cleaned["freed"], &cleaned["left"]), (&(before - left).into(), &left.into()), "honest to the byte");
    assert_eq!(listed(&scene), ["a-1.tgz"]);
    scene.hardtack("cache gc --max-size much").exits(2).says(&["`much` is no size such as 10GiB"]);
    // With limits in the settings a command that fetched cleans up by itself, once a day.
    settings(&scene, "[cache]\nmax-age = \"1h\"\n");
    scene.set("HARDTACK_NOW", "2026-11-24T00:00:00Z");
    project(&scene, "app", &[&urls[1]]);
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    scene.hardtack("fetch app").ok();
    assert_eq!(listed(&scene), ["b-1.tgz"]);
}
