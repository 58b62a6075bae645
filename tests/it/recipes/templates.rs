//! Files that are made from templates.

use std::os::unix::fs::PermissionsExt;

use super::{install, project};
use crate::support::{Scene, set_mode};

fn mode(scene: &Scene, path: &str) -> u32 {
    std::fs::metadata(scene.path(path)).expect(path).permissions().mode() & 0o7777
}

#[test]
fn a_template_is_filled_in_and_what_it_refers_to_comes_first() {
    let scene = project(
        "start inline",
        "[start]\nrecipe = collective.recipe.template\ninput = templates/start.in\noutput = ${buildout:bin-directory}/start\nlevel = 7\n\
         [inline]\nrecipe = collective.recipe.template\ninput = inline:\n  a ${buildout:parts-directory}\n  b\noutput = etc/x/conf\nmode = 640\n\
         [tool]\nrecipe = hardtack:copy\npath = files\n",
    );
    scene.write("app/files/run", "tool\n");
    let template = scene.write("app/templates/start.in", "#!/bin/sh\ncat ${tool:location}/run; echo ${level}\n");
    set_mode(&template, 0o755);
    scene.hardtack("bundle app --installer none").ok();
    let ran = scene.hardtack("install app-1.0.tar.gz dest").ok();
    ran.says(&["3 parts built"]);
    let output = std::process::Command::new(scene.path("dest/bin/start")).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "tool\n7\n");
    let parts = scene.path("dest/parts").display().to_string();
    assert_eq!(scene.read("dest/etc/x/conf"), format!("a {parts}\nb"));
    assert_eq!((mode(&scene, "dest/bin/start"), mode(&scene, "dest/etc/x/conf")), (0o755, 0o640));
    // What it says is part of the plan.
    scene.write("app/templates/start.in", "#!/bin/sh\necho other\n");
    scene.hardtack("bundle app --installer none -o other.tar.gz --set hardtack:version=2.0").ok();
    let ran = scene.hardtack("install other.tar.gz dest").ok();
    ran.says(&["uninstalling tool: the config no longer has it", "building start again: ", "1 part built, 1 kept"]);
    assert_eq!(scene.read("dest/bin/start"), "#!/bin/sh\necho other\n");
    scene.hardtack("uninstall dest").ok();
    assert!(!scene.exists("dest"));
}

#[test]
fn the_recipe_of_slapos_knows_its_dollars_and_its_modes() {
    let scene = project(
        "file script",
        "[file]\nrecipe = slapos.recipe.template\nurl = ${buildout:directory}/t.in\nmd5sum = MD5\noutput = ${buildout:directory}/out\nx = 1\n\
         [script]\nrecipe = slapos.recipe.template\noutput = ${buildout:directory}/bin/script\ninline =\n  #!/bin/sh\n  echo ${file:x}\n",
    );
    let template = "price $$5 $${file:x} ${:x}${file:output}\n";
    let md5 =
        std::process::Command::new("sh").args(["-c", "printf '%s' \"$0\" | md5sum | cut -c-32", template]).output();
    let md5 = String::from_utf8(md5.expect("md5sum runs").stdout).expect("digits");
    scene.write("app/buildout.cfg", scene.read("app/buildout.cfg").replace("MD5", md5.trim()));
    scene.write("app/t.in", template);
    install(&scene);
    let out = scene.path("app/out").display().to_string();
    assert_eq!(scene.read("app/out"), format!("price $5 ${{file:x}} 1{out}\n"));
    assert_eq!((mode(&scene, "app/out"), mode(&scene, "app/bin/script")), (0o644, 0o755));
    scene.write("app/t.in", "changed\n");
    scene.hardtack("install app").exits(6).says(&["t.in"]);
}

#[test]
fn a_jinja_template_has_its_context_and_its_imports() {
    let scene = project(
        "j",
        "[j]\nrecipe = slapos.recipe.template:jinja2\nurl = ${buildout:directory}/j.in\noutput = ${buildout:directory}/out\nown = 3\n\
         extensions = jinja2.ext.do\nimport-list =\n  rawfile lib ${buildout:directory}/lib.in\n\
         context =\n  raw names one two\n  key own :own\n  key where tool:location\n  json list [1, {\"a\": true}]\n  section s other\n\
         [tool]\nrecipe = hardtack:copy\npath = files\n[other]\nb = 2\na = 1\n",
    );
    scene.write("app/files/run", "");
    scene.write("app/lib.in", "{% macro greet(name) %}hello {{ name }}{% endmacro %}");
    scene.write(
        "app/j.in",
        "{% import 'lib' as lib -%}\n{% for name in names.split() %}{{ lib.greet(name) }}{{ ', ' if not loop.last }}{% endfor %}\n\
         {{ own }} {{ where }} {{ list[1].a }} {{ s.a }} {% for k, v in s.items() %}{{ k }}={{ v }};{% endfor %}\n{{ list | length }}\n",
    );
    install(&scene);
    let tool = scene.path("app/parts/tool").display().to_string();
    assert_eq!(scene.read("app/out"), format!("hello one, hello two\n3 {tool} True 1 a=1;b=2;\n2"));
}

