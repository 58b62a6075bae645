//! buildout's own layouts: files that other programs may have put there, and files we put there for them.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::layout::{Layout, ViewLayout};
use crate::base::{IoContext, View, Wanted, create_dir_all, replace_file, write_atomic};

/// The files in which another program would have put the source, those that are there.
pub(super) fn candidates(layout: &Layout, wanted: &Wanted) -> Result<Vec<Utf8PathBuf>, Error> {
    let Some(url) = wanted.view.as_ref().map(View::url) else { return Ok(Vec::new()) };
    let paths = [layout.modern_view(url), layout.classic_view(url, &wanted.file_name), layout.root_view(url)];
    let mut found = Vec::new();
    for path in paths {
        // A link could lead anywhere, and an interrupted download of the classic recipe leaves an empty folder.
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => found.push(path),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error).at("inspect", &path).map_err(Error::Io),
        }
    }
    Ok(found)
}

/// Writes the views of a source whose blob is at `blob`; the path of the first one is returned.
pub(super) fn write(
    layout: &Layout,
    views: ViewLayout,
    wanted: &Wanted,
    blob: &Utf8Path,
    now: jiff::Timestamp,
) -> Result<Option<Utf8PathBuf>, Error> {
    if let Some(View::Root(url)) = &wanted.view {
        let path = layout.root_view(url);
        if !same_file(&path, blob) {
            replace_file(blob, &path)?;
        }
        return Ok(Some(path));
    }
    create_dir_all(&layout.cmmi())?;
    create_dir_all(&layout.dist())?;
    let Some(View::Cmmi(url)) = &wanted.view else { return Ok(None) };
    let mut first = None;
    if views.modern() {
        let path = layout.modern_view(url);
        if !same_file(&path, blob) {
            replace_file(blob, &path)?;
        }
        first.get_or_insert(path);
    }
    if views.classic() {
        let path = layout.classic_view(url, &wanted.file_name);
        if !same_file(&path, blob) {
            replace_file(blob, &path)?;
        }
        let ini = format!("[cache]\ndownload_url = {}\nretrieved = {now:.6}\n", wanted.key);
        write_atomic(&layout.classic_folder(url).join("cache.ini"), ini.as_bytes(), 0o644)?;
        first.get_or_insert(path);
    }
    Ok(first)
}

/// Whether every view that is asked for has a file for the source, whatever is in it.
pub(super) fn complete(layout: &Layout, views: ViewLayout, wanted: &Wanted) -> bool {
    match &wanted.view {
        None => true,
        Some(View::Root(url)) => layout.root_view(url).is_file(),
        Some(View::Cmmi(url)) => {
            let modern = || layout.modern_view(url).is_file();
            let classic = || layout.classic_view(url, &wanted.file_name).is_file();
            (!views.modern() || modern()) && (!views.classic() || classic())
        }
    }
}

/// Whether both paths are one inode, so that nothing needs to be linked again.
fn same_file(a: &Utf8Path, b: &Utf8Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &Utf8Path| std::fs::symlink_metadata(path).ok().map(|data| (data.dev(), data.ino()));
    inode(a).is_some() && inode(a) == inode(b)
}
