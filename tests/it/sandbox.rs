//! The network is shut out, and so is what comes near it.

use std::process::{Child, Command, Stdio};

use crate::server::Server;
use crate::support::{Scene, set_mode, skipped, source_with_makefile};

/// Bundles a package whose makefile is given; the bundle needs no server.
fn bundled(makefile: &str) -> Scene {
    let (scene, server) = (Scene::new(), Server::start());
    let url = server.file("/p-1.tgz", source_with_makefile(makefile));
    scene.project(
        "app",
        "p",
        &format!("[p]\nrecipe = zc.recipe.cmmi\nurl = {url}\nenvironment = OUT=${{buildout:parts-directory}}/p\n"),
    );
    scene.hardtack("bundle app --installer none").ok();
    scene
}

const LEVELS: [&str; 2] = ["full", "seccomp"];

/// Whether the machine allows a level; if not, that is said.
fn allowed(level: &str) -> bool {
    let scene = bundled("all install:\n\t@true\n");
    let ran = scene.run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level]);
    let refused = ran.stderr.contains("error[no-isolation]");
    if refused {
        skipped(&format!("level {level} is not to be had here: {}", ran.stderr));
    } else {
        ran.ok();
    }
    !refused
}

#[test]
fn a_build_that_connects_gets_no_network_and_fails() {
    let server = Server::start();
    server.file("/x", "x");
    let python = "import socket,sys\\ntry:\\n socket.create_connection((\"127.0.0.1\", PORT), 3)\\n\
                  except OSError as e:\\n sys.exit(\"refused: %s\" % e)"
        .replace("PORT", server.url("").rsplit(':').next().expect("a port"));
    let makefile = format!("all:\n\t@printf '{python}' > t.py && python3 t.py\ninstall:\n");
    if Command::new("python3").arg("--version").output().is_err() {
        return skipped("python3 is not here");
    }
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let scene = bundled(&makefile);
        scene
            .run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level])
            .exits(5)
            .says(&["error[build-failed]: step `make` of part `p` failed with exit status 2", "refused: "]);
        assert!(!scene.exists("dest/parts"));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn curl_reaches_nothing_and_its_words_are_shown() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skipped("curl is not here");
    }
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let scene = bundled("all:\n\tcurl -sS --max-time 5 http://198.51.100.1/x.tgz -o x.tgz\ninstall:\n");
        let status = if level == "full" { 7 } else { 5 };
        scene.run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level]).exits(status).says(&[
            "curl: (7)",
            "last lines of its output",
            "the whole output is in",
        ]);
    }
}

/// The lines of an error that name an attempt.
fn attempts(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("error: part")).collect()
}

