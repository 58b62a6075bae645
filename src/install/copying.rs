//! Folders of the project, and of other parts, that a part is built from: what of them counts, and copies of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use crate::base::{IoContext, RelPath, Sha256, create_dir_all, fingerprint_file};
use crate::recipes::Plan;

/// Folders of a version control system: what is built must not hang on them, and no bundle has them.
const HISTORY: [&str; 3] = [".git", ".hg", ".svn"];

/// Where the folders are that commands know by their paths at the destination.
pub(super) struct Places<'a> {
    pub(super) plan: &'a Plan,
    /// The destination, as commands know it.
    pub(super) root: &'a Utf8Path,
    /// The project's files.
    pub(super) files: &'a Utf8Path,
    /// The parts.
    pub(super) generation: &'a Utf8Path,
}

impl Places<'_> {
    /// Where a folder is.
    fn of(&self, folder: &Utf8Path) -> Utf8PathBuf {
        let Ok(below) = folder.strip_prefix(self.root) else { return folder.to_owned() };
        if self.plan.is_in_part(folder, self.root) { self.generation.join(below) } else { self.files.join(below) }
    }

    /// Whether it is something of the project that could change under the hands of its author.
    pub(super) fn is_of_project(&self, folder: &Utf8Path) -> bool {
        folder.starts_with(self.root) && !self.plan.is_in_part(folder, self.root)
    }

    /// Whether an entry is none of the sources, wherever they are: hardtack's own, another part's, history.
    fn is_left_out(&self, entry: &Utf8Path) -> bool {
        HISTORY.iter().any(|name| entry.file_name() == Some(name))
            || self.plan.parts.iter().any(|part| part.location_in(self.root) == entry)
            || [".hardtack", "download-cache", "extends-cache"].iter().any(|own| self.root.join(own) == entry)
    }

    /// Calls `each` for all that counts in a folder, with its path below it and where it is; folders before what they hold.
    fn walk(
        &self,
        folder: &Utf8Path,
        each: &mut dyn FnMut(&Utf8Path, &Utf8Path, fs::FileType) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let place = self.of(folder);
        let entries = walkdir::WalkDir::new(&place).min_depth(1).sort_by_file_name().into_iter();
        let below = |path: &Path| Utf8Path::from_path(path)?.strip_prefix(&place).ok().map(Utf8Path::to_owned);
        let counts =
            |entry: &walkdir::DirEntry| below(entry.path()).is_none_or(|path| !self.is_left_out(&folder.join(path)));
        for entry in entries.filter_entry(counts) {
            let entry = entry.map_err(std::io::Error::from).at("read folder", &place)?;
            let not_utf8 = || std::io::Error::other(format!("name is not UTF-8: {}", entry.path().display()));
            let path = below(entry.path()).ok_or_else(not_utf8).at("read folder", &place)?;
            each(&path, &place.join(&path), entry.file_type())?;
        }
        Ok(())
    }

    /// Copies what counts of a folder into another one, with permissions and links.
    pub(super) fn copy(&self, folder: &Utf8Path, to: &Utf8Path) -> Result<usize, Error> {
        let mut copied = 0;
        create_dir_all(to)?;
        self.walk(folder, &mut |path, from, kind| {
            let target = to.join(path);
            if kind.is_dir() {
                create_dir_all(&target)?;
            } else if kind.is_symlink() {
                let link = fs::read_link(from).at("read link", from)?;
                symlink(link, &target).at("make link", &target)?;
            } else if kind.is_file() {
                fs::copy(from, &target).at("copy", from)?;
                let mode = target.metadata().at("inspect", &target)?.permissions().mode() & 0o777;
                fs::set_permissions(&target, fs::Permissions::from_mode(mode)).at("set the mode of", &target)?;
                copied += 1;
            } else {
                let error = std::io::Error::other("it is neither a file nor a folder nor a link");
                return Err(error).at("copy", from).map_err(Error::from);
            }
            Ok(())
        })?;
        Ok(copied)
    }

    /// The digest of all that counts in a folder: names, permissions that programs see, contents and targets.
    pub(super) fn digest(&self, folder: &Utf8Path) -> Result<Sha256, Error> {
        let mut lines = String::new();
        self.walk(folder, &mut |path, from, kind| {
            let what = if kind.is_symlink() {
                format!("-> {}", fs::read_link(from).at("read link", from)?.display())
            } else if kind.is_file() {
                let mode = from.metadata().at("inspect", from)?.permissions().mode();
                format!("{} {}", if mode & 0o100 == 0 { "-" } else { "x" }, fingerprint_file(from)?.sha256)
            } else {
                "folder".to_owned()
            };
            lines += &format!("{path}\0{what}\n");
            Ok(())
        })?;
        Ok(Sha256::of(lines))
    }
}

