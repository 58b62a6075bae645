//! To and from the caches of other programs, and bundles that lie.

use std::io::Write;

use hardtack::base::{Md5, Sha1, Sha256};

use super::policy::package;
use crate::server::{Answer, Server, Version};
use crate::support::{Member, Scene, archive, source};

fn project(scene: &Scene, folder: &str, urls: &[(&str, &str)]) {
    let names: Vec<String> = (0..urls.len()).map(|index| format!("part{index}")).collect();
    let section = |(name, (url, more)): (&String, &(&str, &str))| {
        format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n{more}\n")
    };
    scene.project(folder, &names.join(" "), &names.iter().zip(urls).map(section).collect::<String>());
}

/// A gzip member that holds a tar stream, whole or without its end.
fn member(files: &[(&str, &[u8])], whole: bool) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).expect("appends");
    }
    let mut tar = builder.into_inner().expect("finishes");
    if !whole {
        tar.truncate(tar.len() - 1024);
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    gzip.write_all(&tar).expect("writes");
    gzip.finish().expect("finishes")
}

/// An apk package: signature, control and data.
struct Apk {
    signature: Vec<u8>,
    control: Vec<u8>,
    data: Vec<u8>,
}

impl Apk {
    fn new(name: &str) -> Self {
        let data = member(&[("usr/share/file", name.as_bytes())], true);
        let info = format!("pkgname = {name}\npkgver = 1.0-r0\ndatahash = {}\n", Sha256::of(&data));
        let control = member(&[(".PKGINFO", info.as_bytes())], false);
        Self { signature: member(&[(".SIGN.RSA256.key.rsa.pub", b"signature")], false), control, data }
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.signature[..], &self.control, &self.data].concat()
    }
}

#[test]
fn buildouts_layouts_are_written_and_read_again() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    let sha256 = format!("sha256 = {}", Sha256::of(source("foo", "1.0")));
    project(&scene, "app", &[(&url, "")]);
    scene.hardtack("fetch app").ok();
    let (md5, sha1) = (Md5::of(&url), Sha1::of(&url));
    let modern = format!("cmmi/{md5}");
    let classic = [format!("cmmi/{sha1}/cache.ini"), format!("cmmi/{sha1}/foo-1.0.tar.gz")];
    let cases: [(&str, Vec<String>); 5] = [
        ("modern", vec![modern.clone()]),
        ("classic", classic.to_vec()),
        ("both", [vec![modern], classic.to_vec()].concat()),
        ("root", vec![md5.to_string()]),
        ("dist", vec!["dist/foo-1.0.tar.gz".to_owned()]),
    ];
    for (layout, mut files) in cases {
        scene.hardtack(&format!("cache export {layout} --layout {layout}")).ok().says(&["wrote 1 source to"]);
        files.sort();
        let mut found = scene.tree(layout);
        found.sort();
        assert_eq!(found, files);
        // Whoever changes a file there changes nothing in the cache.
        let file = files.iter().find(|file| !file.ends_with(".ini")).expect("a file");
        scene.write(
            &format!("copy/{layout}/{file}"),
            std::fs::read(scene.path(format!("{layout}/{file}"))).expect("reads"),
        );
        if layout.starts_with('c') || layout == "both" {
            let ini = &classic[0];
            scene.write(&format!("copy/{layout}/{ini}"), scene.read(format!("{layout}/{ini}")));
        }
        scene.write(&format!("{layout}/{file}"), "changed");
        scene.hardtack("cache verify").ok();

        let import = format!("cache import copy/{layout} --cache-dir imported-{layout}");
        scene.hardtack(&import).ok().says(&["imported 1 file into", "without --trust"]);
        let offline = |more: &str| {
            project(&scene, "app", &[(&url, more)]);
            let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
            scene.hardtack(&format!("fetch app --offline --cache-dir imported-{layout}"))
        };
        // Nobody's word is taken for a URL's bytes: neither without a digest, nor with one that can be made to collide.
        offline("").exits(3);
        offline(&format!("md5sum = {}", Md5::of(source("foo", "1.0")))).exits(3);
        offline(&sha256).ok();
        if layout != "dist" {
            scene.hardtack(&format!("{import} --trust")).ok();
            offline("").ok();
        }
    }
}

