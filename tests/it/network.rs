//! Downloads from servers as they are: slow, flaky, forgetful, guarded.

use std::time::{Duration, Instant};

use crate::server::{Answer, Server, Version};
use crate::support::{Scene, noise, source};

fn body() -> Vec<u8> {
    source("foo", "1.0")
}

/// A project whose one source the server answers for so.
fn scene(server: &Server, answer: Answer) -> Scene {
    let scene = Scene::new();
    scene.foo_project(server);
    server.answer("/foo-1.0.tar.gz", answer);
    scene
}

fn settings(scene: &Scene, text: &str) {
    scene.write("home/.config/hardtack/config.toml", text);
}

#[test]
fn what_may_go_well_later_is_tried_again_and_what_will_not_is_not() {
    let good = || Answer::Body(body());
    let cut = || Answer::Versioned(body(), Version { cut: Some(100), etag: Some("\"1\""), ..Version::default() });
    let whole = || Answer::Versioned(body(), Version { etag: Some("\"1\""), ..Version::default() });
    let cases: [(&str, Vec<Answer>, i32, usize); 8] = [
        ("503", vec![Answer::Status(503), good()], 0, 2),
        ("500 twice", vec![Answer::Status(500), Answer::Status(502), good()], 0, 3),
        ("408", vec![Answer::Status(408), good()], 0, 2),
        ("cut", vec![cut(), whole()], 0, 2),
        ("cut without an etag", vec![Answer::Cut(body(), 100), good()], 0, 2),
        ("404", vec![Answer::Status(404), good()], 9, 1),
        ("403", vec![Answer::Status(403), good()], 9, 1),
        ("503 for ever", vec![Answer::Status(503)], 9, 3),
    ];
    for (what, answers, code, requests) in cases {
        let server = Server::start();
        let mut scene = scene(&server, Answer::Sequence(answers));
        scene.set("HARDTACK_RETRIES", "2");
        let ran = scene.hardtack("fetch app").exits(code);
        assert_eq!(server.requests().len(), requests, "{what}");
        assert_eq!(ran.stderr.matches("; trying again in ").count(), requests - 1, "{what}: {}", ran.stderr);
    }
}

#[test]
fn a_try_that_brings_bytes_is_none_that_failed() {
    let server = Server::start();
    // Four bytes at a time, many more times than there are retries.
    let version = |part| Version { etag: Some("\"1\""), cut: Some(50), short_part: Some(part), ..Version::default() };
    let mut scene = scene(&server, Answer::Versioned(body(), version(40)));
    scene.set("HARDTACK_RETRIES", "1");
    scene.hardtack("fetch app").ok();
    assert!(server.requests().len() > 5, "{:?}", server.requests());
    scene.hardtack("cache verify").ok();
}

#[test]
fn a_server_that_says_when_to_come_again_is_listened_to() {
    let server = Server::start();
    let answers = vec![Answer::Later(429, "1".to_owned()), Answer::Body(body())];
    let mut scene = scene(&server, Answer::Sequence(answers));
    scene.set("HARDTACK_RETRIES", "1");
    let start = Instant::now();
    scene.hardtack("fetch app").ok().says(&["the server answered 429 Too Many Requests", "trying again in 1.0 s"]);
    assert!(start.elapsed() >= Duration::from_secs(1));
    // Nobody waits for hours.
    server.answer("/foo-1.0.tar.gz", Answer::Later(503, "86400".to_owned()));
    scene.hardtack("fetch app --no-cache").exits(9).says(&["and asks to be left alone for 86400 s"]);
}

