//! Which files are the project's.
//!
//! In git, what git tracks and what it neither tracks nor ignores; else the whole tree. Never what hardtack and buildout
//! make themselves, and never what looks like a key or a credential.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use walkdir::WalkDir;

use super::error::Error;
use super::git::{Commit, Git};
use super::layout::is_reserved;
use super::look::{Look, look_inside};
use super::products::{Products, ProjectFilter};

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

impl ProjectFiles {
    /// Lists the files below `root`.
    ///
    /// # Errors
    /// Files that cannot be packed: git-lfs pointers, links that leave the project, devices, names that are no UTF-8
    /// or reserved.
    pub fn list(root: &Utf8Path, filter: &ProjectFilter) -> Result<Self, Error> {
        let mut found = Self::default();
        let products = Products::new(root, filter)?;
        match Git::find(root)? {
            Some(git) => found.list_git(&git, root, &products)?,
            None => {
                for name in tree(root)? {
                    found.add_unless_product(root, &name, &products)?;
                }
                // Nobody meant them to be part of it.
                found.products.clear();
            }
        }
        for kept in &filter.kept {
            let Some(below) = RelPath::below(root, kept) else { continue };
            // With a lock that is not committed yet others get the same sources, and so the same bundle.
            found.changed.retain(|changed| changed != below.as_str());
            if kept.is_file() && !found.files.iter().any(|file| file.path == below) {
                found.add(root, below, &products)?;
            }
        }
        found.check_links(root)?;
        found.files.sort_by(|a, b| a.path.cmp(&b.path));
        found.files.dedup_by(|a, b| a.path == b.path);
        found.changed.sort();
        Ok(found)
    }

    fn list_git(&mut self, git: &Git, root: &Utf8Path, products: &Products<'_>) -> Result<(), Error> {
        self.commit = git.commit()?;
        let untracked = git.untracked(root)?;
        // `status` names files from the repository's top, the rest here from the project's root.
        let prefix = root.strip_prefix(git.top()).unwrap_or(Utf8Path::new(""));
        let changed = git.changed(root)?;
        let below = changed.iter().filter_map(|name| Utf8Path::new(name).strip_prefix(prefix).ok());
        self.changed = below.map(|name| name.to_string()).collect();
        self.changed.extend(untracked.iter().cloned());
        self.changed.sort();
        self.changed.dedup();
        for name in git.tracked(root)? {
            self.check_checked_out(root, &name)?;
            self.add_unless_product(root, &name, products)?;
        }
        for name in untracked {
            // git lists a repository inside this one by its folder alone.
            if let Some(folder) = name.strip_suffix('/')
                && !RelPath::new(folder).is_ok_and(|path| products.contains(&path))
            {
                let reason = "it is a git repository of its own, whose files git does not list".to_owned();
                return Err(Error::Unpackable { path: root.join(folder), reason });
            }
            self.add_unless_product(root, name.trim_end_matches('/'), products)?;
        }
        Ok(())
    }

    /// What git tracks must be on disk, or its absence be one of the changes.
    fn check_checked_out(&self, root: &Utf8Path, name: &str) -> Result<(), Error> {
        let path = root.join(name);
        let unpackable = |reason: &str| Error::Unpackable { path: path.clone(), reason: reason.to_owned() };
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                Err(unpackable("the submodule is not checked out: git submodule update --init --recursive"))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let is_change = |changed: &String| *changed == name || Utf8Path::new(name).starts_with(changed);
                match self.changed.iter().any(is_change) {
                    true => Ok(()),
                    false => Err(unpackable("git tracks it and it is not checked out: git sparse-checkout disable")),
                }
            }
            _ => Ok(()),
        }
    }

    fn add_unless_product(&mut self, root: &Utf8Path, name: &str, products: &Products<'_>) -> Result<(), Error> {
        let unpackable = |reason: String| Error::Unpackable { path: root.join(name), reason };
        let path = RelPath::new(name).map_err(|error| unpackable(error.to_string()))?;
        if products.contains(&path) {
            self.changed.retain(|changed| changed.trim_end_matches('/') != name);
            self.products.push(path);
            return Ok(());
        }
        self.add(root, path, products)
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

    fn add(&mut self, root: &Utf8Path, path: RelPath, products: &Products<'_>) -> Result<(), Error> {
        let full = root.join(&path);
        let unpackable = |reason: String| Error::Unpackable { path: full.clone(), reason };
        let metadata = match fs::symlink_metadata(&full) {
            Ok(metadata) => metadata,
            // Removed but not yet committed; it is among the changed files.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).at("inspect", &full).map_err(Error::Io),
        };
        if is_reserved(&path) {
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
                Look::Bundle if !products.is_source(&path) => {
                    self.changed.retain(|changed| changed != path.as_str());
                    self.products.push(path);
                    return Ok(());
                }
                Look::Plain | Look::Bundle => FileKind::File { executable: metadata.permissions().mode() & 0o100 != 0 },
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
            ("out/b.tgz", ""),
            ("out/b.tgz.sha256", ""),
            ("app-notes.txt", ""),
            (".netrc", ""),
            ("deploy", key),
            ("late.pem", &format!("{}-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "#\n".repeat(9000))),
            ("docs/key.md", "how to make a -----BEGIN PRIVATE KEY-----"),
            ("notes/draft.txt", ""),
        ]);
        fs::create_dir_all(root.join("var/empty")).expect("makes it");
        let filter = ProjectFilter {
            folders: vec![root.join("parts")],
            output: Some(root.join("out/b.tgz")),
            exclude: vec!["notes/".into()],
            ..ProjectFilter::default()
        };
        let files = ProjectFiles::list(&root, &filter).expect("lists");
        assert_eq!(names(&files), ["app-notes.txt", "buildout.cfg", "docs/key.md", "src/a.c", "var/empty"]);
        assert_eq!(files.secrets.len(), 3);
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
}
