//! Which files are the project's.
//!
//! In git, what git tracks; else the whole tree. Never what hardtack and buildout make themselves, and never what
//! looks like a key or a credential.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use walkdir::WalkDir;

use super::error::Error;
use super::git::{Commit, Git};
use super::layout::reserved;
use crate::base::{IoContext, RelPath, link_stays_below};

/// One file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its path below the project root.
    pub path: RelPath,
    /// What it is.
    pub kind: FileKind,
}

/// What a project file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    File {
        /// Its owner may execute it.
        executable: bool,
    },
    /// A symbolic link with its target.
    Symlink(String),
    /// A folder with nothing in it.
    EmptyFolder,
}

impl ProjectFile {
    /// Path and target of a link.
    fn link(&self) -> Option<(&[u8], &str)> {
        match &self.kind {
            FileKind::Symlink(target) => Some((self.path.as_str().as_bytes(), target)),
            FileKind::File { .. } | FileKind::EmptyFolder => None,
        }
    }
}

/// All files of a project, and what was left out.
#[derive(Debug, Default)]
pub struct ProjectFiles {
    /// The files, sorted by path.
    pub files: Vec<ProjectFile>,
    /// Files that look like keys or credentials and stay out.
    pub secrets: Vec<RelPath>,
    /// Files that git tracks although hardtack or buildout writes them; they stay out.
    pub products: Vec<RelPath>,
    /// The commit the project is at.
    pub commit: Option<Commit>,
    /// Files that differ from it.
    pub changed: Vec<String>,
}

/// What stays out of a bundle.
#[derive(Debug, Clone, Default)]
pub struct ProjectFilter {
    /// Folders that buildout and hardtack write: parts, bin, eggs, caches.
    pub folders: Vec<Utf8PathBuf>,
    /// Name of the release: its older bundles stay out.
    pub name: String,
    /// gitignore patterns.
    pub exclude: Vec<String>,
    /// Files that are packed even if git does not know them, such as the lock.
    pub always: Vec<Utf8PathBuf>,
}

/// The project root of a config in `directory` that reads the config files `configs` and uses the local `sources`: the
/// nearest folder above them all, the git repository's top at most. Where there is no repository, sources do not widen
/// the project: they may be anywhere on the machine.
///
/// # Errors
/// When git cannot be asked.
pub fn find_root(directory: &Utf8Path, configs: &[Utf8PathBuf], sources: &[Utf8PathBuf]) -> Result<Utf8PathBuf, Error> {
    let limit = Git::find(directory)?.map(|git| git.top().to_owned());
    let sources = sources.iter().filter(|_| limit.is_some());
    let mut root = directory.to_owned();
    for file in configs.iter().chain(sources) {
        let inside_limit = limit.as_deref().is_none_or(|limit| file.starts_with(limit));
        if inside_limit && let Some(common) = root.ancestors().find(|above| file.starts_with(above)) {
            // Two paths always have `/` in common; that is no project.
            if common.parent().is_some() {
                root = common.to_owned();
            }
        }
    }
    Ok(root)
}

impl ProjectFiles {
    /// Lists the files below `root`.
    ///
    /// # Errors
    /// Files that cannot be packed: git-lfs pointers, links that leave the project, devices, names that are no UTF-8
    /// or reserved.
    pub fn list(root: &Utf8Path, filter: &ProjectFilter) -> Result<Self, Error> {
        let mut found = Self::default();
        let git = Git::find(root)?;
        let names = match &git {
            Some(git) => {
                found.commit = git.commit()?;
                let mut names = git.tracked(root)?;
                let untracked = git.untracked(root)?;
                // `status` names files from the repository's top, the rest here from the project's root.
                let prefix = root.strip_prefix(git.top()).unwrap_or(Utf8Path::new(""));
                let changed = git.changed(root)?;
                let below = changed.iter().filter_map(|name| Utf8Path::new(name).strip_prefix(prefix).ok());
                found.changed = below.map(|name| name.to_string()).collect();
                found.changed.extend(untracked.iter().cloned());
                names.extend(untracked);
                names
            }
            None => tree(root)?,
        };
        let products = Products::new(root, filter)?;
        for name in names {
            let unpackable = |reason: &str| Error::Unpackable { path: root.join(&name), reason: reason.to_owned() };
            let path = RelPath::new(&*name).map_err(|error| unpackable(&error.to_string()))?;
            if products.contains(&path) {
                found.changed.retain(|changed| *changed != name);
                if git.is_some() {
                    found.products.push(path);
                }
                continue;
            }
            if filter.always.contains(&root.join(&path)) {
                found.changed.retain(|changed| *changed != name);
            }
            found.add(root, path)?;
        }
        for path in &filter.always {
            let Some(below) = RelPath::below(root, path) else { continue };
            if path.is_file() && !found.files.iter().any(|file| file.path == below) {
                found.add(root, below)?;
            }
        }
        found.check_links(root)?;
        found.files.sort_by(|a, b| a.path.cmp(&b.path));
        found.files.dedup_by(|a, b| a.path == b.path);
        found.changed.sort();
        Ok(found)
    }

