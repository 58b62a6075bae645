//! `query` and `annotate`.

use snapbox::{assert_data_eq, str};

use crate::support::Scene;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write(
        "app/buildout.cfg",
        "[buildout]\nextends = base.cfg\nparts = b\n\n[a]\nx += 2\n\n[b]\nrecipe = zc.recipe.cmmi\n\
         url = http://127.0.0.1:1/${a:y}.tgz\nextra_options =\n  --one\n  --two\n",
    );
    scene.write("app/base.cfg", "[a]\nx = 1\ny = name\n");
    scene
}

#[test]
fn query_prints_one_value_one_section_or_everything() {
    let scene = scene();
    assert_eq!(scene.hardtack("-C app query b:url").ok().stdout, "http://127.0.0.1:1/name.tgz\n");
    assert_eq!(scene.hardtack("-C app query --raw b:url").ok().stdout, "http://127.0.0.1:1/${a:y}.tgz\n");
    assert_data_eq!(
        scene.hardtack("-C app query b").ok().stdout,
        str![[r#"
[b]
extra_options =
  --one
  --two
location = [SCENE]/app/parts/b
recipe = zc.recipe.cmmi
url = http://127.0.0.1:1/name.tgz

"#]]
    );
    let all = scene.hardtack("-C app query --format json").ok().stdout;
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all["format"], 1);
    assert_eq!(all["sections"]["a"]["x"], "1\n2");
    assert_eq!(all["order"], serde_json::json!(["b"]));
    assert_eq!(all["errors"], serde_json::json!({}));
}

#[test]
fn assignments_win_in_both_spellings() {
    let scene = scene();
    assert_eq!(scene.hardtack("-C app query a:y --set a:y=other").ok().stdout, "other\n");
    assert_eq!(scene.hardtack("-C app query b:url a:y=other").ok().stdout, "http://127.0.0.1:1/other.tgz\n");
    assert_eq!(scene.run(&["-C", "app", "query", "a:x", "a:x+=3"]).ok().stdout, "1\n2\n3\n");
    scene.hardtack("-C app query a:x --set nonsense").exits(2).says(&["`nonsense` is not of the form"]);
}

#[test]
fn user_defaults_count_unless_told_not_to() {
    let scene = scene();
    scene.write("home/.buildout/default.cfg", "[a]\nz = mine\n");
    assert_eq!(scene.hardtack("-C app query a:z").ok().stdout, "mine\n");
    scene.hardtack("-C app query a:z -U").exits(2).says(&["option `a:z` does not exist"]);
}

#[test]
fn keep_going_lists_what_does_not_resolve() {
    let scene = scene();
    scene.write("app/more.cfg", "[buildout]\nextends = buildout.cfg\n[bad]\nx = ${nowhere:y}\n");
    scene.hardtack("-C app -c more.cfg query").exits(2).says(&["section `nowhere` does not exist"]);
    let all = scene.hardtack("-C app -c more.cfg query --keep-going --format json").ok().stdout;
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all["errors"]["bad"]["message"], "section `nowhere` does not exist");
    assert_eq!(all["sections"]["b"]["recipe"], "zc.recipe.cmmi");
}