#[test]
fn a_host_that_does_not_answer_is_asked_once() {
    let (mut scene, gone) = (Scene::new(), Server::start());
    let sections: String = (0..12)
        .map(|index| format!("[p{index}]\nrecipe = zc.recipe.cmmi\nurl = {}\n", gone.url(&format!("/{index}.tgz"))))
        .collect();
    gone.stop();
    let parts: Vec<String> = (0..12).map(|index| format!("p{index}")).collect();
    scene.project("app", &parts.join(" "), &sections);
    scene.set("HARDTACK_RETRIES", "3");
    settings(&scene, "[network]\nconnections-per-host = 1\n");
    let start = Instant::now();
    let ran = scene.hardtack("fetch app").exits(9);
    ran.says(&["12 sources could not be had", "Connection refused", "its host did not answer before in this run"]);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_stalls_or_takes_too_long_is_given_up() {
    let server = Server::start();
    let scene = scene(&server, Answer::Stall(body(), 50));
    settings(&scene, "[network]\nstall-timeout = \"300ms\"\n");
    scene.hardtack("fetch app").exits(9).says(&["error[download-stalled]", "nothing came for 0.3 s"]);
    settings(&scene, "[network]\nstall-timeout = \"200ms\"\ntimeout = \"1s\"\nretries = 50\n");
    let start = Instant::now();
    let mut command = scene.command(&["fetch", "app"]);
    let output = command.env_remove("HARDTACK_RETRIES").output().expect("starts");
    assert_eq!(output.status.code(), Some(9));
    assert!(start.elapsed() < Duration::from_secs(10), "the limit holds over all tries");
}

#[test]
fn bytes_that_are_not_the_servers_file_are_refused() {
    let server = Server::start();
    let scene = scene(&server, Answer::With("Content-Encoding: br".to_owned(), body()));
    scene.hardtack("fetch app").exits(9).says(&["error[download-encoded]", "`Content-Encoding: br`"]);
    // The usual mistake about archives is none.
    server.answer("/foo-1.0.tar.gz", Answer::With("Content-Encoding: x-gzip".to_owned(), body()));
    scene.hardtack("fetch app").ok();
    let page = b"<!DOCTYPE html>\n<title>Log in</title>".to_vec();
    server.answer("/foo-1.0.tar.gz", Answer::Body(page));
    scene.hardtack("fetch app --no-cache").exits(6).says(&["it is not an archive: it starts with `<!DOCTYPE html>`"]);
}

#[test]
fn servers_are_shown_what_is_theirs_and_no_more() {
    let (mut scene, server, other) = (Scene::new(), Server::start(), Server::start());
    scene.foo_project(&server);
    let guarded = |value: &str| Answer::Guarded("authorization", value.to_owned(), body());
    settings(&scene, &format!("[registries.my-files]\nurl = \"{}\"\n", server.url("/")));
    let fetch = |scene: &Scene| scene.hardtack("fetch app --no-cache -v");

    server.answer("/foo-1.0.tar.gz", guarded("Bearer s3cr3t"));
    fetch(&scene).exits(9).says(&["401 Unauthorized"]);
    scene.set("HARDTACK_REGISTRY_MY_FILES_TOKEN", "s3cr3t");
    fetch(&scene).ok().never_says(&["s3cr3t"]);
    scene.set("HARDTACK_REGISTRY_MY_FILES_TOKEN", "");
    scene.set("HARDTACK_REGISTRY_MY_FILES_USERNAME", "ann");
    scene.set("HARDTACK_REGISTRY_MY_FILES_PASSWORD", "pw");
    server.answer("/foo-1.0.tar.gz", guarded("Basic YW5uOnB3"));
    fetch(&scene).ok();
    scene.set("HARDTACK_REGISTRY_MY_FILES_USERNAME", "");
    scene.write("home/.netrc", "machine 127.0.0.1\n  login ann\n  password pw\n");
    fetch(&scene).ok();
    scene.set("NETRC", scene.path("elsewhere").display().to_string());
    fetch(&scene).exits(2).says(&["failed to read `[SCENE]/elsewhere`"]);
    scene.write("elsewhere", "");
    fetch(&scene).exits(9);

    // A redirect to another host takes nothing along.
    std::fs::remove_file(scene.path("home/.netrc")).expect("removes");
    scene.set("HARDTACK_REGISTRY_MY_FILES_TOKEN", "s3cr3t");
    other.file("/foo-1.0.tar.gz", body());
    server.answer("/foo-1.0.tar.gz", Answer::Redirect(other.url("/foo-1.0.tar.gz")));
    fetch(&scene).ok();
    let last = other.heads().pop().expect("a request");
    assert_eq!(last.headers.get("authorization"), None);
    assert!(
        server
            .heads()
            .iter()
            .all(|request| request.headers.get("user-agent").is_some_and(|agent| agent.starts_with("hardtack/")))
    );
}

#[test]
fn a_proxy_is_used_where_one_is_named() {
    let (mut scene, proxy) = (Scene::new(), Server::start());
    // To a proxy the whole URL is sent, and no name is looked up here.
    proxy.answer("http://files.invalid/foo-1.0.tar.gz", Answer::Body(body()));
    scene.project("app", "foo", "[foo]\nrecipe = zc.recipe.cmmi\nurl = http://files.invalid/foo-1.0.tar.gz\n");
    scene.hardtack("fetch app").exits(9).says(&["error[download-no-connection]"]);
    scene.set("http_proxy", proxy.url(""));
    scene.hardtack("fetch app --no-cache").ok();
    scene.set("NO_PROXY", "files.invalid");
    scene.hardtack("fetch app --no-cache").exits(9);
    scene.set("http_proxy", "");
    settings(&scene, &format!("[network]\nproxy = \"{}\"\nuser-agent = \"release/1\"\n", proxy.url("")));
    scene.set("NO_PROXY", "");
    scene.hardtack("fetch app --no-cache").ok();
    let last = proxy.heads().pop().expect("a request");
    assert_eq!(last.headers["user-agent"], "release/1");
}

#[test]
fn mirrors_are_asked_in_order_and_believed_by_digest() {
    let (scene, own, mirror, late) = (Scene::new(), Server::start(), Server::start(), Server::start());
    let url = own.url("/gnu/foo-1.0.tar.gz");
    let digest = hardtack::base::Sha256::of(body());
    let project = |more: &str| {
        scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n{more}\n"));
        let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    };
    let rule = |server: &Server, last| {
        format!("[[mirrors]]\nprefix = \"{}\"\nurls = [\"{}\"]\nlast = {last}\n", own.url("/gnu/"), server.url("/m/"))
    };
    settings(&scene, &(rule(&late, true) + &rule(&mirror, false)));
    own.file("/gnu/foo-1.0.tar.gz", body());
    late.file("/m/foo-1.0.tar.gz", body());
    mirror.file("/m/foo-1.0.tar.gz", body());
    let fetch = || scene.hardtack("fetch app --no-cache");
    let asked = || [own.asked().len(), mirror.asked().len(), late.asked().len()];

    // Without a digest a mirror is taken at its word, and that is told.
    project("");
    fetch()
        .ok()
        .says(&["was taken from http://127.0.0.1:", "/m/foo-1.0.tar.gz, and no digest says that it is the same"]);
    assert_eq!(asked(), [0, 1, 0]);
    // With one it is proved, and one that has something else is passed by.
    project(&format!("sha256 = {digest}"));
    fetch().ok().never_says(&["no digest says"]);
    assert_eq!(asked(), [0, 1, 0]);
    mirror.file("/m/foo-1.0.tar.gz", source("evil", "6.6"));
    scene.hardtack("fetch app --no-cache -v").ok().says(&["/m/foo-1.0.tar.gz: SHA-256 is "]);
    assert_eq!(asked(), [1, 1, 0]);
    own.answer("/gnu/foo-1.0.tar.gz", Answer::Status(404));
    fetch().ok();
    assert_eq!(asked(), [1, 1, 1]);
    // The config's own word comes after the file's own place, and before the last mirrors.
    let alternate = Server::start();
    alternate.file("/else/foo-1.0.tar.gz", body());
    project(&format!("sha256 = {digest}\nmirrors = {} {}", alternate.url("/none/"), alternate.url("/else/")));
    fetch().ok();
    assert_eq!((asked(), alternate.asked().len()), ([1, 1, 0], 2));
    // Where all fail, all are told.
    project(&format!("sha256 = {digest}\nalternate-url = {}", alternate.url("/nothing.tgz")));
    late.answer("/m/foo-1.0.tar.gz", Answer::Status(410));
    let ran = fetch().exits(9);
    ran.says(&[
        "error[download-refused]: failed to get `http://",
        "none of 4 places has it: ",
        "SHA-256 is ",
        "404",
        "410",
        "/nothing.tgz",
    ]);
    project("mirrors = nonsense");
    fetch().exits(2).says(&["`mirrors`: `nonsense` is not a URL", "buildout.cfg:11"]);
}

#[test]
fn a_mirror_is_asked_about_nothing_that_only_the_server_knows() {
    let (scene, own, mirror) = (Scene::new(), Server::start(), Server::start());
    let answer = Answer::Versioned("[v]\nname = one\n".into(), Version { etag: Some("\"1\""), ..Version::default() });
    let url = own.answer("/base.cfg", answer);
    mirror.file("/base.cfg", "[v]\nname = mirrored\n");
    scene.write("app/buildout.cfg", format!("[buildout]\nextends = {url}\nparts =\n"));
    scene.hardtack("-C app query v:name").ok();
    settings(&scene, &format!("[[mirrors]]\nprefix = \"{}\"\nurls = [\"{}\"]\n", own.url("/"), mirror.url("/")));
    assert_eq!(scene.hardtack("-C app query v:name").ok().stdout, "one\n");
    assert!(mirror.asked().is_empty());
    // Where nobody has it any more, what the cache has is as good as ever.
    own.answer("/base.cfg", Answer::Status(404));
    mirror.answer("/base.cfg", Answer::Status(410));
    let ran = scene.hardtack("-C app query v:name").ok();
    assert_eq!(ran.stdout, "one\n");
    ran.says(&["none of 2 places has it", "404", "410", "is taken from the cache"]);
}

#[test]
fn twenty_kills_cost_less_than_half_of_the_bytes_again() {
    const FILES: usize = 50;
    let (scene, server) = (Scene::new(), Server::start());
    let (mut sections, mut parts, mut digests, mut total) = (String::new(), String::new(), Vec::new(), 0);
    for index in 0..FILES {
        let body = noise(index as u64, 400_000);
        total += body.len() as u64;
        digests.push(hardtack::base::Sha256::of(&body).to_string());
        let pace = Some(Duration::from_millis(3));
        let version = Version { etag: Some("\"1\""), pace, ..Version::default() };
        let url = server.answer(&format!("/{index}.tar"), Answer::Versioned(body, version));
        sections += &format!("[p{index}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n");
        parts += &format!(" p{index}");
    }
    scene.project("app", &parts, &sections);
    let mut kills = 0;
    for round in 0..20 {
        // What waits between server and client when that is killed is counted too, so connections are few.
        let mut child = scene.command(&["fetch", "app", "-q", "--connections", "4"]).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(40 + (round * 37) % 60));
        kills += usize::from(child.try_wait().expect("can be asked").is_none());
        // One that has ended needs no kill.
        let _ = child.kill();
        let _ = child.wait();
    }
    assert!(kills > 2, "{kills} of 20 were still running");
    scene.hardtack("fetch app").ok();
    let lock = scene.read("app/hardtack.lock");
    assert!(digests.iter().all(|digest| lock.contains(digest)));
    scene.hardtack("cache verify").ok();
    let sent = server.sent();
    assert!(sent < total + total / 2, "{sent} bytes went out for {total}, {kills} kills");
}

