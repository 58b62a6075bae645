//! Keys, signatures, and whose bundles are taken.

use std::os::unix::fs::PermissionsExt;

use crate::support::Scene;

fn bundled() -> Scene {
    let scene = Scene::new();
    scene.project("app", "p", "[p]\nrecipe = hardtack:copy\npath = src\n");
    scene.write("app/src/file", "x");
    scene
}

/// Makes a pair of keys; the public one as people write it down.
fn keygen(scene: &Scene, name: &str) -> String {
    let ran = scene.hardtack(&format!("keygen --no-password -o {name}")).ok();
    ran.stdout.trim().to_owned()
}

#[test]
fn a_signed_bundle_is_taken_for_whose_it_is() {
    let scene = bundled();
    let key = keygen(&scene, "release.key");
    assert!(key.starts_with("RW"));
    let mode = std::fs::metadata(scene.path("release.key")).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(scene.read("release.pub").contains(&key));
    let ran = scene.hardtack("bundle app --installer none --sign release.key").ok();
    ran.says(&["app-1.0.tar.gz.minisig: signed with key "]);
    let text = scene.read("app-1.0.tar.gz.minisig");
    let sha256 = scene.read("app-1.0.tar.gz.sha256");
    let digest = sha256.split(' ').next().expect("a digest");
    assert!(text.contains(&format!("trusted comment: file:app-1.0.tar.gz sha256:{digest}")), "{text}");
    // The key itself, or its file.
    for trusted in [key.as_str(), "release.pub"] {
        let ran = scene.run(&["verify", "app-1.0.tar.gz", "--pubkey", trusted]).ok();
        ran.says(&["which is trusted: file:app-1.0.tar.gz sha256:", "app-1.0.tar.gz is whole"]);
    }
    scene.hardtack("verify app-1.0.tar.gz").ok().says(&["note: signed with key ", "which nobody here trusts"]);
    scene.run(&["install", "app-1.0.tar.gz", "dest", "--pubkey", &key]).ok().says(&["which is trusted"]);
    // Others may sign what is there already.
    keygen(&scene, "other.key");
    scene.hardtack("sign app-1.0.tar.gz --key other.key").ok();
    scene.run(&["verify", "app-1.0.tar.gz", "--pubkey", "other.pub", "--pubkey", &key]).ok();
}

#[test]
fn what_nobody_trusted_signed_is_not_taken_and_not_looked_into() {
    let scene = bundled();
    let key = keygen(&scene, "release.key");
    keygen(&scene, "other.key");
    scene.hardtack("bundle app --installer none").ok();
    let install = ["install", "app-1.0.tar.gz", "dest", "--pubkey", &key];
    scene.run(&install).exits(6).says(&["error[unsigned]: `[SCENE]/app-1.0.tar.gz` is not signed"]);
    scene.hardtack("verify app-1.0.tar.gz --require-signature").exits(6).says(&["error[unsigned]"]);
    scene.hardtack("sign app-1.0.tar.gz --key other.key").ok();
    scene.run(&install).exits(6).says(&["error[untrusted]", "hint: if you trust it: --pubkey KEY"]);
    scene.hardtack("sign app-1.0.tar.gz --key release.key").ok();
    scene.run(&install).ok();
    // One byte more, wherever it is: nothing of it is parsed.
    let mut bytes = std::fs::read(scene.path("app-1.0.tar.gz")).expect("reads");
    bytes.push(0);
    scene.write("app-1.0.tar.gz", bytes);
    let ran = scene.run(&["install", "app-1.0.tar.gz", "other", "--pubkey", &key]).exits(6);
    ran.says(&["error[wrong-signature]: the signature of `[SCENE]/app-1.0.tar.gz` is wrong"]);
    assert!(!scene.exists("other"));
    scene.write("app-1.0.tar.gz.minisig", "nonsense");
    scene.run(&["verify", "app-1.0.tar.gz", "--pubkey", &key]).exits(6).says(&["error[not-a-signature]"]);
    scene.run(&["verify", "app-1.0.tar.gz", "--pubkey", "nonsense"]).exits(2).says(&["error[not-a-key]"]);
}