#[test]
fn folders_of_the_original_that_are_not_whole_are_left_and_told() {
    let scene = Scene::new();
    let sha1 = |url: &str| Sha1::of(url).to_string();
    let (empty, other, none) = (sha1("http://h/empty"), sha1("http://h/other"), sha1("http://h/none"));
    std::fs::create_dir_all(scene.path(format!("theirs/cmmi/{empty}"))).expect("makes it");
    scene.write(&format!("theirs/cmmi/{other}/cache.ini"), "[cache]\ndownload_url = http://h/x\n");
    scene.write(&format!("theirs/cmmi/{other}/x"), "x");
    scene.write(&format!("theirs/cmmi/{none}/x"), "x");
    std::os::unix::fs::symlink("/etc/passwd", scene.path(format!("theirs/cmmi/{}", Md5::of("x")))).expect("links");
    scene.write("theirs/host.example/group-name-1.0.0/nothing", "");
    let ran = scene.hardtack("cache import theirs").ok();
    ran.says(&[
        "a download that was interrupted left it empty",
        "its `cache.ini` names another URL than its folder",
        "no `cache.ini` says which URL it is of",
        "it is no plain file",
        "it is not whole: its `apl-package.json` is missing",
        "imported 0 files",
    ]);
    std::fs::create_dir(scene.path("nothing")).expect("makes it");
    scene.hardtack("cache import nothing").exits(1).says(&["error[nothing-to-import]"]);
    scene.hardtack("cache import nowhere").exits(4);
}

#[test]
fn apk_repositories_are_written_in_both_layouts_and_read_in_all() {
    let (scene, server) = (Scene::new(), Server::start());
    let version = |etag| Version { etag: Some(etag), ..Version::default() };
    let index = archive(&[Member { path: "APKINDEX", text: "P:foo\n", executable: false }]);
    let foo = Apk::new("foo");
    let base = "/a b/main".replace(' ', "%20");
    let index_url = server
        .answer(&format!("{base}/x86_64/APKINDEX.tar.gz"), Answer::Versioned(index.clone(), version("\"5f3c-1a2b\"")));
    let foo_url =
        server.answer(&format!("{base}/x86_64/foo-1.0-r0.apk"), Answer::Versioned(foo.bytes(), version("W/\"f\"")));
    let plain = server.file("/plain-1.0.tar.gz", source("plain", "1.0"));
    project(&scene, "app", &[(&index_url, ""), (&foo_url, ""), (&plain, "")]);
    scene.hardtack("fetch app").ok();

    let folder = server.url("/a%2520b/main").replace(':', "%3A").replace('/', "%2F") + "/x86_64";
    let first = scene.hardtack("cache export first --layout apk-etag").ok();
    first.says(&["plain-1.0.tar.gz` is left out: it is nothing that apk repositories have", "wrote 2 sources"]);
    assert_eq!(
        scene.tree("first"),
        ["APKINDEX.tar.gz", "APKINDEX.tar.gz.etag", "foo-1.0-r0.apk", "foo-1.0-r0.apk.etag"]
            .map(|name| format!("{folder}/{name}"))
    );
    assert_eq!(scene.read(format!("first/{folder}/APKINDEX.tar.gz.etag")), "\"5f3c-1a2b\"");

    scene.hardtack("cache export today --layout apk").ok();
    let (control, data) = (Sha1::of(&foo.control), Sha256::of(&foo.data));
    let names = [
        "APKINDEX/GVTDGYZNGFQTEYQ=.tar.gz".to_owned(),
        format!("foo-1.0-r0/{control}.ctl.tar.gz"),
        format!("foo-1.0-r0/{control}.sig.tar.gz"),
        format!("foo-1.0-r0/{data}.dat.tar"),
        format!("foo-1.0-r0/{data}.dat.tar.gz"),
    ];
    let mut wanted = names.clone().map(|name| format!("{folder}/{name}"));
    wanted.sort();
    assert_eq!(scene.tree("today"), wanted);
    let read = |name: &str| std::fs::read(scene.path(format!("today/{folder}/{name}"))).expect("reads");
    assert_eq!(
        (read(&names[1]), read(&names[2]), read(&names[4])),
        (foo.control.clone(), foo.signature.clone(), foo.data.clone())
    );
    assert!(read(&names[3]).windows(14).any(|window| window == b"usr/share/file"));
    // Once more over what is there.
    scene.hardtack("cache export today --layout apk").ok();
    assert_eq!(scene.tree("today"), wanted);

    // As today's tools have it themselves: links to files with other names.
    let package = format!("links/{folder}/foo-1.0-r0");
    for (index, (name, bytes)) in
        [(&names[2], &foo.signature), (&names[1], &foo.control), (&names[4], &foo.data)].into_iter().enumerate()
    {
        scene.write(&format!("{package}/expand-apk1/stream-{index}.tar.gz"), bytes);
        let name = name.rsplit('/').next().expect("a name");
        let target = format!("expand-apk1/stream-{index}.tar.gz");
        std::os::unix::fs::symlink(target, scene.path(format!("{package}/{name}"))).expect("links");
    }
    scene.write(&format!("links/{folder}/APKINDEX/1.tmp"), &index);
    let link = scene.path(format!("links/{folder}/APKINDEX/GVTDGYZNGFQTEYQ=.tar.gz"));
    std::os::unix::fs::symlink("1.tmp", link).expect("links");

    for layout in ["first", "today", "links"] {
        let imported = scene.hardtack(&format!("cache import {layout} --trust --cache-dir from-{layout}")).ok();
        imported.says(&["imported 2 files"]);
        let list: serde_json::Value = serde_json::from_str(
            &scene.hardtack(&format!("cache list --format json --cache-dir from-{layout}")).ok().stdout,
        )
        .expect("JSON");
        let find = |url: &str| {
            let sources = list["sources"].as_array().expect("a list");
            sources
                .iter()
                .find(|source| source["url"] == url)
                .unwrap_or_else(|| panic!("{layout}: {url} in {list}"))
                .clone()
        };
        assert_eq!(find(&foo_url)["sha256"], Sha256::of(foo.bytes()).to_string(), "{layout}: the very file");
        assert_eq!(find(&index_url)["etag"], "\"5f3c-1a2b\"", "{layout}");
    }

    // A flipped byte in the data under the right control member, which the original would serve.
    let bad = scene.path(format!("today/{folder}/{}", names[4]));
    let mut bytes = foo.data.clone();
    *bytes.last_mut().expect("bytes") ^= 1;
    std::fs::write(bad, bytes).expect("writes");
    scene.hardtack("cache import today --cache-dir x").ok().says(&["its files are not what their names say"]);
}