    fn check_links(&self, root: &Utf8Path) -> Result<(), Error> {
        let links: BTreeMap<&[u8], &str> = self.files.iter().filter_map(ProjectFile::link).collect();
        let target = |path: &[u8]| links.get(path).map(|target| target.as_bytes().to_vec());
        for file in &self.files {
            if let FileKind::Symlink(to) = &file.kind
                && !link_stays_below(file.path.as_str().as_bytes(), &target)
            {
                let reason = format!("the link leads out of the project, to `{to}`");
                return Err(Error::Unpackable { path: root.join(&file.path), reason });
            }
        }
        Ok(())
    }

    fn add(&mut self, root: &Utf8Path, path: RelPath) -> Result<(), Error> {
        let full = root.join(&path);
        let unpackable = |reason: String| Error::Unpackable { path: full.clone(), reason };
        let metadata = match fs::symlink_metadata(&full) {
            Ok(metadata) => metadata,
            // Removed but not yet committed; it is among the changed files.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).at("inspect", &full).map_err(Error::Io),
        };
        if reserved(&path) {
            return Err(Error::Reserved { path: full });
        }
        let kind = if metadata.is_symlink() {
            let target = fs::read_link(&full).at("read link", &full)?;
            let target = target.to_str().ok_or_else(|| unpackable("its target is not UTF-8".to_owned()))?.to_owned();
            FileKind::Symlink(target)
        } else if metadata.is_dir() {
            FileKind::EmptyFolder
        } else if metadata.is_file() {
            match look_inside(&full, &path)? {
                Look::Secret => {
                    self.secrets.push(path);
                    return Ok(());
                }
                Look::LfsPointer => return Err(Error::LfsPointer { path: full }),
                Look::Plain => FileKind::File { executable: metadata.permissions().mode() & 0o100 != 0 },
            }
        } else {
            return Err(unpackable("it is neither a file, a folder nor a link".to_owned()));
        };
        self.files.push(ProjectFile { path, kind });
        Ok(())
    }
}

/// All files, links and empty folders of a tree that is not in git.
fn tree(root: &Utf8Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in WalkDir::new(root).min_depth(1) {
        let entry = entry.map_err(std::io::Error::from).at("read folder", root)?;
        let path = Utf8Path::from_path(entry.path()).ok_or_else(|| Error::Unpackable {
            path: Utf8PathBuf::from(entry.path().to_string_lossy().into_owned()),
            reason: "its name is not UTF-8".to_owned(),
        })?;
        let folder = entry.file_type().is_dir();
        if !folder || fs::read_dir(path).at("read folder", path)?.next().is_none() {
            names.push(path.strip_prefix(root).unwrap_or(path).to_string());
        }
    }
    Ok(names)
}

/// What hardtack and buildout write themselves, and what the config excludes.
struct Products<'a> {
    folders: Vec<RelPath>,
    filter: &'a ProjectFilter,
    exclude: Gitignore,
}

impl<'a> Products<'a> {
    fn new(root: &Utf8Path, filter: &'a ProjectFilter) -> Result<Self, Error> {
        let folders = filter.folders.iter().filter_map(|folder| RelPath::below(root, folder)).collect();
        let mut exclude = GitignoreBuilder::new(root);
        for pattern in &filter.exclude {
            exclude.add_line(None, pattern).map_err(|error| bad_pattern(&error))?;
        }
        let exclude = exclude.build().map_err(|error| bad_pattern(&error))?;
        Ok(Self { folders, filter, exclude })
    }

    fn contains(&self, path: &RelPath) -> bool {
        let utf8: &Utf8Path = path.as_ref();
        let in_folder = self.folders.iter().any(|folder| utf8.starts_with(folder.as_str()));
        let own = utf8.components().any(|name| matches!(name.as_str(), ".hardtack" | ".git"));
        let name = utf8.file_name().unwrap_or_default();
        in_folder
            || own
            || matches!(name, ".installed.cfg" | ".mr.developer.cfg")
            || self.is_bundle(path)
            || self.exclude.matched_path_or_any_parents(utf8.as_std_path(), false).is_ignore()
    }

    /// A bundle of this release, or what lies beside one, at the project's top.
    fn is_bundle(&self, path: &RelPath) -> bool {
        let Some(rest) = path.as_str().strip_prefix(&format!("{}-", self.filter.name)) else { return false };
        let archives = [".tar.gz", ".tar.zst", ".tar", ".run"];
        let stem = ["", ".sha256", ".minisig", ".receipt.json"].iter().find_map(|end| {
            let stem = rest.strip_suffix(end)?;
            archives.iter().any(|archive| stem.ends_with(archive)).then_some(stem)
        });
        !self.filter.name.is_empty() && !rest.contains('/') && stem.is_some()
    }
}

