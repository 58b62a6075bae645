//! Checking the tar of a commit: what git would call its files is computed again, up to the commit's own name.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use camino::{Utf8Path, Utf8PathBuf};

use super::super::error::Refusal;
use super::super::read::{Entry, EntryKind, Limits, Stop, TarReader, show};
use super::{CommitObject, LEFT_ALONE, LEFT_OUT};
use crate::base::{ObjectFormat, ObjectHasher, ObjectId, PathError, open_file};

/// What the tar of a commit was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitTree {
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// The commit has submodules that are not to be left alone.
    pub has_submodules: bool,
    /// Their files are not there.
    pub left_out: bool,
}

/// Why a file is not the tar of a commit.
#[derive(Debug, thiserror::Error)]
pub enum GitTreeError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] PathError),
    /// No sound tar.
    #[error("`{path}` is no tar of a commit: {refusal}")]
    Refused {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        refusal: Refusal,
    },
    /// A tar of something else, or of a commit's files that were changed.
    #[error("`{path}` is not what git names: {reason}")]
    Other {
        /// The file.
        path: Utf8PathBuf,
        /// What does not fit.
        reason: String,
    },
}

/// Computes the names of all objects in the tar of a commit.
///
/// # Errors
/// When they are not those that the commit, its tree and its submodules have.
pub fn check_git_tar(path: &Utf8Path) -> Result<GitTree, GitTreeError> {
    let mut stream = BufReader::with_capacity(128 * 1024, open_file(path)?);
    read(&mut stream).map_err(|problem| match problem {
        Problem::Stop(Stop::Refused(refusal)) => GitTreeError::Refused { path: path.to_owned(), refusal },
        Problem::Stop(Stop::Io(source)) => {
            GitTreeError::Io(PathError { action: "read", path: path.to_owned(), source })
        }
        Problem::Other(reason) => GitTreeError::Other { path: path.to_owned(), reason },
    })
}