#[test]
fn tatins_cache_is_written_and_read() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/example-Foo-1.0.0", package("Foo"));
    let other = server.file("/plain-1.0.tar.gz", source("plain", "1.0"));
    project(&scene, "app", &[(&url, ""), (&other, "")]);
    scene.hardtack("fetch app").ok();
    scene.hardtack("cache export out --layout tatin").ok().says(&["plain-1.0.tar.gz` is left out", "wrote 1 source"]);
    let folder = format!("{}/example-Foo-1.0.0", server.url("").replace("http://", "").replace(':', "\u{2206}"));
    assert_eq!(scene.tree("out"), ["apl-package.json", "code/f.aplf"].map(|name| format!("{folder}/{name}")));
    let config: serde_json::Value =
        serde_json::from_str(&scene.read(format!("out/{folder}/apl-package.json"))).expect("JSON");
    assert_eq!((&config["name"], &config["uri"]), (&"Foo".into(), &server.url("/").into()));
    scene.hardtack("cache import out --cache-dir other --trust").ok().says(&["imported 1 file"]);
    scene.run(&["cache", "list", &url, "--cache-dir", "other"]).ok();
    // It is the same package, packed anew: the same each time, and without what Tatin added.
    scene.hardtack("cache export again --layout tatin --cache-dir other").ok();
    assert_eq!(
        scene.read(format!("again/{folder}/apl-package.json")),
        scene.read(format!("out/{folder}/apl-package.json"))
    );
    let sha256 = |cache: &str| scene.hardtack(&format!("cache list --cache-dir {cache}")).ok().stdout;
    scene.hardtack("cache import out --cache-dir third --trust").ok();
    assert_eq!(sha256("other"), sha256("third"));
}

