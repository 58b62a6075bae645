//! hardtack's own recipes.

use super::{have, install, project};
use crate::support::{Member, Scene, archive, output_of, set_mode};

/// A library, and a program in a project that uses it through its pkg-config file, its headers, or CMake's own way.
fn library() -> Vec<u8> {
    let cmake = "cmake_minimum_required(VERSION 3.13)\nproject(greet C)\nadd_library(greet SHARED greet.c)\n\
                 install(TARGETS greet EXPORT greet LIBRARY DESTINATION lib)\ninstall(FILES greet.h DESTINATION include)\n\
                 install(EXPORT greet FILE greet-config.cmake DESTINATION lib/cmake/greet)\n\
                 enable_testing()\nadd_test(NAME t COMMAND ${CMAKE_COMMAND} -E touch tested)\n\
                 file(WRITE ${CMAKE_BINARY_DIR}/greet.pc \"Name: greet\\nDescription: x\\nVersion: 1\\nLibs: -L${CMAKE_INSTALL_PREFIX}/lib -lgreet\\nCflags: -I${CMAKE_INSTALL_PREFIX}/include\\n\")\n\
                 install(FILES ${CMAKE_BINARY_DIR}/greet.pc DESTINATION lib/pkgconfig)\n\
                 install(CODE \"if(NOT EXISTS ${CMAKE_BINARY_DIR}/tested)\\nmessage(FATAL_ERROR untested)\\nendif()\")\n";
    archive(&[
        Member { path: "greet-1/CMakeLists.txt", text: cmake, executable: false },
        Member { path: "greet-1/greet.c", text: "const char *greet(void) { return \"hello\"; }\n", executable: false },
        Member { path: "greet-1/greet.h", text: "const char *greet(void);\n", executable: false },
    ])
}

const GREET: &str =
    "[greet]\nrecipe = hardtack:cmake\nurl = greet-1.tgz\ncheck = true\npromises = lib/libgreet.so include/greet.h\n";
const MAIN: &str = "#include <greet.h>\n#include <stdio.h>\nint main(void) { return puts(greet()) < 0; }\n";

/// A project with the library and a program in `src`; whether there is a program that builds it.
fn using(section: &str, files: &[(&str, &str)]) -> Option<Scene> {
    if !have("cmake") {
        return None;
    }
    let scene = project("tool", &format!("{GREET}{section}"));
    scene.write("app/greet-1.tgz", library());
    scene.write("app/src/main.c", MAIN);
    for (path, text) in files {
        set_mode(&scene.write(&format!("app/src/{path}"), text), 0o755);
    }
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    Some(scene)
}

fn says_hello(scene: &Scene) {
    assert_eq!(output_of(&scene.path("dest/parts/tool/bin/tool")), "hello\n");
}

#[test]
fn make_finds_what_other_parts_installed() {
    let section = "[tool]\nrecipe = hardtack:make\npath = src\nuses = greet\noptions = V=1\ncheck = true\n";
    let makefile = "tool: main.c\n\t$(CC) $(CPPFLAGS) main.c -o tool $(LDFLAGS) -lgreet\ncheck: tool\n\t./tool | grep hello\n\
                    install: tool\n\tmkdir -p $(PREFIX)/bin\n\tcp tool $(PREFIX)/bin\n";
    if let Some(scene) = using(section, &[("Makefile", makefile)]) {
        says_hello(&scene);
        assert!(scene.read("dest/.hardtack/logs/tool.log").contains("# check: make V=1 check"));
    }
}

#[test]
fn a_configure_script_is_run_beside_the_sources() {
    let section = "[tool]\nrecipe = hardtack:make\npath = src\nuses = greet\nconfigure = ./configure\nconfigure-options = --flag\n\
                   build-folder = out\n";
    let configure = "#!/bin/sh\nfor a; do case $a in --prefix=*) p=${a#--prefix=};; --flag) flag=1;; esac; done\n[ $flag ] || exit 1\n\
                     cat > Makefile <<E\nall: ; $CC cc $CPPFLAGS ../main.c -o tool $LDFLAGS -lgreet\ninstall: ; mkdir -p $p/bin; cp tool $p/bin\nE\n";
    if let Some(scene) = using(section, &[("configure", configure)]) {
        says_hello(&scene);
    }
}

#[test]
fn cmake_finds_what_other_parts_installed_by_ninja_too() {
    let cmake = "cmake_minimum_required(VERSION 3.13)\nproject(tool C)\nfind_package(greet REQUIRED)\nadd_executable(tool main.c)\n\
                 target_link_libraries(tool greet)\ninstall(TARGETS tool DESTINATION bin)\n";
    for generator in ["", "generator = Ninja\n"] {
        if !generator.is_empty() && !have("ninja") {
            continue;
        }
        let section = format!(
            "[tool]\nrecipe = hardtack:cmake\npath = ${{buildout:directory}}\nsubdir = src\nuses = greet\n{generator}"
        );
        let Some(scene) = using(&section, &[("CMakeLists.txt", cmake)]) else { return };
        says_hello(&scene);
    }
}