#[test]
fn what_is_unpacked_first_is_known_by_its_sums() {
    let scene = bundled();
    let key = keygen(&scene, "release.key");
    scene.hardtack("bundle app --sign release.key --self-extracting").ok();
    let tar = std::process::Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    let install = || scene.run(&["install", "app-1.0", "other", "--pubkey", &key]);
    install().exits(6).says(&["error[unsigned]", "copy BUNDLE.SHA256SUMS.minisig there under this name"]);
    let signature = scene.read("app-1.0.tar.gz.SHA256SUMS.minisig");
    scene.write("app-1.0/SHA256SUMS.minisig", &signature);
    let sums = scene.read("app-1.0/SHA256SUMS");
    scene.write("app-1.0/SHA256SUMS", sums.replacen('0', "1", 1));
    install().exits(6).says(&["error[wrong-signature]"]);
    scene.write("app-1.0/SHA256SUMS", sums);
    // All of it is compared with the sums.
    let config = scene.read("app-1.0/buildout.cfg");
    scene.write("app-1.0/buildout.cfg", format!("{config}\n"));
    install().exits(6).says(&["error[bundle-damaged]"]);
    assert!(!scene.exists("other"));
    scene.write("app-1.0/buildout.cfg", config);
    // What else lies there nobody signed, and would count as installed; nor does anybody sign a project.
    let in_place = scene.run(&["install", "app-1.0", "--pubkey", &key]).exits(6);
    in_place.says(&["covered by no signature", "name another folder"]);
    scene.run(&["install", "app", "--pubkey", &key]).exits(6).says(&["is a project, and nobody signs those"]);
    scene.write("app-1.0/.hardtack/state.json", "");
    scene.write("app-1.0/SHA256SUMS.minisig", "nonsense");
    scene.run(&["verify", "app-1.0", "--pubkey", &key]).exits(6).says(&["error[not-a-signature]"]);
    scene.write("app-1.0/SHA256SUMS.minisig", &signature);
    std::fs::remove_file(scene.path("app-1.0/.hardtack/state.json")).expect("removes");
    install().ok().says(&["which is trusted: file:SHA256SUMS of:app-1.0.tar.gz"]);
    // One that unpacks itself has the signature with it.
    scene
        .write("home/.config/hardtack/config.toml", format!("[trust]\nkeys = [\"{key}\"]\nrequire-signature = true\n"));
    let run = |file: &str, dest: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.args([file, dest]).current_dir(scene.path("")).env_clear().env("HOME", scene.path("home"));
        shell.env("PATH", "/usr/bin:/bin").output().expect("sh runs")
    };
    let ran = run("app-1.0.run", "by-itself");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    scene.hardtack("bundle app --self-extracting -o unsigned.tar.gz").ok();
    assert_eq!(run("unsigned.run", "never").status.code(), Some(6));
    assert!(!scene.exists("never"));
}

#[test]
fn settings_say_whose_bundles_are_taken() {
    let scene = bundled();
    let key = keygen(&scene, "release.key");
    scene.hardtack("bundle app --installer none").ok();
    let settings = |text: &str| scene.write("home/.config/hardtack/config.toml", format!("[trust]\n{text}"));
    settings(&format!("keys = [\"{key}\"]\n"));
    scene.hardtack("verify app-1.0.tar.gz").ok().says(&["warning: `app-1.0.tar.gz` is not signed"]);
    settings(&format!("keys = [\"{key}\"]\nrequire-signature = true\n"));
    scene.hardtack("install app-1.0.tar.gz dest").exits(6).says(&["error[unsigned]"]);
    scene.hardtack("sign app-1.0.tar.gz --key release.key").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok().says(&["which is trusted"]);
    scene.hardtack("verify dest").ok();
    // A project that stands where it is comes from nobody else.
    scene.hardtack("install app").ok();
}

#[test]
fn a_key_with_a_password_opens_with_it_alone() {
    let scene = bundled();
    scene.hardtack("keygen").exits(2).says(&["hint: --password-file FILE, or --no-password"]);
    scene.write("pw", "open sesame\n");
    scene.write("wrong", "something else\n");
    scene
        .hardtack("keygen --password-file pw")
        .ok()
        .says(&["wrote hardtack.key, which nobody else may have, and hardtack.pub"]);
    scene
        .hardtack("keygen --password-file pw")
        .exits(2)
        .says(&["error[would-overwrite]: `hardtack.key` is there already"]);
    scene.write("file", "x");
    scene.hardtack("sign file --key hardtack.key").exits(2).says(&["error[no-password]"]);
    scene.hardtack("sign file --key hardtack.key --password-file wrong").exits(2).says(&["error[not-a-key]"]);
    assert!(!scene.exists("file.minisig"));
    scene.hardtack("sign file --key hardtack.key --password-file pw").ok();
    // A wrong password is told before anything is packed.
    scene.hardtack("bundle app --installer none --sign hardtack.key").exits(2).says(&["error[no-password]"]);
    assert!(!scene.exists("app-1.0.tar.gz"));
}

