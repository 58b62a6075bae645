//! Packing a commit's tree, and those of its submodules, entry by entry.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::super::attempts::Attempts;
use super::super::error::Error;
use super::objects::{Objects, TreeEntry};
use super::repository::Clone;
use crate::archive::{CommitObject, GitTarWriter, Limits};
use crate::base::{Checkout, ObjectId, Repository};

/// Submodules in submodules.
const DEEPEST: usize = 10;
/// Submodules in all.
const MOST: usize = 1000;
/// Folders in folders, of a repository alone; more than an archive may have.
const DEEPEST_FOLDER: usize = 256;

/// A tar that is being written.
pub(super) struct Pack<'p, W> {
    attempts: &'p Attempts<'p>,
    checkout: &'p Checkout<'p>,
    /// Each submodule gets a folder of its own in it.
    work: &'p Utf8Path,
    /// What was fetched already: the repository of a commit, and its folder.
    fetched: HashMap<(String, ObjectId), (Repository, Utf8PathBuf)>,
    submodules: usize,
    depth: usize,
    tar: GitTarWriter<W>,
}

/// A repository that is being packed.
struct From<'f> {
    /// As it is called, wherever it was had from.
    own: &'f Repository,
    /// What its `.gitmodules` says, by path.
    submodules: BTreeMap<String, Submodule>,
    /// The folder it goes to.
    prefix: &'f str,
}

/// Where a submodule comes from.
struct Submodule {
    url: String,
    /// Git is told to leave it alone.
    none: bool,
}

impl<'p, W: Write> Pack<'p, W> {
    pub(super) fn new(
        attempts: &'p Attempts<'p>,
        checkout: &'p Checkout<'p>,
        work: &'p Utf8Path,
        tar: GitTarWriter<W>,
    ) -> Self {
        Self { attempts, checkout, work, fetched: HashMap::new(), submodules: 0, depth: 0, tar }
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        let url = self.checkout.place.public();
        self.tar.finish().map_err(|source| Error::Store { url, source })
    }

    /// Packs a commit's files below `prefix`, the folder of its repository.
    pub(super) fn repository(
        &mut self,
        own: &Repository,
        clone: &Clone<'_>,
        objects: &mut Objects,
        (id, commit): (&ObjectId, &CommitObject),
        prefix: &str,
    ) -> Result<(), Error> {
        let submodules = if self.checkout.source.submodules { declared(clone, id)? } else { BTreeMap::new() };
        self.folder(&From { own, submodules, prefix }, objects, &commit.tree(), "", 0)
    }

    /// Packs a tree's entries; `path` is that of the tree in its repository, with a slash at its end.
    fn folder(
        &mut self,
        from: &From<'_>,
        objects: &mut Objects,
        tree: &ObjectId,
        path: &str,
        depth: usize,
    ) -> Result<(), Error> {
        let url = from.own.public();
        let odd = |reason: String| Error::Commit { url: url.clone(), reason };
        let stored = |source| Error::Store { url: url.clone(), source };
        if depth == DEEPEST_FOLDER {
            return Err(odd(format!("`{path}` is in {DEEPEST_FOLDER} folders")));
        }
        for TreeEntry { mode, name, id } in objects.tree(tree)? {
            let name = checked(&name).map_err(|shown| odd(format!("it has a file named `{path}{shown}`")))?;
            let path = format!("{path}{name}");
            let full = if from.prefix.is_empty() { path.clone() } else { format!("{}/{path}", from.prefix) };
            match mode.as_str() {
                "40000" => {
                    self.tar.tree(&full).map_err(stored)?;
                    self.folder(from, objects, &id, &format!("{path}/"), depth + 1)?;
                }
                "120000" => {
                    let target = objects.small(&id, "blob", Limits::LINK_TARGET)?;
                    let target = String::from_utf8(target);
                    let target = target.map_err(|_| odd(format!("link `{path}` leads to a name that is no UTF-8")))?;
                    self.tar.symlink(&full, &target).map_err(stored)?;
                }
                "160000" => self.link(from, &id, &path, &full)?,
                file if file.len() == 6 && file.starts_with("100") => {
                    let mode =
                        u32::from_str_radix(&file[3..], 8).map_err(|_| odd(format!("`{path}` has mode {file}")))?;
                    let tar = &mut self.tar;
                    objects.blob(&id, |size, content| tar.file(&full, mode, size, content))?;
                }
                other => return Err(odd(format!("`{path}` has mode {other}, which no git of today writes"))),
            }
        }
        Ok(())
    }

