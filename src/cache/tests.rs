//! A cache serves what was put in, or nothing.

use std::fs;
use std::io::Write;

use camino::Utf8PathBuf;

use super::*;
use crate::base::{Expected, LinkMode, Md5, Sha256, SourceKey, Validators, View, Wanted, create_dir_all};

const URL: &str = "http://127.0.0.1:1/foo.tgz";

struct Scene {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    events: Vec<Event>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().join("cache")).expect("UTF-8");
        Self { _folder: folder, root, events: Vec::new() }
    }

    fn cache(&self, kind: CacheKind, views: ViewLayout) -> Cache {
        Cache::open(&self.root, options(kind, views)).expect("opens")
    }

    fn lookup(&mut self, cache: &Cache, wanted: &Wanted) -> Lookup {
        cache.lookup(wanted, Depth::Bytes, &mut |event| self.events.push(event)).expect("looks")
    }

    fn keep(&self, cache: &Cache, wanted: &Wanted, bytes: &[u8]) -> Result<Hit, Error> {
        let lock = cache.lock(&wanted.key, &mut |_| ()).expect("locks");
        let mut staged = cache.stage(&lock, true).expect("stages");
        staged.write_all(bytes).expect("writes");
        cache.keep(staged, wanted, Validators::default(), &mut |_| ())
    }

    fn foreign(&self, path: &str, bytes: &[u8]) -> Utf8PathBuf {
        let path = self.root.join(path);
        let _ = fs::remove_file(&path);
        create_dir_all(path.parent().expect("a folder")).expect("makes it");
        fs::write(&path, bytes).expect("writes");
        path
    }
}

fn options(kind: CacheKind, views: ViewLayout) -> CacheOptions {
    CacheOptions { kind, views, link_mode: LinkMode::Auto, now: jiff::Timestamp::UNIX_EPOCH }
}

fn wanted(expected: Expected) -> Wanted {
    let (key, file_name) = (SourceKey::url(URL), "foo.tgz".to_owned());
    Wanted {
        key,
        views: vec![View::Cmmi(URL.to_owned())],
        file_name,
        expected,
        local: false,
        index: false,
        secret: false,
    }
}

fn md5(bytes: &[u8]) -> Expected {
    Expected { md5: Some(Md5::of(bytes)), sha256: None }
}

#[test]
fn what_was_kept_is_found_in_store_and_view() {
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Project, ViewLayout::Both);
    let wanted = wanted(Expected::default());
    assert!(scene.lookup(&cache, &wanted).hit.is_none());
    assert!(!scene.root.exists(), "a lookup makes nothing");
    let kept = scene.keep(&cache, &wanted, b"bytes").expect("keeps");
    assert_eq!(scene.lookup(&cache, &wanted).hit, Some(kept));

    let modern = scene.root.join("cmmi").join(Md5::of(URL).to_string());
    let classic = scene.root.join("cmmi").join(crate::base::Sha1::of(URL).to_string());
    assert_eq!(fs::read(modern).expect("reads"), b"bytes");
    assert_eq!(fs::read(classic.join("foo.tgz")).expect("reads"), b"bytes");
    let ini = fs::read_to_string(classic.join("cache.ini")).expect("reads");
    assert_eq!(ini, format!("[cache]\ndownload_url = {URL}\nretrieved = 1970-01-01T00:00:00.000000Z\n"));
    assert!(scene.root.join("dist").is_dir());
}

#[test]
fn wrong_bytes_are_not_kept() {
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Shared, ViewLayout::Modern);
    let wanted = wanted(md5(b"right"));
    let error = scene.keep(&cache, &wanted, b"wrong").expect_err("another digest");
    assert!(error.to_string().contains("MD5 is"), "{error}");
    assert!(scene.lookup(&cache, &wanted).hit.is_none());
    let left = fs::read_dir(scene.root.join(".hardtack/partial")).expect("reads").count();
    assert_eq!(left, 0, "no partial file stays");
}

