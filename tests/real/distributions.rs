//! Python distributions from the registry: wheels, and source distributions with extensions in C.

use crate::peers::{Scene, have, skipped, succeeded};

/// An application of its dependencies' makers, and what else it takes.
const EGGS: [&str; 4] = ["cheroot==10.0.1", "MarkupSafe==2.1.5", "simplejson==3.19.3", "Jinja2==3.1.4"];

#[test]
fn an_application_of_wheels_and_source_distributions_runs_where_there_is_no_network() {
    if !have("cc") || !std::path::Path::new("/usr/bin/python3").exists() {
        return skipped("no C compiler, or no /usr/bin/python3");
    }
    let scene = Scene::new();
    // The registry's own client fetches; hardtack is shown a folder, and an index that has nothing.
    let mut pip = std::process::Command::new("/usr/bin/python3");
    pip.current_dir(scene.path("")).args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--dest",
        "dist",
        "--no-binary",
        "MarkupSafe,simplejson",
    ]);
    pip.args(EGGS).args(["pip", "setuptools==75.6.0", "wheel==0.45.1"]);
    let fetched = pip.output().expect("python3 runs");
    if !fetched.status.success() {
        return skipped(&format!("pip cannot download: {}", String::from_utf8_lossy(&fetched.stderr)));
    }
    scene.write(
        "app/buildout.cfg",
        format!(
            "[buildout]\nparts = app\nfind-links = ../dist\nindex = {}\n[hardtack]\nname = app\nversion = 1.0\n\
             [versions]\nsetuptools = 75.6.0\nwheel = 0.45.1\n\
             [app]\nrecipe = zc.recipe.egg\neggs =\n  {}\ninterpreter = py\n",
            scene.path("empty").display(),
            EGGS.join("\n  ")
        ),
    );
    scene.write("empty/index.html", "");
    succeeded(scene.hardtack(&["bundle", "app", "--installer", "none"]));
    let lock = std::fs::read_to_string(scene.path("app/hardtack.lock")).expect("a lock");
    for file in
        ["MarkupSafe-2.1.5.tar.gz", "simplejson-3.19.3.tar.gz", "cheroot-10.0.1-py3", "more_itertools-", "setuptools-"]
    {
        assert!(lock.contains(file), "{file}");
    }
    succeeded(scene.hardtack(&["install", "app-1.0.tar.gz", "dest"]));
    let code = "import jinja2, simplejson._speedups as s, markupsafe._speedups as m; \
                print(jinja2.Template('{{ x | e }}').render(x='<'), s.__name__, m.__name__)";
    let py = scene.command(scene.path("dest/bin/py")).args(["-c", code]).output().expect("runs");
    assert_eq!(succeeded(py), "&lt; simplejson._speedups markupsafe._speedups\n");
    let version = scene.command(scene.path("dest/bin/cheroot")).arg("--help").output().expect("runs");
    assert!(succeeded(version).contains("usage: cheroot"));
    succeeded(scene.hardtack(&["verify", "dest"]));
}