#[test]
fn annotate_says_where_values_come_from() {
    let scene = scene();
    assert_data_eq!(
        scene.hardtack("-C app annotate a").ok().stdout,
        str![[r#"

Annotated sections
==================

[a]
x= 1
2
    base.cfg
+=  buildout.cfg
y= name
    base.cfg

"#]]
    );
    assert_data_eq!(
        scene.hardtack("-C app annotate a -v").ok().stdout,
        str![[r#"

Annotated sections
==================

[a]
x= 1
2

   IN buildout.cfg
   ADD VALUE = 2
   IN base.cfg
   SET VALUE = 1

y= name

   IN base.cfg
   SET VALUE = name


"#]]
    );
}

#[test]
fn what_is_asked_for_and_is_not_there_is_an_error_in_every_form() {
    let scene = scene();
    for line in ["query aa", "query aa --raw", "query aa --format json", "annotate aa", "annotate b aa"] {
        let ran = scene.hardtack(&format!("-C app {line}")).exits(2);
        ran.says(&["section `aa` does not exist", "did you mean `a`?"]);
    }
    for line in ["query a:yy", "query a:yy --raw", "query a:yy --format json", "query a:yy --raw --format json"] {
        scene.hardtack(&format!("-C app {line}")).exits(2).says(&["`a:yy` does not exist"]);
    }
}

#[test]
fn errors_point_at_the_line_they_come_from() {
    let scene = Scene::new();
    scene.write("buildout.cfg", "[buildout]\nparts = zlip\n\n[zlib]\nrecipe = zc.recipe.cmmi\n");
    assert_data_eq!(
        scene.hardtack("fetch").exits(2).stderr,
        str![[r#"
error[config-no-section]: section `zlip` does not exist
 --> buildout.cfg:2:1
  |
2 | parts = zlip
  | ^^^^^^^^^^^^
hint: did you mean `zlib`?

"#]]
    );
    scene.write("buildout.cfg", "[buildout]\nparts = a\n  b\nnonsense\n[a b]\n");
    assert_data_eq!(
        scene.hardtack("query").exits(2).stderr,
        str![[r#"
error[config-syntax]: failed to parse `buildout.cfg`: 2 lines make no sense
 --> buildout.cfg:4:1
  |
4 | nonsense
  | ^^^^^^^^ neither a section header nor an option; lines that go on with a value are indented
  |
 ::: buildout.cfg:5:1
  |
5 | [a b]
  | ^^^^^ not a section header: a name has no blanks and none of `# [ ] : ; { }`

"#]]
    );
}

#[test]
fn what_cannot_be_built_is_refused_all_together_before_anything_is_fetched() {
    let scene = Scene::new();
    scene.write(
        "buildout.cfg",
        "[buildout]\nparts = one two\ndevelop = src/pkg\nextensions = mr.developer\n\n[sources]\npkg = git x\n\n\
         [one]\nrecipe = zc.recipe.cmi\nurl = http://127.0.0.1:1/x\n[two]\nrecipe = plone.recipe.zope2instance\n",
    );
    scene.write("more.cfg", "[buildout]\nextends = buildout.cfg\nauto-checkout = pkg\n");
    assert_data_eq!(
        scene.hardtack("-c more.cfg bundle").exits(2).stderr,
        str![[r#"
error[unsupported]: 5 things in this config cannot be done
error: `develop` (src/pkg) installs Python packages from source, which is not built in
 --> buildout.cfg:3:1
  |
3 | develop = src/pkg
  | ^^^^^^^^^^^^^^^^^
hint: leave it out, with `--set buildout:develop=`
error: `extensions` (mr.developer) loads Python code into buildout, which hardtack is not
 --> buildout.cfg:4:1
  |
4 | extensions = mr.developer
  | ^^^^^^^^^^^^^^^^^^^^^^^^^
hint: leave it out, with `--set buildout:extensions=`
error: [sources] lists checkouts for mr.developer, which is not built in
 --> buildout.cfg:7:1
  |
7 | pkg = git x
  | ^^^^^^^^^^^
hint: make them parts with a `url`, or files of the project
error: part `one` uses recipe `zc.recipe.cmi`, which is not built in
  --> buildout.cfg:10:1
   |
10 | recipe = zc.recipe.cmi
   | ^^^^^^^^^^^^^^^^^^^^^^
hint: did you mean `zc.recipe.cmmi`?
error: part `two` uses recipe `plone.recipe.zope2instance`, which is not built in
  --> buildout.cfg:13:1
   |
13 | recipe = plone.recipe.zope2instance
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: `zc.recipe.egg` installs the distributions; the instance is for the site, after the installation

"#]]
    );
}

#[test]
fn a_condition_outside_the_language_is_refused_with_its_text() {
    let scene = Scene::new();
    scene.write("buildout.cfg", "[buildout]\nparts =\n[a : os.getcwd() == '/x']\nx = 1\n");
    scene.hardtack("query").exits(2).says(&[
        "section condition `os.getcwd() == '/x'` is not supported",
        "buildout.cfg:3:1",
        "hint: supported are",
    ]);
}
