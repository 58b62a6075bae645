//! Recipes that make folders or run commands.

use super::{install, project};
use crate::support::Scene;

#[test]
fn folders_are_made_with_their_modes_and_kept_when_they_hold_something() {
    let scene = project(
        "z s",
        "[z]\nrecipe = z3c.recipe.mkdir\npaths =\n  ${buildout:directory}/var/log\n  var/run/deep\nmode = 0750\n\
         [s]\nrecipe = slapos.recipe.build:mkdirectory\ndata = ${buildout:directory}/srv/data\nmore = ${:data}/more\n",
    );
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    for path in ["var/log", "var/run/deep", "srv/data/more"] {
        assert!(scene.path(format!("dest/{path}")).is_dir(), "{path}");
    }
    let mode = std::fs::metadata(scene.path("dest/var/log")).expect("is there").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o7777, 0o750);
    assert_eq!(scene.hardtack("-C app query z:paths").ok().stdout.lines().count(), 2);
    scene.write("dest/srv/data/users", "their own");
    scene.hardtack("uninstall dest").ok();
    assert!(scene.exists("dest/srv/data/users") && !scene.exists("dest/var"));
    scene.project("app", "z", "[z]\nrecipe = z3c.recipe.mkdir\npaths = /srv/elsewhere\nuser = www\n");
    scene.hardtack("-C app fetch").exits(2).says(&["folders cannot be given to another user", "/srv/elsewhere"]);
}

fn with_command(options: &str) -> Scene {
    project("c", &format!("[c]\nrecipe = plone.recipe.command\n{options}\n"))
}

#[test]
fn a_command_runs_in_the_buildout_directory_and_what_it_makes_is_recorded() {
    let scene = with_command("command = mkdir -p made && pwd > made/here # at the end\nstop-on-error = yes");
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    assert_eq!(scene.read("dest/made/here"), format!("{}\n", scene.path("dest").display()));
    scene.hardtack("uninstall dest").ok();
    assert!(!scene.exists("dest"));
}

#[test]
fn a_command_may_fail_unless_it_stops() {
    for command in ["false # whatever", "test -f nothere || exit 3", "if"] {
        install(&with_command(&format!("command = {command}")));
    }
    let scene = with_command("command = echo no luck; false\nstop-on-error = on");
    scene.hardtack("install app").exits(5).says(&["step `command` of part `c` failed", "no luck"]);
    with_command("command = x\nstop-on-error = perhaps")
        .hardtack("-C app fetch")
        .exits(2)
        .says(&["option `stop-on-error` is `perhaps`"]);
    with_command("").hardtack("-C app fetch").exits(2).says(&["section `c` has no option `command`"]);
}

#[test]
fn a_command_cannot_write_into_another_part() {
    let scene = project(
        "c",
        "[c]\nrecipe = plone.recipe.command\ncommand = echo x > ${d:location}/hacked\nstop-on-error = true\n\
         [d]\nrecipe = slapos.recipe.build:download\nurl = buildout.cfg\n",
    );
    let ran = scene.run(&["install", "app", "--sandbox", "full"]);
    if ran.stderr.contains("error[no-isolation]") {
        return crate::support::skipped("level full is not to be had here");
    }
    ran.exits(5).says(&["step `command` of part `c` failed"]);
}

#[test]
fn commands_run_one_after_another_in_their_shell() {
    let scene = project(
        "a b c",
        "[a]\nrecipe = collective.recipe.cmd\non_install = true\ncmds =\n  x=1\n  echo $x > one\n\
         [b]\nrecipe = collective.recipe.cmd\ncmds = echo > never\n\
         [c]\nrecipe = collective.recipe.cmd\non_install = 1\nshell = bash\ncmds = [[ a == a ]] && echo \"it's\" > two\n",
    );
    install(&scene);
    assert_eq!(scene.read("app/one"), "1\n");
    assert!(!scene.exists("app/never"));
    assert_eq!(scene.read("app/two"), "it's\n");
}

#[test]
fn what_a_build_writes_in_the_projects_folder_is_no_reason_to_build_again() {
    let scene = project(
        "stamp conf",
        "[stamp]\nrecipe = plone.recipe.command\ncommand = date +%N > ${buildout:directory}/stamp; cat ${buildout:directory}/in > /dev/null\n\
         [conf]\nrecipe = slapos.recipe.template\ninline = x\noutput = ${buildout:directory}/etc/conf\n",
    );
    scene.write("app/in", "1");
    install(&scene);
    scene.hardtack("install app").ok().says(&["everything is installed already"]);
    scene.write("app/in", "2");
    scene.hardtack("install app").ok().says(&["building stamp again: file `in` changed", "1 part built, 1 kept"]);
    scene.hardtack("install app").ok().says(&["everything is installed already"]);
}

#[test]
fn what_kept_parts_made_stays_when_others_cannot_be_built() {
    let scene = project(
        "conf lib",
        "[conf]\nrecipe = collective.recipe.template\ninline = important\noutput = ${buildout:directory}/etc/app.conf\n\
         [lib]\nrecipe = plone.recipe.command\ncommand = test 1 = 1\nstop-on-error = true\n",
    );
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    let config = scene.read("app/buildout.cfg").replace("test 1 = 1", "test 2 = 1");
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none -o two.tar.gz --set hardtack:version=2.0").ok();
    for _ in 0..2 {
        scene.hardtack("install two.tar.gz dest --partial").exits(5);
        assert_eq!(scene.read("dest/etc/app.conf"), "important");
    }
    // The second came to the same, so that the way back leads to what was whole.
    scene.hardtack("rollback dest").ok();
    let status = scene.hardtack("status dest").ok().stdout;
    assert!(status.contains("app 1.0") && scene.read("dest/etc/app.conf") == "important", "{status}");
}
