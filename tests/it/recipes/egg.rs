//! Python distributions: found by pip, locked, and installed without a network.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::Server;
use crate::support::{Scene, output_of, skipped};

const INDEX: &str = include_str!("egg_index.py");

/// The wheel of a pip, which every index has and this machine may have somewhere.
fn pip_wheel() -> Option<PathBuf> {
    let python = |code: &str| Command::new("/usr/bin/python3").args(["-c", code]).output().ok();
    let knows = python("import pip; assert tuple(map(int, pip.__version__.split('.')[:2])) >= (22, 2)")?;
    let bundled = python("import ensurepip, os; print(os.path.join(os.path.dirname(ensurepip.__file__), '_bundled'))")?;
    let bundled = String::from_utf8_lossy(&bundled.stdout).trim().to_owned();
    let folders = ["/usr/share/python-wheels".to_owned(), bundled];
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let wheel = files.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("pip-") && name.ends_with(".whl")
    });
    wheel.filter(|_| knows.status.success())
}

/// An index with some distributions, and a project `app` that takes what `eggs` says from it.
fn scene(eggs: &str, options: &str, settings: &str) -> Option<(Scene, Server)> {
    let (scene, server) = (Scene::new(), Server::start());
    let headers = Path::new("/usr/include").join(format!("{}/Python.h", python_name()));
    let Some(pip) = pip_wheel().filter(|_| headers.exists()) else {
        skipped("no /usr/bin/python3 with its headers, a pip of 22.2 or newer, and the wheel of a pip");
        return None;
    };
    let made = Command::new("/usr/bin/python3").args(["-c", INDEX]).arg(scene.path("index")).status();
    assert!(made.expect("python3 runs").success());
    let copy = scene.path("index").join(pip.file_name().expect("a name"));
    std::fs::copy(pip, copy).expect("copies");
    let mut pages = std::collections::BTreeMap::<String, String>::new();
    for entry in std::fs::read_dir(scene.path("index")).expect("lists").flatten() {
        let name = entry.file_name().into_string().expect("UTF-8");
        let bytes = std::fs::read(entry.path()).expect("reads");
        let sha256 = hardtack::base::Sha256::of(&bytes);
        server.file(&format!("/files/{name}"), bytes);
        let project = name.split('-').next().expect("a name").to_owned();
        *pages.entry(project).or_default() += &format!("<a href=\"/files/{name}#sha256={sha256}\">{name}</a>\n");
    }
    for (project, page) in pages {
        server.answer(
            &format!("/simple/{project}/"),
            crate::server::Answer::With("Content-Type: text/html".to_owned(), page.into_bytes()),
        );
    }
    write(&scene, &server, eggs, options, settings);
    Some((scene, server))
}

fn write(scene: &Scene, server: &Server, eggs: &str, options: &str, settings: &str) {
    let index = server.url("/simple/");
    scene.write(
        "app/buildout.cfg",
        format!(
            "[buildout]\nparts = app\nindex = {index}\n[hardtack]\nname = app\nversion = 1.0\n{settings}\n[versions]\nshout = 1.0\n\
             [app]\nrecipe = zc.recipe.egg\neggs =\n  {}\n{options}\n",
            eggs.replace(' ', "\n  ")
        ),
    );
}

fn python_name() -> String {
    let link = std::fs::read_link("/usr/bin/python3").unwrap_or_default();
    link.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[test]
fn an_application_with_a_c_extension_is_bundled_and_installed_without_a_network() {
    let Some((scene, server)) = scene("greet[horn]>=1.0", "interpreter = py\n", "") else { return };
    let ran = scene.hardtack("bundle app --installer none").ok();
    ran.says(&["app: asking pip for 1 requirement", "app: 6 distributions for Python 3."]);
    let lock = scene.read("app/hardtack.lock");
    // What a source distribution is built with is found out by asking it.
    for line in
        ["[[python]]", "for = \"build\"", "/files/tool-1.0-py3-none-any.whl", "/files/shout-1.0-py3", "for = \"pip\""]
    {
        assert!(lock.contains(line), "{line} in {lock}");
    }
    assert!(!lock.contains("past") && !lock.contains("shout-2.0"));
    let digest = scene.read("app-1.0.tar.gz.sha256");
    server.stop();
    // Nobody is asked again, and the same bytes come out.
    scene.hardtack("bundle app --installer none --frozen").ok().never_says(&["asking pip"]);
    assert_eq!(scene.read("app-1.0.tar.gz.sha256"), digest);

    scene.hardtack("install app-1.0.tar.gz dest").ok().says(&["1 part built"]);
    let run = |program: &str| output_of(&scene.path("dest/bin").join(program));
    assert_eq!(run("greet"), "HELLO WORLD 42 1.0\n");
    assert!(!scene.exists("dest/bin/blow"), "of `horn` nobody asked for programs");
    let code = "import horn, sys; print(horn.__name__, sys.argv)";
    let python = Command::new(scene.path("dest/bin/py")).args(["-c", code, "-x"]).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&python.stdout), "horn ['-c', '-x']\n");
    let names: Vec<String> = scene.tree("dest/bin");
    assert_eq!(names, ["greet", "greet-all", "py"]);
    scene.hardtack("verify dest").ok();
    // What runs leaves nothing behind that the installation does not know.
    scene.hardtack("install app-1.0.tar.gz dest").ok().says(&["everything is installed already"]);
    scene.hardtack("uninstall dest").ok().never_says(&["left"]);
    assert!(!scene.exists("dest"));
}

