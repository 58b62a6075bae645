//! A commit as a tar from which git's own names can be computed again, so that anybody can check it without git and
//! without a network.
//!
//! The archive has one top folder. Its global comment is the commit's name, as `git archive` writes it; the comment on
//! the folder of a repository, the top one and those of submodules, is the commit object itself. Files, links and modes
//! are those of the commit's tree, untouched by attributes, filters and line endings; times are that of the commit. A
//! submodule that was left out is an empty folder, its commit named in the comment.

mod check;
mod write;

pub use check::{GitTree, GitTreeError, check_git_tar};
pub use write::{CommitObject, GitTarWriter};

/// What the comment on an empty folder starts with that stands for a submodule nobody asked for; its commit's name
/// follows.
const LEFT_OUT: &str = "gitlink ";
/// The same for a submodule that the repository itself says is to be left alone.
const LEFT_ALONE: &str = "gitlink none ";