#[test]
fn a_bundle_that_claims_another_projects_url_poisons_nothing() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/foo-1.0.tar.gz", source("evil", "6.6"));
    project(&scene, "evil", &[(&url, "")]);
    scene.hardtack("bundle evil --installer none --no-cache --name evil").ok();
    server.file("/foo-1.0.tar.gz", source("foo", "1.0"));

    project(&scene, "app", &[(&url, "")]);
    scene.hardtack("cache import evil-1.0.tar.gz").ok().says(&["imported 1 file"]);
    scene.hardtack("fetch app --offline").exits(3);
    scene.hardtack("fetch app").ok().says(&["; 1 downloaded"]);
    // Also not when it comes after the right one.
    scene.hardtack("cache import evil-1.0.tar.gz").ok();
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    server.asked();
    scene.hardtack("fetch app").ok().says(&["; 0 downloaded"]);
    assert!(server.asked().is_empty());
    assert!(scene.read("app/hardtack.lock").contains(&Sha256::of(source("foo", "1.0")).to_string()));
    // A project that wants these very bytes gets them.
    let evil = format!("sha256 = {}", Sha256::of(source("evil", "6.6")));
    project(&scene, "evil", &[(&url, &evil)]);
    let _ = std::fs::remove_file(scene.path("evil/hardtack.lock"));
    scene.hardtack("fetch evil --offline").ok();
    // A bundle that is damaged brings nothing.
    let mut bytes = std::fs::read(scene.path("evil-1.0.tar.gz")).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    scene.write("evil-1.0.tar.gz", bytes);
    scene.hardtack("cache import evil-1.0.tar.gz --cache-dir fresh").exits(6);
    assert!(scene.tree("fresh").iter().all(|path| !path.contains("ledger") && !path.contains("store")));
}

#[test]
fn a_local_source_that_is_edited_afterwards_changes_no_cache() {
    let (scene, _server) = (Scene::new(), Server::start());
    let local = scene.write("elsewhere/foo-1.0.tar.gz", source("foo", "1.0"));
    let url = format!("file://{}", local.display());
    let config = format!(
        "[buildout]\nparts = foo\ndownload-cache = cache\n[hardtack]\nname = app\nversion = 1\n[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"
    );
    scene.write("app/buildout.cfg", config);
    scene.hardtack("fetch app --link-mode hardlink").ok();
    // Written in place, as an editor does that keeps the inode.
    std::fs::write(&local, source("foo", "6.6")).expect("writes");
    scene.hardtack("cache verify --cache-dir app/cache").ok();
    std::fs::remove_file(&local).expect("removes");
    scene.hardtack("install app").ok();
    let program = crate::support::output_of(&scene.path("app/parts/foo/bin/foo"));
    assert!(program.starts_with("foo 1.0 at"), "{program}");
}

#[test]
fn a_whole_cache_moves_to_another_machine() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    scene.hardtack("fetch app").ok();
    scene.hardtack("cache import home/.cache/hardtack --cache-dir other").ok().says(&["imported 1 file"]);
    // The lock has the digest.
    scene.hardtack("fetch app --offline --cache-dir other").ok();
    let told = scene.run(&["cache", "explain", &url, "--cache-dir", "other"]).ok().stdout;
    assert!(told.contains("taken over from another program") && told.contains("unless a SHA-256 says"), "{told}");
    scene.hardtack("cache import home/.cache/hardtack").exits(2).says(&["is the shared cache itself"]);
    scene.hardtack("cache export home/.cache/hardtack/x --layout dist").exits(2).says(&["where the cache itself lies"]);
    // A store whose bytes have changed is not believed.
    let blob = scene.tree("home/.cache/hardtack/.hardtack/store").pop().expect("a blob");
    let blob = scene.path(format!("home/.cache/hardtack/.hardtack/store/{blob}"));
    std::fs::remove_file(&blob).expect("removes");
    std::fs::write(&blob, "other").expect("writes");
    scene.hardtack("cache import home/.cache/hardtack --cache-dir third").ok().says(&["was left: SHA-256 is"]);
}
