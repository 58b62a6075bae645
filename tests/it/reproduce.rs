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
    // One file, whose bytes and mode are both other.
    let mut four = one.clone();
    four["predicate"]["files"]["parts/p/same"]["mode"] = 0o600.into();
    four["predicate"]["files"]["parts/p/same"]["sha256"] = "00".repeat(32).into();
    scene.write("four.json", four.to_string());
    let told = scene.hardtack("reproduce --compare one.json four.json").exits(8).stdout;
    assert!(told.contains("   1 of 3 files differ\n   parts/p/same: other bytes\n   parts/p/same: mode "), "{told}");
    scene.hardtack("reproduce --compare one.json").exits(2);
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

/// A project of the fixtures, bundled.
fn fixture(name: &str) -> Scene {
    let scene = Scene::new();
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    for entry in walkdir::WalkDir::new(&from) {
        let entry = entry.expect("reads");
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&from).expect("below").to_str().expect("UTF-8");
            scene.write(&format!("app/{path}"), std::fs::read(entry.path()).expect("reads"));
        }
    }
    scene.hardtack("bundle app --installer none -o app.tar.gz").ok();
    scene
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

/// The conditions that a run could not vary on this machine.
fn not_varied(reproduction: &serde_json::Value) -> Vec<String> {
    let list = reproduction["not-varied"].as_array().expect("a list");
    list.iter().map(|missing| missing["condition"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn every_planted_fault_is_found_and_gets_its_true_cause() {
    let scene = fixture("defects");
    let ran = scene.hardtack("reproduce app.tar.gz --vary all --format json");
    if !built(&ran) {
        return;
    }
    let found = json(&ran.exits(8));
    let missing = not_varied(&found);
    missing.iter().for_each(|name| crate::support::skipped(&format!("{name} cannot be varied here")));
    // File, cause, and what its bytes are said to hold.
    let planted = [
        ("serial/date", "time", "date"),
        ("serial/compiled-date.o", "time", "compiled-date"),
        ("serial/timezone", "timezone", "value"),
        ("serial/path", "path", "value"),
        ("serial/debug.o", "path", "value"),
        ("serial/stripped", "path", "build-id"),
        ("serial/host", "host", "value"),
        ("serial/user", "user", "value"),
        ("serial/umask", "umask", ""),
        ("serial/locale", "locale", "line-order"),
        ("serial/file-order", "file-order", "line-order"),
        ("parallel/race", "jobs", "line-order"),
        ("serial/random", "unsteady", ""),
        ("serial/pid", "processes", "number"),
        ("serial/hardware", "hardware", "value"),
        ("serial/kernel", "kernel", "value"),
        ("serial/cpus", "cpus", "number"),
        ("serial/home", "home", "value"),
        ("serial/exec-path", "exec-path", "value"),
        ("serial/environment", "environment", "value"),
        ("serial/terminal", "terminal", "lines"),
        ("serial/aslr", "aslr", ""),
        ("serial/dated.gz", "unsteady", "gzip-time"),
        ("serial/library.a", "unsteady", "member-times"),
        ("serial/list.tar", "unsteady", "member-times"),
        ("serial/dated.zip", "unsteady", "member-times"),
    ];
    let parts = found["parts"].as_array().expect("a list");
    let differing = || parts.iter().flat_map(|part| part["differing"].as_array().expect("a list"));
    let mut told = std::collections::BTreeMap::new();
    for file in differing() {
        let causes = file["causes"].as_array().expect("a list").iter();
        let causes: Vec<String> = causes
            .map(|cause| cause["condition"].as_str().or(cause.as_str()).unwrap_or("several").to_owned())
            .collect();
        let spots = file["spots"].as_array().expect("a list");
        let spots: Vec<String> = spots.iter().map(|spot| spot["what"].to_string()).collect();
        told.insert(file["path"].as_str().expect("a path").to_owned(), (causes, spots));
    }
    for (file, cause, what) in planted.iter().filter(|(_, cause, _)| !missing.contains(&(*cause).to_owned())) {
        let (causes, spots) = told.remove(&format!("parts/{file}")).unwrap_or_else(|| panic!("{file} is not found"));
        assert!(causes.contains(&(*cause).to_owned()), "{file}: {causes:?}");
        // A time zone in which it is another day makes another date, too, and what differs each time may have other causes.
        let also = |other: &String| other == cause || *cause == "unsteady" || (*cause == "time" && other == "timezone");
        assert!(causes.iter().all(also), "{file}: {causes:?}");
        assert!(what.is_empty() || spots.iter().any(|spot| spot.contains(what)), "{file}: {spots:?}");
    }
    assert_eq!(told.len(), 0, "nothing else differs: {told:?}");
    assert_eq!(parts[2]["name"], "steady");
    assert_eq!(parts[2]["differing"].as_array().map(Vec::len), Some(0), "what is made of nothing else is equal");

    // What installations hold fixed, no site sees; and without the causes it takes two builds.
    let found = json(&scene.hardtack("reproduce app.tar.gz --no-causes --format json").exits(8));
    assert_eq!(found["builds"], 2);
    let files = found["parts"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|part| part["differing"].as_array().expect("a list"));
    let files: Vec<&str> = files.map(|file| file["path"].as_str().expect("a path")).collect();
    let held = [
        "path",
        "host",
        "umask",
        "timezone",
        "debug.o",
        "stripped",
        "home",
        "exec-path",
        "terminal",
        "library.a",
        "compiled-date.o",
    ];
    let seen: Vec<_> = held.iter().filter(|name| files.contains(&format!("parts/serial/{name}").as_str())).collect();
    assert!(seen.is_empty(), "{seen:?} of {files:?}");
}

#[test]
fn what_is_equal_is_said_to_be_on_every_kind_of_paper() {
    let scene = project("echo the same > $(PREFIX)/same");
    let ran = scene.hardtack("reproduce app-1.0.tar.gz --vary all,-locale,-umask --report page.html");
    if !built(&ran) {
        return;
    }
    let told = &ran.ok().stdout;
    assert!(told.starts_with("reproducible: app 1.0: all 2 files are the same\n\nvaried: path, time, "), "{told}");
    assert!(told.contains("built without: SOURCE_DATE_EPOCH, static libraries without times\n2 builds; "), "{told}");
    assert!(scene.read("page.html").contains("Reproducible</span>: app 1.0"));
    let xml = scene.hardtack("reproduce app-1.0.tar.gz --vary none --format junit").ok().stdout;
    assert!(xml.contains("<testsuite name=\"app-1.0\" tests=\"1\" failures=\"0\""), "{xml}");
    // A project is bundled first, and what it makes of its folder is a lock at most.
    let told = scene.hardtack("reproduce app --vary path").ok().stdout;
    assert!(told.contains("varied: path\n"), "{told}");
    scene.hardtack("query --format junit").exits(2).says(&["--format junit is for hardtack reproduce"]);
}

#[test]
fn a_build_that_another_condition_breaks_is_named_with_it_and_the_rest_is_compared() {
    let scene = project(
        "echo made > $(PREFIX)/made; chmod 644 $(PREFIX)/* && test \"$$(umask)\" = 0022 && pwd > $(PREFIX)/path",
    );
    let ran = scene.hardtack("reproduce app-1.0.tar.gz --vary path,umask,host");
    if !built(&ran) {
        return;
    }
    let told = &ran.exits(8).stdout;
    assert!(told.contains("p: does not build [umask]\n  step `install` of part `p` failed"), "{told}");
    assert!(told.contains("  parts/p/path [path]\n    the build path at 0x0: /tmp/build"), "{told}");
    assert!(told.starts_with("not reproducible: app 1.0: 1 of 3 files differs\n"), "{told}");
    // Nothing is known of one that fails under the usual conditions.
    let scene = project("exit 3");
    scene.hardtack("reproduce app-1.0.tar.gz").exits(5).says(&["this is the first build"]);
}

#[test]
fn what_must_be_varied_and_cannot_be_is_an_error() {
    let mut scene = project("touch $(PREFIX)/same");
    scene
        .hardtack("reproduce app-1.0.tar.gz --vary host --require time")
        .exits(4)
        .says(&["error[not-varied]", "time: --vary leaves it out"]);
    scene.hardtack("reproduce app-1.0.tar.gz --vary tiem").exits(2).says(&["did you mean `time`?"]);
    scene.hardtack("reproduce app-1.0.tar.gz --only q").says(&["there is no part `q`"]);
    // Where there is no compiler, the clock stays.
    let tools = scene.path("tools");
    std::fs::create_dir(&tools).expect("a folder");
    for entry in ["/usr/bin", "/bin"].iter().flat_map(|folder| std::fs::read_dir(folder).expect("reads")).flatten() {
        let name = entry.file_name();
        if name != "cc" {
            let _ = std::os::unix::fs::symlink(entry.path(), tools.join(name));
        }
    }
    scene.set("HARDTACK_ENV", format!("PATH={}", tools.display()));
    let ran = scene.hardtack("reproduce app-1.0.tar.gz");
    if built(&ran) {
        ran.ok().says(&["not varied: time: the compiler does not make the library for it"]);
        scene.hardtack("reproduce app-1.0.tar.gz --require time").exits(4).says(&["not found"]);
    }
}

#[test]
fn a_bundle_is_the_same_wherever_it_is_packed() {
    let scene = project("touch $(PREFIX)/same");
    let ran = scene.hardtack("reproduce --bundle app");
    if !built(&ran) {
        return;
    }
    let told = &ran.ok().stdout;
    assert!(told.starts_with("reproducible: the bundle of app is "), "{told}");
    assert!(told.contains("varied: path, ") && told.contains("umask, host, user"), "{told}");
    let found = json(&scene.hardtack("reproduce --bundle app --format json").ok());
    assert_eq!((&found["verdict"], &found["first"]), (&"equal".into(), &found["second"]));
    // What a config makes of its machine is in what is packed, and said.
    let config = scene.read("app/buildout.cfg").replace("parts = p\n", "parts = p\nhere = ${buildout:directory}\n");
    scene.write("app/buildout.cfg", config);
    scene.hardtack("reproduce --bundle app --require host,user").ok();
}

/// What building twice comes to under these conditions, for people; none where nothing can be built.
fn told(install: &str, arguments: &str) -> Option<String> {
    let scene = project(install);
    let ran = scene.hardtack(&format!("reproduce app-1.0.tar.gz {arguments}"));
    built(&ran).then_some(ran.stdout)
}

#[test]
fn the_library_is_loaded_beside_others_and_what_a_person_sets_is_not_varied() {
    let scene = project("date -u +%F > $(PREFIX)/date");
    let config =
        scene.read("app/buildout.cfg").replace("path = src", "path = src\nenvironment =\n    LD_PRELOAD=libm.so.6");
    scene.write("app/buildout.cfg", config);
    let ran = scene.hardtack("reproduce app --vary time,timezone --env TZ=UTC");
    if !built(&ran) {
        return;
    }
    let told = &ran.exits(8).stdout;
    assert!(told.contains("parts/p/date [time]") && told.contains("not varied: timezone: --env sets TZ\n"), "{told}");
}

#[test]
fn modes_have_causes_of_their_own_and_a_file_that_became_a_folder_is_of_another_type() {
    let install = "cd $(PREFIX) && nproc > both && test `nproc` = 1 && mkdir kind && touch kind/in || touch kind";
    let Some(told) = told(install, "--vary cpus,umask") else { return };
    if told.contains("not varied: cpus") {
        return crate::support::skipped("there is one processor");
    }
    assert!(told.contains("  parts/p/both [cpus]\n    a number at 0x0: "), "{told}");
    assert!(told.contains("  parts/p/both [umask]: mode 0644, and 0664\n"), "{told}");
    assert!(told.contains("  parts/p/kind [cpus]: of another type\n"), "{told}");
    assert!(told.starts_with("not reproducible: app 1.0: 4 of 4 files differ\n"), "{told}");
}

#[test]
fn nothing_that_a_build_writes_reaches_a_terminal_as_it_is() {
    let odd = "cd $(PREFIX) && ln -s \"`printf 'a\\033[31m'; nproc`\" link && printf '\\033]0;x\\007\\n' && test `nproc` != 1";
    let Some(told) = told(odd, "--vary cpus") else { return };
    assert!(!told.contains('\u{1b}') && !told.contains('\u{7}'), "{told:?}");
    assert!(told.contains("varied: nothing") || told.contains("p: does not build [cpus]"), "{told}");
    let Some(told) = self::told(odd.split(" && printf").next().expect("a part"), "--vary cpus") else { return };
    assert!(!told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn where_a_part_does_not_build_nothing_is_said_to_be_equal_that_was_not_compared() {
    let scene = fixture("defects");
    let config = scene.read("app/buildout.cfg").replace("AFTER=${serial:location}", "AFTER=1");
    scene.write("app/buildout.cfg", config);
    scene.write("app/serial/Makefile", "all:\n\ttrue\ninstall:\n\ttest `uname -n` = hardtack && mkdir -p $(PREFIX)\n");
    let ran = scene.hardtack("reproduce app --vary host,path --no-causes");
    if !built(&ran) {
        return;
    }
    let told = ran.exits(8).stdout;
    assert!(told.contains("nothing was compared, for there was no second build\n"), "{told}");
    let xml = scene.hardtack("reproduce app --vary host,path --no-causes --format junit").exits(8).stdout;
    assert_eq!(xml.matches("<skipped message=\"not compared: there was no second build\"/>").count(), 2, "{xml}");
    let told = scene.hardtack("reproduce app --vary host,path").exits(8).stdout;
    assert!(told.contains("serial: does not build [host]\n"), "{told}");
    assert!(told.contains("varied: path\nnot varied: host: serial does not build like that\n"), "{told}");
}

#[test]
fn a_disk_that_is_full_is_called_that_where_hardtack_finds_it_out() {
    let mut scene = project("touch $(PREFIX)/same");
    std::fs::create_dir(scene.path("small")).expect("a folder");
    scene.set("TMPDIR", scene.path("small").to_str().expect("UTF-8"));
    let mut full = 0;
    for size in [100].into_iter().chain((240..=320).step_by(8)) {
        let mount = format!("mount -t tmpfs -o size={size}k tmpfs small && exec \"$@\"");
        let words = ["--map-root-user", "--mount", "sh", "-c", &mount, "sh"];
        let output = scene.under("unshare", &words, &["reproduce", "app-1.0.tar.gz"]).output().expect("unshare starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.contains("unshare") || said.contains("mount:") || said.contains("no-isolation") {
            return crate::support::skipped("no file system can be mounted here");
        }
        // A build that finds it out itself says so in its own words.
        let by_build = output.status.code() == Some(8) || said.contains("error[build-failed]");
        let is_told = output.status.success() || by_build || said.contains("error[disk-full]");
        assert!(is_told, "{size}: {said}");
        full += usize::from(said.contains("error[disk-full]"));
    }
    assert!(full > 0, "some of them are too small");
}
