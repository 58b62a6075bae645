//! The folder things are installed to, locked, and what becomes of the generations in it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::moves::{Aim, Ground, Moves};
use super::own::Own;
use super::record::{self, PartRecord, State};
use crate::base::{FileLock, IoContext, RelPath, create_dir_all, files_below, is_empty_dir, remove_tree};

/// The folder for what stood in the way of what was put back.
const LEFT: &str = "left";

/// How the folder comes to be a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// It is new, empty, or was installed to before.
    Separate,
    /// It is the project itself.
    InPlace,
}

/// A destination, locked against other processes.
#[derive(Debug)]
pub struct Destination {
    root: Utf8PathBuf,
    /// The path that builds know it by.
    seen_at: Utf8PathBuf,
    /// Hardtack's own files in it.
    pub(super) own: Own,
    _lock: FileLock,
    recovered: bool,
    /// What lay in hardtack's folder for such things before this.
    left_before: BTreeSet<Utf8PathBuf>,
}

impl Destination {
    /// Opens the destination at `root`, which must be an absolute path, and puts right what an interrupted
    /// installation left.
    ///
    /// # Errors
    /// [`Error::Foreign`] for a folder with other things in it, [`Error::Busy`] while another process, or a build that
    /// one left behind, works on it.
    pub fn open(root: &Utf8Path, how: Open) -> Result<Self, Error> {
        let own = Own::at(root);
        let mut traces = ["state.json", "next", "install.lock", "build.lock"].iter().map(|name| own.path(name));
        // An empty one is what an uninstallation that was killed leaves last.
        let ours = traces.any(|trace| trace.exists()) || own.path("").is_dir() && is_empty_dir(&own.path(""))?;
        if how == Open::Separate && !ours && !is_empty_dir(root)? {
            return Err(Error::Foreign { path: root.to_owned() });
        }
        create_dir_all(&own.path(""))?;
        let busy = || Error::Busy { path: root.to_owned() };
        let lock = FileLock::try_acquire(&own.path("install.lock"))?.ok_or_else(busy)?;
        // Steps that cannot be tied to hardtack hold this one as long as any process of theirs lives.
        drop(FileLock::try_acquire(&own.path("build.lock"))?.ok_or_else(busy)?);
        let left_before = left(&own)?;
        let (root, seen_at) = (root.to_owned(), root.to_owned());
        let mut destination = Self { root, seen_at, own, _lock: lock, recovered: false, left_before };
        destination.recover()?;
        Ok(destination)
    }

    /// The folder.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The path that builds know it by: the same as its own, unless it is to [appear](Self::appear_at) elsewhere.
    pub fn seen_at(&self) -> &Utf8Path {
        &self.seen_at
    }

    /// Lets builds know the folder by another path, at [`Level::Full`](super::sandbox::Level::Full) alone: what they bake
    /// into their files is the same then, wherever the folder is.
    #[must_use]
    pub fn appear_at(self, path: &Utf8Path) -> Self {
        Self { seen_at: path.to_owned(), ..self }
    }