#[test]
fn who_tries_to_reach_the_network_is_named_with_what_it_wanted() {
    if !allowed("full") {
        return;
    }
    let asks = [
        ("curl", "curl -sS --max-time 5 https://curl.example/x || true", "curl.example:443 by curl (make > sh > curl)"),
        (
            "curl",
            "curl -sS --max-time 5 http://198.51.100.1:8080/ || true",
            "198.51.100.1:8080 by curl (make > sh > curl)",
        ),
        (
            "git",
            "git ls-remote https://git.example/x.git || true",
            "git.example:443 by git-remote-http (make > sh > git > git > git-remote-http)",
        ),
        (
            "python3",
            "python3 -c 'import urllib.request as r; r.urlopen(\"http://py.example:81/\")' || true",
            "py.example:81 by python3 (make > sh > python3)",
        ),
        (
            "node",
            "node -e 'require(\"https\").get(\"https://node.example/\").on(\"error\", () => {})' || true",
            "node.example:443 by node (make > sh > node)",
        ),
        (
            "cc",
            "printf '%s' '#include <arpa/inet.h>' > s.c; printf '\\nint main(){struct sockaddr_in a={AF_INET,htons(99)};inet_pton(2,\"203.0.113.7\",&a.sin_addr);return !connect(socket(2,1,0),(void*)&a,sizeof a);}' >> s.c; cc -static s.c -o static-one && ./static-one; true",
            "203.0.113.7:99 by static-one (make > sh > static-one)",
        ),
        ("getent", "getent hosts look.up.example; true", "look.up.example by getent (make > sh > getent)"),
    ];
    let (here, missing): (Vec<_>, Vec<_>) = asks
        .into_iter()
        .partition(|(tool, ..)| Command::new("which").arg(tool).output().is_ok_and(|o| o.status.success()));
    missing.iter().for_each(|(tool, ..)| skipped(&format!("{tool} is not here")));
    let lines: String = here.iter().map(|(_, line, _)| format!("\t@{}\n", line.replace('$', "$$"))).collect();
    let scene = bundled(&format!("all:\n{lines}install:\n\t@touch $(OUT)/built\n"));
    let install = ["install", "app-1.0.tar.gz", "dest", "--sandbox", "full"];
    let ran = scene.run(&install).exits(7);
    let wanted: Vec<String> = here
        .iter()
        .map(|(.., wanted)| format!("error: part `p`, step `make`: {wanted}: there is no network"))
        .collect();
    assert_eq!(attempts(&ran.stderr), wanted);
    ran.says(&["error[network-attempt]: the build tried to reach the network", "--network-attempts=warn"]);
    assert!(!scene.exists("dest/parts"), "it is not installed");

    let ran = scene.run(&[&install[..], &["--network-attempts", "warn"]].concat()).ok();
    ran.says(&["0 parts built, 1 kept", "warning: the build tried to reach the network: p: step `make`: "]);
    assert!(scene.exists("dest/parts/p/built"));
    let record: serde_json::Value = serde_json::from_str(&scene.read("dest/.hardtack/records/p.json")).expect("JSON");
    assert_eq!(record["attempts"].as_array().map(Vec::len), Some(here.len()));
    scene.run(&install).ok().says(&["everything is installed already"]);
}

#[test]
fn what_reaches_nobody_is_no_attempt() {
    if !allowed("full") || Command::new("python3").arg("--version").output().is_err() {
        return skipped("level full or python3 is not here");
    }
    let python = "import socket\n\
        print(socket.getfqdn(), socket.gethostbyname(\"localhost\"))\n\
        s = socket.socket(); s.bind((\"\", 0)); s.listen()\n\
        socket.create_connection((\"127.0.0.1\", s.getsockname()[1])).send(b\"x\")\n\
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n\
        u = socket.socket(socket.AF_UNIX); u.bind(\"here\"); u.listen(); socket.socket(socket.AF_UNIX).connect(\"here\")\n";
    let scene = bundled("all:\n\t@python3 $(TEST); hostname -f; getent hosts localhost\ninstall:\n");
    scene.write("app/t.py", python.replace("\\n", "\n"));
    let config = scene.read("app/buildout.cfg") + "    TEST=${buildout:directory}/t.py\n";
    scene.write("app/buildout.cfg", config);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest --sandbox full").ok().never_says(&["network:"]);
    let record = scene.read("dest/.hardtack/records/p.json");
    assert!(!record.contains("attempts"), "{record}");
}

#[test]
fn a_part_may_say_that_attempts_do_not_matter() {
    if !allowed("full") || Command::new("curl").arg("--version").output().is_err() {
        return skipped("level full or curl is not here");
    }
    let scene = bundled("all install:\n\t@curl -sS https://a.example/ || true\n");
    let config = scene.read("app/buildout.cfg");
    scene.write("app/buildout.cfg", format!("{config}network-attempts = maybe\n"));
    scene.hardtack("bundle app --installer none").exits(2).says(&["`maybe` is neither `fail` nor `warn`"]);
    scene.write("app/buildout.cfg", format!("{config}network-attempts = warn\n"));
    scene.hardtack("bundle app --installer none").ok().never_says(&["nothing reads option"]);
    let ran = scene.hardtack("install app-1.0.tar.gz dest").ok();
    ran.says(&["warning: the build tried to reach the network: p: step `make`: a.example:443 by curl"]);
}