#[test]
fn an_interrupted_download_says_so_and_goes_on() {
    let server = Server::start();
    let pace = Some(Duration::from_millis(20));
    let version = Version { etag: Some("\"1\""), pace, ..Version::default() };
    let body = noise(7, 400_000);
    let scene = scene(&server, Answer::Versioned(body.clone(), version));
    let child = scene.command(&["fetch", "app"]).stderr(std::process::Stdio::piped()).spawn().expect("starts");
    for _ in 0..500 {
        if server.sent() > 50_000 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_raw(child.id() as i32).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signals");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("interrupted; the same command goes on where this one was"), "{text}");
    scene.hardtack("fetch app").ok();
    let last = server.heads().pop().expect("a request");
    assert!(last.headers.contains_key("range"), "{last:?}");
    assert!(scene.read("app/hardtack.lock").contains(&hardtack::base::Sha256::of(&body).to_string()));
}

#[test]
fn an_archive_that_was_compressed_anew_is_told_from_another_one() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = scene.foo_project(&server);
    scene.hardtack("fetch app").ok();
    let lock = scene.read("app/hardtack.lock");
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body().as_slice()), &mut tar).expect("decompresses");
    assert!(lock.contains(&format!("content = \"{}\"", hardtack::base::Sha256::of(&tar))), "{lock}");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
    std::io::Write::write_all(&mut gzip, &tar).expect("compresses");
    let anew = gzip.finish().expect("finishes");
    assert_ne!(anew, body());
    server.file("/foo-1.0.tar.gz", anew.clone());
    let fetch = |more: &str| scene.hardtack(&format!("fetch app --no-cache {more}"));
    fetch("").exits(6).says(&[
        "error[recompressed]",
        "the same files as the locked one, compressed anew: SHA-256 is",
        "--accept-recompressed",
    ]);
    assert_eq!(scene.read("app/hardtack.lock"), lock);
    fetch("--accept-recompressed").ok().says(&["note: ", "compressed anew; it is locked as it is now"]);
    assert!(scene.read("app/hardtack.lock").contains(&hardtack::base::Sha256::of(&anew).to_string()));
    fetch("").ok();
    // Other files are other files.
    server.file("/foo-1.0.tar.gz", source("evil", "6.6"));
    fetch("--accept-recompressed").exits(6).says(&["error[wrong-digest]"]);
    // What the config says itself is the config's to change.
    let digest = hardtack::base::Sha256::of(&anew);
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\nsha256 = {digest}\n"));
    server.file("/foo-1.0.tar.gz", body());
    fetch("--accept-recompressed").exits(6).says(&["error[recompressed]", "correct the digest in the config"]);
}

