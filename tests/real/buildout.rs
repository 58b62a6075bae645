//! zc.buildout 6 with zc.recipe.cmmi 5: they install what we packed, and we install what they cached.

use std::path::PathBuf;
use std::process::Command;

use crate::peers::{Nginx, Scene, have, kept, skipped, succeeded, tool};

/// The real `buildout`; `None` where it is not to be had.
pub fn buildout() -> Option<PathBuf> {
    if !have("python3") && Command::new("python3").arg("--version").output().is_err() {
        return None;
    }
    let folder = kept("buildout");
    let output = tool("buildout.sh").arg(&folder).output().expect("the script starts");
    if !output.status.success() {
        skipped(&format!("zc.buildout: {}", String::from_utf8_lossy(&output.stderr)));
        return None;
    }
    Some(folder.join("bin/buildout"))
}

/// The fixture's source as a tarball in `www`, served by nginx.
fn served(scene: &Scene) -> Nginx {
    std::fs::create_dir(scene.path("www")).expect("makes a folder");
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut tar = scene.command("/bin/tar");
    tar.arg("-C").arg(fixtures).arg("-czf").arg(scene.path("www/hello-1.0.tar.gz")).arg("hello-1.0");
    succeeded(tar.output().expect("tar runs"));
    Nginx::start(scene, &scene.path("www"))
}

fn project(scene: &Scene, url: &str, more: &str) {
    scene.write(
        "app/buildout.cfg",
        format!(
            "[buildout]\nparts = hello\n{more}\n[hardtack]\nname = app\nversion = 1.0\n\n\
             [hello]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"
        ),
    );
}

fn says_hello(scene: &Scene, prefix: &str) {
    let prefix = scene.path(prefix);
    let said = succeeded(scene.command(prefix.join("bin/hello")).output().expect("runs"));
    assert_eq!(said, format!("Hello from {}, built without a network.\n", prefix.display()));
}

#[test]
fn buildout_installs_from_the_download_cache_inside_our_bundle() {
    if !have("nginx") {
        return;
    }
    let Some(buildout) = buildout() else { return };
    let scene = Scene::new();
    let server = served(&scene);
    project(&scene, &server.url("hello-1.0.tar.gz"), "");
    succeeded(scene.hardtack(&["bundle", "app", "--installer", "none"]));
    server.stop();
    succeeded(scene.command("/bin/tar").args(["xzf", "app-1.0.tar.gz"]).output().expect("tar runs"));
    let mut command = scene.command(&buildout);
    command.current_dir(scene.path("app-1.0")).arg("-U");
    command.arg(format!("buildout:download-cache={}", scene.path("app-1.0/download-cache").display()));
    succeeded(command.arg("buildout:install-from-cache=true").output().expect("buildout runs"));
    says_hello(&scene, "app-1.0/parts/hello");
}

#[test]
fn buildout_reads_the_configs_inside_our_bundle() {
    if !have("nginx") {
        return;
    }
    let Some(buildout) = buildout() else { return };
    let scene = Scene::new();
    let server = served(&scene);
    scene.write("www/base.cfg", "[buildout]\nextends = deeper.cfg\nparts = hello\n");
    let part = format!("[hello]\nrecipe = zc.recipe.cmmi\nurl = {}\n", server.url("hello-1.0.tar.gz"));
    scene.write("www/deeper.cfg", part);
    let own = "[hardtack]\nname = app\nversion = 1.0\n";
    scene.write("app/buildout.cfg", format!("[buildout]\nextends = {}\n{own}", server.url("base.cfg")));
    succeeded(scene.hardtack(&["bundle", "app", "--installer", "none"]));
    server.stop();
    succeeded(scene.command("/bin/tar").args(["xzf", "app-1.0.tar.gz"]).output().expect("tar runs"));
    let mut command = scene.command(&buildout);
    command.current_dir(scene.path("app-1.0")).arg("-U");
    for cache in ["download-cache", "extends-cache"] {
        command.arg(format!("buildout:{cache}={}", scene.path("app-1.0").join(cache).display()));
    }
    succeeded(command.arg("buildout:install-from-cache=true").output().expect("buildout runs"));
    says_hello(&scene, "app-1.0/parts/hello");
}

