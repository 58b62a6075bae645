//! Real servers and a real proxy: TLS with an authority of one's own, passwords, ranges, limits.

use std::process::{Child, Command, Stdio};

use crate::peers::{Nginx, Scene, have, succeeded, tool};

/// A project in `app` whose source is the fixture's, served at `url`.
fn project(scene: &Scene, url: &str) {
    scene.write(
        "app/buildout.cfg",
        format!("[buildout]\nparts = hello\n[hello]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"),
    );
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
}

/// The fixture's source as a tarball in `www`.
fn www(scene: &Scene) {
    std::fs::create_dir(scene.path("www")).expect("makes a folder");
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut tar = scene.command("/bin/tar");
    tar.arg("-C").arg(fixtures).arg("-czf").arg(scene.path("www/hello-1.0.tar.gz")).arg("hello-1.0");
    succeeded(tar.output().expect("tar runs"));
}

fn fetch(scene: &Scene, more: &[&str]) -> (Option<i32>, String) {
    let mut command = scene.command(env!("CARGO_BIN_EXE_hardtack"));
    command.args(["fetch", "app", "--no-cache", "--retries", "0"]).args(more);
    let output = command.output().expect("hardtack starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_authority_of_ones_own_is_believed_where_it_is_named() {
    if !have("nginx") || !have("openssl") {
        return;
    }
    let scene = Scene::new();
    www(&scene);
    succeeded(tool("certificates.sh").arg(scene.path("certificates")).output().expect("the script starts"));
    let certificate = |name: &str| scene.path(format!("certificates/{name}")).display().to_string();
    let serve = |name: &str| {
        let said = format!(
            "ssl_certificate {}; ssl_certificate_key {};",
            certificate(&format!("{name}.pem")),
            certificate(&format!("{name}.key"))
        );
        Nginx::with(&scene, &scene.path("www"), name, &[("NGINX_LISTEN", "ssl"), ("NGINX_SERVER", &said)])
    };
    let (here, there) = (serve("here"), serve("there"));
    let secure = |nginx: &Nginx| nginx.url("hello-1.0.tar.gz").replace("http://", "https://");
    let authority = certificate("ca.pem");
    project(&scene, &secure(&here));
    let (code, text) = fetch(&scene, &[]);
    assert_eq!(code, Some(9), "{text}");
    assert!(text.contains("error[download-certificate]"), "{text}");
    let (code, text) = fetch(&scene, &["--ca-file", &authority]);
    assert_eq!(code, Some(0), "{text}");
    // The same by the variable that other programs know.
    let mut command = scene.command(env!("CARGO_BIN_EXE_hardtack"));
    command.args(["fetch", "app", "--no-cache"]).env("SSL_CERT_FILE", &authority);
    succeeded(command.output().expect("hardtack starts"));
    // A certificate for somebody else is none.
    project(&scene, &secure(&there));
    let (code, text) = fetch(&scene, &["--ca-file", &authority]);
    assert_eq!(code, Some(9), "{text}");
    assert!(text.contains("error[download-certificate]"), "{text}");
    // Nor is one that was good until yesterday.
    let late = serve("late");
    project(&scene, &secure(&late));
    let (code, text) = fetch(&scene, &["--ca-file", &authority]);
    assert_eq!(code, Some(9), "{text}");
    assert!(text.contains("error[download-certificate]") && text.contains("Expired"), "{text}");
    let (code, text) = fetch(&scene, &["--ca-file", &certificate("ca.key")]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("has no certificate in PEM"), "{text}");

    // Git is told whom to believe, too.
    let repository = scene.path("www/hello.git");
    let git = |arguments: &[&str]| {
        let mut git = scene.command("git");
        git.args(["-c", "user.name=n", "-c", "user.email=e"]).args(arguments).current_dir(&repository);
        succeeded(git.output().expect("git starts")).trim().to_owned()
    };
    std::fs::create_dir(&repository).expect("makes");
    git(&["init", "--quiet", "--bare"]);
    let tree = git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let commit = git(&["commit-tree", "-m", "nothing", &tree]);
    git(&["update-ref", "refs/heads/main", &commit]);
    git(&["update-server-info"]);
    let url = secure(&here).replace("hello-1.0.tar.gz", "hello.git");
    project(&scene, &format!("git+{url}@{commit}"));
    let (code, text) = fetch(&scene, &[]);
    assert_eq!(code, Some(9), "{text}");
    assert!(text.contains("error[download-refused]") && text.contains("certificate"), "{text}");
    let (code, text) = fetch(&scene, &["--ca-file", &authority]);
    assert_eq!(code, Some(0), "{text}");

    // What came safely does not go on unsafely.
    let plain = Nginx::start(&scene, &scene.path("www"));
    let said = format!(
        "ssl_certificate {}; ssl_certificate_key {}; return 302 {};",
        certificate("here.pem"),
        certificate("here.key"),
        plain.url("hello-1.0.tar.gz")
    );
    let moved = Nginx::with(&scene, &scene.path("www"), "moved", &[("NGINX_LISTEN", "ssl"), ("NGINX_SERVER", &said)]);
    project(&scene, &secure(&moved));
    let (code, text) = fetch(&scene, &["--ca-file", &authority]);
    assert_eq!(code, Some(9), "{text}");
    assert!(text.contains("error[download-redirect]") && text.contains("from https to http"), "{text}");
    scene.write("home/.config/hardtack/config.toml", "[network]\nallow-insecure-redirects = true\n");
    let (code, text) = fetch(&scene, &["--ca-file", &authority]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_real_server_asks_for_a_password_goes_on_in_the_middle_and_is_not_hurried() {
    if !have("nginx") || !have("openssl") {
        return;
    }
    let scene = Scene::new();
    www(&scene);
    let hash = succeeded(Command::new("openssl").args(["passwd", "-apr1", "pw"]).output().expect("openssl runs"));
    scene.write("passwords", format!("ann:{hash}"));
    let said = format!("auth_basic files; auth_basic_user_file {};", scene.path("passwords").display());
    let guarded = Nginx::with(&scene, &scene.path("www"), "guarded", &[("NGINX_SERVER", &said)]);
    project(&scene, &guarded.url("hello-1.0.tar.gz"));
    assert_eq!(fetch(&scene, &[]).0, Some(9));
    scene.write("home/.netrc", "machine 127.0.0.1 login ann password pw\n");
    let (code, text) = fetch(&scene, &[]);
    assert_eq!(code, Some(0), "{text}");

    // The first part of a download, as one leaves it who was killed.
    let plain = Nginx::start(&scene, &scene.path("www"));
    let url = plain.url("hello-1.0.tar.gz");
    project(&scene, &url);
    succeeded(scene.hardtack(&["fetch", "app"]));
    let cache = scene.path("home/.cache/hardtack");
    let id = hardtack::base::SourceKey::url(&url).id();
    let record = std::fs::read_to_string(cache.join(".hardtack/ledger").join(&id[..2]).join(format!("{id}.json")));
    let record: serde_json::Value = serde_json::from_str(&record.expect("reads")).expect("JSON");
    let etag = record["generations"][0]["version"]["etag"].as_str().expect("nginx gives one").to_owned();
    std::fs::remove_dir_all(&cache).expect("removes");
    let whole = std::fs::read(scene.path("www/hello-1.0.tar.gz")).expect("reads");
    let note = serde_json::json!({ "key": url, "etag": etag }).to_string();
    scene.write(&format!("home/.cache/hardtack/.hardtack/partial/{id}.json"), note);
    scene.write(&format!("home/.cache/hardtack/.hardtack/partial/{id}.data"), &whole[..whole.len() / 2]);
    succeeded(scene.hardtack(&["fetch", "app"]));
    assert!(plain.log().lines().last().is_some_and(|line| line.contains("\" 206 ")), "{}", plain.log());
    succeeded(scene.hardtack(&["cache", "verify"]));

    // One request a second and no more: told by 429, and waited for.
    let limited = Nginx::with(
        &scene,
        &scene.path("www"),
        "limited",
        &[
            ("NGINX_HTTP", "limit_req_zone $binary_remote_addr zone=one:1m rate=1r/s; limit_req_status 429;"),
            ("NGINX_SERVER", "limit_req zone=one;"),
        ],
    );
    let part = |index: usize| {
        format!("[p{index}]\nrecipe = zc.recipe.cmmi\nurl = {}\n", limited.url(&format!("hello-1.0.tar.gz?{index}")))
    };
    scene.write("app/buildout.cfg", format!("[buildout]\nparts = p0 p1 p2\n{}", (0..3).map(part).collect::<String>()));
    let _ = std::fs::remove_file(scene.path("app/hardtack.lock"));
    let mut command = scene.command(env!("CARGO_BIN_EXE_hardtack"));
    let output = command.args(["fetch", "app", "--no-cache", "--retries", "6"]).output().expect("hardtack starts");
    assert!(String::from_utf8_lossy(&output.stderr).contains("429 Too Many Requests"));
    succeeded(output);
}

struct Tinyproxy(Child);

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_proxy_carries_what_is_fetched() {
    if !have("nginx") || !have("tinyproxy") {
        return;
    }
    let scene = Scene::new();
    www(&scene);
    let nginx = Nginx::start(&scene, &scene.path("www"));
    let mut running = None;
    for _ in 0..20 {
        // A port that was free a moment ago; another one where it is not any more.
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let log = scene.path("proxy.log").display().to_string();
        scene.write(
            "proxy.conf",
            format!("Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nLogFile \"{log}\"\nLogLevel Connect\n"),
        );
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(scene.path("proxy.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Tinyproxy(command.spawn().expect("tinyproxy starts"));
        let answers = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        if answers && child.0.try_wait().expect("can be asked").is_none() {
            running = Some((child, port));
            break;
        }
    }
    let (_proxy, port) = running.expect("tinyproxy listens");
    project(&scene, &nginx.url("hello-1.0.tar.gz"));
    scene.write("home/.config/hardtack/config.toml", format!("[network]\nproxy = \"http://127.0.0.1:{port}\"\n"));
    let (code, text) = fetch(&scene, &[]);
    assert_eq!(code, Some(0), "{text}");
    let log = std::fs::read_to_string(scene.path("proxy.log")).expect("reads");
    assert!(log.contains("GET http://127.0.0.1:"), "{log}");
    assert_eq!(nginx.requests(), 1);
}