#[test]
fn where_the_kernel_cannot_tell_the_record_says_so() {
    if !allowed("full") {
        return;
    }
    let scene = bundled("all install:\n\t@getent hosts a.example; true\n");
    let install = ["install", "app-1.0.tar.gz", "dest", "--sandbox", "full"];
    let Some(output) = denied(&scene, "pidfd_getfd", libc::ENOSYS, &install) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(scene.read("dest/.hardtack/records/p.json").contains("\"attempts-unseen\": \"looking at system calls"));
    scene.hardtack("install app-1.0.tar.gz other --sandbox seccomp").ok();
    assert!(scene.read("other/.hardtack/records/p.json").contains("\"attempts-unseen\": \"level `seccomp`"));
}

#[test]
fn loopback_works_inside_at_level_full() {
    if !allowed("full") || Command::new("python3").arg("--version").output().is_err() {
        return skipped("level full or python3 is not here");
    }
    let python = "import socket\\ns=socket.create_server((\"127.0.0.1\",0))\\n\
                  socket.create_connection(s.getsockname()).send(b\"x\")\\nprint(s.accept()[0].recv(1))";
    let scene = bundled(&format!("all:\n\t@printf '{python}' > t.py && python3 t.py\ninstall:\n"));
    scene.hardtack("install app-1.0.tar.gz dest --sandbox full").ok();
    assert!(scene.read("dest/.hardtack/logs/p.log").contains("b'x'"));
}

#[test]
fn steps_have_no_privileges_and_a_fixed_environment() {
    let makefile = "all:\n\tenv | sort > env.txt\n\tumask >> env.txt\n\tgrep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' \
                    /proc/self/status >> env.txt\ninstall:\n\tcp env.txt $(OUT)/\n";
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let mut scene = bundled(makefile);
        scene.set("SECRET_TOKEN", "hunter2");
        scene.set("http_proxy", "http://127.0.0.1:1");
        scene.run(&["install", "app-1.0.tar.gz", "dest", "-j1", "--sandbox", level, "--env", "EXTRA=1"]).ok();
        let found = scene.read("dest/parts/p/env.txt");
        for line in [
            "CapEff:\t0000000000000000",
            "CapBnd:\t0000000000000000",
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
            "EXTRA=1",
            "LC_ALL=C.UTF-8",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "SOURCE_DATE_EPOCH=315532800",
            "TZ=UTC",
            "0022",
        ] {
            assert!(found.lines().any(|other| other == line), "level {level}: no {line:?} in\n{found}");
        }
        assert!(!found.contains("SECRET") && !found.contains("proxy"), "{found}");
    }
}

#[test]
fn the_build_folder_has_the_same_path_everywhere_at_level_full() {
    if !allowed("full") {
        return;
    }
    let scene = bundled("all:\n\tpwd > where; hostname >> where || uname -n >> where\ninstall:\n\tcp where $(OUT)/\n");
    scene.hardtack("install app-1.0.tar.gz dest --sandbox full").ok();
    assert_eq!(scene.read("dest/parts/p/where"), "/tmp/build/p-1\nhardtack\n");
}

/// What a build may try to get at the machine, a line each; the machine's own is told by `hacked`.
const ATTEMPTS: &str = "all:\n\
    \t-@for f in /etc /usr /sys /sys/fs/cgroup /var/tmp/../lib $(OUT)/../other /dev /home /run; do echo x > $$f/hacked && echo hacked $$f; done\n\
    \t-@umount /run && echo hacked run\n\
    \t-@mount -o remount,rw / && echo hacked root\n\
    \t-@unshare -Urm sh -c 'umount /home; umount /run; mount -o remount,rw /; mount -o remount,rw /etc; echo x > /etc/hacked && \
        echo hacked etc; mount -t proc proc /proc && echo x > /proc/sys/kernel/core_pattern && echo hacked kernel'\n\
    \t-@echo x > /proc/sys/kernel/core_pattern && echo hacked kernel; nsenter -t 1 -m true && echo hacked ns\n\
    \t-@ls /dev | grep -E '^(sd|vd|nvme|loop|mem|kmsg)' && echo hacked disks; ls -A /home /root /run | grep -v : | grep . && echo hacked homes\n\
    \t@echo x > /tmp/a && echo x > /var/tmp/b && echo x > /dev/shm/c && echo x > /dev/null && echo x > $(OUT)/d\n\
    \t@grep -q 'localhost hardtack' /etc/hosts && getent hosts localhost && test $$(id -u) = $$(id -u) && echo all is there\n\
    install:\n";