#[test]
fn we_install_from_a_cache_that_buildout_filled() {
    if !have("nginx") {
        return;
    }
    let Some(buildout) = buildout() else { return };
    let scene = Scene::new();
    let server = served(&scene);
    project(&scene, &server.url("hello-1.0.tar.gz"), "download-cache = cache");
    let mut command = scene.command(&buildout);
    succeeded(command.current_dir(scene.path("app")).arg("-U").output().expect("buildout runs"));
    assert_eq!(server.requests(), 1);
    server.stop();
    for made in ["parts", "bin", "eggs", "develop-eggs", ".installed.cfg"] {
        let path = scene.path("app").join(made);
        let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
    }
    succeeded(scene.hardtack(&["install", "app"]));
    says_hello(&scene, "app/parts/hello");
    succeeded(scene.hardtack(&["bundle", "app", "--installer", "none"]));
}

#[test]
fn buildout_and_the_shared_cache_exchange_what_they_have() {
    if !have("nginx") {
        return;
    }
    let Some(buildout) = buildout() else { return };
    let scene = Scene::new();
    let server = served(&scene);
    let url = server.url("hello-1.0.tar.gz");
    project(&scene, &url, "");
    succeeded(scene.hardtack(&["fetch", "app"]));
    succeeded(scene.hardtack(&["cache", "export", "theirs", "--layout", "both"]));
    server.stop();
    let run = |cache: &str| {
        let mut command = scene.command(&buildout);
        command.current_dir(scene.path("app")).args(["-U", "buildout:install-from-cache=true"]);
        command.arg(format!("buildout:download-cache={}", scene.path(cache).display()));
        succeeded(command.output().expect("buildout runs"));
        says_hello(&scene, "app/parts/hello");
        for made in ["parts", "bin", "eggs", "develop-eggs", ".installed.cfg"] {
            let path = scene.path("app").join(made);
            let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
        }
    };
    // What was exported, and the shared cache itself, which has buildout's layout.
    run("theirs");
    run("home/.cache/hardtack");
    // A cache of theirs is imported: under the digest of its URL, since they write down no more.
    std::fs::remove_dir_all(scene.path("theirs/cmmi").join(hardtack::base::Sha1::of(&url).to_string()))
        .expect("removes");
    succeeded(scene.hardtack(&["cache", "import", "theirs", "--cache-dir", "ours"]));
    let offline = ["fetch", "app", "--offline", "--cache-dir", "ours"];
    succeeded(scene.hardtack(&offline));
    std::fs::remove_file(scene.path("app/hardtack.lock")).expect("removes");
    assert_eq!(scene.hardtack(&offline).status.code(), Some(3), "nobody's word is taken for a URL's bytes");
}

#[test]
fn we_install_from_a_classic_cache() {
    if !have("nginx") {
        return;
    }
    let scene = Scene::new();
    let server = served(&scene);
    let url = server.url("hello-1.0.tar.gz");
    server.stop();
    project(&scene, &url, "download-cache = cache");
    let folder = format!("app/cache/cmmi/{}", hardtack::base::Sha1::of(&url));
    let body = std::fs::read(scene.path("www/hello-1.0.tar.gz")).expect("reads");
    scene.write(&format!("{folder}/hello-1.0.tar.gz"), body);
    scene.write(
        &format!("{folder}/cache.ini"),
        format!("[cache]\ndownload_url = {url}\nretrieved = 2008-01-01T00:00:00.000000Z\n"),
    );
    succeeded(scene.hardtack(&["install", "app"]));
    says_hello(&scene, "app/parts/hello");
}

#[test]
fn we_install_from_a_cache_that_the_classic_recipe_filled() {
    if !have("nginx") {
        return;
    }
    let folder = kept("classic");
    let output = tool("classic.sh").arg(&folder).output().expect("the script starts");
    if !output.status.success() {
        return skipped(&format!("no Python 2 with zc.recipe.cmmi 1.2.2: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let scene = Scene::new();
    let server = served(&scene);
    let url = server.url("hello-1.0.tar.gz");
    project(&scene, &url, "download-cache = cache\nnewest = false");
    std::fs::create_dir(scene.path("app/cache")).expect("makes a folder");
    let mut command = scene.command(folder.join("bin/buildout"));
    succeeded(command.current_dir(scene.path("app")).arg("-U").output().expect("buildout runs"));
    assert_eq!(server.requests(), 1);
    server.stop();
    let classic = format!("app/cache/cmmi/{}/hello-1.0.tar.gz", hardtack::base::Sha1::of(&url));
    assert!(scene.path(classic).is_file());
    let _ = std::fs::remove_dir_all(scene.path("app/parts"));
    succeeded(scene.hardtack(&["install", "app"]));
    says_hello(&scene, "app/parts/hello");
}
