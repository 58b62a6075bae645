//! The walk through the original document on download caches, step by step.

use crate::support::{Scene, output_of, source};

#[test]
fn the_download_cache_document_holds() {
    let scene = Scene::new();
    let archive = scene.write("distros/foo.tgz", source("foo", "1"));
    let url = format!("file://{}", archive.display());
    let config = |more: &str| {
        format!(
            "[buildout]\nparts = foo\ndownload-cache = {}\nlog-level = DEBUG\n{more}\n\
             [foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n",
            scene.path("cache").display()
        )
    };
    scene.write("sample/buildout.cfg", config(""));
    let key = hardtack::base::Md5::of(&url).to_string();

    // It is built, and the download cache gets populated.
    scene.hardtack("install sample").ok().says(&[
        "installing foo",
        "foo: searching cache at [SCENE]/cache/cmmi",
        &format!("foo: did not find foo.tgz under cache key [SCENE]/cache/cmmi/{key}"),
        &format!("as [SCENE]/cache/cmmi/{key}"),
        "foo: configure: ./configure --prefix=\"[SCENE]/sample/parts/foo\"",
        "foo: make: make",
        "foo: install: make install",
    ]);
    assert!(output_of(&scene.path("sample/parts/foo/bin/foo")).starts_with("foo 1 at "));
    assert!(scene.exists("cache/cmmi") && scene.exists("cache/dist"));
    let keys: Vec<_> = std::fs::read_dir(scene.path("cache/cmmi")).expect("reads").collect();
    assert_eq!(keys.len(), 1);

    // If the installed parts are removed, the file in the cache is used.
    std::fs::remove_dir_all(scene.path("sample/parts")).expect("removes");
    std::fs::rename(scene.path("distros"), scene.path("gone")).expect("renames");
    let walk = [
        "uninstalling foo",
        "installing foo",
        "foo: searching cache at [SCENE]/cache/cmmi",
        &format!("foo: using cache file [SCENE]/cache/cmmi/{key}"),
    ];
    scene.hardtack("install sample").ok().says(&walk).never_says(&["cache download"]);
    assert!(scene.exists("sample/parts/foo/bin/foo"));

    // Installing solely from a download cache.
    scene.write("sample/buildout.cfg", config("install-from-cache = true"));
    std::fs::remove_dir_all(scene.path("sample/parts")).expect("removes");
    scene.hardtack("install sample").ok().says(&walk);

    // A file that is not in the cache is an error then, and nothing is built.
    std::fs::remove_dir_all(scene.path("cache")).expect("removes");
    std::fs::remove_dir_all(scene.path("sample/parts")).expect("removes");
    scene.hardtack("install sample").exits(3).says(&["error[source-missing]", "foo.tgz` of part `foo` is missing"]);
    assert!(!scene.exists("sample/parts"));

    // If the cache location is changed, the new cache is made and filled.
    std::fs::rename(scene.path("gone"), scene.path("distros")).expect("renames");
    scene.write("sample/buildout.cfg", config("").replace("/cache\n", "/cache2\n"));
    scene.hardtack("install sample").ok();
    assert!(scene.exists(&format!("cache2/cmmi/{key}")));
}
