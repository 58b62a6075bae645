//! The original minisign: it verifies what is signed here, and what it signs is verified here.

use crate::peers::{Scene, have, succeeded};

#[test]
fn minisign_verifies_ours_and_we_verify_minisigns() {
    if !have("minisign") {
        return;
    }
    let scene = Scene::new();
    scene.write("file", "bytes");
    let key = succeeded(scene.hardtack(&["keygen", "--no-password", "-o", "own.key"]));
    succeeded(scene.hardtack(&["sign", "file", "--key", "own.key"]));
    let minisign = |arguments: &[&str]| scene.command("minisign").args(arguments).output().expect("minisign runs");
    let told = succeeded(minisign(&["-V", "-m", "file", "-P", key.trim()]));
    assert!(told.contains("Signature and comment signature verified") && told.contains("file:file sha256:"), "{told}");
    succeeded(minisign(&["-V", "-m", "file", "-p", "own.pub"]));
    scene.write("file", "Bytes");
    assert!(!minisign(&["-V", "-m", "file", "-p", "own.pub"]).status.success());

    succeeded(minisign(&["-G", "-W", "-p", "theirs.pub", "-s", "theirs.key"]));
    scene.write("app/buildout.cfg", "[buildout]\nparts =\n[hardtack]\nname = app\nversion = 1.0\n");
    succeeded(scene.hardtack(&["bundle", "app", "--installer", "none"]));
    succeeded(minisign(&["-S", "-m", "app-1.0.tar.gz", "-s", "theirs.key"]));
    succeeded(scene.hardtack(&["verify", "app-1.0.tar.gz", "--pubkey", "theirs.pub"]));
    // With their key we sign, too.
    succeeded(scene.hardtack(&["sign", "app-1.0.tar.gz", "--key", "theirs.key"]));
    succeeded(minisign(&["-V", "-m", "app-1.0.tar.gz", "-p", "theirs.pub"]));
}