#[test]
fn programs_are_chosen_renamed_and_told_what_to_do() {
    let options = "scripts = greet=hi blow extra\nentry-points = extra=greet:main\ndependent-scripts = true\n\
                   initialization = import os; os.environ['X'] = '1'\narguments = 'you'\nextra-paths = ${buildout:directory}/own\n";
    let Some((scene, server)) = scene("greet horn", options, "") else { return };
    scene.write("app/own/mine.py", "");
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert_eq!(scene.tree("dest/bin"), ["blow", "extra", "hi"]);
    let hi = scene.read("dest/bin/hi");
    assert!(hi.contains("import os; os.environ['X'] = '1'\n") && hi.contains("/dest/own',"), "{hi}");
    assert_eq!(output_of(&scene.path("dest/bin/hi")), "HELLO YOU 42 1.0\n");
    assert_eq!(output_of(&scene.path("dest/bin/extra")), "HELLO YOU 42 1.0\n");
    assert_eq!(output_of(&scene.path("dest/bin/blow")), "toot horn\n");
    write(&scene, &server, "greet", "scripts = gret\n", "");
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("install app-1.0.tar.gz other").exits(5);
    ran.says(&["there is no program gret to be written; there are: greet, greet-all"]);
    // Set and empty is none.
    write(&scene, &server, "greet", "scripts =\n", "");
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz third").ok();
    assert!(!scene.exists("third/bin/greet"));
}

#[test]
fn the_lock_says_what_is_taken_until_something_else_is_asked_for() {
    let Some((scene, server)) = scene("shout", "", "") else { return };
    scene.hardtack("-C app fetch --offline").exits(3).says(&[
        "error[not-resolved]: the lock does not say which Python distributions app takes",
        "hint: run hardtack lock where there is a network",
    ]);
    scene.hardtack("install app").exits(3).says(&["error[not-resolved]"]);
    scene
        .hardtack("-C app fetch --dry-run")
        .ok()
        .says(&["note: part `app` takes Python distributions that are not locked yet"]);
    scene.hardtack("-C app lock").ok();
    scene.hardtack("-C app lock --locked").ok().never_says(&["asking pip"]);
    write(&scene, &server, "shout greet", "", "");
    scene.hardtack("-C app fetch --locked").exits(2).says(&["part `app` asks for other Python distributions"]);
    scene.hardtack("-C app lock").ok().says(&["asking pip for 2 requirements"]);
    scene.hardtack("-C app lock --update").ok().says(&["asking pip for 2 requirements"]);
    scene.write("app/buildout.cfg", scene.read("app/buildout.cfg").replace("[versions]", "[versions]\nfastsum = 3"));
    let ran = scene.hardtack("-C app lock").exits(3);
    ran.says(&["error[not-resolved]: pip found nothing to take for part `app` (shout, greet): ", "fastsum"]);
}

#[test]
fn what_is_not_for_the_target_or_has_no_version_is_refused() {
    let Some((scene, server)) = scene("newer", "", "target = x86_64-linux-gnu-2.28") else { return };
    scene.hardtack("-C app lock").exits(3).says(&["pip found nothing to take for part `app` (newer)"]);
    if cfg!(target_arch = "x86_64") {
        write(&scene, &server, "newer", "", "target = x86_64-linux-gnu-2.30");
        scene.hardtack("-C app lock").ok();
    }
    write(&scene, &server, "shout", "", "target = windows");
    scene.hardtack("-C app lock").exits(2).says(&["`[hardtack] target` is of the form x86_64-linux-gnu-2.28"]);
    write(&scene, &server, "greet", "", "");
    let config = scene.read("app/buildout.cfg").replace("[hardtack]", "allow-picked-versions = false\n[hardtack]");
    scene.write("app/buildout.cfg", config);
    let ran = scene.hardtack("-C app lock").exits(2);
    ran.says(&[
        "error[not-pinned]: part `app` takes what has no version in [versions]: ",
        "greet = 1.0",
        "fastsum = 1.0",
    ]);
    write(&scene, &server, "shout", "", "python = 2.7");
    scene
        .hardtack("-C app lock")
        .exits(4)
        .says(&["error[no-python]: part `app` is for `python2.7`, which cannot be run"]);
    write(&scene, &server, "--pre", "", "");
    scene.hardtack("-C app lock").exits(2).says(&["part `app`: `--pre` is no requirement such as `name`"]);
    write(&scene, &server, "shout", "binary = no\n", "");
    scene.hardtack("-C app lock").exits(3).says(&["pip found nothing to take"]);
    write(&scene, &server, "fastsum", "binary = no\n", "");
    scene.hardtack("-C app lock").ok();
}

