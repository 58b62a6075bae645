//! What a bundle is, and how two of them differ.

use crate::server::Server;
use crate::support::{Scene, source};

/// A bundle of one package that changes its version, one that goes, one that comes, and files of the project.
fn bundle(scene: &Scene, server: &Server, version: &str, parts: &str) {
    for (path, body) in
        [("/zlib-1.2.tgz", "1.2"), ("/zlib-1.3.tgz", "1.3"), ("/old-1.tgz", "1"), ("/data.tgz", version)]
    {
        server.file(path, source("foo", body));
    }
    let section = |name: &str| match name {
        "data" => format!("[data]\nrecipe = hardtack:copy\nurl = {}\n", server.url("/data.tgz")),
        name => {
            let (part, _) = name.split_once('-').expect("a version");
            format!("[{part}]\nrecipe = zc.recipe.cmmi\nurl = {}\n", server.url(&format!("/{name}.tgz")))
        }
    };
    let names: Vec<&str> = parts.split(' ').map(|name| name.split('-').next().expect("a name")).collect();
    let sections: String = parts.split(' ').map(section).collect();
    let header = format!("[buildout]\nparts = {}\n[hardtack]\nname = app\nversion = {version}\n", names.join(" "));
    scene.write("app/buildout.cfg", header + &sections);
    let ran = scene.hardtack("-C app lock --update").ok();
    drop(ran);
    scene.hardtack("bundle app --installer none").ok();
}

#[test]
fn a_bundle_tells_what_it_is_made_of() {
    let (scene, server) = (Scene::new(), Server::start());
    bundle(&scene, &server, "1.0", "zlib-1.2 data");
    let told = scene.hardtack("inspect app-1.0.tar.gz").ok().stdout;
    for line in [
        "app 1.0\nmade by hardtack ",
        "from buildout.cfg, dated 1980-01-01T00:00:00Z (fixed)\n",
        "no installer: the site needs its own hardtack\n",
        "; 2 sources, ",
        "part zlib (zc.recipe.cmmi)\n",
        &server.url("/zlib-1.2.tgz"),
        "part data (hardtack:copy)\n",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&scene.hardtack("inspect app-1.0.tar.gz --format json").ok().stdout).expect("JSON");
    assert_eq!(json["manifest"]["parts"][1]["recipe"], "hardtack:copy");
    scene.write("x.tar.gz", "no bundle");
    scene.hardtack("inspect x.tar.gz").exits(6).says(&["error[not-a-bundle]"]);
}

#[test]
fn two_bundles_tell_how_they_differ() {
    let (scene, server) = (Scene::new(), Server::start());
    scene.write("app/conf/a", "1");
    scene.write("app/conf/b", "1");
    bundle(&scene, &server, "1.0", "zlib-1.2 data old-1");
    scene.hardtack("diff app-1.0.tar.gz app-1.0.tar.gz --exit-code").ok().never_says(&["error"]);
    scene.write("app/conf/a", "2");
    std::fs::remove_file(scene.path("app/conf/b")).expect("removes");
    scene.write("app/conf/c", "1");
    bundle(&scene, &server, "1.1", "zlib-1.3 data");
    let told = scene.hardtack("diff app-1.0.tar.gz app-1.1.tar.gz").ok().stdout.replace(&server.url("/"), "[URL]/");
    for line in [
        "part zlib: changed\n  zlib 1.2 -> 1.3 ([URL]/zlib-1.3.tgz, ",
        "part data: changed\n  other bytes: [URL]/data.tgz (",
        "part old: gone\n  gone: [URL]/old-1.tgz\n",
        "+ conf/c\n- conf/b\n* buildout.cfg\n* conf/a\n* hardtack.lock\n",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let note = scene.hardtack("diff --markdown app-1.0.tar.gz app-1.1.tar.gz").ok().stdout;
    let begins = "## app 1.1\n\nChanges since app 1.0.\n\n### Parts\n\n- **zlib**: changed\n  - zlib 1.2 → 1.3\n- **data**: changed\n";
    assert!(note.starts_with(begins) && note.contains("### Project files\n\n- added: `conf/c`\n"), "{note}");
    scene.hardtack("diff app-1.0.tar.gz app-1.1.tar.gz --exit-code").exits(1);
    let json = scene.hardtack("diff app-1.0.tar.gz app-1.1.tar.gz --format json").ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["comparison"]["parts"][0]["sources"][0]["to"], "1.3");
    assert_eq!(json["same"], false);
}