fn bad_pattern(error: &ignore::Error) -> Error {
    Error::Setting { option: "exclude".to_owned(), reason: error.to_string(), place: None }
}

enum Look {
    Plain,
    Secret,
    LfsPointer,
}

/// Names under which programs keep credentials.
const SECRET_NAMES: [&str; 12] = [
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    ".env",
    ".htpasswd",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".pgpass",
];
/// Endings of key stores, which hold private keys and little else.
const SECRET_ENDINGS: [&str; 5] = ["p12", "pfx", "jks", "keystore", "kdbx"];

fn look_inside(full: &Utf8Path, path: &RelPath) -> Result<Look, Error> {
    let path: &Utf8Path = path.as_ref();
    if SECRET_NAMES.contains(&path.file_name().unwrap_or_default())
        || path.extension().is_some_and(|ending| SECRET_ENDINGS.contains(&ending))
    {
        return Ok(Look::Secret);
    }
    let mut head = Vec::new();
    fs::File::open(full).and_then(|file| file.take(4096).read_to_end(&mut head)).at("read", full)?;
    let starts = |text: &str| head.starts_with(text.as_bytes());
    if starts("version https://git-lfs.") {
        return Ok(Look::LfsPointer);
    }
    // PEM keys of all kinds, OpenSSH's and minisign's.
    let text = String::from_utf8_lossy(&head);
    let private = text.lines().take(40).any(|line| {
        line.starts_with("-----BEGIN ") && line.ends_with("PRIVATE KEY-----")
            || line.starts_with("untrusted comment:") && line.contains("secret key")
    });
    Ok(if private { Look::Secret } else { Look::Plain })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().join("p")).expect("UTF-8");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("makes it");
            fs::write(path, text).expect("writes");
        }
        (folder, root)
    }

    fn names(files: &ProjectFiles) -> Vec<&str> {
        files.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn a_plain_tree_is_packed_without_products_and_secrets() {
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n";
        let (_folder, root) = scene(&[
            ("buildout.cfg", ""),
            ("src/a.c", ""),
            ("parts/x/y", ""),
            ("sub/.installed.cfg", ""),
            ("app-1.0.tar.gz", ""),
            ("app-1.0.tar.gz.sha256", ""),
            ("app-notes.txt", ""),
            (".netrc", ""),
            ("deploy", key),
            ("docs/key.md", "how to make a -----BEGIN PRIVATE KEY-----"),
            ("notes/draft.txt", ""),
        ]);
        fs::create_dir_all(root.join("var/empty")).expect("makes it");
        let filter = ProjectFilter {
            folders: vec![root.join("parts")],
            name: "app".into(),
            exclude: vec!["notes/".into()],
            always: Vec::new(),
        };
        let files = ProjectFiles::list(&root, &filter).expect("lists");
        assert_eq!(names(&files), ["app-notes.txt", "buildout.cfg", "docs/key.md", "src/a.c", "var/empty"]);
        assert_eq!(files.secrets.len(), 2);
        assert!(files.commit.is_none() && files.changed.is_empty());
    }

    #[test]
    fn what_cannot_be_packed_is_refused_by_name() {
        let pointer = "version https://git-lfs.example/spec/v1\noid sha256:0\n";
        for (file, text) in [("install", ""), ("download-cache/x", ""), (".hardtackx/ok", ""), ("big.bin", pointer)] {
            let (_folder, root) = scene(&[(file, text)]);
            let listed = ProjectFiles::list(&root, &ProjectFilter::default());
            assert_eq!(listed.is_ok(), file.starts_with(".hardtackx"), "{file}");
        }
        let (_folder, root) = scene(&[("a", "")]);
        std::os::unix::fs::symlink("../../etc", root.join("link")).expect("links");
        let error = ProjectFiles::list(&root, &ProjectFilter::default()).expect_err("leaves");
        assert!(error.to_string().ends_with("the link leads out of the project, to `../../etc`"), "{error}");
    }

    #[test]
    fn the_root_is_the_nearest_folder_above_all_files() {
        let root = |configs: &[&str], sources: &[&str]| {
            let paths = |list: &[&str]| list.iter().map(Utf8PathBuf::from).collect::<Vec<_>>();
            find_root("/w/p/a".into(), &paths(configs), &paths(sources)).expect("finds")
        };
        assert_eq!(root(&["/w/p/a/buildout.cfg", "/w/p/zlib/buildout.cfg"], &[]), "/w/p");
        assert_eq!(root(&["/etc/x.cfg"], &[]), "/w/p/a");
        assert_eq!(root(&[], &["/w/p/x.patch"]), "/w/p/a");
    }
}
