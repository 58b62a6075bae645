//! The real recipes and ours, side by side on one project.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::buildout::buildout;
use crate::peers::{Scene, succeeded};

const CONFIGURE: &str = "#!/bin/sh\nfor a; do case $a in --prefix=*) echo \"P=${a#--prefix=}\" > place;; esac; done\n";
const MAKEFILE: &str = "-include place\nprefix ?= /nowhere\nP ?= $(prefix)\nall:\n\t@echo building\ninstall:\n\
    \tmkdir -p $(P)/bin $(P)/share/doc\n\tcp data $(P)/share/doc/data\n\tcp tool $(P)/bin/tool\n\tln -s tool $(P)/bin/link\n\
    \tinstall -m 600 data $(P)/share/secret\n";
const PATCH: &str = "--- data\n+++ data\n@@ -1 +1 @@\n-old\n+new\n";

/// A part for each way of each recipe.
const SECTIONS: &[(&str, &str, &str)] = &[
    (
        "cmmi",
        "slapos.recipe.cmmi",
        "url = t-1.tar.gz\npatches = fix.patch#MD5\npost-install = mkdir %(location)s/empty\n",
    ),
    (
        "own-configure",
        "slapos.recipe.cmmi",
        "url = t-1.tar.gz\nconfigure-command = true\nenvironment =\n  PATH=/x:%(PATH)s\n",
    ),
    ("by-path", "slapos.recipe.cmmi", "path = src\n"),
    ("file", "slapos.recipe.build:download", "url = t-1.tar.gz\n"),
    ("file-named", "slapos.recipe.build:download", "url = t-1.tar.gz\nfilename = x/y.tgz\n"),
    ("file-elsewhere", "slapos.recipe.build:download", "url = t-1.tar.gz\ndestination = etc/file.tgz\n"),
    ("unpacked", "slapos.recipe.build:download-unpacked", "url = t-1.tar.gz\n"),
    ("unpacked-many", "slapos.recipe.build:download-unpacked", "url = m.tar.gz\n"),
    ("unpacked-whole", "slapos.recipe.build:download-unpacked", "url = t-1.tar.gz\nstrip-top-level-dir = false\n"),
    ("unpacked-zip", "slapos.recipe.build:download-unpacked", "url = m.zip\n"),
    ("folders", "slapos.recipe.build:mkdirectory", "one = var/one\ntwo = var/two/deep\n"),
    ("hex", "hexagonit.recipe.cmmi", "url = t-1.tar.gz\npatches = fix.patch\n"),
    ("hex-unpacked", "hexagonit.recipe.download", "url = t-1.tar.gz\n"),
    ("hex-stripped", "hexagonit.recipe.download", "url = t-1.tar.gz\nstrip-top-level-dir = true\n"),
    ("hex-file", "hexagonit.recipe.download", "url = t-1.tar.gz\ndownload-only = true\n"),
    ("hex-named", "hexagonit.recipe.download", "url = t-1.tar.gz\ndownload-only = true\nfilename = own\nmode = 0751\n"),
    ("hex-excluding", "hexagonit.recipe.download", "url = t-1.tar.gz\nexcludes =\n  */t*\n  t-1/M*\n"),
    ("command", "plone.recipe.command", "command = mkdir -p made && echo x > made/here\n"),
    ("commands", "collective.recipe.cmd", "on_install = true\ncmds =\n  y=1\n  echo $y > made2\n"),
    ("mkdir", "z3c.recipe.mkdir", "paths =\n  z/one\n  z/two/deep\nmode = 0750\n"),
    ("template", "collective.recipe.template", "input = t.in\noutput = out/collective\nlevel = 7\n"),
    (
        "template-inline",
        "collective.recipe.template",
        "input = inline:\n  a ${mkdir:mode}\n  b\noutput = out/inline\nmode = 0640\n",
    ),
    ("dollars", "slapos.recipe.template", "url = d.in\noutput = out/slapos\n"),
    ("script", "slapos.recipe.template", "inline =\n  #!/bin/sh\n  echo ${mkdir:mode}\noutput = out/script\n"),
    (
        "jinja",
        "slapos.recipe.template:jinja2",
        "url = j.in\noutput = out/jinja\nown = 3\nimport-list =\n  rawfile lib lib.in\ncontext =\n  raw names one two\n  key own :own\n  \
         json some [1, {\"a\": true}]\n  section s values\n",
    ),
];

const TEMPLATES: &[(&str, &str)] = &[
    ("t.in", "level ${level} ${mkdir:mode} $x\n"),
    ("d.in", "price $$5 $${mkdir:mode} ${mkdir:mode}\n"),
    ("lib.in", "{% macro greet(name) %}hello {{ name }}{% endmacro %}"),
    (
        "j.in",
        "{% import 'lib' as lib -%}\n{% for name in names.split() %}{{ lib.greet(name) }}{{ ', ' if not loop.last }}{% endfor %}\n\
         {{ own }} {{ some[1].a }} {{ s.a }} {{ some | length }} {{ names | upper }} {{ [2, 1] | sort | join('-') }}\n\
         {%- if own == '3' %}\n  three\n{% else %}other{% endif %}\n{# gone #}{% set x = 1 + 2 %}{{ x }} {{ 'a' ~ x }} {{ {'k': 1}['k'] }}\n",
    ),
];

