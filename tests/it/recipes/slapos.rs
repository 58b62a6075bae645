//! The recipes of slapos.

use super::{PATCH, install, project, telling};
use crate::server::Server;
use crate::support::{Member, archive, set_mode};

#[test]
fn every_stage_runs_in_its_order_with_options_filled_in() {
    let scene = project(
        "p",
        "[p]\nrecipe = slapos.recipe.cmmi\npath = src\nlevel = 7\npatches = ${buildout:directory}/fix.patch#MD5\n\
         environment =\n  OWN = %(level)s 100%%\n  PATH=${buildout:directory}/bin:%(PATH)s\n\
         pre-configure = echo \"pre-configure %(level)s\" >> told0\nconfigure-options = --with=%(level)s 'a b'\n\
         pre-build =\n  echo pre-build >> told\n  echo \"$OWN\" >> told\nmake-options = X=%(level)s\nmake-targets = other\n\
         pre-install = echo pre-install >> told\npost-install =\n  echo post-install > @@LOCATION@@/last\n  cat told0 >> %(location)s/last\n  echo $PATH >> %(prefix)s/last\n\
         promises =\n  @@LOCATION@@/told\n",
    );
    std::fs::create_dir(scene.path("app/src")).expect("a folder");
    let config = scene.read("app/buildout.cfg");
    let md5 = std::process::Command::new("sh")
        .args(["-c", "printf '%s' \"$0\" | md5sum | cut -c-32", PATCH])
        .output()
        .expect("md5sum runs");
    let md5 = String::from_utf8(md5.stdout).expect("digits");
    // The variable is one of the step's own environment, as in Python's `%` with `os.environ`.
    let config = config.replace("MD5", md5.trim()).replace("OWN = %(level)s", "OWN = %(TZ)s");
    scene.write("app/buildout.cfg", config);
    scene.write("app/fix.patch", PATCH);
    let output = std::process::Command::new("tar")
        .args(["xzf", "-", "-C"])
        .arg(scene.path("app/src"))
        .arg("--strip-components=1")
        .stdin(std::fs::File::open(scene.write("t.tgz", telling())).expect("opens"))
        .output()
        .expect("tar runs");
    assert!(output.status.success());
    install(&scene);
    let prefix = scene.path("app/parts/p").display().to_string();
    let told = scene.read("app/parts/p/told");
    let wanted =
        format!("configure --prefix={prefix} --with=7 a b\npre-build\nUTC 100%\nmake  7\npre-install\nmake other 7\n");
    assert_eq!(told, wanted);
    assert_eq!(scene.read("app/parts/p/data"), "new\n");
    let last = scene.read("app/parts/p/last");
    let path = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", scene.path("app").display());
    assert_eq!(last, format!("post-install\npre-configure 7\n{path}\n"));
    assert!(!scene.exists("app/src/told"), "the sources stay as they are");

    // What the folder has is part of what goes into the part.
    scene.hardtack("install app").ok().says(&["everything is installed already"]);
    scene.write("app/src/data", "old\nmore\n");
    scene.write("app/fix.patch", PATCH);
    scene.hardtack("install app").ok().says(&["building p again: file `src/` changed"]);
}

#[test]
fn with_an_own_configure_make_install_is_told_the_prefix() {
    let scene = project(
        "p",
        "[p]\nrecipe = slapos.recipe.cmmi\nurl = t.tgz\nconfigure-command = true\nprefix = ${buildout:parts-directory}/p/in\n",
    );
    scene.write("app/t.tgz", telling());
    install(&scene);
    assert_eq!(scene.read("app/parts/p/in/told"), "make  \nmake install \n");
}

#[test]
fn a_promise_that_is_not_kept_is_a_failure_that_names_it() {
    let scene = project(
        "p",
        "[p]\nrecipe = slapos.recipe.cmmi\nurl = t.tgz\npromises =\n  ${:location}/told\n  @@LOCATION@@/bin/tool\n",
    );
    let config = scene.read("app/buildout.cfg").replace("${:location}", "@@LOCATION@@");
    scene.write("app/buildout.cfg", config);
    scene.write("app/t.tgz", telling());
    scene
        .hardtack("install app")
        .exits(5)
        .says(&["step `promises` of part `p` failed", "promised and not there: [SCENE]/app/parts/p/bin/tool"]);
    assert!(!scene.exists("app/parts/p"));
}

