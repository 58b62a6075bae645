//! Other programs' layouts: files that they may have put into a cache, and files that are put there for them.

mod apk;
mod apk_path;
mod tatin;

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::event::Event;
use super::folders;
use super::layout::{Layout, ViewLayout};
use crate::base::{IoContext, LinkMode, PathError, View, Wanted, remove_tree, replace_file, write_atomic};

pub(super) use apk::{Unfit, is_apk_file, place as place_apk};
pub(super) use apk_path::{ApkPlace, apk_path};
pub(super) use tatin::{pack as pack_tatin, place as place_tatin, url_of as tatin_url};

/// Longer names no usual file system takes, in bytes.
pub(super) const MAX_NAME: usize = 255;

/// Which layouts are written, and how.
pub(super) struct Order<'a> {
    pub(super) layout: &'a Layout,
    pub(super) views: ViewLayout,
    pub(super) link_mode: LinkMode,
    pub(super) now: jiff::Timestamp,
    /// Whether it is told when a file could not be made as asked.
    pub(super) aloud: bool,
}

/// The files in which another program would have put the source, those that are there.
pub(super) fn candidates(layout: &Layout, wanted: &Wanted) -> Result<Vec<Utf8PathBuf>, Error> {
    let Some(url) = wanted.url() else { return Ok(Vec::new()) };
    let buildout = [layout.modern_view(url), layout.classic_view(url, &wanted.file_name), layout.root_view(url)];
    let apk = wanted.views.iter().filter(|view| matches!(view, View::Apk(_))).map(|view| layout.view(view));
    let mut found = Vec::new();
    for path in buildout.into_iter().chain(apk).filter(|path| layout.holds(path)) {
        // A link could lead anywhere, and an interrupted download of the classic recipe leaves an empty folder.
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => found.push(path),
            Ok(_) => {}
            Err(error) if is_nothing(&error) => {}
            Err(error) => return Err(error).at("inspect", &path).map_err(Error::Io),
        }
    }
    Ok(found)
}

/// Whether a path is merely not there, or could not be.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}

/// Writes the views of a source whose blob is at `blob` and has this etag.
pub(super) fn write(
    order: &Order<'_>,
    wanted: &Wanted,
    blob: &Utf8Path,
    etag: Option<&str>,
    observe: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let layout = order.layout;
    for view in &wanted.views {
        match view {
            View::Root(_) => order.place(blob, &layout.view(view), observe)?,
            View::Cmmi(url) => {
                folders::make(layout, &layout.cmmi())?;
                folders::make(layout, &layout.dist())?;
                if order.views.modern() {
                    order.place(blob, &layout.modern_view(url), observe)?;
                }
                if order.views.classic() {
                    order.classic(url, &wanted.file_name, blob, observe)?;
                }
            }
            View::Apk(url) => order.apk(url, blob, etag, observe)?,
        }
    }
    Ok(())
}

impl Order<'_> {
    fn place(&self, blob: &Utf8Path, path: &Utf8Path, observe: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let reason = match path.file_name() {
            Some(name) if name.len() > MAX_NAME => "its name is longer than file systems take",
            Some(_) if self.layout.holds(path) => "",
            Some(_) => "a link leads out of the cache there",
            None => "it has no name",
        };
        if !reason.is_empty() {
            observe(Event::LeftOut { path: path.to_owned(), reason: reason.to_owned() });
            return Ok(());
        }
        if !same_file(path, blob) {
            folders::make(self.layout, path.parent().unwrap_or(path))?;
            clear_way(path)?;
            let made = replace_file(blob, path, self.link_mode)?;
            if self.link_mode != LinkMode::Auto && made != self.link_mode && self.aloud {
                observe(Event::Copied { path: path.to_owned(), instead_of: self.link_mode });
            }
        }
        Ok(())
    }

    /// The layout of 2007: a folder for each URL, whose presence is a hit.
    fn classic(
        &self,
        url: &str,
        file_name: &str,
        blob: &Utf8Path,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let path = self.layout.classic_view(url, file_name);
        self.place(blob, &path, observe)?;
        if path.is_file() && self.layout.holds(&path) {
            let ini = format!("[cache]\ndownload_url = {url}\nretrieved = {:.6}\n", self.now);
            write_atomic(&self.layout.classic_folder(url).join("cache.ini"), ini.as_bytes(), 0o644)?;
        }
        Ok(())
    }

    /// The layout that apk caches had first: the file, and its etag beside it.
    fn apk(&self, url: &str, blob: &Utf8Path, etag: Option<&str>, observe: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let Some(path) = apk_path(url).map(|path| self.layout.root.join(path)) else {
            let (path, reason) = (url.into(), "it is in no folder of an apk repository".to_owned());
            observe(Event::LeftOut { path, reason });
            return Ok(());
        };
        let beside = Utf8PathBuf::from(format!("{path}.etag"));
        // An etag of other bytes beside these would be a promise.
        if self.layout.holds(&path) {
            remove_tree(&beside)?;
        }
        self.place(blob, &path, observe)?;
        match etag {
            Some(etag) if path.is_file() && self.layout.holds(&path) => {
                Ok(write_atomic(&beside, etag.as_bytes(), 0o644)?)
            }
            _ => Ok(()),
        }
    }
}

/// Removes an empty folder that stands where a file goes: an interrupted original leaves some.
fn clear_way(path: &Utf8Path) -> Result<(), PathError> {
    if path.is_dir() && crate::base::is_empty_dir(path)? { remove_tree(path) } else { Ok(()) }
}

/// Whether every view that is asked for has a file of so many bytes for the source.
pub(super) fn complete(layout: &Layout, views: ViewLayout, wanted: &Wanted, size: u64) -> bool {
    let is_there = |path: Utf8PathBuf| path.metadata().is_ok_and(|data| data.is_file() && data.len() == size);
    wanted.views.iter().all(|view| match view {
        View::Cmmi(url) => {
            let modern = || is_there(layout.modern_view(url));
            let classic = || is_there(layout.classic_view(url, &wanted.file_name));
            (!views.modern() || modern()) && (!views.classic() || classic())
        }
        View::Root(_) | View::Apk(_) => is_there(layout.view(view)),
    })
}

/// Removes the views that are the same file as one that was found to have changed.
pub(super) fn remove_replicas(layout: &Layout, wanted: &Wanted, changed: &Utf8Path) -> Result<(), Error> {
    for path in candidates(layout, wanted)?.iter().filter(|path| same_file(path, changed)) {
        remove_tree(path)?;
    }
    Ok(())
}

/// Whether both paths are one inode, so that nothing needs to be linked again.
fn same_file(a: &Utf8Path, b: &Utf8Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &Utf8Path| std::fs::symlink_metadata(path).ok().map(|data| (data.dev(), data.ino()));
    inode(a).is_some() && inode(a) == inode(b)
}
