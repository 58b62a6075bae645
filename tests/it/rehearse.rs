//! Rehearsals, their receipts and the host contract.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Ran, Scene};

/// A project whose one part is made by a Makefile.
fn project(makefile: &str) -> Scene {
    let scene = Scene::new();
    scene.project("app", "p", "[p]\nrecipe = hardtack:make\npath = src\n");
    scene.write("app/src/Makefile", makefile);
    scene
}

/// A program of a header and a library of the machine's C compiler, and its prefix.
const GOOD: &str = "all:\n\tprintf '#include <stdio.h>\\nint main(void){return puts(\"hi\")<0;}\\n' > a.c\n\tcc a.c -o a\n\
                    install:\n\tmkdir -p $(PREFIX)/bin\n\tcp a $(PREFIX)/bin/a\n\techo $(PREFIX) > $(PREFIX)/where\n";

fn receipt(scene: &Scene) -> serde_json::Value {
    serde_json::from_str(&scene.read("app-1.0.tar.gz.receipt.json")).expect("JSON")
}

/// Whether this machine has level `full`, without which nothing can be rehearsed.
fn rehearsed(ran: &Ran) -> bool {
    let refused = ran.code == Some(4) && ran.stderr.contains("error[no-isolation]");
    if refused {
        crate::support::skipped("level `full` is not to be had here");
    }
    !refused
}

#[test]
fn a_bundle_is_built_from_its_own_file_and_gets_a_receipt() {
    let scene = project(GOOD);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("inspect app-1.0.tar.gz").ok().says(&["warning: nobody has rehearsed this bundle"]);
    let ran = scene.hardtack("rehearse app-1.0.tar.gz");
    if !rehearsed(&ran) {
        return;
    }
    let ran = ran.ok().says(&["rehearsing at /opt/app", "rehearsed app 1.0: 1 part, in ", "nothing tried to reach"]);
    assert_eq!(ran.stdout, "app-1.0.tar.gz.receipt.json\n");
    let statement = receipt(&scene);
    let sha256 = scene.read("app-1.0.tar.gz.sha256")[..64].to_owned();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["subject"][0]["digest"]["sha256"], sha256.as_str());
    let predicate = &statement["predicate"];
    assert_eq!((&predicate["isolation"], &predicate["prefix"]), (&"full".into(), &"/opt/app".into()));
    assert_eq!(predicate["parts"][0]["reused"], false);
    // Where it really was built is nowhere in it, so that its digests are those of every rehearsal.
    let prefix = hardtack::base::Sha256::of("/opt/app/parts/p\n").to_string();
    assert_eq!(predicate["files"]["parts/p/where"]["sha256"], prefix.as_str());
    assert_eq!(predicate["files"]["parts/p/bin/a"]["mode"], 0o755);
    let names = |kind: &str| -> Vec<String> {
        let list = predicate["host"][kind].as_array().cloned().unwrap_or_default();
        list.iter().map(|need| need["name"].as_str().expect("a name").to_owned()).collect()
    };
    for program in ["cc", "make", "mkdir", "as", "ld"] {
        assert!(names("program").contains(&program.to_owned()), "no {program} in {predicate:#}");
    }
    assert_eq!(names("header"), ["stdio.h"]);
    let told = scene.hardtack("inspect app-1.0.tar.gz").ok().never_says(&["warning"]).stdout;
    assert!(told.contains("\nrehearsed; the receipt is not signed\n  on "), "{told}");
    // Of other bytes it says nothing.
    scene.write("app/more", "");
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("inspect app-1.0.tar.gz").ok().says(&["is of another bundle, with other bytes"]);
}

#[test]
fn a_build_that_would_fail_at_the_site_fails_its_rehearsal_with_the_cause() {
    let asks = "all:\n\tpython3 -c 'import socket; socket.create_connection((\"downloads.example.org\", 80))' || true\n\
                install:\n\ttrue\n";
    let lacks = "all:\n\techo '#include <nowhere/at/all.h>' > a.c && cc -c a.c\n";
    let undeclared = "all:\n\tcp $(CURDIR)/../../data.bin .\n";
    for (makefile, code, words) in [
        (asks, 7, "downloads.example.org:80 by python3"),
        (lacks, 5, "probably the header `nowhere/at/all.h` is missing"),
        (undeclared, 5, "data.bin': No such file or directory"),
    ] {
        let mut scene = project(makefile);
        // What a failure keeps goes with the test.
        scene.set("TMPDIR", scene.path("app").parent().and_then(std::path::Path::to_str).expect("UTF-8"));
        scene.write("app/data.bin", "");
        let ran = scene.hardtack("bundle app --installer none --rehearse");
        if !rehearsed(&ran) {
            return;
        }
        let ran = ran.exits(code).says(&[words, "nothing vouches for this bundle", "is not to be carried"]);
        assert_eq!(ran.stdout, "", "nothing is announced");
        ran.never_says(&["run the same command again"]);
        assert!(!scene.exists("app-1.0.tar.gz.receipt.json") && !scene.exists("app/hardtack.contract.toml"));
        let kept = scene.hardtack("inspect app-1.0.tar.gz").ok().stdout;
        assert!(kept.contains("NOT REHEARSED\n"), "{kept}");
    }
}