    /// The records of the parts that are installed.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn records(&self) -> Result<Vec<PartRecord>, Error> {
        self.state()?.map_or_else(|| Ok(Vec::new()), |state| self.own.records(&state))
    }

    /// An interrupted installation was put right.
    pub fn recovered(&self) -> bool {
        self.recovered
    }

    /// What stood where the generation before has something, when that was put back: builds that failed or were killed wrote it,
    /// or somebody since. It is in hardtack's own folder now; the paths are below the destination.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn newly_left(&self) -> Result<Vec<Utf8PathBuf>, Error> {
        let new = left(&self.own)?.into_iter().filter(|path| !self.left_before.contains(path));
        Ok(new.map(|path| Utf8Path::new(".hardtack").join(LEFT).join(path)).collect())
    }

    /// Lays what is in that folder where it stood, under another name.
    pub(super) fn lay_out_left(&self) -> Result<(), Error> {
        for path in left(&self.own)? {
            let to = self.root.join(format!("{path}.hardtack-left"));
            create_dir_all(to.parent().unwrap_or(&to))?;
            fs::rename(self.own(LEFT).join(&path), &to).at("move", &to)?;
        }
        Ok(())
    }

    fn own(&self, name: &str) -> Utf8PathBuf {
        self.own.path(name)
    }

    /// Removes hardtack's own files, now that nothing is installed any more. At whatever moment it is killed, what is left is
    /// an installation without files, or nothing.
    pub(super) fn leave(&self) -> Result<(), Error> {
        remove_tree(&self.own.journal())?;
        for name in ["next", "previous", "previous.new", "dropped", "logs", "records", "rollback.json", "state.json"] {
            remove_tree(&self.own(name))?;
        }
        Ok(remove_tree(&self.own(""))?)
    }

    /// Begins a generation, or goes on with one. Of what waits there, perhaps from another release, parts that are whole are
    /// kept with what they made beside their locations; whether they do for this one is decided by their inputs.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn start(&self) -> Result<(), Error> {
        let (tree, kept) = (self.next_tree(), self.own("next/kept"));
        // One that an attempt before, killed on the way, moved already is kept where it is.
        let keep = |path: &RelPath, to: Utf8PathBuf| -> Result<(), Error> {
            let from = tree.join(path);
            if from.symlink_metadata().is_ok() && to.symlink_metadata().is_err() {
                create_dir_all(to.parent().unwrap_or(&to))?;
                fs::rename(&from, &to).at("move", &from)?;
            }
            Ok(())
        };
        for part in self.own.waiting() {
            let Some(record) = self.own.next_record(&part)? else { continue };
            record.beside.keys().try_for_each(|path| keep(path, self.waiting_beside().join(path)))?;
            keep(&record.location, kept.join(&record.location))?;
        }
        remove_tree(&tree)?;
        if kept.is_dir() {
            fs::rename(&kept, &tree).at("move", &kept)?;
        }
        for other in ["bundle", "taken", "trial", "work"] {
            remove_tree(&self.own("next").join(other))?;
        }
        Ok(())
    }

    /// Where those files wait that parts made beside their locations.
    pub(super) fn waiting_beside(&self) -> Utf8PathBuf {
        self.own("next/beside")
    }

    /// A folder for trying out what the machine allows.
    pub fn trial(&self) -> Utf8PathBuf {
        self.own("next/trial")
    }

    /// The image of the new generation.
    pub fn next_tree(&self) -> Utf8PathBuf {
        self.own("next/tree")
    }

    /// Where a bundle's own files and its cache lie while it is installed.
    pub fn next_bundle(&self) -> Utf8PathBuf {
        self.own("next/bundle")
    }

    /// Where parts are built.
    pub(super) fn work(&self, part: &str) -> Utf8PathBuf {
        self.own("next/work").join(part)
    }

    /// A file from which the time is taken at which builds begin.
    pub(super) fn begun(&self) -> Utf8PathBuf {
        self.own("next/begun")
    }

    /// The same of one part.
    pub(super) fn begun_with(&self, part: &str) -> Utf8PathBuf {
        self.own("next").join(format!("begun-{part}"))
    }

    pub(super) fn log(&self, part: &str) -> Utf8PathBuf {
        self.own("logs").join(format!("{part}.log"))
    }

    pub(super) fn build_lock(&self) -> Utf8PathBuf {
        self.own("build.lock")
    }

    /// The folders between which a generation moves.
    pub(super) fn ground(&self) -> Ground {
        Ground {
            tree: self.next_tree(),
            taken: self.own("next/taken"),
            left: self.own(LEFT),
            dest: self.root.clone(),
            journal: self.own.journal(),
        }
    }

    /// What is installed now.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn state(&self) -> Result<Option<State>, Error> {
        self.own.state()
    }

    /// Notes what a rollback goes back to, so that one that was killed is not begun anew when it was done.
    pub(super) fn note_going_back(&self, to: &State) -> Result<(), Error> {
        record::write(&self.own.rollback(), to)
    }

    /// No rollback is under way any more.
    pub(super) fn forget_going_back(&self) -> Result<(), Error> {
        Ok(remove_tree(&self.own.rollback())?)
    }

    pub(super) fn write_next_record(&self, part: &PartRecord) -> Result<(), Error> {
        record::write(&self.own("next/records").join(format!("{}.json", part.name)), part)
    }

    pub(super) fn forget_next_record(&self, part: &str) -> Result<(), Error> {
        Ok(remove_tree(&self.own("next/records").join(format!("{part}.json")))?)
    }

    pub(super) fn write_next_state(&self, state: &State) -> Result<(), Error> {
        record::write(&self.own("next/state.json"), state)
    }

    /// Waits until everything written to the destination's file system is on its disk.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let folder = File::open(&self.root).at("open", &self.root)?;
        Ok(rustix::fs::syncfs(&folder).map_err(io::Error::from).at("flush", &self.root)?)
    }

    /// Finishes or undoes moves that a crash interrupted.
    fn recover(&mut self) -> Result<(), Error> {
        let ground = self.ground();
        let Some(moves) = Moves::read(&ground.journal)? else { return Ok(()) };
        match moves.aim {
            Aim::Undo => moves.withdraw(&ground)?,
            Aim::Finish => {
                moves.place(&ground)?;
                self.conclude()?;
            }
            Aim::Conclude => self.conclude()?,
        }
        self.recovered = true;
        Ok(())
    }

    /// Makes the generation whose moves are done the installed one: records change over, the old tree is kept. Every
    /// step can be done again after a crash.
    pub(super) fn conclude(&self) -> Result<(), Error> {
        self.flush()?;
        Moves::are_done(&self.ground())?;
        let (fresh, previous, dropped) = (self.own("previous.new"), self.own("previous"), self.own("dropped"));
        create_dir_all(&fresh)?;
        for name in ["records", "state.json"] {
            let (next, current) = (self.own("next").join(name), self.own(name));
            if next.exists() {
                move_if_there(&current, &fresh.join(name))?;
                move_if_there(&next, &current)?;
            }
        }
        for name in ["tree", "taken"] {
            move_if_there(&self.own("next").join(name), &fresh.join(name))?;
        }
        // What cannot be removed, such as files of another user, must not keep the generation from being concluded.
        let _ = remove_tree(&dropped);
        // An empty one means that a crash came after this was done.
        if is_empty_dir(&fresh)? {
            remove_tree(&fresh)?;
        } else {
            move_if_there(&previous, &dropped)?;
            move_if_there(&fresh, &previous)?;
        }
        let _ = remove_tree(&dropped);
        remove_tree(&self.ground().journal)?;
        self.flush()?;
        self.drop_next()
    }

    /// Removes what an installation that did not get as far as building has brought; parts that an earlier attempt
    /// built stay.
    pub fn abandon(self) {
        // Whatever led here is what the user must hear about; what cannot be removed does no harm.
        let _ = remove_tree(&self.next_bundle());
        let built = fs::read_dir(self.own("next/records")).is_ok_and(|mut records| records.next().is_some());
        if built || self.own("state.json").exists() {
            return;
        }
        for name in ["next", "install.lock", "build.lock"] {
            let _ = remove_tree(&self.own(name));
        }
        // Folders in which there is something else stay.
        let _ = fs::remove_dir(self.root.join(".hardtack"));
        let _ = fs::remove_dir(&self.root);
    }

    /// Drops what is left of a generation that is in place, or turned out not to be needed.
    pub(super) fn drop_next(&self) -> Result<(), Error> {
        Ok(remove_tree(&self.own("next"))?)
    }
}

/// The files in the folder for what stood in the way.
fn left(own: &Own) -> Result<BTreeSet<Utf8PathBuf>, Error> {
    let folder = own.path(LEFT);
    Ok(if folder.is_dir() { files_below(&folder)?.into_iter().collect() } else { BTreeSet::new() })
}

fn move_if_there(from: &Utf8Path, to: &Utf8Path) -> Result<(), Error> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => Ok(other.at("move", from)?),
    }
}