enum Problem {
    Stop(Stop),
    Other(String),
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// What is at one path.
enum Node {
    /// A file or link: its mode and its name.
    Leaf(String, ObjectId),
    Folder(Folder),
}

#[derive(Default)]
struct Folder {
    children: BTreeMap<Vec<u8>, Node>,
    /// What the comment on it says, of a repository's folder.
    repository: Option<Vec<u8>>,
}

fn read(stream: &mut dyn Read) -> Result<GitTree, Problem> {
    let mut reader = TarReader::new(stream, Limits::default());
    let mut root = Folder::default();
    let mut format = ObjectFormat::Sha1;
    let (mut left_out, mut submodules) = (false, 0);
    while let Some(entry) = reader.next()? {
        let named = reader.global_comment().and_then(|comment| ObjectId::parse(std::str::from_utf8(comment).ok()?));
        let named = named.ok_or_else(|| Problem::Other("it names no commit".to_owned()))?;
        format = named.format();
        let comment = reader.comment().map(<[u8]>::to_vec);
        let starts = |what: &str| comment.as_ref().is_some_and(|comment| comment.starts_with(what.as_bytes()));
        submodules += usize::from(comment.is_some() && !starts(LEFT_ALONE));
        left_out |= starts(LEFT_OUT) && !starts(LEFT_ALONE);
        if entry.path.iter().filter(|byte| **byte == b'/').count() > Limits::default().depth {
            let limit = Limits::default().depth as u64;
            return Err(Stop::Refused(Refusal::Limit { what: "deeper folders", limit }).into());
        }
        let node = node(&entry, comment, format, &mut reader)?;
        root.put(&entry, node)?;
    }
    let named = reader.global_comment().and_then(|comment| std::str::from_utf8(comment).ok()).map(str::to_owned);
    let mut tops = root.children.into_values();
    let (Some(Node::Folder(top)), None) = (tops.next(), tops.next()) else {
        return Err(Problem::Other("it has not one top folder".to_owned()));
    };
    let Some(commit) = top.repository.as_deref().and_then(CommitObject::parse) else {
        return Err(Problem::Other("its top folder has no commit".to_owned()));
    };
    let tree = commit.tree();
    let commit = top.link(format, "the top folder")?;
    match named.as_deref() == Some(commit.to_string().as_str()) {
        // The top folder has a commit of its own.
        true => Ok(GitTree { commit, tree, has_submodules: submodules > 1, left_out }),
        false => Err(Problem::Other(format!("it is called {}, and is {commit}", named.unwrap_or_default()))),
    }
}

fn node(
    entry: &Entry,
    comment: Option<Vec<u8>>,
    format: ObjectFormat,
    content: &mut TarReader<'_>,
) -> Result<Node, Problem> {
    Ok(match &entry.kind {
        EntryKind::Folder => Node::Folder(Folder { children: BTreeMap::new(), repository: comment }),
        EntryKind::Symlink(target) => Node::Leaf("120000".to_owned(), format.id_of("blob", target)),
        EntryKind::File => {
            // Old repositories have all kinds of them.
            let mode = format!("100{:03o}", entry.mode & 0o777);
            let mut hasher = ObjectHasher::new(format, "blob", entry.size);
            let copied = io::copy(&mut content.take(entry.size), &mut hasher).map_err(Stop::Io)?;
            if copied != entry.size {
                return Err(Stop::Refused(Refusal::Truncated).into());
            }
            Node::Leaf(mode, hasher.finish())
        }
        EntryKind::HardLink(_) => {
            return Err(Problem::Other(format!("`{}` is a hard link", show(&entry.path))));
        }
    })
}

impl Folder {
    /// Puts what an entry is at its place, which must be in a folder that came before.
    fn put(&mut self, entry: &Entry, node: Node) -> Result<(), Problem> {
        let misplaced = || Problem::Other(format!("`{}` is in no folder, or there twice", show(&entry.path)));
        let mut names: Vec<&[u8]> = entry.path.split(|byte| *byte == b'/').collect();
        let last = names.pop().filter(|name| !name.is_empty()).ok_or_else(misplaced)?;
        let mut folder = self;
        for name in names {
            let Some(Node::Folder(next)) = folder.children.get_mut(name) else { return Err(misplaced()) };
            folder = next;
        }
        match folder.children.insert(last.to_vec(), node) {
            None => Ok(()),
            Some(_) => Err(misplaced()),
        }
    }

    /// The name of the commit that a repository's folder is of.
    fn link(self, format: ObjectFormat, path: &str) -> Result<ObjectId, Problem> {
        let content = self.repository.clone().unwrap_or_default();
        let absent = [LEFT_ALONE, LEFT_OUT].iter().find_map(|mark| content.strip_prefix(mark.as_bytes()));
        if let Some(id) = absent {
            let id = std::str::from_utf8(id).ok().and_then(ObjectId::parse).filter(|_| self.children.is_empty());
            return id.ok_or_else(|| Problem::Other(format!("{path} is no submodule that was left out")));
        }
        let wanted = CommitObject::parse(&content).map(|commit| commit.tree());
        let wanted = wanted.ok_or_else(|| Problem::Other(format!("{path} has no commit")))?;
        let tree = self.tree(format, path)?;
        match tree == wanted {
            true => Ok(format.id_of("commit", &content)),
            false => Err(Problem::Other(format!("{path} is tree {tree}, its commit has {wanted}"))),
        }
    }