#[test]
fn what_a_template_cannot_say_is_refused_with_its_part() {
    let collective = |options: &str| format!("[t]\nrecipe = collective.recipe.template\n{options}\n");
    let slapos = |options: &str| format!("[t]\nrecipe = slapos.recipe.template\n{options}\n");
    let jinja = |options: &str| format!("[t]\nrecipe = slapos.recipe.template:jinja2\noutput = o\n{options}\n");
    for (section, wanted) in [
        (collective("output = o"), "it takes `input` or `inline`"),
        (collective("input = a"), "section `t` has no option `output`"),
        (collective("input = a\noutput = o"), "part `t`: "),
        (collective("inline = ${nobody:x}\noutput = o"), "section `nobody` does not exist"),
        (collective("input = inline:$${no\noutput = /etc/o"), "part `t` would be put to `/etc/o`"),
        (collective("url = https://host.example/t.in\noutput = o"), "its template would have to be downloaded"),
        (collective("input = inline:x\noutput = o\noutput-encoding = latin-1"), "only UTF-8 is known"),
        (slapos("output = o"), "it takes either `url` or `inline`"),
        (slapos("output = o\nurl = t.in"), "in its template: `${nocolon}` names no section"),
        (slapos("output = o\ninline = x\nmd5sum = 0"), "`md5sum` is for a `url`"),
        (jinja("inline = {{ nothing }}"), "in its template, line 1: undefined value"),
        (jinja("inline = a\n  {{ len('x') }}"), "in its template, line 2: unknown function"),
        (jinja("inline = x\ncontext = import os os"), "`import os` brings a module of Python into the template"),
        (jinja("inline = x\ncontext = json x {"), "`x` is no JSON"),
        (jinja("inline = x\ncontext = raw"), "`raw` is no kind, name and value"),
        (jinja("inline = x\nextensions = jinja2.ext.i18n"), "extension `jinja2.ext.i18n` is not there"),
        (jinja("inline = x\nimport-list = rawfolder a b"), "`rawfolder` is not known here"),
    ] {
        let scene = project("t", &section);
        scene.write("app/t.in", "${nocolon}\n");
        scene.hardtack("-C app fetch").exits(2).says(&[wanted]);
    }
}

#[test]
fn what_a_template_wrote_goes_with_it_and_comes_back_when_it_is_gone() {
    let section = |name: &str, output: &str| {
        format!(
            "[{name}]\nrecipe = slapos.recipe.template\ninline = {name}\noutput = ${{buildout:directory}}/{output}\n"
        )
    };
    let scene = project("a b", &[section("a", "etc/a"), section("b", "etc/b")].concat());
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest").ok();
    std::fs::remove_file(scene.path("dest/etc/b")).expect("is there");
    scene.hardtack("install app-1.0.tar.gz dest").ok().says(&["1 part built, 1 kept"]);
    assert_eq!(scene.read("dest/etc/b"), "b");
    scene.project("app", "a", &section("a", "etc/a"));
    scene.hardtack("bundle app --installer none -o two.tar.gz --set hardtack:version=2.0").ok();
    scene.hardtack("install two.tar.gz dest").ok().says(&["uninstalling b: the config no longer has it"]);
    assert!(scene.exists("dest/etc/a") && !scene.exists("dest/etc/b"));

    // In place, too; and what stands in the project's folder then is the build's, and not packed.
    install(&scene);
    std::fs::remove_file(scene.path("app/etc/a")).expect("is there");
    scene.hardtack("install app").ok().says(&["1 part built"]);
    scene.hardtack("bundle app --installer none -o three.tar.gz --set hardtack:version=3.0").ok();
    let members = std::process::Command::new("tar").args(["tzf", "three.tar.gz"]).current_dir(scene.path("")).output();
    let members = String::from_utf8(members.expect("tar runs").stdout).expect("names");
    assert!(members.contains("app-3.0/buildout.cfg\n") && !members.contains("etc/a"), "{members}");
    scene.project("app", "a b", &[section("a", "etc/x"), section("b", "etc/x")].concat());
    scene.hardtack("-C app fetch").exits(2).says(&["part `b` would write `etc/x`, which part `a` makes"]);
    scene.project("app", "a b", &[section("a", "parts/b/x"), section("b", "etc/x")].concat());
    scene
        .hardtack("-C app fetch")
        .exits(2)
        .says(&["part `a` would write `parts/b/x`, which lies in what part `b` makes"]);
}