#[test]
fn programs_are_told_what_happens_and_people_see_it() {
    let server = Server::start();
    let scene = scene(&server, Answer::Body(body()));
    let ran = scene.hardtack("fetch app --no-cache --format json").ok();
    let events: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["start", "download", "received", "downloaded", "done"]);
    assert_eq!(events[3]["size"], body().len());
    // Warnings and errors are lines of JSON, too.
    server.answer("/foo-1.0.tar.gz", Answer::Status(404));
    let ran = scene.hardtack("fetch app --no-cache -v --format json").exits(9);
    let events: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let last = events.last().expect("an event");
    assert_eq!((&last["event"], &last["error"]["code"]), (&"error".into(), &"download-refused".into()));
    assert!(last["rendered"].as_str().is_some_and(|text| text.starts_with("error[download-refused]: ")), "{last}");
    assert!(events.iter().any(|event| event["event"] == "message" && event["level"] == "info"), "{events:?}");
    server.answer("/foo-1.0.tar.gz", Answer::Body(body()));
    let sizes = scene.hardtack("fetch app --dry-run").ok().stdout;
    assert!(sizes.starts_with("foo\thttp://") && sizes.ends_with(&format!("\t{}\n", body().len())), "{sizes}");

    if std::process::Command::new("script").arg("--version").output().is_err() {
        return crate::support::skipped("script is not here");
    }
    let program = env!("CARGO_BIN_EXE_hardtack");
    server.answer("/foo-1.0.tar.gz", Answer::Slow(body()));
    let watch = |more: &str| {
        let hardtack = scene.command(&[]);
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &format!("stty cols 100; {program} fetch app --no-cache {more}"), "/dev/null"]);
        command.current_dir(scene.path("")).env_clear();
        command.envs(hardtack.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
        let output = command.output().expect("script runs");
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(watch("").contains("0/1 sources ["), "a bar is shown where people watch");
    assert!(!watch("--no-progress").contains("sources ["));
    assert!(!watch("-q").contains("sources ["));
}