/// Has the kernel answer some system calls as an old one does, or a container; then runs what follows.
const DENY: &str = "import ctypes, os, struct, sys
calls = {'mount_setattr': 442, 'openat2': 437, 'close_range': 436, 'pidfd_getfd': 438, 'unshare': 272, 'seccomp': 317, 'landlock_create_ruleset': 444}
code = struct.pack('HBBI', 0x20, 0, 0, 0)
for name in sys.argv[1].split(','):
    code += struct.pack('HBBI', 0x15, 0, 1, calls[name]) + struct.pack('HBBI', 6, 0, 0, 0x50000 | int(sys.argv[2]))
code += struct.pack('HBBI', 6, 0, 0, 0x7fff0000)
class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
buffer = ctypes.create_string_buffer(code)
program = Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
os.execvp(sys.argv[3], sys.argv[3:])
";

/// hardtack where the kernel answers these calls with an error.
fn denied(scene: &Scene, calls: &str, error: i32, arguments: &[&str]) -> Option<std::process::Output> {
    if cfg!(not(target_arch = "x86_64")) || Command::new("python3").arg("--version").output().is_err() {
        skipped("python3 is not here, or the numbers are another machine's");
        return None;
    }
    let words = ["-c", DENY, calls, &error.to_string()];
    Some(scene.under("python3", &words, arguments).output().expect("python3 runs"))
}

#[test]
fn a_build_gets_at_nothing_but_its_folder_and_its_location_at_level_full() {
    if !allowed("full") {
        return;
    }
    let scene = bundled(ATTEMPTS);
    let install = |dest: &'static str| ["install", "app-1.0.tar.gz", dest, "--sandbox", "full"];
    let check = |dest: &str, output: std::process::Output| {
        assert!(output.status.success(), "{dest}: {}", String::from_utf8_lossy(&output.stderr));
        let log = scene.read(format!("{dest}/.hardtack/logs/p.log"));
        assert!(!log.contains("hacked /") && !log.contains("hacked "), "{dest}:\n{log}");
        assert!(log.contains("all is there") && scene.exists(&format!("{dest}/parts/p/d")), "{dest}:\n{log}");
    };
    check("own", scene.command(&install("own")).output().expect("runs"));
    // As before Linux 5.12.
    if let Some(output) = denied(&scene, "mount_setattr,openat2,close_range", libc::ENOSYS, &install("old")) {
        check("old", output);
    }
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } == 0 {
        set_mode(&scene.path(""), 0o777);
        check("user", scene.without_privileges(&install("user")).output().expect("runs"));
    }
}

/// A build that writes beside the installation, and asks for a socket without minding the answer.
const STRAYS: &str = "all:\n\
    \t-@echo x > $(STRAY) && echo strayed\n\
    \t@echo x > /dev/null && echo x > /dev/shm/hardtack-$$$$ && rm /dev/shm/hardtack-$$$$ && echo x > $$TMPDIR/t && mv $$TMPDIR/t $(OUT)/t\n\
    \t@python3 -c 'import socket; socket.socket()' 2> /dev/null || echo refused\n\
    install:\n";

