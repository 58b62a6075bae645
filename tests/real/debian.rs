//! Upstream tarballs as Debian carries them, through the examples of this repository.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use crate::peers::{Nginx, Scene, have, kept, skipped, succeeded, tool};

/// The folder with the tarballs, and the file of each package; `None` where they are not to be had.
pub fn tarballs(packages: &[&str]) -> Option<(PathBuf, BTreeMap<String, String>)> {
    if !have("apt-get") {
        return None;
    }
    let folder = kept("sources");
    let output = tool("apt-source.sh").arg(&folder).args(packages).output().expect("the script starts");
    if !output.status.success() {
        skipped(&format!("apt-get source: {}", String::from_utf8_lossy(&output.stderr)));
        return None;
    }
    let text = succeeded(output);
    let files = text.lines().filter_map(|line| line.split_once(' '));
    Some((folder, files.map(|(package, file)| (package.to_owned(), file.to_owned())).collect()))
}

pub fn copy(from: &str, to: &std::path::Path) {
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
    for entry in walkdir::WalkDir::new(&from) {
        let entry = entry.expect("reads");
        let target = to.join(entry.path().strip_prefix(&from).expect("below"));
        match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(target).expect("makes a folder"),
            false => drop(std::fs::copy(entry.path(), target).expect("copies")),
        }
    }
}

#[test]
fn hello_is_bundled_and_installed() {
    if !have("nginx") {
        return;
    }
    let Some((folder, files)) = tarballs(&["hello"]) else { return };
    let scene = Scene::new();
    copy("examples/hello", &scene.path("hello"));
    let nginx = Nginx::start(&scene, &folder);
    // The example's own digest is that of the very file Debian carries.
    let set = format!("hello:url={}", nginx.url(&files["hello"]));
    succeeded(scene.hardtack(&["bundle", "hello", "--installer", "none", &set]));
    nginx.stop();
    succeeded(scene.hardtack(&["install", "hello-2.10.tar.gz", "dest"]));
    assert_eq!(
        succeeded(scene.command(scene.path("dest/parts/hello/bin/hello")).output().expect("runs")),
        "Hello, world!\n"
    );
}

#[test]
fn the_web_server_and_its_libraries_are_built_from_one_another() {
    if !have("nginx") {
        return;
    }
    let packages = ["zlib", "pcre2", "libpng1.6", "libgd2", "nginx"];
    let Some((folder, files)) = tarballs(&packages) else { return };
    let scene = Scene::new();
    copy("examples/webserver", &scene.path("webserver"));
    let server = Nginx::start(&scene, &folder);
    let parts =
        [("zlib", "zlib"), ("pcre2", "pcre2"), ("libpng", "libpng1.6"), ("libgd", "libgd2"), ("nginx", "nginx")];
    let mut arguments = ["bundle", "webserver", "--installer", "none"].map(str::to_owned).to_vec();
    arguments.extend(parts.map(|(part, package)| format!("{part}:url={}", server.url(&files[package]))));
    // Debian's zlib is repacked, so it has another digest than the one in the example.
    let zlib = std::fs::read(folder.join(&files["zlib"])).expect("reads");
    arguments.push(format!("zlib:md5sum={}", hardtack::base::Md5::of(zlib)));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    succeeded(scene.hardtack(&arguments));
    assert_eq!(server.requests(), 5);
    succeeded(scene.hardtack(&arguments));
    assert_eq!(server.requests(), 5, "a second run downloads nothing");
    server.stop();

    succeeded(scene.hardtack(&["install", "webserver-1.0.tar.gz", "dest"]));
    let nginx = scene.path("dest/parts/nginx/sbin/nginx");
    let linked = succeeded(scene.command("/usr/bin/ldd").arg(&nginx).output().expect("runs"));
    for library in
        ["libz.so.1 => DEST/parts/zlib/", "libpcre2-8.so.0 => DEST/parts/pcre2/", "libgd.so.3 => DEST/parts/libgd/"]
    {
        let wanted = library.replace("DEST", scene.path("dest").to_str().expect("UTF-8"));
        assert!(linked.contains(&wanted), "no {wanted} in\n{linked}");
    }
    serves_its_page(&scene);
}

/// Starts the nginx that was built, on a free port, and asks it for the page.
fn serves_its_page(scene: &Scene) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let config = scene.path("dest/conf/nginx.conf");
    let text = std::fs::read_to_string(&config).expect("reads").replace("8080", &port.to_string());
    std::fs::write(&config, format!("daemon off;\nmaster_process off;\n{text}")).expect("writes");
    std::fs::create_dir(scene.path("dest/logs")).expect("makes a folder");
    let mut command = scene.command(scene.path("dest/parts/nginx/sbin/nginx"));
    let mut server = command.arg("-p").arg(scene.path("dest")).spawn().expect("starts");
    let mut page = String::new();
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("asks");
        stream.read_to_string(&mut page).expect("answers");
        break;
    }
    server.kill().expect("stops");
    server.wait().expect("ends");
    assert!(page.contains("built without a network"), "{page}");
}
