//! What others may have done to a cache, a server or a bundle: wrong bytes are served to nobody, nothing of others is
//! touched, and nothing is waited for that never comes.

use std::os::unix::fs::symlink;
use std::process::Command;

use hardtack::base::{Md5, Sha1, Sha256, SourceKey};

use crate::server::{Answer, Server, Version};
use crate::support::{Scene, set_mode, skipped, source};

const CACHE: &str = "home/.cache/hardtack";

fn version(etag: &'static str) -> Version {
    Version { etag: Some(etag), ..Version::default() }
}

fn project(scene: &Scene, folder: &str, url: &str, more: &str) {
    scene.project(folder, "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n{more}\n"));
}

fn unlock(scene: &Scene, folder: &str) {
    let _ = std::fs::remove_file(scene.path(format!("{folder}/hardtack.lock")));
}

fn locks(scene: &Scene, folder: &str, bytes: &[u8]) -> bool {
    scene.read(format!("{folder}/hardtack.lock")).contains(&Sha256::of(bytes).to_string())
}

/// The file of the ledger, the store and so on that is a URL's.
fn own_file(folder: &str, url: &str, ending: &str) -> String {
    let id = SourceKey::url(url).id();
    match folder {
        "partial" => format!("{CACHE}/.hardtack/partial/{id}{ending}"),
        _ => format!("{CACHE}/.hardtack/{folder}/{}/{id}{ending}", &id[..2]),
    }
}

fn blob(bytes: &[u8]) -> String {
    let hex = Sha256::of(bytes).to_string();
    format!("{CACHE}/.hardtack/store/sha256/{}/{hex}", &hex[..2])
}

fn overwrite(scene: &Scene, path: &str, bytes: &[u8]) {
    set_mode(&scene.path(path), 0o644);
    std::fs::write(scene.path(path), bytes).expect("writes");
}

fn copy(scene: &Scene, from: &str, to: &str) {
    let status = Command::new("cp").arg("-a").args([scene.path(from), scene.path(to)]).status();
    assert!(status.expect("cp runs").success());
}

#[test]
fn parts_of_two_versions_are_never_put_together_and_a_short_part_is_not_the_whole() {
    let (old, new) = (source("foo", "1.0"), source("foo", "2.0 with more to say than the first"));
    for (what, second, bytes) in [
        ("if-range ignored", Version { ignores_if_range: true, ..version("\"2\"") }, &new),
        ("a part without an etag", Version { ignores_if_range: true, ..Version::default() }, &new),
        ("short parts", Version { short_part: Some(50), ..version("\"1\"") }, &old),
    ] {
        let (mut scene, server) = (Scene::new(), Server::start());
        scene.foo_project(&server);
        let cut = Version { cut: Some(100), ..version("\"1\"") };
        server.answer("/foo-1.0.tar.gz", Answer::Versioned(old.clone(), cut));
        scene.hardtack("fetch app").exits(9);
        server.answer("/foo-1.0.tar.gz", Answer::Versioned(bytes.clone(), second));
        scene.set("HARDTACK_RETRIES", "1");
        scene.hardtack("fetch app").ok();
        assert!(locks(&scene, "app", bytes), "{what}");
    }
}