#[test]
fn level_seccomp_keeps_writes_below_the_installation_and_tells_who_asked_for_a_socket() {
    if !allowed("seccomp") || Command::new("python3").arg("--version").output().is_err() {
        return skipped("level seccomp or python3 is not here");
    }
    let scene = bundled(STRAYS);
    // Where nothing else of the builds is, and not below /tmp, which is anybody's.
    let temporary = |folder: &&str| folder.starts_with("/tmp/") || folder.starts_with("/var/tmp/");
    let places = [env!("CARGO_TARGET_TMPDIR"), "/opt", "/srv"];
    let beside = places.iter().filter(|folder| !temporary(folder)).find_map(|folder| tempfile::tempdir_in(folder).ok());
    let Some(beside) = beside else { return skipped("no folder can be written to that is not a temporary one") };
    let stray = beside.path().join("stray").display().to_string();
    let install = |dest: &'static str| {
        let variable = format!("STRAY={stray}");
        vec![
            "install".to_owned(),
            "app-1.0.tar.gz".into(),
            dest.into(),
            "--sandbox=seccomp".into(),
            "--env".into(),
            variable,
        ]
    };
    let words = install("new");
    scene.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    let record = |dest: &str| -> serde_json::Value {
        serde_json::from_str(&scene.read(format!("{dest}/.hardtack/records/p.json"))).expect("JSON")
    };
    let refused = &record("new")["refused-sockets"][0];
    assert_eq!((&refused["step"], &refused["times"]), (&"make".into(), &1.into()));
    assert_eq!(refused["programs"], serde_json::json!(["make", "sh", "python3"]));
    if record("new")["unconfined"].is_string() {
        skipped("this kernel has no Landlock");
    } else {
        assert!(!beside.path().join("stray").exists());
    }
    // Older kernels confine nothing, and have no way to tell; the build goes on, and the record says so.
    let words = install("old");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(output) = denied(&scene, "landlock_create_ruleset,pidfd_getfd", libc::ENOSYS, &words) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(beside.path().join("stray").exists());
    let old = record("old");
    assert_eq!(old["unconfined"], "this kernel has no Landlock, or one before Linux 5.19");
    assert!(old["attempts-unseen"].as_str().is_some_and(|why| why.contains("who asked for one is not seen")), "{old}");
}

#[test]
fn a_failure_tells_which_program_was_refused_a_socket() {
    if !allowed("seccomp") || Command::new("curl").arg("--version").output().is_err() {
        return skipped("level seccomp or curl is not here");
    }
    let scene = bundled("all:\n\t@curl -sS http://example.org/x\ninstall:\n");
    let ran = scene.run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", "seccomp"]).exits(5);
    ran.says(&["hint: curl (make > curl) was refused an internet socket"]);
}

/// Tries every way past the walls that is known, and says which is open.
const BYPASSES: &str = r#"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <netinet/in.h>
static void told(const char *what, long result) { if (result >= 0) printf("open: %s\n", what); fflush(stdout); }
static long path_socket(const char *path) {
    struct sockaddr_un address = { AF_UNIX, "" };
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}
int main(int count, char **words) {
    char ring[256] = { 0 };
    told("io_uring", syscall(425, 8, ring));
    told("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    told("raw version 6", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
    told("packet", socket(17, SOCK_RAW, 0));
    told("old packet", socket(AF_INET, 10, 0));
    told("vsock", socket(40, SOCK_STREAM, 0));
    told("bluetooth", socket(31, SOCK_RAW, 1));
    told("x32", syscall(0x40000000 + 41, AF_INET, SOCK_STREAM, 0));
    told("inherited", write(7, "x", 1));
    if (getpid() < 1000) {
        told("first process", ptrace(PTRACE_ATTACH, 1, 0, 0));
        told("its memory", open("/proc/1/mem", O_RDWR));
        told("its files", open("/proc/1/fd/0", O_RDONLY));
    }
    if (count > 1) told("path socket", path_socket(words[1]));
#ifdef __x86_64__
    if (fork() == 0) {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(359L), "b"(2L), "c"(1L), "d"(0L) : "memory");
        told("int 0x80", result);
        _exit(0);
    }
    wait(0);
#endif
    puts("all were tried");
    return 0;
}
"#;

