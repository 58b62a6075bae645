//! No byte of a bundle can change unseen.

use camino::{Utf8Path, Utf8PathBuf};
use hardtack::bundle::{Bundle, Error};

use crate::server::Server;
use crate::support::Scene;

fn bundled() -> (Scene, Utf8PathBuf) {
    bundled_as("tar.gz")
}

fn bundled_as(ending: &str) -> (Scene, Utf8PathBuf) {
    let (scene, server) = (Scene::new(), Server::start());
    scene.foo_project(&server);
    scene.hardtack(&format!("bundle app --installer none -o app-1.0.{ending}")).ok();
    let path = Utf8PathBuf::from_path_buf(scene.path(format!("app-1.0.{ending}"))).expect("UTF-8");
    (scene, path)
}

fn check(path: &Utf8Path) -> Result<(), Error> {
    Bundle::open(path)?.verify(2).map(|_| ())
}

#[test]
fn every_single_changed_byte_is_found() {
    every_changed_byte_is_found("tar.gz");
}

#[test]
fn every_single_changed_byte_is_found_in_zstd_too() {
    every_changed_byte_is_found("tar.zst");
}

#[test]
fn every_single_changed_byte_is_found_in_a_plain_tar_too() {
    every_changed_byte_is_found("tar");
}

fn every_changed_byte_is_found(ending: &str) {
    let (scene, path) = bundled_as(ending);
    check(&path).expect("it is whole");
    let bytes = std::fs::read(&path).expect("reads");
    let changed = scene.path("changed.tar.gz");
    let changed = Utf8Path::from_path(&changed).expect("UTF-8");
    for index in 0..bytes.len() {
        let mut other = bytes.clone();
        other[index] ^= 1 << (index % 8);
        std::fs::write(changed, other).expect("writes");
        match check(changed) {
            Err(Error::Damaged { .. } | Error::Framing { .. }) => {}
            other => panic!("byte {index} of {}: {other:?}", bytes.len()),
        }
    }
}

#[test]
fn a_damaged_file_is_named_and_nothing_is_installed() {
    let (scene, path) = bundled();
    let bytes = std::fs::read(&path).expect("reads");
    let mut other = bytes.clone();
    other[200] ^= 1;
    scene.write("changed.tar.gz", other);
    scene.hardtack("verify changed.tar.gz").exits(6).says(&["error[bundle-damaged]"]);
    scene.hardtack("install changed.tar.gz dest").exits(6).says(&["error[bundle-damaged]", "copy it again"]);
    assert!(!scene.exists("dest/parts") && !scene.exists("dest/buildout.cfg"));

    let last = bytes.len() - 3;
    let mut other = bytes.clone();
    other[last] ^= 1;
    scene.write("changed.tar.gz", other);
    scene
        .hardtack("verify changed.tar.gz")
        .exits(6)
        .says(&[&format!("the archive framing of `[SCENE]/changed.tar.gz` is damaged at byte {last}")]);
}

#[test]
fn what_is_cut_short_or_no_bundle_is_said_to_be() {
    let (scene, path) = bundled();
    let bytes = std::fs::read(&path).expect("reads");
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        scene.write("cut.tar.gz", &bytes[..length]);
        scene.hardtack("verify cut.tar.gz").exits(6).says(&["error[not-a-bundle]", "is not a bundle, or is cut short"]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    scene.write("longer.tar.gz", longer);
    scene.hardtack("verify longer.tar.gz").exits(6);
    scene.hardtack("verify nowhere.tar.gz").exits(4).says(&["error[not-found]"]);
}

#[test]
fn a_changed_file_of_an_unpacked_bundle_is_named() {
    let (scene, _path) = bundled();
    let unpack = || {
        let _ = std::fs::remove_dir_all(scene.path("app-1.0"));
        let tar =
            std::process::Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
        assert!(tar.expect("runs").success());
    };
    for file in ["buildout.cfg", "install", ".hardtack/README.txt", ".hardtack/manifest.json"] {
        unpack();
        let text = scene.read(format!("app-1.0/{file}"));
        scene.write(&format!("app-1.0/{file}"), text + "\n");
        scene.hardtack("verify app-1.0").exits(6).says(&[&format!("`{file}`")]);
        scene.hardtack("install app-1.0").exits(6).says(&[&format!("`{file}`")]);
        assert!(!scene.exists("app-1.0/parts"));
    }
    for file in ["SHA256SUMS", ".hardtack/manifest.json", ".hardtack/index.json"] {
        unpack();
        std::fs::remove_file(scene.path(format!("app-1.0/{file}"))).expect("removes");
        scene.hardtack("verify app-1.0").exits(6).says(&[&format!("`{file}`: it is missing")]);
        scene.hardtack("install app-1.0").exits(6).says(&[&format!("`{file}`: it is missing")]);
    }
    unpack();
    let sums = scene.read("app-1.0/SHA256SUMS");
    let line = sums.lines().find(|line| line.ends_with("  buildout.cfg")).expect("is listed");
    scene.write("app-1.0/SHA256SUMS", sums.replace(line, &format!("{}  buildout.cfg", "0".repeat(64))));
    scene.hardtack("verify app-1.0").exits(6).says(&["`SHA256SUMS`: what it says of `buildout.cfg` is not so"]);
    unpack();
    std::fs::rename(scene.path("app-1.0/download-cache"), scene.path("app-1.0/cache2")).expect("moves");
    std::os::unix::fs::symlink("cache2", scene.path("app-1.0/download-cache")).expect("links");
    scene.hardtack("verify app-1.0").exits(6).says(&["`download-cache`: it is a link, not a folder"]);
    unpack();
    scene.write("app-1.0/.hardtack/default.cfg", "[buildout]\nparts =\n");
    scene.hardtack("install app-1.0").ok();
    assert!(scene.exists("app-1.0/parts/foo/bin/foo"), "what the manifest does not list is not read");
}