#[test]
fn a_blob_that_changed_is_put_aside() {
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Shared, ViewLayout::Modern);
    let wanted = wanted(Expected::default());
    let hit = scene.keep(&cache, &wanted, b"bytes").expect("keeps");
    fs::remove_file(&hit.path).expect("removes");
    fs::write(&hit.path, b"BYTES").expect("writes");
    let healed = scene.lookup(&cache, &wanted).hit.expect("the view has the right bytes");
    assert_eq!(fs::read(healed.path).expect("reads"), b"bytes");
    assert!(scene.events.iter().any(|event| matches!(event, Event::Quarantined { .. })));

    fs::remove_file(&hit.path).expect("removes");
    fs::write(&hit.path, b"BYTES").expect("writes");
    fs::remove_dir_all(scene.root.join("cmmi")).expect("removes");
    assert!(scene.lookup(&cache, &wanted).hit.is_none());
    assert!(!hit.path.exists(), "{:?}", scene.events);
}

#[test]
fn a_view_that_changed_is_not_taken_for_the_source_it_was() {
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Project, ViewLayout::Modern);
    let wanted = wanted(Expected::default());
    let hit = scene.keep(&cache, &wanted, b"bytes").expect("keeps");
    fs::remove_file(hit.path).expect("removes");
    scene.foreign(&format!("cmmi/{}", Md5::of(URL)), b"other");
    let lookup = scene.lookup(&cache, &wanted);
    assert!(lookup.hit.is_none() && lookup.wrong.len() == 1);
}

#[test]
fn a_projects_own_cache_is_taken_over_in_all_layouts() {
    let modern = format!("cmmi/{}", Md5::of(URL));
    let classic = format!("cmmi/{}/foo.tgz", crate::base::Sha1::of(URL));
    let root = Md5::of(URL).to_string();
    for path in [modern, classic, root] {
        let mut scene = Scene::new();
        let cache = scene.cache(CacheKind::Project, ViewLayout::Modern);
        let file = scene.foreign(&path, b"theirs");
        let hit = scene.lookup(&cache, &wanted(Expected::default())).hit.expect(&path);
        assert_ne!(hit.path, file, "it was copied");
        fs::write(&file, b"changed").expect("writes");
        let again = scene.lookup(&cache, &wanted(Expected::default())).hit.expect(&path);
        assert_eq!(fs::read(again.path).expect("reads"), b"theirs");
    }
}

#[test]
fn the_shared_cache_trusts_foreign_files_only_with_a_digest() {
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Shared, ViewLayout::Modern);
    scene.foreign(&format!("cmmi/{}", Md5::of(URL)), b"theirs");
    assert!(scene.lookup(&cache, &wanted(Expected::default())).hit.is_none());
    let other = scene.lookup(&cache, &wanted(md5(b"other")));
    assert!(other.hit.is_none() && other.wrong.len() == 1);
    assert!(scene.lookup(&cache, &wanted(md5(b"theirs"))).hit.is_some());
    assert!(scene.lookup(&cache, &wanted(Expected::default())).hit.is_none(), "still foreign");
}

#[test]
fn an_empty_classic_folder_and_a_link_are_no_hits() {
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Project, ViewLayout::Modern);
    let folder = scene.root.join("cmmi").join(crate::base::Sha1::of(URL).to_string());
    create_dir_all(&folder).expect("makes it");
    std::os::unix::fs::symlink("/etc/passwd", scene.root.join("cmmi").join(Md5::of(URL).to_string())).expect("links");
    assert!(scene.lookup(&cache, &wanted(Expected::default())).hit.is_none());
}

#[test]
fn only_sha256_finds_a_blob_of_another_source() {
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Shared, ViewLayout::Modern);
    scene.keep(&cache, &wanted(Expected::default()), b"bytes").expect("keeps");
    let mut other = wanted(md5(b"bytes"));
    other.key = SourceKey::url("http://127.0.0.1:1/bar.tgz");
    other.views = Vec::new();
    assert!(scene.lookup(&cache, &other).hit.is_none());
    other.expected = Expected { sha256: Some(Sha256::of(b"bytes")), md5: None };
    assert!(scene.lookup(&cache, &other).hit.is_some());
}

#[test]
fn a_newer_format_is_refused() {
    let scene = Scene::new();
    scene.foreign(".hardtack/format", b"2\n");
    let opened = Cache::open(&scene.root, options(CacheKind::Shared, ViewLayout::Modern));
    let error = opened.expect_err("newer");
    assert!(error.to_string().ends_with("has format 2, this hardtack knows format 1"), "{error}");
}