#[test]
fn what_is_carried_lies_side_by_side_with_a_page_that_says_how_it_is_checked() {
    let scene = bundled();
    let key = keygen(&scene, "release.key");
    scene.hardtack("bundle app --media stick").exits(2).says(&["error[not-found]: there is no folder `[SCENE]/stick`"]);
    std::fs::create_dir(scene.path("stick")).expect("makes");
    scene
        .hardtack("bundle app --media stick --self-extracting --sign release.key --provenance")
        .ok()
        .says(&["stick/TRANSFER.txt: "]);
    let files = [
        "TRANSFER.txt",
        "app-1.0.run",
        "app-1.0.run.minisig",
        "app-1.0.run.sha256",
        "app-1.0.tar.gz",
        "app-1.0.tar.gz.SHA256SUMS.minisig",
        "app-1.0.tar.gz.minisig",
        "app-1.0.tar.gz.provenance.json",
        "app-1.0.tar.gz.sha256",
    ];
    assert_eq!(scene.tree("stick"), files);
    let page = scene.read("stick/TRANSFER.txt");
    // Every file but the page, with the digest that sha256sum finds; and what the page says to type is right.
    let sums = page.lines().filter(|line| line.len() > 64 && line.as_bytes()[..64].iter().all(u8::is_ascii_hexdigit));
    let sums: Vec<String> =
        sums.map(|line| format!("{}  {}\n", &line[..64], line.rsplit(' ').next().expect("a name"))).collect();
    assert_eq!(sums.len(), files.len() - 1);
    scene.write("stick/sums", sums.concat());
    for command in ["sha256sum -c sums", "sha256sum -c app-1.0.tar.gz.sha256", "sha256sum -c app-1.0.run.sha256"] {
        assert!(command.contains("sums") || page.contains(&format!("  {command}\n")), "{page}");
        let ran = std::process::Command::new("sh").args(["-c", command]).current_dir(scene.path("stick")).status();
        assert!(ran.expect("sh runs").success(), "{command}");
    }
    assert!(
        page.contains(&format!("  minisign -V -P {key} -m app-1.0.tar.gz\n"))
            && page.contains("  sh app-1.0.run DEST\n")
    );
    // Whenever it is made, it is the same.
    std::fs::create_dir(scene.path("again")).expect("makes");
    scene.hardtack("bundle app --media again --installer none").ok();
    let page = scene.read("again/TRANSFER.txt");
    assert!(!page.contains("minisign") && !page.contains("Without hardtack"));
    scene.hardtack("bundle app --media again --installer none").ok();
    assert_eq!(scene.read("again/TRANSFER.txt"), page);
}

#[test]
fn whoever_is_named_is_who_must_have_signed_and_imports_are_no_way_around() {
    let scene = bundled();
    let (own, other) = (keygen(&scene, "release.key"), keygen(&scene, "other.key"));
    scene.hardtack("bundle app --installer none --sign release.key").ok();
    let settings = format!("[trust]\nkeys = [\"{own}\"]\nrequire-signature = true\n");
    scene.write("home/.config/hardtack/config.toml", settings);
    scene.hardtack("verify app-1.0.tar.gz").ok();
    scene.run(&["verify", "app-1.0.tar.gz", "--pubkey", &other]).exits(6).says(&["error[untrusted]"]);
    scene.hardtack("cache import app-1.0.tar.gz").says(&["which is trusted"]);
    scene.hardtack("sign app-1.0.tar.gz --key other.key").ok();
    scene.hardtack("cache import app-1.0.tar.gz --trust").exits(6).says(&["error[untrusted]"]);
    std::fs::remove_file(scene.path("app-1.0.tar.gz.minisig")).expect("removes");
    scene.hardtack("cache import app-1.0.tar.gz --trust").exits(6).says(&["error[unsigned]"]);
}

#[test]
fn what_lies_beside_from_another_time_is_named() {
    let scene = bundled();
    keygen(&scene, "release.key");
    scene.hardtack("bundle app --sign release.key --self-extracting --provenance").ok();
    let ran = scene.hardtack("bundle app --installer none").ok();
    for ending in ["tar.gz.minisig", "run", "run.minisig", "tar.gz.SHA256SUMS.minisig", "tar.gz.provenance.json"] {
        assert!(
            ran.stderr.contains(&format!("warning: `app-1.0.{ending}` is of an earlier bundle")),
            "{ending}: {}",
            ran.stderr
        );
    }
}
