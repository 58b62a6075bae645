//! Writing what a cache has in the layout of another program, for a folder of its own.

use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::contents::Entry;
use super::error::Error;
use super::event::Event;
use super::layout::{Layout, ViewLayout};
use super::store::Cache;
use super::views::{self, MAX_NAME, Unfit};
use crate::base::{
    Expected, IoContext, LinkMode, Md5, RelPath, Sha256, SourceKey, View, Wanted, create_dir_all, replace_file,
    sha256_file,
};

/// A layout that can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportLayout {
    /// zc.recipe.cmmi's, of today or of 2007.
    Buildout(ViewLayout),
    /// `<md5 of url>`, which slapos and hexagonit recipes read.
    Root,
    /// `dist/<file>`, a folder of distributions.
    Dist,
    /// apk repositories, etags beside the files.
    ApkEtag,
    /// apk repositories as today's tools have them.
    Apk,
    /// Tatin packages.
    Tatin,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Exported {
    /// The sources, and where they are below the folder.
    pub written: Vec<(SourceKey, RelPath)>,
    /// Sources that cannot be in the layout, and why.
    pub left_out: Vec<(SourceKey, String)>,
}

impl Cache {
    /// Writes the sources that `chosen` picks into `folder`, as files of their own: whoever changes them changes
    /// nothing in the cache. Every byte is checked on the way.
    ///
    /// # Errors
    /// When the cache cannot be read or the folder cannot be written.
    pub fn export(
        &self,
        folder: &Utf8Path,
        layout: ExportLayout,
        chosen: &dyn Fn(&Entry) -> bool,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Exported, Error> {
        create_dir_all(folder)?;
        let mut exported = Exported::default();
        let mut names: BTreeMap<RelPath, Sha256> = BTreeMap::new();
        for entry in self.contents()?.entries.into_iter().filter(|entry| chosen(entry)) {
            let placed = match self.unfit(&entry)? {
                Some(reason) => Err(Unfit::NoPlace(reason)),
                None => self.place(folder, layout, &entry, &mut names, observe),
            };
            match placed {
                Ok(path) => exported.written.push((entry.key, path)),
                Err(Unfit::NoPlace(reason)) => exported.left_out.push((entry.key, reason)),
                Err(Unfit::Io(error)) => return Err(error.into()),
            }
        }
        Ok(exported)
    }

    /// Why a source can be in no layout at all.
    fn unfit(&self, entry: &Entry) -> Result<Option<String>, Error> {
        if !entry.blob.is_file() {
            return Ok(Some("its bytes are gone".to_owned()));
        }
        if sha256_file(&entry.blob)? != entry.fingerprint.sha256 {
            return Ok(Some("its bytes have changed: run hardtack cache verify --repair".to_owned()));
        }
        let hidden = entry.url.is_none() && entry.key.as_str().contains("://");
        Ok(hidden.then(|| "its URL has a secret, which must not get into a name".to_owned()))
    }

    fn place(
        &self,
        folder: &Utf8Path,
        layout: ExportLayout,
        entry: &Entry,
        names: &mut BTreeMap<RelPath, Sha256>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<RelPath, Unfit> {
        let target = Layout { root: folder.to_owned() };
        let below = |path: Utf8PathBuf| {
            RelPath::below(folder, &path).ok_or_else(|| Unfit::NoPlace("its name cannot be a file's".to_owned()))
        };
        let url = entry.url.as_deref();
        let known =
            |url: Option<&str>| url.map(str::to_owned).ok_or_else(|| Unfit::NoPlace("its URL is not known".to_owned()));
        match (layout, entry.key.hashed_url()) {
            (ExportLayout::Dist, _) => {
                let name = entry.file_name();
                let path = below(target.dist().join(name))?;
                let taken = *names.entry(path.clone()).or_insert(entry.fingerprint.sha256);
                if taken != entry.fingerprint.sha256 {
                    return Err(Unfit::NoPlace(format!("another file is called `{name}` too")));
                }
                self.copy(entry, &folder.join(&path))?;
                Ok(path)
            }
            (ExportLayout::Root, hashed) => {
                let md5 = hashed.map_or_else(|| Ok(Md5::of(known(url)?)), Ok::<_, Unfit>)?;
                let path = folder.join(md5.to_string());
                self.copy(entry, &path)?;
                below(path)
            }
            (ExportLayout::Buildout(ViewLayout::Modern | ViewLayout::Both), Some(md5)) => {
                let path = target.cmmi().join(md5.to_string());
                self.copy(entry, &path)?;
                below(path)
            }
            (ExportLayout::Buildout(layout), _) => {
                let view = View::Cmmi(known(url)?);
                let path = target.shown_view(&view, layout, entry.file_name());
                self.view(&target, view, layout, entry, observe)?;
                below(path)
            }
            (ExportLayout::Tatin, _) => views::place_tatin(folder, &known(url)?, &entry.blob),
            (ExportLayout::Apk | ExportLayout::ApkEtag, _) if !url.is_some_and(views::is_apk_file) => {
                Err(Unfit::NoPlace("it is nothing that apk repositories have".to_owned()))
            }
            (ExportLayout::Apk, _) => views::place_apk(folder, &known(url)?, &entry.blob, &entry.version),
            (ExportLayout::ApkEtag, _) => {
                let url = known(url)?;
                let no_place = || Unfit::NoPlace("its URL has no place in an apk cache".to_owned());
                let path = views::apk_path(&url).ok_or_else(no_place)?;
                self.view(&target, View::Apk(url), ViewLayout::Modern, entry, observe)?;
                Ok(path)
            }
        }
    }

    /// Writes a layout that caches have as well.
    fn view(
        &self,
        target: &Layout,
        view: View,
        layout: ViewLayout,
        entry: &Entry,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), Unfit> {
        let wanted = Wanted {
            key: entry.key.clone(),
            file_name: entry.file_name().to_owned(),
            views: vec![view],
            expected: Expected::default(),
            local: false,
            index: false,
            secret: false,
        };
        if wanted.file_name.len() > MAX_NAME || RelPath::new(wanted.file_name.clone()).is_err() {
            return Err(Unfit::NoPlace("its name cannot be a file's".to_owned()));
        }
        let (link_mode, aloud) = (self.export_mode(), self.link_mode != LinkMode::Auto);
        let order = views::Order { layout: target, views: layout, link_mode, now: self.now, aloud };
        let etag = entry.version.etag.as_deref();
        let written = views::write(&order, &wanted, &entry.blob, etag, observe);
        written.map_err(|error| match error {
            Error::Io(error) => Unfit::Io(error),
            other => Unfit::NoPlace(other.to_string()),
        })
    }

    fn copy(&self, entry: &Entry, path: &Utf8Path) -> Result<(), Unfit> {
        if path.file_name().is_none_or(|name| name.len() > MAX_NAME) {
            return Err(Unfit::NoPlace("its name is longer than file systems take".to_owned()));
        }
        let made = replace_file(&entry.blob, path, self.export_mode())?;
        if made != LinkMode::Hardlink {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).at("set the mode of", path)?;
        }
        Ok(())
    }

    /// Files that others may write to are never the cache's own, unless that is asked for by name.
    fn export_mode(&self) -> LinkMode {
        match self.link_mode {
            LinkMode::Auto => LinkMode::Reflink,
            other => other,
        }
    }
}