/// Two blocks of 128 bytes with one MD5, the pair that Wang and others published in 2004.
fn collision() -> [Vec<u8>; 2] {
    let text = "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a\
                085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0\
                e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70";
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("digits");
    let one: Vec<u8> = (0..text.len()).step_by(2).map(digit).collect();
    let mut other = one.clone();
    [19, 45, 59, 83, 109, 123].into_iter().for_each(|at| other[at] ^= 0x80);
    [one, other]
}

#[test]
fn two_files_with_one_md5_do_not_stand_for_each_other() {
    let [good, evil] = collision();
    assert!(good != evil && Md5::of(&good) == Md5::of(&evil));
    let mut scene = Scene::new();
    let cache = scene.cache(CacheKind::Shared, ViewLayout::Modern);
    let declared = md5(&good);
    // Under another URL, as a malicious project brings it.
    let mut other = wanted(declared);
    other.key = SourceKey::url("http://127.0.0.1:1/evil.tgz");
    other.views = vec![View::Cmmi("http://127.0.0.1:1/evil.tgz".to_owned())];
    scene.keep(&cache, &other, &evil).expect("keeps");
    assert!(scene.lookup(&cache, &wanted(declared)).hit.is_none());
    // Under this URL, as an imported bundle claims it.
    let file = scene.foreign("import/evil", &evil);
    let bytes = ForeignBytes::File(file);
    let (key, url) = (SourceKey::url(URL), Some(URL.to_owned()));
    let files = vec![Foreign { key, url, bytes, version: Validators::default(), sha256: None }];
    let policy = Policy { enabled: true, ..Policy::default() };
    let foreign = ForeignCache { files, left: Vec::new() };
    assert_eq!(cache.import(foreign, false, &policy, &mut |_| ()).expect("imports").taken.len(), 1);
    assert!(scene.lookup(&cache, &wanted(declared)).hit.is_none());
    // The right one comes, and stays the answer.
    scene.keep(&cache, &wanted(declared), &good).expect("keeps");
    let hit = scene.lookup(&cache, &wanted(declared)).hit.expect("is there");
    assert_eq!(fs::read(hit.path).expect("reads"), good);
}

#[test]
fn presence_is_told_by_the_file_and_bytes_by_reading_them() {
    let scene = Scene::new();
    let cache = scene.cache(CacheKind::Shared, ViewLayout::Modern);
    let wanted = wanted(Expected::default());
    let hit = scene.keep(&cache, &wanted, b"bytes").expect("keeps");
    let presence = |cache: &Cache| cache.lookup(&wanted, Depth::Presence, &mut |_| ()).expect("looks").hit;
    assert_eq!(presence(&cache), Some(hit.clone()));
    // What changes a file shows in its times, unless somebody takes pains.
    fs::remove_file(&hit.path).expect("removes");
    fs::remove_dir_all(scene.root.join("cmmi")).expect("removes");
    fs::write(&hit.path, b"BYTES").expect("writes");
    assert_eq!(presence(&cache), None);
    assert!(!hit.path.exists(), "it was put aside");
}

#[test]
fn what_a_killed_writer_left_is_nobodys_record() {
    let scene = Scene::new();
    let cache = scene.cache(CacheKind::Shared, ViewLayout::Modern);
    scene.keep(&cache, &wanted(Expected::default()), b"bytes").expect("keeps");
    let left = scene.foreign(".hardtack/ledger/00/.hardtack-tmp-x", b"");
    assert_eq!(cache.verify(&mut |_| ()).expect("verifies"), []);
    assert_eq!(cache.contents().expect("lists").entries.len(), 1);
    let gc = |cache: &Cache| cache.gc(GcLimits::default(), &|_| false, GcHow::Wait, &mut |_| ()).expect("cleans");
    gc(&cache);
    assert!(left.exists(), "its writer may live");
    let old = fs::FileTimes::new().set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(100_000));
    fs::File::options().write(true).open(&left).and_then(|file| file.set_times(old)).expect("sets its time");
    assert_eq!(gc(&cache).rubbish, std::slice::from_ref(&left));
    assert!(!left.exists());
}