#[test]
fn an_archive_that_ends_early_is_never_locked() {
    let whole = source("foo", "1.0");
    for (what, bytes) in [("tar.gz", whole[..whole.len() - 9].to_vec()), ("tar", noise(1, 5000)[..3000].to_vec())] {
        let server = Server::start();
        let scene = scene(&server, Answer::Unannounced(bytes.clone()));
        scene.hardtack("fetch app").exits(6).says(&["error[archive-damaged]", "the archive is damaged: "]);
        assert!(!scene.exists("app/hardtack.lock"), "{what}");
        server.file("/foo-1.0.tar.gz", bytes);
        scene.hardtack("bundle app --installer none").exits(6);
        server.file("/foo-1.0.tar.gz", whole.clone());
        scene.hardtack("fetch app").ok();
    }
}

#[test]
fn a_server_that_lies_about_its_parts_is_asked_once_more_and_no_more() {
    let server = Server::start();
    let mut scene = scene(&server, Answer::Status(404));
    let digest = hardtack::base::Sha256::of(body());
    let url = server.url("/foo-1.0.tar.gz");
    scene.project("app", "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\nsha256 = {digest}\n"));
    scene.set("HARDTACK_RETRIES", "1");
    // Parts of another file under the same etag, and every whole breaks off.
    let lie = Version { etag: Some("\"1\""), cut: Some(100), ..Version::default() };
    let mut other = body();
    other.iter_mut().skip(100).for_each(|byte| *byte ^= 1);
    server.answer("/foo-1.0.tar.gz", Answer::Versioned(other, lie));
    let ran = scene.hardtack("fetch app");
    assert!(matches!(ran.code, Some(6 | 9)), "{}", ran.stderr);
    assert!(server.requests().len() < 12, "{} requests", server.requests().len());
}

