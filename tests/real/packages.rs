//! Upstream packages through every recipe that builds: autotools, CMake, Meson, plain make, with patches, in folders beside
//! their sources, each with the others it uses.

use crate::debian::{copy, tarballs};
use crate::peers::{Scene, have, succeeded};

/// Debian's name of each source package.
const PACKAGES: [&str; 14] = [
    "hello",
    "zlib",
    "bzip2",
    "lz4",
    "libzstd",
    "libpng1.6",
    "freetype",
    "expat",
    "pcre2",
    "json-c",
    "fribidi",
    "lua5.4",
    "libuv1",
    "c-ares",
];

#[test]
fn fifteen_packages_are_built_from_one_another() {
    if ["cmake", "meson", "ninja", "pkg-config", "libtoolize", "autoconf"].iter().any(|program| !have(program)) {
        return;
    }
    let Some((folder, files)) = tarballs(&PACKAGES) else { return };
    let scene = Scene::new();
    copy("fixtures/packages", &scene.path("packages"));
    let mut config = std::fs::read_to_string(scene.path("packages/buildout.cfg")).expect("reads");
    let sources: String =
        files.iter().map(|(package, file)| format!("{package} = {}\n", folder.join(file).display())).collect();
    config = config.replace("[sources]\n", &format!("[sources]\n{sources}"));
    scene.write("packages/buildout.cfg", config);
    succeeded(scene.hardtack(&["bundle", "packages", "--installer", "none"]));
    succeeded(scene.hardtack(&["install", "packages-1.0.tar.gz", "dest"]));
    let said = succeeded(scene.command(scene.path("dest/parts/report/bin/report")).output().expect("runs"));
    let names: Vec<&str> = said.lines().filter_map(|line| line.split([' ', '_']).next()).collect();
    assert_eq!(names, ["zlib", "png", "freetype", "expat", "json", "fribidi", "uv", "ares", "zstd", "pcre2"], "{said}");
    succeeded(scene.hardtack(&["verify", "dest"]));
    let again = scene.hardtack(&["install", "packages-1.0.tar.gz", "dest"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("everything is installed already"));
}
