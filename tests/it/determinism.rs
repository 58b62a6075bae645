//! Same input, same bytes.

use std::os::unix::process::CommandExt;

use crate::server::Server;
use crate::support::{Scene, source};

/// Makes the bundle of one project under given conditions; returns its digest.
fn build(server: &Server, order: &[&str], umask: u32, environment: &[(&str, &str)], user: Option<u32>) -> String {
    let mut scene = Scene::new();
    let files = [
        (
            "buildout.cfg",
            format!(
                "[buildout]\nparts = foo bar\n[hardtack]\nname = app\nversion = 1.0\n[foo]\nrecipe = zc.recipe.cmmi\n\
             url = {}\n[bar]\nrecipe = zc.recipe.cmmi\nurl = {}\nextra_options = --with=${{foo:location}}\n",
                server.url("/foo-1.0.tar.gz"),
                server.url("/bar-2.0.tar.gz")
            ),
        ),
        ("z/last.txt", "last\n".to_owned()),
        ("a/first.txt", "first\n".to_owned()),
        ("a-b.txt", "between\n".to_owned()),
    ];
    for name in order {
        let (name, text) = files.iter().find(|(file, _)| file == name).expect("a file");
        scene.write(&format!("app/{name}"), text);
    }
    environment.iter().for_each(|(name, value)| scene.set(name, *value));
    let mut command = scene.command(&["bundle", "app", "--installer", "none"]);
    if let Some(user) = user {
        for folder in [".", "app", "home"] {
            std::os::unix::fs::chown(scene.path(folder), Some(user), Some(user)).expect("changes the owner");
        }
        command.uid(user).gid(user);
    }
    // SAFETY: umask is a plain system call, allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::umask(umask as libc::mode_t);
            Ok(())
        });
    }
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(scene.path("app-1.0.tar.gz")).expect("reads");
    hardtack::base::Sha256::of(bytes).to_string()
}

const ORDER: [&str; 4] = ["buildout.cfg", "z/last.txt", "a/first.txt", "a-b.txt"];
const REVERSE: [&str; 4] = ["a-b.txt", "a/first.txt", "z/last.txt", "buildout.cfg"];

#[test]
fn folder_umask_zone_language_user_order_and_server_dates_change_no_byte() {
    let server = Server::start();
    server.file("/foo-1.0.tar.gz", source("foo", "1.0"));
    server.file("/bar-2.0.tar.gz", source("bar", "2.0"));
    server.set_headers("ETag: \"one\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n");
    let first = build(&server, &ORDER, 0o022, &[], None);

    server.set_headers("ETag: W/\"two\"\r\nLast-Modified: Tue, 02 Jan 2025 00:00:00 GMT\r\n");
    let odd = [("TZ", "Pacific/Kiritimati"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8"), ("USER", "ann")];
    assert_eq!(build(&server, &REVERSE, 0o077, &odd, None), first);
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } == 0 {
        assert_eq!(build(&server, &ORDER, 0o002, &[], Some(65534)), first, "as another user");
    }

    server.file("/foo-1.0.tar.gz", source("foo", "1.1"));
    assert_ne!(build(&server, &ORDER, 0o022, &[], None), first, "another source is another bundle");
}

#[test]
fn the_bundle_of_the_fixture_is_the_one_it_always_was() {
    let scene = Scene::new();
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/release");
    let project = copied(&scene, &fixture);
    let bundles = [
        ("release.tar.gz", "2a843982fb97bc097758d0ee0f29c733f9264289a7bf1414813470ca354c3728"),
        ("release.tar.zst", "7fd2302b88e8e56bc1e959e0bafb6113bc4a8daca0569a71b8b320a91dd3385c"),
        ("release.tar", "deda6570b705022f08dbd39f9d4c2829e570671e2a8437b8b117c733bcb453de"),
    ];
    for (name, wanted) in bundles {
        let output = scene.path(name);
        let mut command = scene.command(&["bundle", "--installer", "none", "--frozen", "-o"]);
        command.arg(&output).arg("-C").arg(&project);
        let ran = command.output().expect("runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let digest = hardtack::base::Sha256::of(std::fs::read(&output).expect("reads")).to_string();
        // A change here means that bundles made from the same files are no longer the same: say so in the CHANGELOG.
        assert_eq!(digest, wanted, "{name}");
    }
}

#[test]
fn the_folder_that_a_bundle_is_written_to_is_no_part_of_it() {
    let scene = Scene::new();
    scene.project("app", "", "");
    std::fs::create_dir(scene.path("app/out")).expect("makes a folder");
    let bundle = || {
        scene.hardtack("bundle app --installer none -o app/out/").ok();
        std::fs::read(scene.path("app/out/app-1.0.tar.gz")).expect("reads")
    };
    assert!(bundle() == bundle());
}

/// The fixture outside the repository, where git knows nothing of it.
fn copied(scene: &Scene, from: &std::path::Path) -> std::path::PathBuf {
    let to = scene.path("fixture");
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("reads");
        let target = to.join(entry.path().strip_prefix(from).expect("below"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).expect("makes it");
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
    to
}
