//! Building twice, beside diffoscope, and the page of it in a browser.

use std::collections::BTreeSet;
use std::path::Path;

use crate::debian::{copy, tarballs};
use crate::peers::{Scene, have, skipped, succeeded};

/// What a run printed as JSON; none where this machine has no level `full`.
fn reproduced(scene: &Scene, arguments: &[&str]) -> Option<serde_json::Value> {
    let output = scene.hardtack(&[&["reproduce", "--format", "json"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("no-isolation") {
        skipped("level `full` is not to be had here");
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{said}")))
}

/// The files that differ, with their causes.
fn differing(found: &serde_json::Value) -> Vec<(String, Vec<String>)> {
    let parts = found["parts"].as_array().expect("a list").iter();
    let files = parts.flat_map(|part| part["differing"].as_array().expect("a list"));
    let cause =
        |cause: &serde_json::Value| cause["condition"].as_str().or(cause.as_str()).unwrap_or("several").to_owned();
    files
        .map(|file| {
            let causes = file["causes"].as_array().expect("a list").iter().map(cause).collect();
            (file["path"].as_str().expect("a path").to_owned(), causes)
        })
        .collect()
}

/// All paths that diffoscope names somewhere.
fn named(difference: &serde_json::Value, into: &mut BTreeSet<String>) {
    into.extend(difference["source1"].as_str().map(str::to_owned));
    difference["details"].as_array().into_iter().flatten().for_each(|detail| named(detail, into));
}

#[test]
fn verdicts_are_those_of_diffoscope_and_causes_are_known() {
    if !have("diffoscope") {
        return;
    }
    let Some((folder, files)) = tarballs(&["unzip", "lua5.4"]) else { return };
    let scene = Scene::new();
    let config = "[buildout]\nparts = unzip lua\n[hardtack]\nname = app\nversion = 1.0\n
[unzip]\nrecipe = hardtack:make\nurl = ${buildout:directory}/UNZIP\noptions = -f unix/Makefile\ntargets = generic
[lua]\nrecipe = hardtack:make\nurl = ${buildout:directory}/LUA\noptions = INSTALL_TOP=${buildout:parts-directory}/lua\n";
    let mut config = config.to_owned();
    for (word, package) in [("UNZIP", "unzip"), ("LUA", "lua5.4")] {
        scene.write(&format!("app/{}", files[package]), std::fs::read(folder.join(&files[package])).expect("reads"));
        config = config.replace(word, &files[package]);
    }
    scene.write("app/buildout.cfg", config);
    succeeded(scene.hardtack(&["bundle", "app", "--installer", "none"]));
    let Some(found) = reproduced(&scene, &["app-1.0.tar.gz", "--vary", "all", "--in", "kept"]) else { return };
    // In which time zone it is another day depends on the hour.
    let mut files = differing(&found);
    files.iter_mut().for_each(|(_, causes)| causes.retain(|cause| cause != "timezone"));
    let wanted = [("unzip/bin/unzip", "time"), ("unzip/bin/zipinfo", "time")];
    let wanted = wanted.map(|(path, cause)| (format!("parts/{path}"), vec![cause.to_owned()]));
    assert_eq!(files.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(wanted.clone()));
    for part in ["unzip", "lua"] {
        let trees = ["first", "second"].map(|build| scene.path(format!("kept/{build}/dest/parts/{part}")));
        let mut diffoscope = scene.command("diffoscope");
        diffoscope.args(["--exclude-directory-metadata=yes", "--no-progress", "--json", "-"]).args(&trees);
        let output = diffoscope.output().expect("diffoscope runs");
        let mut names = BTreeSet::new();
        if !output.status.success() {
            named(&serde_json::from_slice(&output.stdout).expect("JSON"), &mut names);
        }
        // Of a file it names what it looked at, too.
        let below = |name: &String| Path::new(name).strip_prefix(&trees[0]).ok().map(|path| path.display().to_string());
        let names: BTreeSet<String> =
            names.iter().filter_map(below).filter(|name| trees[0].join(name).is_file()).collect();
        let ours = wanted.iter().filter_map(|(path, _)| path.strip_prefix(&format!("parts/{part}/")));
        assert_eq!(names, ours.map(str::to_owned).collect::<BTreeSet<_>>(), "{part}");
    }
}

/// What is asked of a page once it is shown.
const MEASURE: &str = "<script>
const bars = [...document.querySelectorAll('rect')].map(bar => bar.getBoundingClientRect());
const shown = [...document.querySelectorAll('.file')].filter(file => file.getBoundingClientRect().height > 0);
document.title = JSON.stringify({
    overflow: document.documentElement.scrollWidth > window.innerWidth,
    bars: bars.filter(bar => bar.width > 0 && bar.height > 0).length,
    files: shown.length,
    verdict: getComputedStyle(document.querySelector('h1 span')).color,
    loaded: performance.getEntriesByType('resource').length,
});
</script>";

#[test]
fn the_page_is_shown_by_a_browser() {
    if !have("chromium") {
        return;
    }
    let scene = Scene::new();
    copy("fixtures/defects", &scene.path("defects"));
    let arguments = ["defects", "--only", "parallel", "--only", "serial", "--vary", "path,host,jobs,file-order"];
    let report = ["--report", "page.html"];
    let Some(found) = reproduced(&scene, &[&arguments[..], &report].concat()) else { return };
    let page = std::fs::read_to_string(scene.path("page.html")).expect("reads");
    scene.write("measured.html", page.replace("</body>", &format!("{MEASURE}</body>")));
    let url = |name: &str| format!("file://{}", scene.path(name).display());
    let browse = |width: u32, more: &[&str], name: &str| {
        let mut browser = scene.command("chromium");
        browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]);
        browser.arg(format!("--window-size={width},1400")).args(more).arg(url(name));
        succeeded(browser.output().expect("the browser runs"))
    };
    for width in [500, 1200] {
        let dom = browse(width, &["--dump-dom"], "measured.html");
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).expect("a title");
        let measured: serde_json::Value = serde_json::from_str(&title.replace("&quot;", "\"")).expect("JSON");
        assert_eq!(measured["overflow"], false, "at {width}: {measured}");
        assert_eq!(measured["loaded"], 0, "nothing else is loaded");
        assert_eq!(measured["files"], differing(&found).len(), "every file is shown");
        assert_eq!(measured["verdict"], "rgb(179, 38, 30)");
        let spans = found["first"].as_array().map_or(0, Vec::len) + found["second"].as_array().map_or(0, Vec::len);
        assert_eq!(measured["bars"], spans, "every step has its bar");
    }
    let picture = format!("--screenshot={}", scene.path("page.png").display());
    browse(1200, &[&picture], "page.html");
    let picture = std::fs::read(scene.path("page.png")).expect("a picture");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 30_000, "{} bytes", picture.len());
}
