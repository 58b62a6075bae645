//! Sources that are commits.

mod repository;
mod server;

use std::path::PathBuf;

use self::repository::Repository;
use self::server::GitServer;
use crate::server::{Answer, Server};
use crate::support::{Scene, output_of, set_mode};

const CONFIGURE: &str = "#!/bin/sh\nprintf 'all:\\ninstall:\\n\\tmkdir -p %s/bin; cp prog %s/bin/foo\\n' \
    \"${1#--prefix=}\" \"${1#--prefix=}\" > Makefile\n";

/// Repositories `srv/foo`, which builds, and `srv/sub`, which it has as a submodule; the commits of `foo`.
fn repositories(scene: &Scene) -> (Repository, [String; 2]) {
    let sub = Repository::new(scene, "srv/sub", &[]);
    sub.commit("sub.c", "sub\n");
    let repository = Repository::new(scene, "srv/foo", &[]);
    repository.commit("prog", "#!/bin/sh\necho foo 1\n");
    repository.commit("configure", CONFIGURE);
    repository.git(&["update-index", "--chmod=+x", "configure", "prog"]);
    std::fs::create_dir(scene.path("srv/foo/d")).expect("makes");
    std::os::unix::fs::symlink("../prog", scene.path("srv/foo/d/link")).expect("links");
    // What would change files that are checked out.
    std::fs::write(scene.path("srv/foo/.gitattributes"), "* text eol=crlf export-subst ident\nprog export-ignore\n")
        .expect("writes");
    repository.git(&["submodule", "--quiet", "add", "../sub", "vendor/sub"]);
    set_mode(&scene.path("srv/foo/prog"), 0o755);
    set_mode(&scene.path("srv/foo/configure"), 0o755);
    let first = repository.commit("id", "$Id$ $Format:%H$\n");
    repository.git(&["tag", "-a", "v1.0", "-m", "one"]);
    let second = repository.commit("prog", "#!/bin/sh\necho foo 2\n");
    (repository, [first, second])
}

fn project(scene: &Scene, folder: &str, url: &str) {
    scene.project(folder, "foo", &format!("[foo]\nrecipe = zc.recipe.cmmi\nurl = {url}\n"));
}

/// The value of a line of the lock file.
fn locked(scene: &Scene, name: &str) -> String {
    let lock = scene.read("app/hardtack.lock");
    let line = lock.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
    line.unwrap_or_default().trim_matches('"').to_owned()
}

fn blob(scene: &Scene, cache: &str) -> PathBuf {
    let sha256 = locked(scene, "sha256");
    scene.path(format!("{cache}/.hardtack/store/sha256/{}/{sha256}", &sha256[..2]))
}

#[test]
fn a_commit_has_many_names_and_one_file() {
    let scene = Scene::new();
    let (repository, [first, second]) = repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    let described = repository.git(&["describe", "HEAD"]);
    assert!(described.starts_with("v1.0-1-g"), "{described}");
    let mut digests = Vec::new();
    for (revision, commit) in [
        ("v1.0", &first),
        (&first[..10], &first),
        (&first, &first),
        ("refs/tags/v1.0", &first),
        ("main", &second),
        ("HEAD", &second),
        (&described, &second),
    ] {
        project(&scene, "app", &format!("git+{}@{revision}", server.url("foo")));
        scene.hardtack("lock app --update --no-cache").ok();
        assert_eq!((locked(&scene, "kind").as_str(), &locked(&scene, "commit")), ("git", commit), "{revision}");
        assert_eq!(locked(&scene, "tree"), repository.git(&["rev-parse", &format!("{commit}^{{tree}}")]));
        digests.push(locked(&scene, "sha256"));
    }
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 2);
    for wrong in ["v9", "0123456789", "0123456789012345678901234567890123456789"] {
        project(&scene, "app", &format!("git+{}@{wrong}", server.url("foo")));
        let ran = scene.hardtack("lock app --update").exits(9);
        ran.says(&["error[no-such-revision]", &format!("has no tag, branch or commit `{wrong}`")]);
    }
}

