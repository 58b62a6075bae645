//! apko's own library, with the network gone: it installs from the apk cache that we wrote.

use std::path::PathBuf;
use std::process::Command;

use crate::peers::{Nginx, Scene, have, kept, skipped, succeeded, tool};

/// A program around apko's library; `None` where it cannot be built.
fn apk_install() -> Option<PathBuf> {
    if Command::new("go").arg("version").output().is_err() {
        skipped("go is not here");
        return None;
    }
    let folder = kept("apko");
    let output = tool("apko.sh").arg(&folder).output().expect("the script starts");
    if !output.status.success() {
        skipped(&format!("apko's library: {}", String::from_utf8_lossy(&output.stderr)));
        return None;
    }
    Some(folder.join("apk-install"))
}

#[test]
fn apko_installs_offline_from_the_cache_we_wrote() {
    let here = ["openssl", "python3", "nginx"].iter().all(|program| have(program));
    let Some(apko) = here.then(apk_install).flatten() else { return };
    let scene = Scene::new();
    let made = tool("apk_repository.py").arg(scene.path("www/repo")).args(["hello", "foo++"]).output();
    succeeded(made.expect("the script starts"));
    let nginx = Nginx::start(&scene, &scene.path("www"));
    let url = |file: &str| nginx.url(&format!("repo/{file}"));
    let (key, repository) = (url("test.rsa.pub"), nginx.url("repo"));
    let settings = format!("[registries.test]\nkind = \"apk\"\nurl = \"{repository}\"\n");
    scene.write("home/.config/hardtack/config.toml", settings);
    // A key is no archive, so it comes as a patch would.
    let files = ["x86_64/APKINDEX.tar.gz", "x86_64/hello-1.0.0-r0.apk", "x86_64/foo++-1.0.0-r0.apk"].map(url);
    let sections = files.iter().enumerate().map(|(at, url)| format!("[p{at}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
    let sections = sections.collect::<String>() + &format!("patch = {key}\n");
    scene.write("app/buildout.cfg", format!("[buildout]\nparts = p0 p1 p2\n{sections}"));
    succeeded(scene.hardtack(&["fetch", "app"]));
    succeeded(scene.hardtack(&["cache", "export", "cache", "--layout", "apk"]));

    // What apko asks the server about is current, by its etag.
    let run = |cache: &str| {
        let mut command = scene.command(&apko);
        command.args([cache, &key, &repository, "x86_64", "hello", "foo++"]);
        command.output().expect("it starts")
    };
    let wanted = "foo++ 1.0.0-r0: hello from foo++\nhello 1.0.0-r0: hello from hello\n";
    let sorted = |text: String| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n") + "\n"
    };
    nginx.stop();
    assert_eq!(sorted(succeeded(run(scene.path("cache").to_str().expect("UTF-8")))), wanted);
    // Where we wrote nothing there is nothing: it was our cache that it read.
    std::fs::create_dir(scene.path("empty")).expect("makes it");
    assert!(!run(scene.path("empty").to_str().expect("UTF-8")).status.success());
    // And what it made of it is ours to read again.
    succeeded(scene.hardtack(&["cache", "import", "cache", "--trust", "--cache-dir", "again"]));
    let list = succeeded(scene.hardtack(&["cache", "list", "--cache-dir", "again"]));
    let digests = |text: &str| text.lines().map(|line| line[..64].to_owned()).collect::<Vec<_>>();
    assert_eq!(digests(&list), digests(&succeeded(scene.hardtack(&["cache", "list"]))));
}