#[test]
fn the_contract_travels_and_is_looked_at_before_anything_is_built() {
    let scene = project(GOOD);
    let ran = scene.hardtack("bundle app --installer none --rehearse");
    if !rehearsed(&ran) {
        return;
    }
    ran.ok().says(&["wrote app/hardtack.contract.toml; commit it", "1 part, all taken over"]);
    assert_eq!(receipt(&scene)["predicate"]["parts"][0]["reused"], true);
    let contract = scene.read("app/hardtack.contract.toml");
    assert!(contract.contains("name = \"cc\"") && !contract.contains("\nneeded = false"), "{contract}");
    // The second time it is as it was, and there is one rehearsal.
    scene.hardtack("bundle app --installer none --rehearse").ok().never_says(&["packing again"]);
    assert_eq!(scene.read("app/hardtack.contract.toml"), contract);
    scene.hardtack("install app-1.0.tar.gz first").ok().says(&["this machine has what builds used in rehearsal"]);

    let more = "\n[[program]]\nname = \"no-such-program\"\npackage = \"nowhere\"\nparts = [\"p\"]\n\n\
                [[header]]\nname = \"no/such.h\"\nparts = [\"p\"]\n\n[[library]]\nname = \"libnosuch\"\nparts = [\"p\"]\n\n\
                [[pkg-config]]\nname = \"nosuch\"\nparts = [\"p\"]\nneeded = false\n";
    let end = contract.find("\n[[header]]").expect("a header");
    let (programs, headers) = contract.split_at(end);
    scene.write("app/hardtack.contract.toml", format!("{programs}{more}"));
    scene.hardtack("bundle app --installer none").ok();
    let unmet = [
        "error[host-lacks]: this machine lacks what the rehearsal of this bundle on ",
        "program `no-such-program`, of package nowhere there (part p)",
        "header `no/such.h` (part p)",
        "library `libnosuch` (part p)",
    ];
    scene.hardtack("install app-1.0.tar.gz second").exits(4).says(&unmet).never_says(&["`nosuch`", "installing p"]);
    assert!(!scene.exists("second"));
    let doctor = scene.hardtack("doctor app-1.0.tar.gz").exits(4).stdout;
    assert!(
        doctor.contains("no  missing: program `no-such-program`") && doctor.contains("ok  not needed: "),
        "{doctor}"
    );
    scene
        .hardtack("install app-1.0.tar.gz second --ignore-contract")
        .ok()
        .says(&["warning: not on this machine: header"]);

    // A project that is installed where it is has it, too.
    scene.hardtack("install app").exits(4).says(&["error[host-lacks]"]);
    scene.hardtack("install -n app").exits(4).says(&["error[host-lacks]"]);
    assert!(!scene.exists("app/parts"));

    // A word of a person stays.
    scene.write(
        "app/hardtack.contract.toml",
        format!("{programs}{headers}").replacen("name = \"cc\"", "name = \"cc\"\nneeded = false", 1),
    );
    scene.hardtack("bundle app --installer none --rehearse").ok();
    assert!(scene.read("app/hardtack.contract.toml").contains("\nneeded = false"));
    for (text, reason) in [("format = 2\nseen-on = \"x\"\n", "it has format 2"), ("nonsense", "is no host contract")] {
        scene.write("app/hardtack.contract.toml", text);
        scene.hardtack("bundle app --installer none").exits(2).says(&["error[contract]", reason]);
    }
}