#[test]
fn nothing_of_the_machine_gets_into_the_file() {
    let mut scene = Scene::new();
    repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    project(&scene, "app", &format!("git+{}@v1.0", server.url("foo")));
    scene.hardtack("fetch app").ok();
    let (sha256, path) = (locked(&scene, "sha256"), blob(&scene, "home/.cache/hardtack"));
    // The bytes are a promise: caches and locks elsewhere name them.
    assert_eq!(sha256, "65bbb2b306142f4e2ded216e8ac4da4f943c03f510dbce244916e8b31545aca7");
    let listed = std::process::Command::new("tar").arg("tvf").arg(&path).env("TZ", "UTC").output().expect("tar runs");
    assert!(listed.stderr.is_empty(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    let listed: Vec<&str> = listed.lines().map(|line| line.trim_end()).collect();
    let names: Vec<&str> = listed.iter().filter_map(|line| line.split("01:46 foo-").nth(1)).collect();
    let names: Vec<&str> = names.iter().filter_map(|name| name.get(12..)).collect();
    let expected = [
        "/",
        "/.gitattributes",
        "/.gitmodules",
        "/configure",
        "/d/",
        "/d/link -> ../prog",
        "/id",
        "/prog",
        "/vendor/",
        "/vendor/sub/",
        "/vendor/sub/sub.c",
    ];
    assert_eq!(names, expected);
    let file = std::process::Command::new("tar").arg("xOf").arg(&path).args(["--wildcards", "*/id"]).output();
    assert_eq!(file.expect("tar runs").stdout, b"$Id$ $Format:%H$\n");

    // Another user, another git set-up, another mask.
    scene.write("home/.gitconfig", "[core]\nautocrlf = true\nfileMode = false\n[tar]\numask = 077\n");
    scene.set("HARDTACK_CACHE_DIR", scene.path("other").display().to_string());
    let command = format!("umask 077; exec {} fetch app --locked", env!("CARGO_BIN_EXE_hardtack"));
    let shell = scene.command(&[]);
    let mut other = std::process::Command::new("sh");
    other.args(["-c", &command]).current_dir(scene.path("")).env_clear();
    other.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(other.status().expect("starts").success());
}

#[test]
fn the_lock_holds_a_branch_until_it_is_let_go() {
    let scene = Scene::new();
    let (repository, [_, second]) = repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    project(&scene, "app", &format!("git+{}@main", server.url("foo")));
    scene.hardtack("fetch app").ok();
    let third = repository.commit("prog", "#!/bin/sh\necho foo 3\n");
    // Neither a cache nor the branch is needed for what is locked.
    scene.hardtack("fetch app --locked --no-cache").ok();
    assert_eq!(locked(&scene, "commit"), second);
    scene.hardtack("fetch app --offline").ok();
    scene.hardtack("lock app --update").ok();
    assert_eq!(locked(&scene, "commit"), third);
    // A branch that has not moved is not fetched again.
    let asked = || server.manners.requests.lock().expect("lock").len();
    std::fs::remove_file(scene.path("app/hardtack.lock")).expect("removes");
    let before = asked();
    scene.hardtack("fetch app --refresh").ok().says(&["0 downloaded"]);
    assert_eq!(asked() - before, 2, "the list of branches, and nothing else");
    let before = asked();
    scene.hardtack("fetch app").ok();
    assert_eq!(asked(), before);
}

#[test]
fn what_is_not_the_commit_is_refused_without_a_network() {
    let scene = Scene::new();
    let (_, [first, second]) = repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    project(&scene, "app", &format!("git+{}@v1.0", server.url("foo")));
    scene.hardtack("fetch app").ok();
    // A lock that says one commit and has the digest of another.
    let lock = scene.read("app/hardtack.lock").replace(&first, &second);
    scene.write("app/hardtack.lock", lock);
    let ran = scene.hardtack("fetch app --offline").exits(6);
    ran.says(&["error[wrong-commit]", &format!("is commit {first}, wanted is {second}"), "hint: "]);
    // The same for a commit that the config names: another file put into the cache under its name.
    project(&scene, "app", &format!("git+{}@{second}", server.url("foo")));
    std::fs::remove_file(scene.path("app/hardtack.lock")).expect("removes");
    scene.hardtack("fetch app").ok();
    let path = blob(&scene, "home/.cache/hardtack");
    let mut bytes = std::fs::read(&path).expect("reads");
    let at = bytes.windows(6).rposition(|window| window == b"foo 2\n").expect("the program");
    bytes[at + 4] = b'X';
    let digest = hardtack::base::Sha256::of(&bytes).to_string();
    scene.write("forged.tar", &bytes);
    let (lock, old) = (scene.read("app/hardtack.lock"), locked(&scene, "sha256"));
    scene.write("app/hardtack.lock", lock.replace(&old, &digest));
    let store = scene.path(format!("home/.cache/hardtack/.hardtack/store/sha256/{}", &digest[..2]));
    std::fs::create_dir_all(&store).expect("makes");
    std::fs::copy(scene.path("forged.tar"), store.join(&digest)).expect("copies");
    let ran = scene.hardtack("fetch app --offline").exits(6);
    ran.says(&["error[wrong-commit]", "the top folder is tree "]);
}

#[test]
fn secrets_reach_their_server_and_nothing_else() {
    let mut scene = Scene::new();
    repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    // Everything git is called with is written down.
    let wrapper = format!("#!/bin/sh\necho \"$@\" >> {}\nexec /usr/bin/git \"$@\"\n", scene.path("calls").display());
    set_mode(&scene.write("bin/git", wrapper), 0o755);
    scene.set("PATH", format!("{}:/usr/bin:/bin", scene.path("bin").display()));
    *server.manners.guard.lock().expect("lock") = Some("Basic YW5uOnMzY3IzdC8h".to_owned());
    let plain = format!("git+{}@v1.0", server.url("foo"));
    project(&scene, "app", &plain);
    let fetch = |scene: &Scene, code| scene.hardtack("fetch app --no-cache -v").exits(code).never_says(&["s3cr3t"]);
    fetch(&scene, 9).says(&["error[download-refused]", "could not read Username", "~/.netrc"]);

    project(&scene, "app", &format!("git+{}@v1.0", server.url_of("ann:s3cr3t%2F!", "foo")));
    fetch(&scene, 0);
    assert!(!scene.read("app/hardtack.lock").contains("ann"));
    project(&scene, "app", &plain);
    scene.write("home/.netrc", "machine 127.0.0.1 login ann password s3cr3t/!\n");
    fetch(&scene, 0);
    std::fs::remove_file(scene.path("home/.netrc")).expect("removes");
    scene.write("home/.config/hardtack/config.toml", format!("[registries.team]\nurl = \"{}\"\n", server.url("")));
    scene.set("HARDTACK_REGISTRY_TEAM_USERNAME", "ann");
    scene.set("HARDTACK_REGISTRY_TEAM_PASSWORD", "s3cr3t/!");
    fetch(&scene, 0);
    scene.set("HARDTACK_REGISTRY_TEAM_TOKEN", "s3cr3t");
    *server.manners.guard.lock().expect("lock") = Some("Bearer s3cr3t".to_owned());
    fetch(&scene, 0);
    assert!(!scene.read("calls").contains("s3cr3t"), "{}", scene.read("calls"));

    // A server that leads elsewhere takes no password along.
    let other = GitServer::start(scene.path("srv"));
    *server.manners.guard.lock().expect("lock") = None;
    *server.manners.elsewhere.lock().expect("lock") = Some(other.url("").trim_end_matches('/').to_owned());
    fetch(&scene, 9);
    scene.set("HARDTACK_REGISTRY_TEAM_TOKEN", "");
    fetch(&scene, 0);
    assert_eq!(*other.manners.shown.lock().expect("lock"), Vec::<String>::new());
}

#[test]
fn what_may_go_better_later_is_tried_again() {
    let mut scene = Scene::new();
    repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    project(&scene, "app", &format!("git+{}@v1.0", server.url("foo")));
    *server.manners.busy.lock().expect("lock") = vec![503];
    scene.hardtack("fetch app").exits(9).says(&["error[download-refused]", "The requested URL returned error: 503"]);
    *server.manners.busy.lock().expect("lock") = vec![502, 503];
    scene.set("HARDTACK_RETRIES", "2");
    let ran = scene.hardtack("fetch app").ok();
    assert_eq!(ran.stderr.matches("; trying again in ").count(), 2, "{}", ran.stderr);
    assert_eq!(scene.tree("home/.cache/hardtack/.hardtack/partial"), Vec::<String>::new());
}

#[test]
fn each_way_a_commit_fails_has_its_own_words() {
    let mut scene = Scene::new();
    let (repository, _) = repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    let gone = Server::start();
    let url = gone.url("/foo");
    gone.stop();
    project(&scene, "app", &format!("git+{url}@v1.0"));
    scene.hardtack("fetch app").exits(9).says(&["error[download-no-connection]"]);
    project(&scene, "app", &format!("git+{}@v1.0", server.url("nothing")));
    scene.hardtack("fetch app").exits(9).says(&["error[download-refused]", "not found"]);
    for (url, words) in [
        ("git+https://host.example/foo", "does not say which commit"),
        ("git+ext::sh -c date@v1", "is no repository"),
        ("git+https://host.example/foo@--upload-pack=x", "cannot be a commit, tag or branch"),
        ("git+https://host.example/foo@v1#subdirectory=x", "`#subdirectory=x` means nothing here"),
    ] {
        project(&scene, "app", url);
        scene.hardtack("fetch app").exits(2).says(&["buildout.cfg:", words]);
    }
    // A submodule nobody knows the place of.
    repository.commit(".gitmodules", "");
    project(&scene, "app", &format!("git+{}@main", server.url("foo")));
    let ran = scene.hardtack("fetch app").exits(9);
    ran.says(&["error[unpackable]", "`.gitmodules` does not say where submodule `vendor/sub` is"]);
    project(&scene, "app", &format!("git+{}@main#submodules=false", server.url("foo")));
    scene.hardtack("fetch app").ok();
    scene.hardtack("fetch app --offline").ok();
    assert_eq!(locked(&scene, "tree"), repository.git(&["rev-parse", "main^{tree}"]));
    scene.set("PATH", scene.path("home").display().to_string());
    project(&scene, "app", &format!("git+{}@v1.0", server.url("foo")));
    scene.hardtack("fetch app").exits(4).says(&["error[tool-missing]", "failed to run `git`", "hint: install git"]);
}

#[test]
fn a_submodule_cannot_reach_into_the_machine() {
    let scene = Scene::new();
    let (repository, _) = repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    for url in ["/etc", "file:///etc", "ext::sh -c date", "--upload-pack=date", "../../../../x"] {
        repository.commit(".gitmodules", &format!("[submodule \"s\"]\npath = vendor/sub\nurl = {url}\n"));
        project(&scene, "app", &format!("git+{}@main", server.url("foo")));
        let ran = scene.hardtack("lock app --update --no-cache").exits(9);
        ran.says(&["error[unpackable]", "submodule `vendor/sub`: "]);
    }
}

#[test]
fn mirrors_have_repositories_and_their_submodules() {
    let scene = Scene::new();
    repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    let settings =
        format!("[[mirrors]]\nprefix = \"git+https://forge.invalid/team/\"\nurls = [\"git+{}\"]\n", server.url(""));
    scene.write("home/.config/hardtack/config.toml", settings);
    project(&scene, "app", "git+https://forge.invalid/team/foo@v1.0");
    // Nothing but the mirror says what the tag is.
    scene.hardtack("fetch app").ok().says(&["warning: ", "no digest says that it is the same file"]);
    scene.hardtack("fetch app --no-cache").ok().never_says(&["warning"]);
}

#[test]
fn a_server_of_files_alone_will_do() {
    let scene = Scene::new();
    let (repository, [first, _]) = repositories(&scene);
    repository.git(&["update-server-info"]);
    let files = Server::start();
    for file in scene.tree("srv/foo/.git") {
        files.answer(
            &format!("/foo.git/{file}"),
            Answer::Body(std::fs::read(scene.path(format!("srv/foo/.git/{file}"))).expect("reads")),
        );
    }
    // Git asks so first, and takes a file for the answer.
    let refs = std::fs::read(scene.path("srv/foo/.git/info/refs")).expect("reads");
    files.answer("/foo.git/info/refs?service=git-upload-pack", Answer::Body(refs));
    project(&scene, "app", &format!("git+{}@{first}#submodules=false", files.url("/foo.git")));
    scene.hardtack("fetch app").ok();
    assert_eq!(locked(&scene, "commit"), first);
}

#[test]
fn a_repository_of_sha_256_is_one_too() {
    let scene = Scene::new();
    let repository = Repository::new(&scene, "srv/foo", &["--object-format=sha256"]);
    let commit = repository.commit("a", "a\n");
    let server = GitServer::start(scene.path("srv"));
    for revision in ["main", &commit] {
        project(&scene, "app", &format!("git+{}@{revision}", server.url("foo")));
        scene.hardtack("lock app --update").ok();
        assert_eq!(locked(&scene, "commit"), commit);
    }
}

#[test]
fn commits_are_bundled_and_installed_without_git_or_network() {
    let mut scene = Scene::new();
    repositories(&scene);
    let sections = "[foo]\nrecipe = zc.recipe.cmmi\nurl = git+../srv/foo@v1.0\n\n\
        [clone]\nrecipe = slapos.recipe.build:gitclone\nrepository = ../srv/foo\nrevision = v1.0\nbranch = main\n";
    scene.project("app", "foo clone", sections);
    scene.hardtack("bundle app -o app.tar.gz").ok();
    let first = std::fs::read(scene.path("app.tar.gz")).expect("reads");
    scene.hardtack("bundle app -o again.tar.gz --locked").ok();
    assert_eq!(std::fs::read(scene.path("again.tar.gz")).expect("reads"), first);
    std::fs::remove_dir_all(scene.path("srv")).expect("removes");
    scene.set("HOME", scene.path("nobody").display().to_string());
    scene.hardtack("install app.tar.gz out").ok();
    assert_eq!(output_of(&scene.path("out/parts/foo/bin/foo")), "foo 1\n");
    let found = scene.tree("out/parts/clone");
    assert!(found.contains(&"vendor/sub/sub.c".to_owned()) && found.contains(&"d/link".to_owned()), "{found:?}");
    assert_eq!(output_of(&scene.path("out/parts/clone/prog")), "foo 1\n");
}

#[test]
fn a_fetch_that_is_killed_leaves_nothing_in_the_way() {
    let scene = Scene::new();
    repositories(&scene);
    let server = GitServer::start(scene.path("srv"));
    project(&scene, "app", &format!("git+{}@v1.0", server.url("foo")));
    // A git that takes its time once the objects are there.
    let wrapper = "#!/bin/sh\n/usr/bin/git \"$@\" || exit\ncase \"$*\" in *fetch*) sleep 30;; esac\n";
    set_mode(&scene.write("bin/git", wrapper), 0o755);
    let mut slow = scene.command(&["fetch", "app"]);
    slow.env("PATH", format!("{}:/usr/bin:/bin", scene.path("bin").display()));
    let mut child = slow.stderr(std::process::Stdio::null()).spawn().expect("starts");
    let partial = "home/.cache/hardtack/.hardtack/partial";
    let begun = || scene.exists(partial) && scene.tree(partial).iter().any(|path| path.contains("/objects/"));
    for _ in 0..500 {
        if begun() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(begun());
    child.kill().and_then(|()| child.wait()).expect("is killed");
    let info = scene.hardtack("cache info").ok();
    assert!(info.stdout.lines().any(|line| line == "unfinished   1"), "{}", info.stdout);
    scene.hardtack("fetch app").ok();
    assert_eq!(scene.tree(partial), Vec::<String>::new());
    scene.hardtack("cache verify").ok();
}

#[test]
fn a_link_that_is_no_name_is_told_and_hides_nothing() {
    let scene = Scene::new();
    let repository = Repository::new(&scene, "srv/odd", &[]);
    let file = repository.object("blob", b"content");
    // Read on, what follows would be taken for git's next answer.
    let target = format!("{}{file} blob 99999999999\n", "z".repeat(4097));
    let link = repository.object("blob", target.as_bytes());
    repository.raw_commit(&[("120000", "a", &link), ("100644", "b", &file)]);
    project(&scene, "app", "git+../srv/odd@main");
    scene.hardtack("lock app").exits(9).says(&["error[unpackable]", "is longer than 4095 bytes"]);
    let link = repository.object("blob", b"caf\xe9");
    repository.raw_commit(&[("120000", "a", &link)]);
    scene.hardtack("lock app").exits(9).says(&["error[unpackable]", "link `a` leads to a name that is no UTF-8"]);
    repository.raw_commit(&[("100644", "a\tb", &file)]);
    scene.hardtack("lock app").exits(9).says(&["it has a file named `a\\tb`"]);
}

#[test]
fn modes_of_old_are_kept() {
    let scene = Scene::new();
    let repository = Repository::new(&scene, "srv/old", &[]);
    let file = repository.object("blob", b"content");
    let entries = [("100600", "a", file.as_str()), ("100664", "b", &file), ("100777", "c", &file)];
    let commit = repository.raw_commit(&entries);
    project(&scene, "app", &format!("git+../srv/old@{commit}"));
    scene.hardtack("lock app").ok();
    assert_eq!(locked(&scene, "commit"), commit);
}

#[test]
fn a_mirror_of_another_name_gives_the_same_bytes() {
    let scene = Scene::new();
    repositories(&scene);
    std::fs::rename(scene.path("srv/foo"), scene.path("srv/renamed")).expect("renames");
    let server = GitServer::start(scene.path("srv"));
    project(&scene, "app", "git+https://forge.invalid/team/foo@v1.0");
    // The mirror has the repository, and a submodule only at its own place.
    let settings = format!(
        "[[mirrors]]\nprefix = \"git+https://forge.invalid/team/foo\"\nurls = [\"git+{}\"]\n\
         [[mirrors]]\nprefix = \"git+https://forge.invalid/\"\nurls = [\"git+{}\", \"git+{}\"]\n",
        server.url("renamed"),
        server.url("nothing/"),
        server.url("").trim_end_matches('/').to_owned() + "/../"
    );
    let settings = settings.replace("/../\"", "/\"").replace("forge.invalid/\"", "forge.invalid/team/\"");
    scene.write("home/.config/hardtack/config.toml", settings);
    scene.hardtack("fetch app").ok();
    assert_eq!(locked(&scene, "sha256"), "65bbb2b306142f4e2ded216e8ac4da4f943c03f510dbce244916e8b31545aca7");
}

#[test]
fn a_login_is_for_one_port() {
    let scene = Scene::new();
    repositories(&scene);
    let (server, other) = (GitServer::start(scene.path("srv")), GitServer::start(scene.path("srv")));
    *other.manners.guard.lock().expect("lock") = Some("Basic YW5uOnB3".to_owned());
    *server.manners.elsewhere.lock().expect("lock") = Some(other.url("").trim_end_matches('/').to_owned());
    project(&scene, "app", &format!("git+{}@v1.0", server.url_of("ann:pw", "foo")));
    scene.hardtack("fetch app").exits(9);
    assert_eq!(*other.manners.shown.lock().expect("lock"), Vec::<String>::new());
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let scene = Scene::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    scene.write("home/.config/hardtack/config.toml", "[network]\nstall-timeout = \"1s\"\n");
    project(&scene, "app", &format!("git+git://127.0.0.1:{port}/foo@v1"));
    let start = std::time::Instant::now();
    scene.hardtack("fetch app").exits(9).says(&["error[download-stalled]", "nothing came for 1 s"]);
    assert!(start.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn a_commit_that_is_in_many_places_is_fetched_once() {
    let scene = Scene::new();
    let leaf = Repository::new(&scene, "srv/leaf", &[]);
    let id = leaf.commit("a", "a\n");
    let top = Repository::new(&scene, "srv/top", &[]);
    let paths: Vec<String> = (0..20).map(|index| format!("s{index:02}")).collect();
    let modules: String =
        paths.iter().map(|path| format!("[submodule \"{path}\"]\npath = {path}\nurl = ../leaf\n")).collect();
    let modules = top.object("blob", modules.as_bytes());
    let mut entries = vec![("100644", ".gitmodules", modules.as_str())];
    entries.extend(paths.iter().map(|path| ("160000", path.as_str(), id.as_str())));
    top.raw_commit(&entries);
    let server = GitServer::start(scene.path("srv"));
    project(&scene, "app", &format!("git+{}@main", server.url("top")));
    scene.hardtack("fetch app").ok();
    let requests = server.manners.requests.lock().expect("lock").clone();
    assert!(requests.iter().filter(|path| path.starts_with("/leaf")).count() <= 4, "{requests:?}");
}

#[test]
fn a_repository_beside_the_project_is_cached_like_any_other() {
    let mut scene = Scene::new();
    let (repository, _) = repositories(&scene);
    repository.git(&["branch", "pkg@1.0#x", "v1.0^{}"]);
    let sections = "[clone]\nrecipe = slapos.recipe.build:gitclone\nrepository = ../srv/foo\nbranch = pkg@1.0#x\n\
        ignore-cloning-submodules = true\n";
    scene.project("app", "clone", sections);
    // Whatever git makes of new repositories here.
    scene.set("GIT_DEFAULT_HASH", "sha256");
    scene.hardtack("fetch app").ok();
    scene.hardtack("fetch app --offline").ok().says(&["0 downloaded"]);
    scene.hardtack("check app").ok().says(&["0 warnings"]);
    std::fs::remove_dir_all(scene.path("srv")).expect("removes");
    scene.hardtack("install app").ok();
    assert_eq!(output_of(&scene.path("app/parts/clone/prog")), "foo 1\n");
}