#[test]
fn in_a_project_programs_go_with_their_part() {
    let Some((scene, server)) = scene("greet", "", "") else { return };
    scene.write("app/bin/mine", "the author's");
    scene.hardtack("-C app fetch").ok();
    server.stop();
    scene.hardtack("install app").ok();
    assert_eq!(scene.tree("app/bin"), ["greet", "greet-all", "mine"]);
    scene.hardtack("install app").ok().says(&["everything is installed already"]);
    std::fs::remove_file(scene.path("app/bin/greet")).expect("removes");
    scene.hardtack("install app").ok().says(&["1 part built"]);
    assert_eq!(output_of(&scene.path("app/bin/greet")), "HELLO WORLD 42 1.0\n");
    scene.hardtack("uninstall app").ok();
    assert_eq!(scene.tree("app/bin"), ["mine"]);
}

#[test]
fn the_python_of_another_part_is_taken_and_must_be_the_right_one() {
    let options = "python = own\n";
    let Some((scene, _server)) = scene("shout", options, "") else { return };
    let config = scene.read("app/buildout.cfg")
        + "[own]\nrecipe = hardtack:copy\npath = tools\nexecutable = ${buildout:parts-directory}/own/python\n";
    scene.write("app/buildout.cfg", config.replace("eggs =", "interpreter = py\neggs ="));
    let tool = scene.write("app/tools/python", "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n");
    crate::support::set_mode(&tool, 0o755);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest -j1").ok().says(&["2 parts built"]);
    let other =
        "#!/bin/sh\nexec /usr/bin/python3 -c 'import sys; sys.version_info = (2, 7); exec(sys.argv.pop(2))' \"$@\"\n";
    crate::support::set_mode(&scene.write("app/tools/python", other), 0o755);
    scene.hardtack("bundle app --installer none -o other.tar.gz").ok();
    let ran = scene.hardtack("install other.tar.gz other").exits(5);
    ran.says(&["step `python` of part `app` failed", "the distributions are for Python 3.", "is 2.7"]);
}

/// Bundles `app` and installs it to `dest`.
fn installed(scene: &Scene) {
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
}

#[test]
fn what_a_marker_leaves_out_is_not_missed_and_nothing_at_all_may_be_asked_for() {
    let Some((scene, server)) = scene("shout past;python_version<'3'", "", "") else { return };
    installed(&scene);
    scene.hardtack("uninstall dest").ok();
    write(&scene, &server, "", "interpreter = py\nextra-paths = own\n", "");
    scene.write("app/own/mine.py", "print('mine')\n");
    installed(&scene);
    // Seen from the config, wherever the program is started.
    assert!(scene.read("dest/bin/py").contains("/dest/own',\n"));
    let ran = Command::new(scene.path("dest/bin/py")).args(["-c", "import mine"]).current_dir("/").output();
    assert_eq!(String::from_utf8_lossy(&ran.expect("runs").stdout), "mine\n");
}

#[test]
fn the_interpreter_is_one_for_scripts_modules_and_commands() {
    let Some((scene, _server)) = scene("shout", "interpreter = py\n", "") else { return };
    installed(&scene);
    let run = |arguments: &[&str], input: &str| {
        let mut command = Command::new(scene.path("dest/bin/py"));
        command.args(arguments).current_dir(scene.path("")).stdin(std::process::Stdio::piped());
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("starts");
        std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes()).expect("writes");
        String::from_utf8_lossy(&child.wait_with_output().expect("ends").stdout).into_owned()
    };
    let pickles = "import pickle, sys\n\n\nclass A:\n    pass\n\n\nassert pickle.loads(pickle.dumps(A()))\nprint(__file__, sys.argv, __name__)\n";
    scene.write("pickles.py", pickles);
    assert_eq!(run(&["pickles.py", "-x"], ""), "pickles.py ['pickles.py', '-x'] __main__\n");
    assert_eq!(run(&["-I", "-c", "import shout; print(shout.VERSION)"], ""), "1.0\n");
    assert_eq!(run(&["-Icprint(7)"], ""), "7\n");
    assert_eq!(run(&["-m", "shout", "x"], ""), "");
    assert_eq!(run(&[], "def f(n):\n    return n and f(n - 1)\n\nprint(f(3))"), "0\n");
}

