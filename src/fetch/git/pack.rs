//! Packing a commit's tree, and those of its submodules, entry by entry.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};

use camino::Utf8Path;

use super::super::error::Error;
use super::super::fetcher::Fetcher;
use super::objects::Objects;
use super::repository::Clone;
use crate::archive::{CommitObject, GitTarWriter};
use crate::base::{Checkout, ObjectId, Repository};

/// Submodules in submodules.
const DEEPEST: usize = 10;
/// More than any link's target has, in bytes.
const LONGEST_TARGET: u64 = 4096;

/// A tar that is being written.
pub(super) struct Pack<'p, W> {
    fetcher: &'p Fetcher<'p>,
    checkout: &'p Checkout<'p>,
    /// Each submodule gets a folder of its own in it.
    work: &'p Utf8Path,
    clones: usize,
    depth: usize,
    tar: GitTarWriter<W>,
}

/// Where a submodule comes from.
struct Submodule {
    url: String,
    /// Git is told to leave it alone.
    none: bool,
}

impl<'p, W: Write> Pack<'p, W> {
    pub(super) fn new(
        fetcher: &'p Fetcher<'p>,
        checkout: &'p Checkout<'p>,
        work: &'p Utf8Path,
        tar: GitTarWriter<W>,
    ) -> Self {
        Self { fetcher, checkout, work, clones: 0, depth: 0, tar }
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        let url = self.checkout.source.repository.public();
        self.tar.finish().map_err(|source| Error::Store { url, source })
    }

    /// Packs a commit's files below `prefix`, the folder of its repository.
    pub(super) fn repository(
        &mut self,
        clone: &Clone<'_>,
        objects: &mut Objects,
        id: &ObjectId,
        prefix: &str,
    ) -> Result<(), Error> {
        let url = clone.git().url();
        let odd = |reason: String| Error::Commit { url: url.clone(), reason };
        let stored = |source| Error::Store { url: url.clone(), source };
        let mut command = clone.git().inside(clone.folder());
        command.args(["ls-tree", "-r", "-t", "-z", "--full-tree", id.as_str()]).stderr(std::process::Stdio::null());
        let mut listing = clone.git().start(command)?;
        let mut lines = BufReader::new(listing.stdout.take().ok_or_else(|| odd("git lists nothing".to_owned()))?);
        let mut submodules: Option<BTreeMap<String, Submodule>> = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            if lines.read_until(0, &mut line).map_err(stored)? == 0 {
                break;
            }
            line.pop();
            let (mode, entry, path) = parse(&line).map_err(odd)?;
            let full = if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
            match mode {
                "040000" => self.tar.tree(&full).map_err(stored)?,
                "120000" => {
                    let mut target = String::new();
                    objects.blob(&entry, |size, content| {
                        content.take(size.min(LONGEST_TARGET)).read_to_string(&mut target).map(drop)
                    })?;
                    self.tar.symlink(&full, &target).map_err(stored)?;
                }
                "160000" if !self.checkout.source.submodules => {
                    self.tar.left_out(&full, &entry).map_err(stored)?;
                }
                "160000" => {
                    if submodules.is_none() {
                        submodules = Some(declared(clone, id)?);
                    }
                    let declared = submodules.as_ref().and_then(|submodules| submodules.get(path));
                    match declared {
                        Some(submodule) if submodule.none => self.tar.left_out(&full, &entry).map_err(stored)?,
                        Some(submodule) => self.submodule(clone.repository(), &submodule.url, &entry, &full)?,
                        None => return Err(odd(format!("`.gitmodules` does not say where submodule `{full}` is"))),
                    }
                }
                mode => {
                    let mode = u32::from_str_radix(mode, 8).unwrap_or_default() & 0o777;
                    let tar = &mut self.tar;
                    objects.blob(&entry, |size, content| tar.file(&full, mode, size, content))?;
                }
            }
        }
        let status = listing.wait().map_err(stored)?;
        if status.success() { Ok(()) } else { Err(odd("git cannot list its files".to_owned())) }
    }

    /// Fetches a submodule's commit and packs it.
    fn submodule(&mut self, parent: &Repository, url: &str, id: &ObjectId, path: &str) -> Result<(), Error> {
        let odd = |reason: String| Error::Commit { url: parent.public(), reason };
        if self.depth == DEEPEST {
            return Err(odd(format!("submodule `{path}` is in {DEEPEST} others")));
        }
        let own = parent.join(url).map_err(|problem| odd(format!("submodule `{path}`: {problem}")))?;
        let mut first = None;
        for place in (self.checkout.places)(&own) {
            self.clones += 1;
            let mut clone = Clone::new(self.fetcher, &place, self.work.join(self.clones.to_string()));
            match clone.fetch(id) {
                Ok(()) => {
                    let mut objects = clone.objects()?;
                    let commit = objects.commit(id)?;
                    self.enter(path, &commit, &place)?;
                    self.depth += 1;
                    self.repository(&clone, &mut objects, id, path)?;
                    self.depth -= 1;
                    let _ = std::fs::remove_dir_all(clone.folder());
                    return Ok(());
                }
                Err(error @ (Error::Store { .. } | Error::NoGit { .. })) => return Err(error),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| odd(format!("submodule `{path}` is nowhere to be had"))))
    }

    fn enter(&mut self, path: &str, commit: &CommitObject, place: &Repository) -> Result<(), Error> {
        self.tar.submodule(path, commit).map_err(|source| Error::Store { url: place.public(), source })
    }
}

/// `MODE KIND ID<TAB>PATH`
fn parse(line: &[u8]) -> Result<(&str, ObjectId, &str), String> {
    let shown = || String::from_utf8_lossy(line).replace(char::is_control, "?");
    let line = std::str::from_utf8(line).map_err(|_| format!("`{}` has a name that is no UTF-8", shown()))?;
    let split = || {
        let (entry, path) = line.split_once('\t')?;
        let mut words = entry.split(' ');
        let (mode, _, id) = (words.next()?, words.next()?, ObjectId::parse(words.next()?)?);
        Some((mode, id, path))
    };
    let (mode, id, path) = split().ok_or_else(|| format!("git lists `{}`", shown()))?;
    // Git itself makes no such tree, and takes none.
    let bad = |name: &str| matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git");
    match path.split('/').any(bad) || path.contains(char::is_control) {
        true => Err(format!("it has a file named `{}`", shown())),
        false => Ok((mode, id, path)),
    }
}

/// What a commit's `.gitmodules` says, by path.
fn declared(clone: &Clone<'_>, id: &ObjectId) -> Result<BTreeMap<String, Submodule>, Error> {
    let mut command = clone.git().inside(clone.folder());
    command.args(["config", "--blob", &format!("{id}:.gitmodules"), "-z"]);
    command.args(["--get-regexp", r"^submodule\..*\.(path|url|update)$"]);
    let output = match clone.git().run(command, None) {
        Ok(output) => String::from_utf8_lossy(&output).into_owned(),
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
