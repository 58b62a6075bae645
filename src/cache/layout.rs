//! Where things lie in a cache: nothing but names, made from keys and digests.

use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};

use super::views::apk_path;
use crate::base::{Md5, Sha1, Sha256, SourceKey, View};

/// The version of the layout below `.hardtack/`.
pub(super) const FORMAT: u32 = 1;

/// Which of buildout's layouts a cache writes beside its blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ViewLayout {
    /// `cmmi/<md5 of url>`, read by zc.recipe.cmmi since 1.3.
    #[default]
    Modern,
    /// `cmmi/<sha1 of url>/{file,cache.ini}`, read before that.
    Classic,
    /// Both.
    Both,
}

impl ViewLayout {
    pub(super) fn modern(self) -> bool {
        self != Self::Classic
    }

    pub(super) fn classic(self) -> bool {
        self != Self::Modern
    }
}

impl FromStr for ViewLayout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "modern" => Ok(Self::Modern),
            "classic" => Ok(Self::Classic),
            "both" => Ok(Self::Both),
            _ => Err(format!("`{text}` is not a cache layout: it takes modern, classic or both")),
        }
    }
}

/// The folder of a cache in which blobs are named by their digests, below the first two digits of these.
pub fn blobs_of(root: &Utf8Path) -> Utf8PathBuf {
    Layout { root: root.to_owned() }.store()
}

/// Paths of one cache.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) root: Utf8PathBuf,
}

impl Layout {
    /// hardtack's own folder in it.
    pub(super) fn own(&self) -> Utf8PathBuf {
        self.root.join(".hardtack")
    }

    pub(super) fn format(&self) -> Utf8PathBuf {
        self.own().join("format")
    }

    pub(super) fn lock(&self) -> Utf8PathBuf {
        self.own().join("lock")
    }

    /// Held by who waits to have the cache alone.
    pub(super) fn turn(&self) -> Utf8PathBuf {
        self.own().join("turn")
    }

    pub(super) fn key_lock(&self, key: &SourceKey) -> Utf8PathBuf {
        self.key_locks().join(format!("{}.lock", key.id()))
    }

    pub(super) fn key_locks(&self) -> Utf8PathBuf {
        self.own().join("locks")
    }

    /// One file for each process that uses the cache.
    pub(super) fn leases(&self) -> Utf8PathBuf {
        self.own().join("leases")
    }

    /// When rubbish was last looked for.
    pub(super) fn last_gc(&self) -> Utf8PathBuf {
        self.own().join("last-gc")
    }

    pub(super) fn partial(&self) -> Utf8PathBuf {
        self.own().join("partial")
    }

    /// The bytes of a download that has not ended.
    pub(super) fn partial_data(&self, key: &SourceKey) -> Utf8PathBuf {
        self.partial().join(format!("{}.data", key.id()))
    }

    /// Which version they are of.
    pub(super) fn partial_version(&self, key: &SourceKey) -> Utf8PathBuf {
        self.partial().join(format!("{}.json", key.id()))
    }

    pub(super) fn quarantine(&self) -> Utf8PathBuf {
        self.own().join("quarantine")
    }

    pub(super) fn store(&self) -> Utf8PathBuf {
        self.own().join("store/sha256")
    }

    pub(super) fn ledger(&self) -> Utf8PathBuf {
        self.own().join("ledger")
    }

    pub(super) fn identities(&self) -> Utf8PathBuf {
        self.own().join("identity")
    }

    /// What only this machine knows of a source.
    pub(super) fn identity(&self, key: &SourceKey) -> Utf8PathBuf {
        let id = key.id();
        self.identities().join(&id[..2]).join(format!("{id}.json"))
    }

    pub(super) fn blob(&self, sha256: &Sha256) -> Utf8PathBuf {
        let hex = sha256.to_string();
        self.store().join(&hex[..2]).join(hex)
    }

    /// The digest that a blob's path names.
    pub(super) fn named(blob: &Utf8Path) -> Option<Sha256> {
        blob.file_name()?.parse().ok()
    }

    pub(super) fn record(&self, key: &SourceKey) -> Utf8PathBuf {
        let id = key.id();
        self.ledger().join(&id[..2]).join(format!("{id}.json"))
    }

    pub(super) fn cmmi(&self) -> Utf8PathBuf {
        self.root.join("cmmi")
    }

    /// buildout keeps Python packages here, and makes the folder whether or not there are any.
    pub(super) fn dist(&self) -> Utf8PathBuf {
        self.root.join("dist")
    }

    pub(super) fn modern_view(&self, url: &str) -> Utf8PathBuf {
        self.cmmi().join(Md5::of(url).to_string())
    }

    pub(super) fn classic_folder(&self, url: &str) -> Utf8PathBuf {
        self.cmmi().join(Sha1::of(url).to_string())
    }

    pub(super) fn classic_view(&self, url: &str, file_name: &str) -> Utf8PathBuf {
        self.classic_folder(url).join(file_name)
    }

    /// slapos and hexagonit recipes use no folder of their own.
    pub(super) fn root_view(&self, url: &str) -> Utf8PathBuf {
        self.root.join(Md5::of(url).to_string())
    }

    /// Where another program has a source.
    pub(super) fn view(&self, view: &View) -> Utf8PathBuf {
        match view {
            View::Cmmi(url) => self.modern_view(url),
            View::Root(url) => self.root_view(url),
            View::Apk(url) => apk_path(url).map_or_else(|| self.root_view(url), |path| self.root.join(path)),
        }
    }

    /// The same where only these layouts are written.
    pub(super) fn shown_view(&self, view: &View, views: ViewLayout, file_name: &str) -> Utf8PathBuf {
        match view {
            View::Cmmi(url) if views == ViewLayout::Classic => self.classic_view(url, file_name),
            _ => self.view(view),
        }
    }

    /// Whether a path is below the cache's folder, links on the way followed; what is not there yet leads nowhere.
    pub(super) fn holds(&self, path: &Utf8Path) -> bool {
        let is_link = |path: &Utf8Path| path.symlink_metadata().is_ok_and(|data| data.is_symlink());
        let mut folders = path.ancestors().skip(1).take_while(|above| *above != self.root);
        // Without links on the way, which is nearly always, its name says it.
        let climbs = path.components().any(|name| name.as_str() == "..");
        if path.starts_with(&self.root) && !climbs && !folders.any(is_link) {
            return true;
        }
        let above = path.ancestors().skip(1).find_map(|above| above.canonicalize_utf8().ok());
        match (above, self.root.canonicalize_utf8()) {
            (Some(above), Ok(root)) => above.starts_with(root),
            // Nothing is there at all.
            (_, Err(_)) => true,
            (None, Ok(_)) => false,
        }
    }

    pub(super) fn tag(&self) -> Utf8PathBuf {
        self.root.join("CACHEDIR.TAG")
    }
}