#[test]
fn what_only_configure_looks_at_is_not_needed() {
    let scene = project("all:\n\ttrue\ninstall:\n\tmkdir -p /opt/app/parts/p\n\ttouch /opt/app/parts/p/f\n");
    let config = scene.read("app/buildout.cfg") + "configure = ./configure\n";
    scene.write("app/buildout.cfg", config);
    scene.write("app/src/configure", "#!/bin/sh\nmktemp --version >/dev/null\nsort --version > /dev/null\n");
    std::fs::set_permissions(scene.path("app/src/configure"), PermissionsExt::from_mode(0o755)).expect("sets the mode");
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("rehearse app-1.0.tar.gz");
    if !rehearsed(&ran) {
        return;
    }
    ran.ok().says(&["note: the bundle has no host contract; what its builds use is in app-1.0.tar.gz.contract.toml"]);
    let contract = scene.read("app-1.0.tar.gz.contract.toml");
    let is_probed = |contract: &str, name: &str| {
        let from = contract.find(&format!("name = \"{name}\"")).unwrap_or_else(|| panic!("no {name} in {contract}"));
        contract[from..].split("\n\n").next().expect("an entry").contains("probed = true")
    };
    assert!(is_probed(&contract, "mktemp") && !is_probed(&contract, "touch"), "{contract}");
    // Once it is used in earnest, it is needed.
    scene.write("app/hardtack.contract.toml", &contract);
    scene.write("app/src/Makefile", "all:\n\tmktemp --version\ninstall:\n\tmkdir -p /opt/app/parts/p\n");
    scene.hardtack("bundle app --installer none --rehearse").ok();
    assert!(!is_probed(&scene.read("app/hardtack.contract.toml"), "mktemp"));
    // A script's program is run by the kernel alone.
    assert!(contract.contains("name = \"sh\""), "{contract}");
}

#[test]
fn whole_parts_of_an_earlier_rehearsal_are_taken_over_and_marked() {
    let scene = Scene::new();
    let part = |name: &str| format!("[{name}]\nrecipe = hardtack:copy\npath = {name}\n");
    scene.project("app", "a b", &(part("a") + &part("b")));
    scene.write("app/a/f", "1");
    scene.write("app/b/f", "1");
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("rehearse app-1.0.tar.gz --in kept");
    if !rehearsed(&ran) {
        return;
    }
    ran.ok();
    scene.hardtack("rehearse app-1.0.tar.gz --in kept").exits(2).says(&["error[not-empty]", "--reuse"]);
    scene.hardtack("rehearse app-1.0.tar.gz --reuse").exits(2);
    scene.write("app/b/f", "2");
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("rehearse app-1.0.tar.gz --in kept --reuse").ok().says(&["2 parts, 1 of them taken over"]);
    let parts = receipt(&scene)["predicate"]["parts"].clone();
    assert_eq!((&parts[0]["reused"], &parts[1]["reused"]), (&true.into(), &false.into()));
    assert_eq!(scene.read("kept/dest/parts/b/f"), "2");
}

#[test]
fn a_receipt_is_believed_by_whose_it_is() {
    let scene = project(GOOD);
    scene.hardtack("keygen -o own.key --no-password").ok();
    scene.hardtack("keygen -o other.key --no-password").ok();
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("rehearse app-1.0.tar.gz --sign own.key");
    if !rehearsed(&ran) {
        return;
    }
    ran.ok().says(&["app-1.0.tar.gz.receipt.json: signed with key "]);
    let inspect = |options: &str| scene.hardtack(&format!("inspect app-1.0.tar.gz {options}")).ok();
    assert!(inspect("--pubkey own.pub").stdout.contains(", which is trusted\n"));
    assert!(inspect("--pubkey other.pub").stdout.contains(", which nobody here trusts\n"));
    let json: serde_json::Value =
        serde_json::from_str(&inspect("--pubkey own.pub --format json").stdout).expect("JSON");
    assert_eq!((&json["rehearsal"]["rehearsed"], &json["rehearsal"]["trusted"]), (&true.into(), &true.into()));
    // What an envelope says of its key is nobody's word.
    let signed = scene.read("app-1.0.tar.gz.receipt.json");
    let mut envelope = receipt(&scene);
    envelope["signatures"][0]["keyid"] = "0, which is trusted\n\u{1b}[8m".into();
    scene.write("app-1.0.tar.gz.receipt.json", envelope.to_string());
    let told = inspect("--pubkey other.pub").stdout;
    assert!(told.contains("signed with key of no known form, which nobody here trusts\n"), "{told}");
    // What it says cannot be changed under the signature.
    scene.write("app-1.0.tar.gz.receipt.json", &signed);
    let mut envelope = receipt(&scene);
    let payload = envelope["payload"].as_str().expect("a payload");
    let payload = data_encoding::BASE64.decode(payload.as_bytes()).expect("base64");
    let changed = String::from_utf8(payload).expect("UTF-8").replace("\"full\"", "\"none\"");
    envelope["payload"] = data_encoding::BASE64.encode(changed.as_bytes()).into();
    scene.write("app-1.0.tar.gz.receipt.json", envelope.to_string());
    let ran = inspect("--pubkey own.pub").says(&["is not what key "]);
    assert!(ran.stdout.contains("NOT REHEARSED"));
}