#[test]
fn a_real_program_finds_no_way_past_the_walls() {
    if Command::new("cc").arg("--version").output().is_err() || Command::new("bash").arg("--version").output().is_err()
    {
        return skipped("cc or bash is not here");
    }
    let server = Server::start();
    let port = server.url("").rsplit(':').next().expect("a port").trim_end_matches('/').to_owned();
    // Only root may listen there; who is not has no such socket to mask.
    let path = format!("/run/hardtack-test-{}.sock", std::process::id());
    let listener = std::os::unix::net::UnixListener::bind(&path);
    let makefile = format!("all:\n\t@cc -o b $(PROGRAM) && ./b {path}\ninstall:\n");
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let scene = bundled(&makefile);
        scene.write("app/b.c", BYPASSES);
        scene.write("app/buildout.cfg", scene.read("app/buildout.cfg") + "    PROGRAM=${buildout:directory}/b.c\n");
        scene.hardtack("bundle app --installer none").ok();
        let words = ["-c", "exec 7<>/dev/tcp/127.0.0.1/$0; exec \"$@\"", &port];
        let mut command = scene.under("bash", &words, &["install", "app-1.0.tar.gz", "dest", "--sandbox", level]);
        let output = command.output().expect("bash runs");
        assert!(output.status.success(), "level {level}: {}", String::from_utf8_lossy(&output.stderr));
        let log = scene.read("dest/.hardtack/logs/p.log");
        let open: Vec<&str> = log.lines().filter(|line| line.starts_with("open: ")).collect();
        // At level `seccomp` files are where they are, and sockets among them.
        let wanted: &[&str] = if level == "seccomp" && listener.is_ok() { &["open: path socket"] } else { &[] };
        assert!(log.contains("all were tried") && open == wanted, "level {level}:\n{log}");
    }
    drop(listener);
    let _ = std::fs::remove_file(path);
}

#[test]
fn where_namespaces_are_refused_the_level_is_told_and_why() {
    let scene = bundled("all install:\n\t@true\n");
    for error in [libc::EPERM, libc::ENOSPC] {
        let install = ["install", "app-1.0.tar.gz", if error == libc::EPERM { "a" } else { "b" }];
        let Some(output) = denied(&scene, "unshare", error, &install) else { return };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.contains("isolation: seccomp"), "{said}");
        assert!(said.contains("level `full`: making"), "{said}");
    }
    let both = denied(&scene, "unshare,seccomp", libc::EPERM, &["install", "app-1.0.tar.gz", "c"]);
    let said = both.map(|output| (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()));
    assert!(said.as_ref().is_none_or(|(code, said)| *code == Some(4) && said.contains("no-isolation")), "{said:?}");
}

/// Whether a process of this machine has `mark` among its arguments.
fn runs(mark: &str) -> bool {
    let entries = std::fs::read_dir("/proc").expect("reads").flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(mark))
}

/// Waits, but not forever, for `wanted` to be so.
fn becomes(wanted: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        wanted()
    })
}

#[test]
fn nothing_a_step_starts_outlives_it() {
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let mark = format!("left-behind-{level}-{}", std::process::id());
        let makefile = format!("all:\n\t(setsid sh -c 'sleep 300; : {mark}' >/dev/null 2>&1 &)\ninstall:\n\ttrue\n");
        let scene = bundled(&makefile);
        scene.run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level]).ok();
        assert!(!runs(&mark), "level {level}");
    }
}

#[test]
fn a_step_ends_with_hardtack_or_is_waited_for() {
    for (digit, level) in LEVELS.into_iter().enumerate().filter(|(_, level)| allowed(level)) {
        // An argument of `sleep` by which it can be told from all others.
        let mark = format!("300.0{}{digit}", std::process::id());
        let scene = bundled(&format!("all:\n\texec sleep {mark}\ninstall:\n\ttrue\n"));
        let arguments = ["install", "app-1.0.tar.gz", "dest", "--sandbox", level];
        let start = || scene.command(&arguments).stderr(Stdio::null()).spawn().expect("starts");
        let end = |mut child: Child| child.kill().and_then(|()| child.wait()).expect("ends");

        let first = start();
        assert!(becomes(|| runs(&mark)), "level {level}: the step starts");
        end(first);
        if level == "seccomp" {
            // Only the shell is tied to hardtack there. Nothing is built beside what it started.
            scene.run(&arguments).exits(4).says(&["error[busy]"]);
            Command::new("pkill").args(["-f", &mark]).status().expect("pkill runs");
        }
        assert!(becomes(|| !runs(&mark)), "level {level}: the step ends");
        let second = start();
        assert!(becomes(|| runs(&mark)), "level {level}: the next install builds");
        end(second);
        Command::new("pkill").args(["-f", &mark]).status().expect("pkill runs");
    }
}