    /// The name of the tree.
    fn tree(self, format: ObjectFormat, path: &str) -> Result<ObjectId, Problem> {
        let mut entries = Vec::new();
        for (name, node) in self.children {
            let below = || format!("{path}/{}", show(&name));
            let (mode, id) = match node {
                Node::Leaf(mode, id) => (mode, id),
                Node::Folder(folder) if folder.repository.is_some() => {
                    ("160000".to_owned(), folder.link(format, &below())?)
                }
                Node::Folder(folder) => ("40000".to_owned(), folder.tree(format, &below())?),
            };
            // Git sorts a folder as if its name ended in a slash.
            let mut key = name.clone();
            key.extend((mode == "40000").then_some(b'/'));
            entries.push((key, [mode.as_bytes(), b" ", &name, b"\0", id.as_bytes()].concat()));
        }
        entries.sort();
        let content: Vec<u8> = entries.into_iter().flat_map(|(_, bytes)| bytes).collect();
        Ok(format.id_of("tree", &content))
    }
}

#[cfg(test)]
mod tests {
    use super::super::GitTarWriter;
    use super::*;

    /// A commit of a file, a program in a folder, a link and a submodule, and the name it has.
    fn tar() -> (ObjectId, Vec<u8>) {
        let format = ObjectFormat::Sha1;
        let entry = |mode: &str, name: &str, id: &ObjectId| {
            [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_bytes()].concat()
        };
        let commit = |tree: &ObjectId| {
            let text = format!("tree {tree}\nauthor A <a> 1 +0000\ncommitter A <a> 1000000000 +0000\n\nwhy\n");
            (format.id_of("commit", text.as_bytes()), CommitObject::parse(text.as_bytes()).expect("a commit"))
        };
        let file = format.id_of("blob", b"text");
        let (sub_id, sub) = commit(&format.id_of("tree", &entry("100644", "f", &file)));
        let folder = format.id_of("tree", &entry("100755", "run", &file));
        let link = format.id_of("blob", b"d/run");
        let tree = [
            entry("100644", "d.c", &file),
            entry("40000", "d", &folder),
            entry("120000", "link", &link),
            entry("160000", "sub", &sub_id),
        ];
        let (id, top) = commit(&format.id_of("tree", &tree.concat()));
        let mut bytes = Vec::new();
        let mut tar = GitTarWriter::start(&mut bytes, "x-1", &id, &top).expect("writes");
        let mut file = |path: &str, mode| tar.file(path, mode, 4, &mut &b"text"[..]).expect("writes");
        file("d.c", 0o644);
        tar.tree("d").expect("writes");
        tar.file("d/run", 0o755, 4, &mut &b"text"[..]).expect("writes");
        tar.symlink("link", "d/run").expect("writes");
        tar.submodule("sub", &sub).expect("writes");
        tar.file("sub/f", 0o644, 4, &mut &b"text"[..]).expect("writes");
        tar.finish().expect("writes");
        (id, bytes)
    }

    #[test]
    fn the_commit_is_found_again() {
        let (id, bytes) = tar();
        let found = read(&mut bytes.as_slice()).unwrap_or_else(|_| panic!("checks"));
        assert_eq!(found.commit, id);
    }

    #[test]
    fn no_byte_makes_it_another_commit() {
        let (id, bytes) = tar();
        let mut unnoticed = 0;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            if let Ok(found) = read(&mut changed.as_slice()) {
                assert_eq!(found.commit, id, "byte {at}");
                unnoticed += 1;
            }
        }
        // Padding after files, which nobody reads, and nothing that has a checksum or a name.
        assert!(unnoticed > 0 && unnoticed < bytes.len() / 2, "{unnoticed} of {}", bytes.len());
    }

    #[test]
    fn what_is_added_moved_or_left_out_is_told() {
        let (_, bytes) = tar();
        let blocks: Vec<&[u8]> = bytes.chunks(512).collect();
        let at = |name: &[u8]| blocks.iter().position(|block| block.starts_with(name)).expect("an entry");
        let (file, run) = (at(b"x-1/d.c\0"), at(b"x-1/d/run\0"));
        for changed in [
            // A file less, a file twice, a file in no folder.
            [&blocks[..file], &blocks[file + 2..]].concat(),
            [&blocks[..file + 2], &blocks[file..]].concat(),
            [&blocks[..file], &blocks[run..run + 2], &blocks[file..]].concat(),
        ] {
            assert!(read(&mut changed.concat().as_slice()).is_err());
        }
    }
}