#[test]
fn an_import_changes_nothing_of_what_a_server_said() {
    let (mut scene, server) = (Scene::new(), Server::start());
    let url = server.url("/base.cfg");
    let config = |folder: &str| format!("{folder}/buildout.cfg");
    for folder in ["one", "two"] {
        scene.write(
            &config(folder),
            format!("[buildout]\nextends = {url}\nparts =\n[hardtack]\nname = app\nversion = 1\n"),
        );
    }
    let (old, new) = ("[v]\nname = old\n", "[v]\nname = new\n");
    scene.set("HARDTACK_NOW", "2026-01-01T00:00:00Z");
    server.answer("/base.cfg", Answer::Versioned(old.into(), version("\"1\"")));
    scene.hardtack("bundle one --installer none").ok();
    copy(&scene, CACHE, "old");
    unlock(&scene, "one");
    scene.set("HARDTACK_NOW", "2026-06-01T00:00:00Z");
    server.answer("/base.cfg", Answer::Versioned(new.into(), version("\"2\"")));
    scene.hardtack("fetch one").ok();
    copy(&scene, CACHE, "new");
    let record = scene.tree("new/.hardtack/ledger").pop().expect("a record");
    let record = format!("new/.hardtack/ledger/{record}");
    scene.write(&record, scene.read(&record).replace("\\\"2\\\"", "\\\"3\\\""));
    scene.set("HARDTACK_NOW", "2026-11-22T10:00:00Z");
    let ledger = scene.read(own_file("ledger", &url, ".json"));
    for import in ["old", "new", "app-1.tar.gz", "old --trust", "new --trust"] {
        scene.hardtack(&format!("cache import {import}")).ok();
        assert_eq!(scene.read(own_file("ledger", &url, ".json")), ledger, "after {import}");
        scene.hardtack("fetch two --offline --max-index-age 1h").exits(3).says(&["is 174 d 10 h old"]);
    }
    scene.hardtack("fetch two --offline").ok();
    assert!(locks(&scene, "two", new.as_bytes()), "the current one is the one the server gave last");
    // Where nothing was known, trust makes it known, and nobody knows how old it is.
    unlock(&scene, "two");
    let fresh = |more: &str| scene.hardtack(&format!("fetch two --offline --cache-dir fresh {more}"));
    scene.hardtack("cache import new --trust --cache-dir fresh").ok();
    fresh("--max-index-age 9000d").exits(3).says(&["of unknown age"]);
    fresh("").ok().says(&["it is of unknown age"]);
}

#[test]
fn repairing_leaves_no_changed_byte_in_any_layout_and_loses_no_good_one() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    project(&scene, "old", &url, "");
    scene.hardtack("fetch old --link-mode hardlink").ok();
    server.file("/foo-1.0.tar.gz", source("foo", "2.0"));
    project(&scene, "new", &url, "");
    scene.hardtack("lock new --update --link-mode hardlink").ok();
    overwrite(&scene, &blob(&source("foo", "2.0")), &source("evil", "6.6"));
    scene.hardtack("cache verify").exits(6);
    scene.hardtack("cache verify --repair").ok();
    let view = format!("{CACHE}/cmmi/{}", Md5::of(&url));
    assert!(!scene.exists(&view), "buildout would read it");
    scene.hardtack("fetch new --offline").exits(3);
    scene.hardtack("cache gc").ok();
    scene.hardtack("fetch old --offline").ok();
    // The earlier one answers only who is locked to it.
    unlock(&scene, "new");
    scene.hardtack("fetch new --offline").exits(3);
    scene.hardtack("fetch new").ok();
    assert!(locks(&scene, "new", &source("foo", "2.0")));

    // A project's own cache takes what lies there, but not what was just found to be wrong.
    let own = format!("[buildout]\nparts = foo\ndownload-cache = dl\n[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n");
    scene.write("own/buildout.cfg", own);
    scene.hardtack("fetch own --link-mode hardlink").ok();
    unlock(&scene, "own");
    let name = scene.tree("own/dl/.hardtack/store").pop().expect("a blob");
    overwrite(&scene, &format!("own/dl/.hardtack/store/{name}"), &source("evil", "6.6"));
    scene.hardtack("cache verify --repair --cache-dir own/dl").ok();
    scene.hardtack("fetch own").ok();
    assert!(locks(&scene, "own", &source("foo", "2.0")));
}

#[test]
fn what_one_secret_opens_is_not_anothers() {
    let (scene, server) = (Scene::new(), Server::start());
    server.file("/dl?sig=1", source("foo", "1.0"));
    server.file("/dl?sig=2", source("foo", "2.0"));
    let (one, two) = (server.url("/dl?sig=1"), server.url("/dl?sig=2"));
    project(&scene, "one", &one, "");
    project(&scene, "two", &two, "");
    scene.hardtack("fetch one").ok();
    scene.hardtack("fetch two --offline").exits(3).says(&["the URL has a secret, and no digest says"]);
    scene.hardtack("fetch two").ok();
    assert!(locks(&scene, "one", &source("foo", "1.0")) && locks(&scene, "two", &source("foo", "2.0")));
    // With a lock either is found.
    scene.hardtack("fetch one --offline").ok();
    scene.hardtack("fetch two --offline").ok();
    let both = format!("[a]\nrecipe = zc.recipe.cmmi\nurl = {one}\n[b]\nrecipe = zc.recipe.cmmi\nurl = {two}\n");
    scene.project("both", "a b", &both);
    let ran = scene.hardtack("fetch both").exits(2);
    ran.says(&["error[same-name]", "differs from it only in its secret", "URLs that differ in more"]);
}