/// Removes from a folder what one of the patterns matches, in which `*` matches slashes too.
///
/// # Errors
/// When something cannot be removed; a pattern that is none matches nothing but itself.
pub(super) fn exclude(folder: &Utf8Path, patterns: &[String]) -> Result<usize, Error> {
    let globs = patterns.iter().map(|pattern| {
        let glob = globset::GlobBuilder::new(pattern).literal_separator(false).build();
        glob.or_else(|_| globset::Glob::new(&globset::escape(pattern))).map(|glob| glob.compile_matcher())
    });
    let globs: Vec<_> = globs.flatten().collect();
    let mut removed = 0;
    for entry in walkdir::WalkDir::new(folder).contents_first(true).min_depth(1) {
        let entry = entry.map_err(std::io::Error::from).at("read folder", folder)?;
        let Some(path) = Utf8Path::from_path(entry.path()) else { continue };
        let below = RelPath::below(folder, path).map(|path| path.to_string()).unwrap_or_default();
        let is_dir = entry.file_type().is_dir();
        // A folder is named with a slash at its end, and goes when nothing in it stays.
        let name = if is_dir { format!("{below}/") } else { below };
        if globs.iter().any(|glob| glob.is_match(&name)) {
            let gone = if is_dir { fs::remove_dir(path) } else { fs::remove_file(path) };
            match gone {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {}
                Err(error) => return Err(error).at("remove", path).map_err(Error::from),
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::Project;

    #[test]
    fn of_a_projects_own_folder_its_sources_are_copied_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(folder.path()).expect("UTF-8").join("p");
        for file in [
            "src/main.c",
            "Makefile",
            ".git/HEAD",
            "parts/own/x",
            "parts/other/lib",
            ".hardtack/state.json",
            "a/.git/x",
        ] {
            create_dir_all(root.join(file).parent().expect("a parent")).expect("makes");
            fs::write(root.join(file), file).expect("writes");
        }
        std::os::unix::fs::symlink("src/main.c", root.join("link")).expect("links");
        let parts = vec![
            crate::install::schedule::tests::part("own", &[]),
            crate::install::schedule::tests::part("other", &[]),
        ];
        let project = Project { root: root.clone(), directory: root.clone() };
        let plan = Plan { project, parts, notes: Vec::new() };
        let places = Places { plan: &plan, root: &root, files: &root, generation: &root };
        let to = root.with_file_name("to");
        assert_eq!(places.copy(&root, &to).expect("copies"), 2);
        assert_eq!(fs::read_link(to.join("link")).expect("a link"), std::path::Path::new("src/main.c"));
        assert!(to.join("a").is_dir() && to.join("parts").is_dir() && !to.join("parts/own").exists());
        let before = places.digest(&root).expect("reads");
        fs::write(root.join("parts/other/lib"), "other").expect("writes");
        assert_eq!(places.digest(&root).expect("reads"), before);
        fs::write(root.join("src/main.c"), "other").expect("writes");
        assert_ne!(places.digest(&root).expect("reads"), before);
        assert!(!places.is_of_project(&root.join("parts/other/x")) && places.is_of_project(&root.join("src")));
    }

    #[test]
    fn what_patterns_match_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(folder.path()).expect("UTF-8");
        for file in ["p-1/doc/a.txt", "p-1/doc/deep/b.txt", "p-1/src/c.c", "p-1/[x]"] {
            create_dir_all(root.join(file).parent().expect("a parent")).expect("makes");
            fs::write(root.join(file), file).expect("writes");
        }
        let patterns = ["*/doc/*", "p-1/[x]", "nothing["].map(str::to_owned);
        assert_eq!(exclude(root, &patterns).expect("removes"), 4);
        assert!(root.join("p-1/src/c.c").exists() && !root.join("p-1/doc").exists());
    }
}
