//! A site as poor as they come: the smallest Debian with gcc and make, with neither hardtack nor Python nor a network.

use std::path::Path;
use std::process::{Command, Output};

use crate::bare::static_hardtack;
use crate::debian::tarballs;
use crate::peers::{Scene, have, kept, skipped, succeeded, tool};

/// Debian's source packages, of which each is a part.
const PARTS: [&str; 6] = ["zlib", "libpng1.6", "hello", "sed", "lua5.4", "pcre2"];

/// The root, if it can be had.
fn root() -> Option<std::path::PathBuf> {
    if !have("debootstrap") || !have("apt-get") {
        return None;
    }
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        skipped("only root may change the root folder");
        return None;
    }
    let folder = kept("debian-root");
    let made = tool("debian-root.sh").arg(&folder).output().expect("the script starts");
    if !made.status.success() {
        skipped(&format!("debootstrap: {}", String::from_utf8_lossy(&made.stderr)));
        return None;
    }
    Some(folder)
}

fn sections(folder: &Path, files: &std::collections::BTreeMap<String, String>) -> String {
    let file = |package: &str| folder.join(&files[package]).display().to_string();
    let cmmi = |name: &str, more: &str| format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {}\n{more}\n", file(name));
    let uses = "environment =\n    CPPFLAGS=-I${zlib:location}/include\n    LDFLAGS=-L${zlib:location}/lib";
    let lua = format!(
        "[lua5.4]\nrecipe = hardtack:make\nurl = {}\noptions = INSTALL_TOP=${{buildout:directory}}/parts/lua5.4\n",
        file("lua5.4")
    );
    let others = ["zlib", "hello", "sed", "pcre2"].map(|name| cmmi(name, ""));
    others.concat() + &cmmi("libpng1.6", uses) + &lua
}

#[test]
fn six_parts_install_themselves_in_an_empty_chroot_and_so_does_the_run() {
    let (Some(program), Some(root)) = (static_hardtack(), root()) else { return };
    let Some((folder, files)) = tarballs(&PARTS) else { return };
    let scene = Scene::new();
    let header = format!("[buildout]\nparts = {}\n[hardtack]\nname = app\nversion = 1.0\n", PARTS.join(" "));
    scene.write("app/buildout.cfg", header + &sections(&folder, &files));
    let mut bundle = scene.command(&program);
    succeeded(bundle.args(["bundle", "app", "--self-extracting"]).output().expect("runs"));

    let site = root.join("site");
    let _ = std::fs::remove_dir_all(&site);
    std::fs::create_dir(&site).expect("makes a folder");
    let inside = |script: &str| -> Output {
        // Without a network, too, and with nothing of this machine but its kernel.
        let mut unshared = Command::new("unshare");
        unshared.args(["--net", "--mount", "--fork", "--pid", "chroot"]).arg(&root).args(["/bin/sh", "-ec", script]);
        unshared.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").output().expect("unshare runs")
    };
    for tool in ["python3", "hardtack", "curl", "wget", "perl -v | grep -q never", "git"] {
        assert!(!inside(&format!("command -v {tool}")).status.success(), "{tool} is there");
    }
    std::fs::copy(scene.path("app-1.0.tar.gz"), site.join("app-1.0.tar.gz")).expect("copies");
    std::fs::copy(scene.path("app-1.0.run"), site.join("app-1.0.run")).expect("copies");
    let installs = [
        (
            "by-hand",
            "cd /site && mount -t proc proc /proc && tar xzf app-1.0.tar.gz && ./app-1.0/install /site/by-hand",
        ),
        ("by-itself", "cd /site && mount -t proc proc /proc && sh app-1.0.run /site/by-itself"),
    ];
    for (dest, script) in installs {
        let ran = inside(script);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        succeeded(ran);
        assert!(said.contains("6 parts built in "), "{said}");
        let told =
            succeeded(inside(&format!("/site/{dest}/parts/hello/bin/hello && /site/{dest}/parts/lua5.4/bin/lua -v")));
        assert!(told.starts_with("Hello, world!\nLua 5.4"), "{told}");
    }
    let _ = std::fs::remove_dir_all(&site);
}