/// A scene with the project in `name`, each path of it absolute.
fn project(scene: &Scene, name: &str) {
    for (file, text) in [("configure", CONFIGURE), ("Makefile", MAKEFILE), ("data", "old\n"), ("tool", "#!/bin/sh\n")] {
        for folder in ["in/t-1", &format!("{name}/src")] {
            scene.write(&format!("{folder}/{file}"), text);
            if matches!(file, "configure" | "tool") {
                let path = scene.path(format!("{folder}/{file}"));
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("sets");
            }
        }
    }
    scene.write("in/m/a/one", "1\n");
    scene.write("in/m/b", "2\n");
    scene.write(&format!("{name}/fix.patch"), PATCH);
    TEMPLATES.iter().for_each(|(file, text)| scene.write(&format!("{name}/{file}"), text));
    let archives = "tar --mtime=@0 -C in -czf NAME/t-1.tar.gz t-1; ln -sf a/one in/m/l; tar --mtime=@0 -C in/m -czf NAME/m.tar.gz a b l; \
                    cd in/m; python3 -m zipfile -c ../../NAME/m.zip a b; cd ../../NAME; md5sum fix.patch | cut -c-32";
    let mut shell = scene.command("/bin/sh");
    let md5 = succeeded(shell.args(["-c", &archives.replace("NAME", name)]).output().expect("sh runs"));
    let names: Vec<&str> = SECTIONS.iter().map(|(name, ..)| *name).collect();
    let mut config = format!("[buildout]\nparts = {}\n", names.join(" "));
    let here = scene.path(name).display().to_string();
    for (name, recipe, options) in SECTIONS {
        let mut options = options.replace("MD5", md5.trim());
        let files = ["t-1.tar.gz", "m.tar.gz", "m.zip", "fix.patch", "src\n", "etc/", "var/", "z/", "out/"];
        for file in files.into_iter().chain(TEMPLATES.iter().map(|(file, _)| *file)) {
            options = options.replace(&format!(" {file}"), &format!(" {here}/{file}"));
        }
        config += &format!("[{name}]\nrecipe = {recipe}\n{options}");
    }
    config += "[values]\na = 1\n";
    scene.write(&format!("{name}/buildout.cfg"), config);
}

/// What is below a folder but the project's own files: kind, permissions, content.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.expect("reads");
        let path = entry.path().strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned();
        let own =
            ["src", "bin", "eggs", "develop-eggs", ".hardtack", ".installed.cfg", "hardtack.lock", "buildout.cfg"];
        if own.iter().any(|own| path.split('/').next() == Some(own))
            || !path.contains('/') && entry.file_type().is_file() && path != "made2"
        {
            continue;
        }
        let mode = entry.metadata().expect("there").permissions().mode() & 0o7777;
        let what = if entry.file_type().is_dir() {
            format!("folder {mode:o}")
        } else if entry.file_type().is_symlink() {
            format!("-> {}", std::fs::read_link(entry.path()).expect("a link").display())
        } else {
            format!("{mode:o} {}", String::from_utf8_lossy(&std::fs::read(entry.path()).expect("reads")))
        };
        tree.insert(path, what);
    }
    tree
}

#[test]
fn the_same_files_with_the_same_modes_are_installed() {
    let Some(buildout) = buildout() else { return };
    let scene = Scene::new();
    project(&scene, "theirs");
    project(&scene, "ours");
    let mut command = scene.command("/bin/sh");
    command.args(["-c", "cd theirs && umask 022 && exec \"$0\" -U", buildout.to_str().expect("UTF-8")]);
    succeeded(command.output().expect("buildout runs"));
    succeeded(scene.hardtack(&["install", "ours"]));
    let (theirs, mut ours) = (tree(&scene.path("theirs")), tree(&scene.path("ours")));
    // Parts whose files are elsewhere have an empty folder of their own here.
    let elsewhere = [
        "file-elsewhere",
        "folders",
        "command",
        "commands",
        "mkdir",
        "template",
        "template-inline",
        "dollars",
        "script",
        "jinja",
    ];
    for part in elsewhere {
        assert_eq!(ours.remove(&format!("parts/{part}")).as_deref(), Some("folder 755"), "{part}");
    }
    let without_paths = |tree: BTreeMap<String, String>, name: &str| -> BTreeMap<String, String> {
        let here = scene.path(name).display().to_string();
        tree.into_iter().map(|(path, what)| (path, what.replace(&here, "HERE"))).collect()
    };
    assert!(theirs.len() > 60, "{theirs:?}");
    let (ours, theirs) = (without_paths(ours, "ours"), without_paths(theirs, "theirs"));
    let differ = |path: &&String| ours.get(*path) != theirs.get(*path);
    let differing: BTreeSet<&String> = ours.keys().chain(theirs.keys()).filter(differ).collect();
    assert!(differing.is_empty(), "{differing:?}: {ours:?} and {theirs:?}");
}
