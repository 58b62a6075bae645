//! Whether builds come to the same files.

use crate::support::{Ran, Scene};

/// A project whose one part installs what its Makefile says.
fn project(install: &str) -> Scene {
    let scene = Scene::new();
    scene.project("app", "p", "[p]\nrecipe = hardtack:make\npath = src\n");
    let makefile =
        format!("all:\n\ttrue\ninstall:\n\tmkdir -p $(PREFIX)\n\techo $(PREFIX) > $(PREFIX)/where\n\t{install}\n");
    scene.write("app/src/Makefile", makefile);
    scene.hardtack("bundle app --installer none").ok();
    scene
}

/// Whether this machine has level `full`, without which nothing is built to be compared.
fn built(ran: &Ran) -> bool {
    let refused = ran.code == Some(4) && ran.stderr.contains("error[no-isolation]");
    if refused {
        crate::support::skipped("level `full` is not to be had here");
    }
    !refused
}

const AGAINST: &str = "reproduce app-1.0.tar.gz --against app-1.0.tar.gz.receipt.json";

#[test]
fn what_is_built_here_is_what_was_built_there() {
    let scene = project("touch $(PREFIX)/same");
    if !built(&scene.hardtack("rehearse app-1.0.tar.gz")) {
        return;
    }
    let told = scene.hardtack(AGAINST).ok().stdout;
    let wanted = "equal: what is here, compared with app-1.0.tar.gz.receipt.json\n   its receipt is not signed\n   all 2 files \
                  are the same\n";
    assert_eq!(told, wanted);
    let json = scene.hardtack(&format!("{AGAINST} --format json")).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["verdict"], &json["comparison"]["files"]), (&"equal".into(), &2.into()));
    // Where another path was told to builds, the same one is told again.
    let config = scene.read("app/buildout.cfg").replace("version = 1.0\n", "version = 1.0\nprefix = /opt/elsewhere\n");
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none -o other.tar.gz").ok();
    let told = scene
        .hardtack("reproduce other.tar.gz --against app-1.0.tar.gz.receipt.json")
        .says(&["rehearsing at /opt/app"]);
    assert!(
        told.stdout.starts_with("equal: ") && told.stdout.contains("made from something else: the bundle's manifest: ")
    );
    assert_eq!(told.code, Some(0), "what comes out is what counts");
}

#[test]
fn what_differs_is_told_and_held_against_no_build_that_was_made_from_something_else() {
    // A number that no two builds have in common.
    let scene = project("head -c 16 /dev/urandom > $(PREFIX)/random");
    if !built(&scene.hardtack("rehearse app-1.0.tar.gz")) {
        return;
    }
    let told = scene.hardtack(AGAINST).exits(8).stdout;
    assert!(told.starts_with("different: "), "{told}");
    assert!(told.contains("   1 of 2 files differ\n   parts/p/random: other bytes\n"), "{told}");

    let told = scene.hardtack(&format!("{AGAINST} --env EXTRA=1")).exits(1).stdout;
    assert!(told.starts_with("not comparable: ") && told.contains("the variables of all steps: "), "{told}");
    let mut other: serde_json::Value = serde_json::from_str(&scene.read("app-1.0.tar.gz.receipt.json")).expect("JSON");
    other["predicate"]["machine"]["toolchain"]["cc"] = "gcc (GCC) 8.5.0".into();
    scene.write("other.json", other.to_string());
    let told = scene.hardtack("reproduce app-1.0.tar.gz --against other.json").exits(1).stdout;
    assert!(told.starts_with("not comparable: "), "{told}");
    assert!(told.contains("   made from something else: cc: gcc (GCC) 8.5.0, and "), "{told}");
}

#[test]
fn of_several_receipts_it_is_told_who_agrees() {
    let scene = project("touch $(PREFIX)/same; ln -s same $(PREFIX)/link");
    if !built(&scene.hardtack("rehearse app-1.0.tar.gz")) {
        return;
    }
    let one: serde_json::Value = serde_json::from_str(&scene.read("app-1.0.tar.gz.receipt.json")).expect("JSON");
    scene.write("one.json", one.to_string());
    scene.write("two.json", one.to_string());
    scene.hardtack("reproduce --compare one.json two.json").ok();
    let mut three = one.clone();
    let files = &mut three["predicate"]["files"];
    files["parts/p/same"]["mode"] = 0o600.into();
    files["parts/p/link"]["target"] = "where".into();
    files["parts/p/more"] = files["parts/p/same"].clone();
    scene.write("three.json", three.to_string());
    let told = scene.hardtack("reproduce --compare one.json two.json three.json two.json").exits(8).stdout;
    let letters: String = told.lines().filter(|line| !line.starts_with(' ')).map(|line| &line[..1]).collect();
    assert_eq!(letters, "AABA");
    for line in [
        "   different, compared with A\n   3 of 4 files differ\n",
        "   parts/p/link: a link to same, and to where\n",
        "   parts/p/more: only the second has it\n",
        "   parts/p/same: mode 0644, and 0600\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    scene.hardtack("reproduce --compare one.json").exits(2);
    scene.hardtack("reproduce app-1.0.tar.gz").exits(2);
    scene.write("nonsense.json", "{}");
    scene.hardtack("reproduce --compare one.json nonsense.json").exits(2).says(&["error[not-a-receipt]"]);
}

#[test]
fn a_receipt_that_was_changed_under_its_signature_is_none() {
    let scene = project("touch $(PREFIX)/same");
    scene.hardtack("keygen -o own.key --no-password").ok();
    if !built(&scene.hardtack("rehearse app-1.0.tar.gz --sign own.key")) {
        return;
    }
    let told = scene.hardtack(&format!("{AGAINST} --pubkey own.pub"));
    // Whom it trusts, it trusts for bundles, too.
    told.exits(6).says(&["error[unsigned]"]);
    scene.hardtack("sign app-1.0.tar.gz --key own.key").ok();
    let told = scene.hardtack(&format!("{AGAINST} --pubkey own.pub")).ok().stdout;
    assert!(told.contains("   its receipt is signed by key ") && told.contains(", which is trusted\n"), "{told}");
    let text = scene.read("app-1.0.tar.gz.receipt.json").replace("\"sig\":\"", "\"sig\":\"AAAA");
    scene.write("app-1.0.tar.gz.receipt.json", text);
    scene.hardtack(&format!("{AGAINST} --pubkey own.pub")).exits(2).says(&["error[not-a-receipt]", "is not what key "]);
}
