//! How far up a project reaches.

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::git::Git;

/// The project root of a config in `directory` that reads the config files `configs` and uses the local `sources`: the
/// nearest folder above them all, the git repository's top at most. Where there is no repository, sources do not widen
/// the project: they may be anywhere on the machine. And no project is so wide that the user's `home` is in it.
///
/// # Errors
/// [`Error::TooWide`]; or when git cannot be asked.
pub fn find_root(
    directory: &Utf8Path,
    configs: &[Utf8PathBuf],
    sources: &[Utf8PathBuf],
    home: Option<&Utf8Path>,
) -> Result<Utf8PathBuf, Error> {
    let limit = Git::find(directory)?.map(|git| git.top().to_owned());
    let sources = sources.iter().filter(|_| limit.is_some());
    let mut root = directory.to_owned();
    for file in configs.iter().chain(sources) {
        let inside_limit = limit.as_deref().is_none_or(|limit| file.starts_with(limit));
        let common = root.ancestors().find(|above| file.starts_with(above)).unwrap_or(Utf8Path::new("/"));
        if !inside_limit || common == root {
            continue;
        }
        // Any two paths have `/` in common. What git tracks is packed, whatever folder that is.
        let holds_home = home.is_some_and(|home| home.starts_with(common));
        if limit.is_none() && (common.parent().is_none() || holds_home) {
            return Err(Error::TooWide { file: file.clone(), root: common.to_owned() });
        }
        root = common.to_owned();
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_nearest_folder_above_all_files() {
        let root = |configs: &[&str], sources: &[&str]| {
            let paths = |list: &[&str]| list.iter().map(Utf8PathBuf::from).collect::<Vec<_>>();
            let home = Utf8Path::new("/w/home/ann");
            find_root("/w/p/a".into(), &paths(configs), &paths(sources), Some(home)).map_err(|error| error.to_string())
        };
        assert_eq!(root(&["/w/p/a/buildout.cfg", "/w/p/zlib/buildout.cfg"], &[]), Ok("/w/p".into()));
        assert_eq!(root(&[], &["/w/p/x.patch"]), Ok("/w/p/a".into()));
        for (file, wide) in [("/etc/x.cfg", "/"), ("/w/home/ann/x.cfg", "/w")] {
            let error = root(&[file], &[]).expect_err(file);
            assert_eq!(error, format!("config `{file}` would make all of `{wide}` the project"));
        }
    }
}