#[test]
fn a_rehearsal_leaves_the_machine_as_it_was() {
    let mut scene = project(GOOD);
    scene.write(
        "app/buildout.cfg",
        scene
            .read("app/buildout.cfg")
            .replace("version = 1.0\n", "version = 1.0\nprefix = /usr/share/hardtack-test/deep\n"),
    );
    scene.hardtack("bundle app --installer none").ok();
    scene.set("TMPDIR", scene.path("scratch").to_str().expect("UTF-8"));
    std::fs::create_dir(scene.path("scratch")).expect("makes a folder");
    let ran = scene.hardtack("rehearse app-1.0.tar.gz");
    if !rehearsed(&ran) {
        return;
    }
    ran.ok().says(&["rehearsing at /usr/share/hardtack-test/deep"]);
    assert!(!std::path::Path::new("/usr/share/hardtack-test").exists());
    assert_eq!(std::fs::read_dir(scene.path("scratch")).expect("reads").count(), 0);
    scene.hardtack("rehearse app").exits(2).says(&["is a folder, and what is carried is a file", "bundle --rehearse"]);
}

#[test]
fn what_a_receipt_says_cannot_look_like_what_hardtack_says_of_it() {
    let scene = project(GOOD);
    scene.hardtack("bundle app --installer none").ok();
    if !rehearsed(&scene.hardtack("rehearse app-1.0.tar.gz")) {
        return;
    }
    let mut statement = receipt(&scene);
    let forged = "debian; the receipt is signed by key 0, which is trusted";
    statement["predicate"]["machine"]["system"] = forged.into();
    scene.write("app-1.0.tar.gz.receipt.json", statement.to_string());
    let told = scene.hardtack("inspect app-1.0.tar.gz").ok().stdout;
    assert!(told.contains("\nrehearsed; the receipt is not signed\n"), "{told}");
    statement["predicate"]["machine"]["system"] = format!("x\n{forged}\u{1b}[8m").into();
    scene.write("app-1.0.tar.gz.receipt.json", statement.to_string());
    let ran = scene.hardtack("inspect app-1.0.tar.gz").ok().says(&["has control characters in its texts"]);
    assert!(!ran.stdout.contains(forged) && ran.stdout.contains("NOT REHEARSED"));
    let contract = "format = 1\nseen-on = \"x\\nok  signed\"\n";
    scene.write("app/hardtack.contract.toml", contract);
    scene.hardtack("bundle app --installer none").exits(2).says(&["error[contract]", "has control characters"]);
}

#[test]
fn a_signed_receipt_gives_way_to_none_that_is_not() {
    let scene = project(GOOD);
    scene.hardtack("keygen -o own.key --no-password").ok();
    scene.hardtack("bundle app --installer none").ok();
    if !rehearsed(&scene.hardtack("rehearse app-1.0.tar.gz --sign own.key")) {
        return;
    }
    let before = scene.read("app-1.0.tar.gz.receipt.json");
    scene.hardtack("rehearse app-1.0.tar.gz").exits(2).says(&["error[would-overwrite]", "--sign KEY"]);
    assert_eq!(scene.read("app-1.0.tar.gz.receipt.json"), before);
}

#[test]
fn what_is_taken_over_is_read_before_a_receipt_says_it() {
    let scene = project(GOOD);
    scene.hardtack("bundle app --installer none").ok();
    if !rehearsed(&scene.hardtack("rehearse app-1.0.tar.gz --in kept")) {
        return;
    }
    std::fs::remove_file(scene.path("app-1.0.tar.gz.receipt.json")).expect("removes");
    // As long and of the same time: only its bytes tell.
    let file = std::fs::File::options().write(true).open(scene.path("kept/dest/parts/p/where")).expect("opens");
    let time = file.metadata().expect("is there").modified().expect("a time");
    std::os::unix::fs::FileExt::write_all_at(&file, b"/OPT", 0).expect("writes");
    file.set_modified(time).expect("sets the time");
    scene
        .hardtack("rehearse app-1.0.tar.gz --in kept --reuse")
        .exits(6)
        .says(&["parts/p/where` is not what the rehearsal"]);
    assert!(!scene.exists("app-1.0.tar.gz.receipt.json"));
}