#[test]
fn meson_finds_what_other_parts_installed() {
    let section = "[tool]\nrecipe = hardtack:meson\npath = src\nuses = greet\noptions = -Dwerror=false\ncheck = true\n";
    let meson = "project('tool', 'c')\ngreet = dependency('greet')\nt = executable('tool', 'main.c', dependencies: greet, install: true)\n\
                 test('runs', t)\n";
    if !have("meson") || !have("ninja") || !have("pkg-config") {
        return;
    }
    if let Some(scene) = using(section, &[("meson.build", meson)]) {
        says_hello(&scene);
    }
}

#[test]
fn files_are_copied_from_archives_folders_and_urls() {
    let scene = project(
        "a b c",
        "[a]\nrecipe = hardtack:copy\nurl = greet-1.tgz\nto = share/x\npromises = share/x/greet.c\n\
         [b]\nrecipe = hardtack:copy\npath = files\nsubdir = one\n\
         [c]\nrecipe = hardtack:copy\nurl = greet-1.tgz\nunpack = false\nfilename = g\nmode = 600\nto = deep/er\n",
    );
    scene.write("app/greet-1.tgz", library());
    scene.write("app/files/one/two", "2");
    install(&scene);
    assert!(scene.exists("app/parts/a/share/x/greet.h") && scene.read("app/parts/b/two") == "2");
    let mode = std::fs::metadata(scene.path("app/parts/c/deep/er/g")).expect("is there").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o7777, 0o600);
}

#[test]
fn what_is_wrong_is_told_at_its_line() {
    for (options, wanted) in [
        ("", "it takes either `url` or `path`"),
        ("url = a.tgz\npath = b", "it takes either `url` or `path`, not both"),
        ("url = a.tgz\ncheck = yes", "option `check` is `yes`: it takes `true` or `false`"),
        ("url = a.tgz\nuses = nobody", "section `nobody` does not exist"),
        ("url = a.tgz\nuses = plain", "part `p` uses `plain`, which installs nothing"),
        ("path = missing", "failed to get `[SCENE]/app/missing` for part p: there is no such folder"),
        ("url = a.tgz\nenvironment = nonsense", "`environment` takes lines of NAME = value"),
    ] {
        let scene = project("p", &format!("[p]\nrecipe = hardtack:make\n{options}\n[plain]\nx = 1\n"));
        let ran = scene.hardtack("-C app fetch");
        assert_ne!(ran.code, Some(0), "{wanted}");
        ran.says(&[wanted]);
    }
}

#[test]
fn an_own_variable_may_go_on_with_what_used_parts_set() {
    let makefile = "all install:\n\t@mkdir -p $(PREFIX); printf '%s\\n' \"$(LDFLAGS)\" \"$$PATH\" > $(PREFIX)/seen\n";
    let scene = project(
        "tool",
        "[deep]\nrecipe = hardtack:copy\npath = files\n[lib]\nrecipe = hardtack:make\npath = files\nuses = deep\n\
         [tool]\nrecipe = hardtack:make\npath = files\nuses = lib\nenvironment =\n  LDFLAGS = -lm %(LDFLAGS)s\n  PATH = /opt/x/bin:%(PATH)s\n",
    );
    scene.write("app/files/Makefile", makefile);
    install(&scene);
    let seen = scene.read("app/parts/tool/seen");
    let parts = scene.path("app/parts").display().to_string();
    assert!(seen.starts_with(&format!("-lm -L{parts}/lib/lib -L{parts}/deep/lib ")), "{seen}");
    assert!(seen.contains(&format!("\n/opt/x/bin:{parts}/lib/bin:{parts}/deep/bin:/usr/local/bin")), "{seen}");
}

#[test]
fn a_configure_script_is_found_from_any_depth_and_names_lead_nowhere_else() {
    let scene =
        project("t", "[t]\nrecipe = hardtack:make\npath = files\nconfigure = ./configure\nbuild-folder = out/deep\n");
    set_mode(&scene.write("app/files/configure", "#!/bin/sh\nprintf 'all install:\\n\\ttrue\\n' > Makefile\n"), 0o755);
    install(&scene);
    for section in [
        "recipe = hardtack:copy\nunpack = false\nurl = files/configure\nfilename = ../../evil",
        "recipe = hardtack:copy\npath = files\nto = ../evil",
        "recipe = hexagonit.recipe.download\nurl = files/configure\ndownload-only = true\nfilename = ../evil",
    ] {
        scene.project("app", "t", &format!("[t]\n{section}\n"));
        scene.hardtack("-C app fetch").exits(2).says(&["is no name of a file in its location"]);
    }
}
