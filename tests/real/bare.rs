//! The static hardtack where there is nothing: an empty root, an empty environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers::{Scene, skipped, succeeded};

/// The program that `examples/static.sh` builds, if it was built.
pub fn static_hardtack() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let names = ["musl", "gnu"].map(|libc| format!("{}-unknown-linux-{libc}", std::env::consts::ARCH));
    let found = names.iter().map(|name| target.join(name).join("release/hardtack")).find(|path| path.is_file());
    if found.is_none() {
        skipped("no static hardtack; build it with examples/static.sh");
    }
    found
}

#[test]
fn a_static_hardtack_verifies_a_bundle_in_an_empty_root() {
    let Some(program) = static_hardtack() else { return };
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        return skipped("only root may change the root folder");
    }
    let scene = Scene::new();
    scene.write("app/buildout.cfg", "[buildout]\nparts =\n[hardtack]\nname = app\nversion = 1.0\n");
    let made = succeeded(scene.command(&program).args(["bundle", "app"]).output().expect("runs"));
    assert!(made.ends_with("  app-1.0.tar.gz\n"), "{made}");

    let root = scene.path("root");
    std::fs::create_dir(&root).expect("makes a folder");
    std::fs::copy(&program, root.join("hardtack")).expect("copies");
    std::fs::copy(scene.path("app-1.0.tar.gz"), root.join("app-1.0.tar.gz")).expect("copies");
    let inside = |arguments: &[&str]| {
        let mut command = Command::new("chroot");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg(&root);
        succeeded(command.args([&["/hardtack"], arguments].concat()).output().expect("chroot runs"))
    };
    assert!(inside(&["--version"]).starts_with("hardtack "));
    inside(&["verify", "/app-1.0.tar.gz"]);
    assert!(inside(&["install", "-n", "/app-1.0.tar.gz"]).is_empty(), "the bundle has no parts");
}

#[test]
fn the_bundle_of_a_static_hardtack_carries_it_without_a_warning() {
    let Some(program) = static_hardtack() else { return };
    let scene = Scene::new();
    let part = "[hello]\nrecipe = zc.recipe.cmmi\nurl = hello-1.0.tar.gz\n";
    let config = format!("[buildout]\nparts = hello\n[hardtack]\nname = app\nversion = 1.0\n{part}");
    scene.write("app/buildout.cfg", config);
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut tar = scene.command("/bin/tar");
    tar.arg("-C").arg(fixtures).arg("-czf").arg(scene.path("app/hello-1.0.tar.gz")).arg("hello-1.0");
    succeeded(tar.output().expect("tar runs"));
    let output = scene.command(&program).args(["bundle", "app"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeded(output);
    assert!(!said.contains("warning"), "{said}");
    let listing = succeeded(scene.command("/bin/tar").args(["tzf", "app-1.0.tar.gz"]).output().expect("tar runs"));
    assert!(listing.contains(&format!(".hardtack/bin/{}-linux/hardtack", std::env::consts::ARCH)), "{listing}");
    let installed = scene.command("/bin/sh").args(["-c", "tar xzf app-1.0.tar.gz && ./app-1.0/install dest"]).output();
    succeeded(installed.expect("runs"));
}