#[test]
fn prefixes_that_hide_the_machine_or_cannot_be_are_refused_with_the_reason() {
    let scene = project(GOOD);
    let config = scene.read("app/buildout.cfg");
    for (prefix, hidden) in
        [("/", "/bin"), ("/usr", "/usr/bin"), ("/tmp/x", "/tmp"), ("/etc", "/etc"), ("/proc/x", "/proc")]
    {
        scene.write(
            "app/buildout.cfg",
            config.replace("version = 1.0\n", &format!("version = 1.0\nprefix = {prefix}\n")),
        );
        let words = format!("builds would not find `{hidden}` of their machine");
        scene.hardtack("bundle app --installer none").exits(2).says(&["option `hardtack:prefix`", &words]);
    }
    scene.write("app/buildout.cfg", config.replace("version = 1.0\n", "version = 1.0\nprefix = /no-such-top/app\n"));
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("rehearse app-1.0.tar.gz");
    if !rehearsed(&ran) {
        return;
    }
    ran.exits(4).says(&["making `/no-such-top/app`: there is no such folder, and nothing may be made in `/`"]);
    assert!(!std::path::Path::new("/no-such-top").exists());
}

#[test]
fn an_interrupted_rehearsal_leaves_nothing() {
    let mut scene = project("all:\n\ttouch /tmp/begun; sleep 30\n");
    scene.set("TMPDIR", scene.path("scratch").to_str().expect("UTF-8"));
    std::fs::create_dir(scene.path("scratch")).expect("makes a folder");
    scene.hardtack("bundle app --installer none").ok();
    let mut command = scene.command(&["rehearse", "app-1.0.tar.gz"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("starts");
    let begun =
        || walkdir::WalkDir::new(scene.path("scratch")).into_iter().flatten().any(|entry| entry.file_name() == "begun");
    for _ in 0..600 {
        if begun() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    if !begun() {
        child.wait().expect("ends");
        return crate::support::skipped("level `full` is not to be had here");
    }
    let number = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a number")).expect("a process");
    rustix::process::kill_process(number, rustix::process::Signal::INT).expect("sends");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(130) && said.contains("nothing of what was built is left"), "{said}");
    assert!(!said.contains("p: failed"), "{said}");
    assert_eq!(std::fs::read_dir(scene.path("scratch")).expect("reads").count(), 0);
}

#[test]
fn scripts_that_run_each_other_do_not_end_the_rehearsal() {
    let scripts = "all:\n\tprintf '#!/tmp/b\\n' > /tmp/a; printf '#!/tmp/a\\n' > /tmp/b; chmod 755 /tmp/a /tmp/b\n\t/tmp/a || true\n\
                   install:\n\tmkdir -p $(PREFIX)\n\ttouch $(PREFIX)/f\n";
    let scene = project(scripts);
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("rehearse app-1.0.tar.gz");
    if rehearsed(&ran) {
        ran.ok();
    }
}

#[test]
fn in_another_root_it_is_its_programs_that_are_there_or_not() {
    let busybox = std::path::Path::new("/bin/busybox");
    if !busybox.is_file() {
        return crate::support::skipped("busybox is not here");
    }
    let scene = project(GOOD);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("rehearse app-1.0.tar.gz --rootfs app").exits(2).says(&["error[not-a-root]", "it has no /bin/sh"]);
    for folder in ["bin", "dev", "proc", "tmp", "opt", "etc"] {
        std::fs::create_dir_all(scene.path("root").join(folder)).expect("makes folders");
    }
    std::fs::copy(busybox, scene.path("root/bin/busybox")).expect("copies");
    std::os::unix::fs::symlink("busybox", scene.path("root/bin/sh")).expect("links");
    let before = scene.tree("root");
    let ran = scene.hardtack("rehearse app-1.0.tar.gz --rootfs root --in kept");
    if !rehearsed(&ran) {
        return;
    }
    ran.exits(5).says(&["make: not found", "at the site it would fail like this"]);
    assert_eq!(scene.tree("root"), before);
}