#[test]
fn programs_that_are_not_chosen_are_not_written_whatever_else_is_named() {
    let options = "scripts = greet\nentry-points = other=shout:loud\ninterpreter = py\n";
    let Some((scene, server)) = scene("greet", options, "") else { return };
    installed(&scene);
    assert_eq!(scene.tree("dest/bin"), ["greet", "py"]);
    scene.hardtack("uninstall dest").ok();
    write(&scene, &server, "greet", "scripts =\nentry-points = other=shout:loud\ninterpreter = py\n", "");
    installed(&scene);
    assert!(!scene.exists("dest/bin"));
}

#[test]
fn an_installation_at_the_same_place_is_the_same() {
    let Some((scene, _server)) = scene("greet[horn]", "interpreter = py\n", "") else { return };
    installed(&scene);
    let digests = || {
        let below = |line: &String| line.starts_with("bin/") || line.starts_with("parts/");
        let files = scene.tree("dest").into_iter().filter(below).filter(|line| scene.path("dest").join(line).is_file());
        files.map(|path| (std::fs::read(scene.path("dest").join(&path)).expect("reads"), path)).collect::<Vec<_>>()
    };
    let first = digests();
    assert!(
        first.iter().any(|(_, path)| path.ends_with(".pyc")) && !first.iter().any(|(_, path)| path.contains(".so."))
    );
    scene.hardtack("uninstall dest").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    for ((one, path), (other, _)) in first.iter().zip(digests()) {
        // The linker is no matter of ours.
        assert!(*one == other || path.ends_with(".so"), "{path}");
    }
}

#[test]
fn what_cannot_be_locked_or_is_no_lock_is_refused_by_name() {
    let Some((mut scene, server)) = scene("shout", "", "") else { return };
    let lock = |scene: &Scene, eggs: &str, options: &str, settings: &str| {
        write(scene, &server, eggs, options, settings);
        scene.hardtack("-C app lock")
    };
    for name in ["a", "b"] {
        let folder = scene.path(format!("{name}/x"));
        std::fs::create_dir_all(folder).expect("makes");
    }
    let wheel = std::fs::read(scene.path("index/fastsum-1.0.tar.gz")).expect("reads");
    scene.write("links/fastsum-1.0.tar.gz", wheel);
    let url = format!("fastsum@file://{}#subdirectory=inner", scene.path("links/fastsum-1.0.tar.gz").display());
    let ran = lock(&scene, &url, "", "").exits(3);
    drop(ran);
    let ran = lock(&scene, "shout", "find-links = nowhere\n", "").exits(2);
    ran.says(&["error[not-found]: part `app` is to look in `[SCENE]/app/nowhere`, which is not there"]);
    let ran = lock(&scene, "shout", "", "target = sparc-linux-gnu-2.28").exits(2);
    ran.says(&["error[other-machine]: part `app` is for sparc, and its distributions cannot be found on "]);
    let ran = lock(&scene, "x@http://ann:secret@127.0.0.1:9/x-1.0-py3-none-any.whl", "", "").exits(3);
    ran.never_says(&["secret"]);
    write(&scene, &server, "shout", "", "");
    let config = scene.read("app/buildout.cfg");
    scene.write("app/buildout.cfg", config.replace("[versions]", "[versions]\nfoo = 1.0 dev"));
    scene.hardtack("-C app lock").exits(2).says(&["`foo = 1.0 dev` in [versions] is no version"]);
    // What is taken does not hang on whose machine it is.
    scene.set("PIP_NO_DEPS", "1");
    lock(&scene, "greet", "", "").ok();
    let text = scene.read("app/hardtack.lock");
    assert!(text.contains("shout-1.0"), "{text}");
    let python = text.lines().find(|line| line.starts_with("python = ")).expect("a line").to_owned();
    scene.write("app/hardtack.lock", text.replace(&python, "python = \"3.11; touch x\""));
    scene
        .hardtack("bundle app --installer none")
        .exits(2)
        .says(&["the lock names Python `3.11; touch x` for part `app`"]);
    scene.write("app/hardtack.lock", text.replace("shout-1.0-py3-none-any.whl", "shout'1.0;x"));
    scene.hardtack("bundle app --installer none").exits(2).says(&["which is no name of a distribution"]);
}