#[test]
fn what_cannot_be_filled_in_is_told_with_its_option() {
    let scene = project(
        "p",
        "[p]\nrecipe = slapos.recipe.cmmi\nurl = t.tgz\nmake-options = X=%(lvel)s\npost-install = echo 100% sure\n\
         environment = A = %(b\n",
    );
    scene.write("app/t.tgz", telling());
    scene.hardtack("-C app fetch").exits(2).says(&[
        "option `make-options`: `%(lvel)s` stands for an option `lvel`, which is not there",
        "option `post-install`: `% sure` is no `%(name)s`; a `%` itself is written `%%`",
        "variable A in `environment`: `%(b`",
    ]);
    let config = "[p]\nrecipe = slapos.recipe.cmmi\nurl = t.tgz\nenvironment = A = %(NOBODY)s\n";
    scene.project("app", "p", config);
    scene.hardtack("install app").exits(2).says(&[
        "error[no-variable]: part `p` sets A to a value with that of NOBODY in it, which is not set",
        "hint: set it for all parts: --env NOBODY=…",
    ]);
    scene.hardtack("install app --env NOBODY=x").ok();
}

#[test]
fn variables_of_a_section_count_and_so_does_what_it_refers_to() {
    let scene = project(
        "p",
        "[p]\nrecipe = slapos.recipe.cmmi\nurl = t.tgz\nenvironment = env\npost-install = echo $FROM > %(location)s/from\n\
         [env]\nFROM = ${first:location}\n[first]\nrecipe = slapos.recipe.build:download\nurl = t.tgz\n",
    );
    scene.write("app/t.tgz", telling());
    let plan = scene.hardtack("-C app query --format json").ok().stdout;
    assert!(plan.contains("\"first\""), "{plan}");
    install(&scene);
    assert_eq!(scene.read("app/parts/p/from"), format!("{}\n", scene.path("app/parts/first").display()));
}

#[test]
fn long_shebangs_are_left_to_a_shell() {
    let scene = project(
        "p",
        "[p]\nrecipe = slapos.recipe.cmmi\nurl = t.tgz\npost-install =\n  mkdir -p %(location)s/bin %(location)s/sbin %(location)s/DEEP\n\
         \x20 printf '#!/bin/sh\\necho via \"$@\"\\n' > %(location)s/DEEP/run; chmod 755 %(location)s/DEEP/run\n\
         \x20 printf '#!%%s -x\\n' %(location)s/DEEP/run > %(location)s/bin/tool; chmod 750 %(location)s/bin/tool\n\
         \x20 printf '#!/bin/sh\\necho short\\n' > %(location)s/bin/short; chmod 755 %(location)s/bin/short\n\
         \x20 printf '\\177ELF\\000' > %(location)s/sbin/elf\n",
    );
    let deep = ["deep-folder"; 12].join("/");
    scene.write("app/buildout.cfg", scene.read("app/buildout.cfg").replace("DEEP", &deep));
    scene.write("app/t.tgz", telling());
    install(&scene);
    let output = std::process::Command::new(scene.path("app/parts/p/bin/tool")).arg("a b").output().expect("runs");
    let program = scene.path("app/parts/p/bin/tool.shebang").display().to_string();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("via -x {program} a b\n"));
    assert_eq!(scene.read("app/parts/p/bin/short"), "#!/bin/sh\necho short\n");
    assert!(!scene.exists("app/parts/p/bin/short.shebang") && !scene.exists("app/parts/p/sbin/elf.shebang"));
}

#[test]
fn downloads_are_written_where_they_are_wanted() {
    let scene = project(
        "plain named elsewhere",
        "[plain]\nrecipe = slapos.recipe.build:download\nurl = data.bin\n\
         [named]\nrecipe = slapos.recipe.build:download\nurl = data.bin\nfilename = sub/own name\n\
         [elsewhere]\nrecipe = slapos.recipe.build:download\nurl = data.bin\ndestination = ${buildout:directory}/etc/x/data\n",
    );
    scene.write("app/data.bin", "bytes\0\n");
    install(&scene);
    for path in ["parts/plain/plain", "parts/named/own name", "etc/x/data"] {
        assert_eq!(scene.read(format!("app/{path}")), "bytes\0\n", "{path}");
    }
    // In a bundle, too, where it is installed with the project's files and removed with them.
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert_eq!(scene.read("dest/etc/x/data"), "bytes\0\n");
    scene.hardtack("uninstall dest").ok();
    assert!(!scene.exists("dest"));
}

