//! Parts that the installations of a machine share: each is built once, where all of them find it.
//!
//! ```text
//! FOLDER/NAME/DIGEST/                      the part; the digest is that of its options
//!        .hardtack/records/NAME-DIGEST.json    what it was made from, written when it is whole
//!                  next/NAME-DIGEST/           it, while it is built
//!                  locks/NAME-DIGEST           held by whoever builds it
//! ```

use std::fs::{self, File};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::moves::exchange;
use super::own::Own;
use super::record::{self, PartRecord};
use crate::base::{FileLock, IoContext, LockMode, create_dir_all, look_at, remove_tree};
use crate::recipes::{Location, Part, SharedPlace};

/// One of them.
pub(super) struct SharedPart<'p>(pub(super) &'p SharedPlace);

impl SharedPart<'_> {
    fn own(&self, what: &str) -> Utf8PathBuf {
        let name = self.0.path.as_str().replace('/', "-");
        self.0.folder.join(".hardtack").join(what).join(name)
    }

    fn record_path(&self) -> Utf8PathBuf {
        let path = self.own("records");
        Utf8PathBuf::from(format!("{path}.json"))
    }

    /// Makes its folder, or what shows where it will be.
    pub(super) fn make_place(&self) -> Result<(), Error> {
        let place = self.0.path();
        self.make(place.parent().unwrap_or(&place))?;
        Ok(create_dir_all(&place)?)
    }

    /// What it was made from; none where it is not whole.
    pub(super) fn record(&self) -> Result<Option<PartRecord>, Error> {
        record::read(&self.record_path())
    }

    /// Where it is while it is built.
    pub(super) fn aside(&self) -> Utf8PathBuf {
        self.own("next")
    }

    /// Keeps everybody else from building it. `waiting` is called once if somebody does.
    pub(super) fn lock(&self, waiting: impl Fn()) -> Result<FileLock, Error> {
        let path = self.own("locks");
        for own in ["locks", "records", "next"] {
            self.make(self.own(own).parent().unwrap_or(&self.0.folder))?;
        }
        let mut told = false;
        let mut wait = |_| {
            if !std::mem::replace(&mut told, true) {
                waiting();
            }
            true
        };
        let lock = FileLock::acquire(&path, LockMode::Exclusive, &mut wait)?;
        // Processes of a build that was killed may still write.
        drop(FileLock::acquire(&self.building(), LockMode::Exclusive, &mut wait)?);
        // The waits above are never given up.
        lock.ok_or_else(|| Error::Busy { path: self.0.path() })
    }

    /// The file that processes of its build keep locked.
    pub(super) fn building(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{}.building", self.own("locks")))
    }

    /// Makes a folder of hardtack's own that whoever may write to the folder of all may write to.
    fn make(&self, folder: &Utf8Path) -> Result<(), Error> {
        if folder.is_dir() || folder == self.0.folder {
            return Ok(create_dir_all(folder)?);
        }
        self.make(folder.parent().unwrap_or(folder))?;
        create_dir_all(folder)?;
        let permissions = fs::metadata(&self.0.folder).at("inspect", &self.0.folder)?.permissions();
        Ok(fs::set_permissions(folder, permissions).at("set the mode of", folder)?)
    }

    /// Makes room for it, where it is built in its place.
    pub(super) fn clear(&self) -> Result<(), Error> {
        self.forget()?;
        Ok(remove_tree(&self.0.path())?)
    }

    /// It counts as not whole from now on.
    fn forget(&self) -> Result<(), Error> {
        match fs::remove_file(self.record_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", self.record_path())?,
            _ => Ok(()),
        }
    }

    /// Puts what was built aside in its place, and the record beside. Whoever uses an older one sees either it or this one,
    /// whole.
    pub(super) fn put(&self, record: &PartRecord) -> Result<(), Error> {
        let (aside, place) = (self.aside(), self.0.path());
        let folder = File::open(&self.0.folder).at("open", &self.0.folder)?;
        let flush = || rustix::fs::syncfs(&folder).map_err(io::Error::from).at("flush", &self.0.folder);
        flush()?;
        self.forget()?;
        if look_at(&aside).at("inspect", &aside)?.is_some() {
            exchange(&aside, &place)?;
            remove_tree(&aside)?;
        }
        record::write(&self.record_path(), record)?;
        Ok(flush()?)
    }

    /// Removes what is left of a build that failed.
    pub(super) fn abandon(&self) {
        let _ = remove_tree(&self.aside());
        // The empty folder that was to be its place.
        let _ = fs::remove_dir(self.0.path());
        let _ = self.0.path().parent().map(fs::remove_dir);
    }
}

/// The record of a part that is installed, and the folder that the record's location is below.
pub(super) fn installed(part: &Part, own: &Own, root: &Utf8Path) -> Result<(Option<PartRecord>, Utf8PathBuf), Error> {
    match &part.location {
        Location::Project(_) => Ok((own.record(&part.name)?, root.to_owned())),
        Location::Shared(place) => Ok((SharedPart(place).record()?, place.folder.clone())),
    }
}