    /// Packs what stands for a submodule, or all of it.
    fn link(&mut self, from: &From<'_>, id: &ObjectId, path: &str, full: &str) -> Result<(), Error> {
        let url = from.own.public();
        let stored = |source| Error::Store { url: url.clone(), source };
        if !self.checkout.source.submodules {
            return self.tar.left_out(full, id).map_err(stored);
        }
        match from.submodules.get(path) {
            Some(submodule) if submodule.none => self.tar.left_alone(full, id).map_err(stored),
            Some(submodule) => {
                let packed = self.submodule(from.own, &submodule.url, id, full);
                packed.map_err(|error| Error::Submodule { path: full.to_owned(), error: Box::new(error) })
            }
            None => Err(Error::Undeclared { url, path: full.to_owned() }),
        }
    }

    /// Fetches a submodule's commit, unless it was fetched, and packs it.
    fn submodule(&mut self, parent: &Repository, url: &str, id: &ObjectId, path: &str) -> Result<(), Error> {
        let odd = |reason: String| Error::Commit { url: parent.public(), reason };
        self.submodules += 1;
        if self.depth == DEEPEST {
            return Err(odd(format!("it is in {DEEPEST} others")));
        }
        if self.submodules > MOST {
            return Err(odd(format!("there are more than {MOST} submodules")));
        }
        let own = parent.join(url).map_err(|problem| odd(problem.to_string()))?;
        let key = (own.secret(), *id);
        let (place, folder) = match self.fetched.get(&key) {
            Some(known) => known.clone(),
            None => {
                let found = self.fetch(&own, id)?;
                self.fetched.entry(key).or_insert(found).clone()
            }
        };
        let clone = Clone::new(self.attempts, &place, folder);
        let mut objects = clone.objects()?;
        let commit = objects.commit(id)?;
        self.tar.submodule(path, &commit).map_err(|source| Error::Store { url: own.public(), source })?;
        self.depth += 1;
        self.repository(&own, &clone, &mut objects, (id, &commit), path)?;
        self.depth -= 1;
        Ok(())
    }

    /// Fetches a commit from the first place that has it.
    fn fetch(&self, own: &Repository, id: &ObjectId) -> Result<(Repository, Utf8PathBuf), Error> {
        let mut first = None;
        for (number, place) in (self.checkout.places)(own).into_iter().enumerate() {
            let folder = self.work.join(format!("{}-{number}", self.submodules));
            match Clone::new(self.attempts, &place, folder.clone()).fetch(id) {
                Ok(()) => return Ok((place, folder)),
                Err(error @ (Error::Store { .. } | Error::NoGit { .. })) => return Err(error),
                Err(error) => first = first.or(Some(error)),
            }
        }
        let nowhere = || Error::Commit { url: own.public(), reason: "it is nowhere to be had".to_owned() };
        Err(first.unwrap_or_else(nowhere))
    }
}

/// A name that can be packed; else the name as it may be shown. Git itself makes no tree with names of its own.
fn checked(name: &[u8]) -> Result<&str, String> {
    let bad = |name: &str| matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git");
    match std::str::from_utf8(name) {
        Ok(text) if !bad(text) && !text.contains('/') && !text.contains(char::is_control) => Ok(text),
        _ => Err(String::from_utf8_lossy(name).escape_debug().to_string()),
    }
}

/// What a commit's `.gitmodules` says, by path.
fn declared(clone: &Clone<'_>, id: &ObjectId) -> Result<BTreeMap<String, Submodule>, Error> {
    let mut command = clone.git().inside(clone.folder());
    command.args(["config", "--blob", &format!("{id}:.gitmodules"), "-z"]);
    command.args(["--get-regexp", r"^submodule\..*\.(path|url|update)$"]);
    let output = match clone.git().run(command, None) {
        Ok(output) => String::from_utf8_lossy(&output).into_owned(),
        Err(Error::Git { url, reason, .. }) if reason.contains("bad config") => {
            return Err(Error::Commit { url, reason: format!("`.gitmodules`: {reason}") });
        }
        // There is none, or nothing in it.
        Err(Error::Git { .. }) => String::new(),
        Err(error) => return Err(error),
    };
    let mut found: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for entry in output.split('\0').filter(|entry| !entry.is_empty()) {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
        let Some((name, what)) = key.rsplit_once('.') else { continue };
        found.entry(name).or_default().insert(what, value);
    }
    let of = |options: &BTreeMap<&str, &str>| {
        let url = (*options.get("url")?).to_owned();
        let none = options.get("update").is_some_and(|update| *update == "none");
        Some(((*options.get("path")?).trim_end_matches('/').to_owned(), Submodule { url, none }))
    };
    Ok(found.values().filter_map(of).collect())
}