#[test]
fn archives_are_unpacked_with_and_without_their_folder() {
    let many = archive(&[
        Member { path: "a/one", text: "1", executable: true },
        Member { path: "b", text: "2", executable: false },
    ]);
    let section = |name: &str, file: &str, more: &str| {
        format!("[{name}]\nrecipe = slapos.recipe.build:download-unpacked\nurl = {file}\n{more}\n")
    };
    let scene = project(
        "auto whole stripped many",
        &[
            section("auto", "t.tgz", ""),
            section("whole", "t.tgz", "strip-top-level-dir = false"),
            section("stripped", "t.tgz", "strip-top-level-dir = true"),
            section("many", "m.tgz", ""),
        ]
        .concat(),
    );
    scene.write("app/t.tgz", telling());
    scene.write("app/m.tgz", &many);
    install(&scene);
    for path in ["auto/configure", "whole/t-1/configure", "stripped/data", "many/a/one", "many/b"] {
        assert!(scene.exists(&format!("app/parts/{path}")), "{path}");
    }
    scene.project("app", "many", &section("many", "m.tgz", "strip-top-level-dir = true"));
    scene.hardtack("install app").exits(5).says(&["part `many`", "not a single folder"]);
}

#[test]
fn an_archive_of_a_server_lies_where_the_recipe_looks_for_it() {
    let server = Server::start();
    let url = server.file("/t-1.tgz", telling());
    let scene = project("p", &format!("[p]\nrecipe = slapos.recipe.cmmi\nurl = {url}\n"));
    scene.hardtack("bundle app --installer none --set buildout:download-cache=cache").ok();
    let md5 = std::process::Command::new("sh").args(["-c", "printf '%s' \"$0\" | md5sum | cut -c-32", &url]).output();
    let name = String::from_utf8(md5.expect("md5sum runs").stdout).expect("digits").trim().to_owned();
    assert!(scene.exists(&format!("app/cache/{name}")), "{:?}", scene.tree("app/cache"));
    let members =
        std::process::Command::new("tar").args(["tzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).output();
    let members = String::from_utf8(members.expect("tar runs").stdout).expect("names");
    assert!(members.contains(&format!("app-1.0/download-cache/{name}\n")), "{members}");
}

#[test]
fn a_folder_of_another_part_is_built_from_a_copy() {
    let scene = project(
        "p",
        "[p]\nrecipe = slapos.recipe.cmmi\npath = ${sources:location}\n\
         [sources]\nrecipe = slapos.recipe.build:download-unpacked\nurl = t.tgz\n",
    );
    scene.write("app/t.tgz", telling());
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert!(scene.exists("dest/parts/p/told") && !scene.exists("dest/parts/sources/told"));
    scene.project("app", "p", "[p]\nrecipe = slapos.recipe.cmmi\npath = /usr/src/elsewhere\n");
    scene.hardtack("-C app fetch").exits(2).says(&["is built from `/usr/src/elsewhere`, which is outside the project"]);
}

#[test]
fn a_project_that_is_built_where_it_is_does_not_copy_its_own_parts() {
    let scene =
        project("p", "[p]\nrecipe = slapos.recipe.cmmi\npath = ${buildout:directory}\nconfigure-command = true\n");
    scene.write(
        "app/Makefile",
        "all:\n\t@find . -type f ! -name list | LC_ALL=C sort > list\ninstall:\n\t@mkdir -p $(prefix); cp list $(prefix)\n",
    );
    scene.write("app/main.c", "int main(void) { return 0; }\n");
    set_mode(&scene.path("app/main.c"), 0o640);
    install(&scene);
    scene.hardtack("install app").ok().says(&["everything is installed already"]);
    let list = scene.read("app/parts/p/list");
    assert_eq!(list, "./Makefile\n./buildout.cfg\n./hardtack.lock\n./main.c\n");
}
