//! Bundles since an older one, and volumes.

use crate::server::Server;
use crate::support::{Scene, noise};

/// A project with ten sources, of which one is of this version.
fn bundle(scene: &Scene, server: &Server, version: &str) {
    let names: Vec<String> = (0..10).map(|number| format!("s{number}")).collect();
    let section = |(number, name): (usize, &String)| {
        let own = if number == 4 { u64::from(version.as_bytes()[version.len() - 1]) } else { 0 };
        let url = server.file(&format!("/{name}"), noise(number as u64 + 1000 * own, SOURCE));
        format!("[{name}]\nrecipe = hardtack:copy\nurl = {url}\nunpack = false\n")
    };
    let sections: String = names.iter().enumerate().map(section).collect();
    scene.project("app", &names.join(" "), &sections);
    let config = scene.read("app/buildout.cfg").replace("version = 1.0", &format!("version = {version}"));
    scene.write("app/buildout.cfg", config);
    scene.hardtack("-C app lock --update").ok();
    scene.hardtack("bundle app --installer none").ok();
}

/// Bytes of a source.
const SOURCE: usize = 200_000;

fn size(scene: &Scene, file: &str) -> usize {
    scene.path(file).metadata().expect("is there").len() as usize
}

#[test]
fn what_is_new_is_small_and_installs_as_the_whole_does() {
    let (scene, server) = (Scene::new(), Server::start());
    bundle(&scene, &server, "1.0");
    bundle(&scene, &server, "1.1");
    let manifest = scene.hardtack("bundle app --installer none --since app-1.0.tar.gz").ok().stdout;
    assert!(manifest.ends_with("  app-1.1-since-1.0.tar.gz\n"), "{manifest}");
    let delta = std::fs::read(scene.path("app-1.1-since-1.0.tar.gz")).expect("reads");
    assert!(delta.len() * 10 < SOURCE * 12, "{} bytes for a source of {SOURCE}", delta.len());
    scene
        .hardtack("verify app-1.1-since-1.0.tar.gz")
        .ok()
        .says(&["; it is what is new since app 1.0, and needs the rest"]);
    // The older one may be unpacked, or be no more than its manifest; the delta is the same.
    let tar = std::process::Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    for older in ["app-1.0", "app-1.0/.hardtack/manifest.json"] {
        scene.hardtack(&format!("bundle app --installer none --since {older}")).ok();
        assert!(std::fs::read(scene.path("app-1.1-since-1.0.tar.gz")).expect("reads") == delta);
    }
    scene.hardtack("install app-1.1.tar.gz whole").ok();
    let install = "install app-1.1-since-1.0.tar.gz";
    for (dest, base) in [("of-file", "app-1.0.tar.gz"), ("of-folder", "app-1.0"), ("of-cache", "cache")] {
        scene.hardtack(&format!("{install} {dest} --base {base}")).ok().says(&["files came from elsewhere"]);
        let tree = |dest: &str| -> Vec<String> {
            let lines = scene.tree(dest).into_iter();
            // What only says when and where.
            lines.filter(|line| !line.contains(".hardtack/logs") && !line.contains(".hardtack/records")).collect()
        };
        assert_eq!(tree(dest), tree("whole"));
        scene.hardtack(&format!("verify {dest}")).ok();
    }
}

#[test]
fn what_nobody_has_is_listed_and_nothing_is_begun() {
    let (scene, server) = (Scene::new(), Server::start());
    bundle(&scene, &server, "1.0");
    bundle(&scene, &server, "1.1");
    bundle(&scene, &server, "1.2");
    scene.hardtack("bundle app --installer none --since app-1.1.tar.gz").ok();
    let install = "install app-1.2-since-1.1.tar.gz dest";
    scene.hardtack(install).exits(3).says(&["error[incomplete]", "/s0` of s0", "--base FILE"]);
    // Of what another release has, only what is the same is taken.
    scene.project("other", "", "");
    scene.hardtack("bundle other --installer none -o other.tar.gz").ok();
    scene.hardtack(&format!("{install} --base other.tar.gz")).exits(3).says(&["/s0` of s0"]);
    assert!(!scene.exists("dest"));
    scene.hardtack(&format!("{install} --base nothing.tar.gz")).exits(4).says(&["error[not-found]"]);
    // A base that is damaged gives nothing.
    let mut bytes = std::fs::read(scene.path("app-1.1.tar.gz")).expect("reads");
    // In each of its sources.
    let places = (SOURCE / 2..bytes.len()).step_by(SOURCE / 2);
    places.for_each(|at| bytes[at] ^= 1);
    scene.write("damaged.tar.gz", bytes);
    scene.hardtack(&format!("{install} --base damaged.tar.gz")).exits(6);
    assert!(!scene.exists("dest"));
    scene.hardtack(&format!("{install} --base app-1.1.tar.gz")).ok();
    scene.hardtack("rehearse app-1.2-since-1.1.tar.gz").exits(2).says(&["and what is rehearsed is the whole"]);
    scene.hardtack("doctor app-1.2-since-1.1.tar.gz --base app-1.1.tar.gz").ok();
    scene.hardtack("install app-1.2.tar.gz dest --base app-1.1.tar.gz").ok().says(&["note: ", "--base has no effect"]);
    scene
        .hardtack("install app-1.2-since-1.1.tar.gz again --base dest")
        .exits(2)
        .says(&["an installation has no sources"]);
    scene
        .hardtack("bundle app --installer none --since app-1.2-since-1.1.tar.gz")
        .exits(2)
        .says(&["has not itself what would be left out"]);
    let told = scene.hardtack("inspect app-1.2-since-1.1.tar.gz").ok().stdout;
    assert!(told.contains("this file is what is new since app 1.1; what follows is of the whole\n"), "{told}");
}