#[test]
fn nothing_a_server_says_ends_the_program() {
    let server = Server::start();
    let mut scene = scene(&server, Answer::Later(503, "18446744073709551615".to_owned()));
    settings(&scene, "[network]\ntimeout = \"1h\"\n");
    scene.set("HARDTACK_RETRIES", "1");
    scene.hardtack("fetch app").exits(9).says(&["503"]);
    server.answer("/foo-1.0.tar.gz", Answer::Later(503, "99999999999999999999".to_owned()));
    scene.hardtack("fetch app").exits(9).never_says(&["trying again"]);
}

#[test]
fn another_hosts_failure_and_secrets_stay_its_own() {
    let (scene, server, other, gone) = (Scene::new(), Server::start(), Server::start(), Server::start());
    let dead = gone.url("/x.tgz");
    gone.stop();
    server.answer("/moved.tgz", Answer::Redirect(dead));
    server.file("/good.tgz", body());
    let part = |name: &str, url: String| format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {url}\n");
    let sections = part("a", server.url("/moved.tgz")) + &part("b", server.url("/good.tgz"));
    scene.project("app", "a b", &sections);
    let ran = scene.hardtack("fetch app --connections 1").exits(9);
    ran.says(&["/x.tgz", "Connection refused"]).never_says(&["was not asked for"]);

    server.answer("/r.tgz?token=s3cr3t", Answer::Redirect(other.url("/foo.tgz")));
    other.file("/foo.tgz", body());
    scene.project("app", "a", &part("a", server.url("/r.tgz?token=s3cr3t")));
    scene.hardtack("fetch app").ok();
    // A mirror is not told either.
    settings(&scene, &format!("[[mirrors]]\nprefix = \"{}\"\nurls = [\"{}\"]\n", server.url("/"), other.url("/")));
    scene.hardtack("fetch app --no-cache").ok();
    assert!(!format!("{:?}", other.heads()).contains("s3cr3t"), "{:?}", other.heads());
    for wrong in ["stall-timeout = \"0s\"", "connections = 0", "ca-file = 1"] {
        settings(&scene, &format!("[network]\n{wrong}\n"));
        scene.hardtack("fetch app").exits(2).says(&["error[settings]"]);
    }
    settings(&scene, "[network]\nca-file = \"/nonexistent\"\n");
    scene.hardtack("fetch app --no-cache").exits(2).says(&["error[settings]", "failed to read `/nonexistent`"]);
}