#[test]
fn an_older_file_beside_a_newer_etag_is_nobodys_answer() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.url("/main/x86_64/APKINDEX.tar.gz");
    let settings = format!("[registries.a]\nkind = \"apk\"\nurl = \"{}\"\n", server.url("/main"));
    scene.write("home/.config/hardtack/config.toml", settings);
    for (folder, etag, text) in [("one", "\"1\"", "1"), ("two", "\"2\"", "2")] {
        server.answer("/main/x86_64/APKINDEX.tar.gz", Answer::Versioned(source("i", text), version(etag)));
        project(&scene, folder, &url, "");
        scene.hardtack(&format!("fetch {folder}")).ok();
    }
    let view = scene.tree(CACHE).into_iter().find(|path| path.ends_with("APKINDEX.tar.gz")).expect("a view");
    let agrees = |scene: &Scene| {
        let bytes = std::fs::read(scene.path(format!("{CACHE}/{view}"))).expect("reads");
        let etag = std::fs::read_to_string(scene.path(format!("{CACHE}/{view}.etag"))).unwrap_or_default();
        (bytes == source("i", "1"), etag)
    };
    assert_eq!(agrees(&scene), (false, "\"2\"".to_owned()));
    // The project that is locked to the older one has it shown, with its own etag.
    std::fs::remove_file(scene.path(format!("{CACHE}/{view}"))).expect("removes");
    scene.hardtack("fetch one").ok();
    assert_eq!(agrees(&scene), (true, "\"1\"".to_owned()));
}

#[test]
fn links_lead_nowhere() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    let bytes = source("foo", "1.0");
    std::fs::create_dir_all(scene.path(format!("{CACHE}/.hardtack/partial"))).expect("makes it");
    std::fs::create_dir_all(scene.path(format!("{CACHE}/cmmi"))).expect("makes it");
    scene.write("victim", "mine");
    symlink(scene.path("victim"), scene.path(own_file("partial", &url, ".data"))).expect("links");
    scene.write("outside/foo-1.0.tar.gz", "mine");
    scene.write("outside/same.tgz", &bytes);
    symlink(scene.path("outside"), scene.path(format!("{CACHE}/cmmi/{}", Sha1::of(&url)))).expect("links");
    scene.hardtack("fetch app --cache-layout both").ok().says(&["a link leads out of the cache there"]);
    assert_eq!(scene.read("victim"), "mine");
    assert!(scene.path(blob(&bytes)).symlink_metadata().expect("is there").is_file());
    scene.hardtack("cache clear --all").ok();
    assert_eq!(scene.read("outside/foo-1.0.tar.gz"), "mine");
    assert!(scene.exists("outside/same.tgz") && !scene.exists("outside/cache.ini"));
}

#[test]
fn what_stands_in_the_way_is_told_and_keeps_nothing_from_being_found() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    let view = format!("{CACHE}/cmmi/{}", Md5::of(&url));
    scene.write(&format!("{view}/theirs"), "x");
    scene.write(&format!("{}/theirs", blob(&source("foo", "1.0"))), "x");
    scene.hardtack("fetch app").ok().says(&["warning: ", "is left out of the layout"]);
    scene.hardtack("fetch app --offline").ok();
    assert!(scene.exists(&format!("{view}/theirs")));
    scene.hardtack("cache verify").ok();
    // A folder in the place of a blob later on is put aside as well.
    let blob = blob(&source("foo", "1.0"));
    std::fs::remove_file(scene.path(&blob)).expect("removes");
    scene.write(&format!("{blob}/theirs"), "x");
    scene.hardtack("fetch app").ok().says(&["1 downloaded"]);
    // A format file that a crash left empty is no newer format.
    scene.write(&format!("{CACHE}/.hardtack/format"), "");
    scene.hardtack("fetch app").ok();
}