#[test]
fn a_step_that_dies_of_a_signal_is_told_so() {
    for level in LEVELS.into_iter().filter(|level| allowed(level)) {
        let (scene, server) = (Scene::new(), Server::start());
        let url = server.file("/p-1.tgz", source_with_makefile("all install:\n"));
        let section = format!("[p]\nrecipe = zc.recipe.cmmi\nurl = {url}\nconfigure-command = kill -SEGV $$$$\n");
        scene.project("app", "p", &section.replace("$$$$", "$$"));
        scene.hardtack("bundle app --installer none").ok();
        let ran = scene.run(&["install", "app-1.0.tar.gz", "dest", "--sandbox", level]);
        ran.exits(5).says(&["step `configure` of part `p` was ended by signal 11"]);
    }
}

#[test]
fn a_part_cannot_write_into_another_one_at_level_full() {
    if !allowed("full") {
        return;
    }
    let (scene, server) = (Scene::new(), Server::start());
    let one = server.file("/one.tgz", crate::support::source("one", "1.0"));
    let two = server.file("/two.tgz", source_with_makefile("all:\ninstall:\n\ttouch $(ONE)/bin/one\n"));
    let sections = format!(
        "[one]\nrecipe = zc.recipe.cmmi\nurl = {one}\n\
         [two]\nrecipe = zc.recipe.cmmi\nurl = {two}\nenvironment = ONE=${{one:location}}\n"
    );
    scene.project("app", "one two", &sections);
    scene.hardtack("bundle app --installer none").ok();
    scene.hardtack("install app-1.0.tar.gz dest --sandbox full").exits(5).says(&["Read-only file system"]);
}

#[test]
fn a_step_has_process_numbers_of_its_own_at_level_full() {
    if !allowed("full") {
        return;
    }
    let scene =
        bundled("all:\n\tkill -9 1; ls -d /proc/1 > where; cat /proc/1/comm >> where\ninstall:\n\tcp where $(OUT)/\n");
    scene.hardtack("install app-1.0.tar.gz dest --sandbox full").ok();
    assert_eq!(scene.read("dest/parts/p/where"), "/proc/1\nhardtack\n");
}

#[test]
fn none_is_warned_of_and_recorded() {
    let scene = bundled("all install:\n\t@true\n");
    scene
        .hardtack("install app-1.0.tar.gz dest --sandbox none")
        .ok()
        .says(&["warning: nothing keeps this build from the network"]);
    assert!(scene.read("dest/.hardtack/state.json").contains("\"level\": \"none\""));
    scene.hardtack("install app-1.0.tar.gz dest --sandbox some").exits(2).says(&["is not a level"]);
}

#[test]
fn no_process_of_an_install_connects_anywhere() {
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped("strace is not here");
    }
    let scene = bundled("all install:\n\t@true\n");
    let program = env!("CARGO_BIN_EXE_hardtack");
    let trace = scene.path("trace.txt");
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=network", "-o"]).arg(&trace).arg(program);
    command.args(["install", "app-1.0.tar.gz", "dest"]).current_dir(scene.path("")).env("HOME", scene.path("home"));
    let output = command.output().expect("strace runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = std::fs::read_to_string(trace).expect("reads");
    let connects = trace.lines().filter(|line| line.contains("connect(") || line.contains("sendto("));
    let outside: Vec<_> = connects.filter(|line| line.contains("AF_INET")).collect();
    assert!(outside.is_empty(), "{outside:#?}");
    assert!(trace.contains("exited with 0"), "the trace has something in it");
}