#[test]
fn volumes_are_each_checked_alone_and_go_together_in_any_order() {
    let (scene, server) = (Scene::new(), Server::start());
    bundle(&scene, &server, "1.0");
    let told = scene.hardtack("bundle app --installer none --volume-size 900KB").ok().stdout;
    let files: Vec<&str> = told.lines().map(|line| line.split_once("  ").expect("a digest").1).collect();
    assert_eq!(files, ["app-1.0.vol1of3.tar.gz", "app-1.0.vol2of3.tar.gz", "app-1.0.vol3of3.tar.gz"]);
    for (number, file) in files.iter().enumerate() {
        assert!(size(&scene, file) <= 900_000);
        scene.hardtack(&format!("verify {file}")).ok().says(&[&format!("it is volume {} of 3", number + 1)]);
        let mut sums = std::process::Command::new("sha256sum");
        let ran = sums.arg("-c").arg(format!("{file}.sha256")).current_dir(scene.path("")).status();
        assert!(ran.expect("sha256sum runs").success());
        scene.hardtack(&format!("install {file} dest{number}")).ok();
    }
    assert_eq!(scene.tree("dest0/parts"), scene.tree("dest2/parts"));
    // Old tools put them together, too, the last first.
    std::fs::create_dir(scene.path("by-hand")).expect("makes a folder");
    let shell = |script: &str| {
        let ran = std::process::Command::new("sh").args(["-ec", script]).current_dir(scene.path("by-hand")).output();
        ran.expect("a shell runs").status.success()
    };
    assert!(shell("tar xzf ../app-1.0.vol3of3.tar.gz; tar xzf ../app-1.0.vol1of3.tar.gz"));
    scene.hardtack("install by-hand/app-1.0 dest").exits(3).says(&["error[incomplete]", "volume 1 of 3"]);
    let before = scene.read("by-hand/app-1.0/SHA256SUMS");
    assert!(shell("tar xzf ../app-1.0.vol2of3.tar.gz; cd app-1.0; sha256sum --quiet -c SHA256SUMS"));
    assert_eq!(
        scene.read("by-hand/app-1.0/SHA256SUMS"),
        before,
        "one signature of them fits, whichever volume came last"
    );
    let whole = "install by-hand/app-1.0 dest --base elsewhere.tar.gz";
    scene.hardtack(whole).exits(2).says(&["is unpacked, and --base completes what is not"]);
    scene.hardtack("install by-hand/app-1.0 dest").ok();
    std::fs::rename(scene.path("app-1.0.vol2of3.tar.gz"), scene.path("elsewhere.tar.gz")).expect("moves");
    scene
        .hardtack("install app-1.0.vol1of3.tar.gz other")
        .exits(3)
        .says(&["missing: volume 2 of 3, `app-1.0.vol2of3.tar.gz`", "put all volumes into one folder"]);
    scene.hardtack("install app-1.0.vol1of3.tar.gz other --base elsewhere.tar.gz").ok();
    // One that is enough is no volume.
    let told = scene.hardtack("bundle app --installer none --volume-size 10MB").ok().stdout;
    assert!(told.ends_with("  app-1.0.tar.gz\n"), "{told}");
    scene
        .hardtack("bundle app --installer none --volume-size 250KB")
        .exits(2)
        .says(&["error[volume-too-small]", "choose larger volumes"]);
}