#[test]
fn nothing_is_waited_for_that_never_comes() {
    let scene = Scene::new();
    let pipes = [
        format!("cmmi/{}/cache.ini", Sha1::of("http://h/x")),
        "http%3A%2F%2Fh%2Fmain/x86_64/foo.apk.etag".to_owned(),
        "h.example/group-name-1.0.0/apl-package.json".to_owned(),
        format!("cmmi/{}", Md5::of("http://h/y")),
    ];
    for pipe in &pipes {
        let path = scene.path(format!("theirs/{pipe}"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes it");
        assert!(Command::new("mkfifo").arg(&path).status().is_ok_and(|status| status.success()));
    }
    scene.write(&format!("theirs/cmmi/{}/x", Sha1::of("http://h/x")), "x");
    scene.write("theirs/http%3A%2F%2Fh%2Fmain/x86_64/foo.apk", "x");
    let endless = format!("theirs/cmmi/{}", Sha1::of("http://h/z"));
    scene.write(&format!("{endless}/z"), "z");
    symlink("/dev/zero", scene.path(format!("{endless}/cache.ini"))).expect("links");
    let bounded = |line: &str| {
        let mut command = scene.under("timeout", &["20"], &line.split_whitespace().collect::<Vec<_>>());
        let output = command.output().expect("timeout runs");
        assert_ne!(output.status.code(), Some(124), "hardtack {line} hangs");
        output.status.code()
    };
    assert_eq!(bounded("cache import theirs"), Some(0));
    for folder in ["ledger/aa", "store/sha256/aa"] {
        let path = scene.path(format!("{CACHE}/.hardtack/{folder}/pipe"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes it");
        assert!(Command::new("mkfifo").arg(&path).status().is_ok_and(|status| status.success()));
    }
    assert_eq!(bounded("cache verify"), Some(6));
    assert_eq!(bounded("cache verify --repair"), Some(0));
    assert_eq!(bounded("cache verify"), Some(0));
}

#[test]
fn an_import_reads_only_what_is_below_its_folder_and_believes_no_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let scene = Scene::new();
    scene.write("secret", "s3cr3t");
    scene.write("theirs/http%3A%2F%2Fh%2Fmain/x86_64/foo.apk", "x");
    symlink(scene.path("secret"), scene.path("theirs/http%3A%2F%2Fh%2Fmain/x86_64/foo.apk.etag")).expect("links");
    scene.write("outside/apl-package.json", "{}");
    std::fs::create_dir_all(scene.path("theirs/h.example")).expect("makes it");
    symlink(scene.path("outside"), scene.path("theirs/h.example/group-name-1.0.0")).expect("links");
    std::fs::write(scene.path("theirs").join(OsStr::from_bytes(b"no\xfftext")), "x").expect("writes");
    scene.hardtack("cache import theirs").ok().says(&["imported 1 file"]);
    let ledger: String = scene
        .tree(&format!("{CACHE}/.hardtack/ledger"))
        .iter()
        .map(|path| scene.read(format!("{CACHE}/.hardtack/ledger/{path}")))
        .collect();
    assert!(!ledger.contains("s3cr3t") && !ledger.contains("group-name"), "{ledger}");

    // A ledger of somebody's making.
    scene.write("made/.hardtack/format", "1\n");
    let sha256 = Sha256::of("x").to_string();
    scene.write(&format!("made/.hardtack/store/sha256/{}/{sha256}", &sha256[..2]), "x");
    for key in ["http://u:s3cr3t@h/x", "http://h/\\u001b[31mred", "nonsense", "http://h/a"] {
        let url = if key.ends_with("/a") { ",\"url\":\"http://h/b\"" } else { "" };
        let record = format!(
            "{{\"format\":1,\"key\":\"{key}\"{url},\"class\":\"by-url\",\"reason\":\"\",\"generations\":\
             [{{\"sha256\":\"{sha256}\",\"md5\":\"{}\",\"size\":1}}]}}",
            Md5::of("x")
        );
        let id = Sha256::of(key.replace("\\u001b", "\u{1b}")).to_string();
        scene.write(&format!("made/.hardtack/ledger/{}/{id}.json", &id[..2]), record);
    }
    let ran = scene.hardtack("cache import made --trust --cache-dir other").ok();
    assert!(!ran.stderr.contains("s3cr3t") && ran.stderr.contains("imported 0 files"), "{}", ran.stderr);
    assert_eq!(scene.hardtack("cache list --cache-dir other").ok().stdout, "");
}

#[test]
fn spellings_that_hide_a_password_are_refused_without_showing_it() {
    let scene = Scene::new();
    for url in ["http:///ann:s3cr3t@h/x.tgz", "http:/ann:s3cr3t@h/x.tgz", "http:ann:s3cr3t@h/x.tgz"] {
        project(&scene, "app", url, "");
        let ran = scene.hardtack("fetch app").exits(2);
        assert!(!ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
    }
    scene.write("home/.config/hardtack/config.toml", "[registries.x]\nurl = \"http://ann:s3cr3t@h/x\" oops\n");
    let ran = scene.hardtack("cache info").exits(2).says(&["error[settings]"]);
    assert!(!ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
    for path in ["", "~/cache", "cache"] {
        scene.write("home/.config/hardtack/config.toml", format!("[cache]\npath = \"{path}\"\n"));
        scene.hardtack("cache dir").exits(2).says(&["is no absolute path"]);
    }
}

#[test]
fn everything_is_cleared_when_everything_is_meant_and_no_more() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    scene.hardtack("fetch app").ok();
    scene.write(&own_file("ledger", "http://h/damaged", ".json"), "{");
    scene.write(&blob(b"nobody's"), "nobody's");
    scene.write(&own_file("partial", "http://h/begun", ".data"), "half");
    scene.hardtack("cache clear --all -n").ok();
    assert!(scene.exists(&own_file("ledger", &url, ".json")));
    scene.hardtack("cache clear --all").ok();
    let left = scene.tree(&format!("{CACHE}/.hardtack"));
    let data = ["ledger", "store", "identity", "partial"];
    assert!(!left.iter().any(|path| data.iter().any(|folder| path.starts_with(folder))), "{left:?}");

    // A cache whose own folder is called as what is being written.
    let odd = ".hardtack-tmp-cache";
    scene.hardtack(&format!("fetch app --cache-dir {odd}")).ok();
    assert!(Command::new("touch").args(["-d", "3 days ago"]).arg(scene.path(odd)).status().is_ok_and(|s| s.success()));
    scene.hardtack(&format!("cache gc --cache-dir {odd}")).ok();
    scene.hardtack(&format!("fetch app --offline --cache-dir {odd}")).ok();
}

#[test]
fn a_group_whose_member_was_killed_goes_on() {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return skipped("this takes root, to be two users");
    }
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    for folder in ["", "home", "app", "shared"] {
        std::fs::create_dir_all(scene.path(folder)).expect("makes it");
        std::os::unix::fs::chown(scene.path(folder), None, Some(5000)).expect("changes the group");
        set_mode(&scene.path(folder), 0o2775);
    }
    let run = |user: u32, words: &[&str]| {
        let mut command = scene.command(words);
        command.env("HARDTACK_CACHE_DIR", scene.path("shared")).uid(user).gid(5000);
        let output = command.output().expect("starts");
        assert!(output.status.success(), "{words:?} as {user}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(6001, &["fetch", "app"]);
    // As one leaves it who was killed.
    let lease = scene.write("shared/.hardtack/leases/1-x", "hardtack fetch, process 1\n");
    std::os::unix::fs::chown(&lease, Some(6001), Some(5000)).expect("changes the owner");
    set_mode(&lease, 0o660);
    let settings = "[cache]\nmax-size = \"1GiB\"\n";
    scene.write("home/.config/hardtack/config.toml", settings);
    run(6002, &["fetch", "app"]);
    run(6002, &["cache", "gc"]);
    run(6002, &["cache", "clear", "--all"]);
    assert!(!lease.exists());
}
