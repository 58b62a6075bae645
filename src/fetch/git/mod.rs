//! Commits, by the git that is installed: their objects are fetched into a folder of their own, and packed from there.
//!
//! Nothing is checked out, so no filter, attribute, hook or line ending of this machine has a say in what is packed.
//! What the user has set up for git's connections counts: helpers for credentials, keys, `insteadOf`.

mod complaint;
mod objects;
mod pack;
mod program;
mod repository;
mod run;

use camino::{Utf8Path, Utf8PathBuf};

use self::pack::Pack;
use self::repository::Clone;
use super::attempts::Attempts;
use super::error::Error;
use crate::archive::GitTarWriter;
use crate::base::{Answer, Checkout, Head, KnownVersion, ObjectId, Revision, Sink, Validators};

/// How much of a commit's name tells it from others in a folder's name.
const SHORT: usize = 12;

/// Writes the tar of a commit to `sink`, or tells that the known version still is the current one.
pub(super) fn checkout(
    attempts: &Attempts<'_>,
    checkout: &Checkout<'_>,
    known: Option<&KnownVersion>,
    sink: &mut dyn Sink,
) -> Result<Answer, Error> {
    let url = checkout.place.public();
    let work = Work::new(checkout.work).map_err(|source| Error::Store { url: url.clone(), source })?;
    let source = checkout.source;
    let clone = Clone::new(attempts, checkout.place, work.0.join("0"));
    let named = match (checkout.commit, &source.revision) {
        (Some(commit), _) | (None, &Revision::Commit(commit)) => Some(commit),
        (None, Revision::Named(name)) => clone.named(name)?,
    };
    if let (Some(known), Some(named)) = (known, &named)
        && known.validators.same_bytes(&Validators::of_commit(named))
    {
        return Ok(Answer::Unchanged(known.clone()));
    }
    let id = match named {
        Some(id) => {
            clone.fetch(&id)?;
            id
        }
        None => clone.described(&source.revision.to_string())?,
    };
    let validators = Validators::of_commit(&id);
    if let Some(known) = known.filter(|known| known.validators.same_bytes(&validators)) {
        return Ok(Answer::Unchanged(known.clone()));
    }
    let head = Head { from: 0, length: None, validators: validators.clone() };
    let stored = |source| Error::Store { url: url.clone(), source };
    sink.start(&head).map_err(stored)?;
    let mut objects = clone.objects()?;
    let commit = objects.commit(&id)?;
    let top = format!("{}-{}", source.name(), &id.to_string()[..SHORT]);
    let tar = GitTarWriter::start(sink, &top, &id, &commit).map_err(stored)?;
    let mut pack = Pack::new(attempts, checkout, &work.0, tar);
    pack.repository(&source.repository, &clone, &mut objects, (&id, &commit), "")?;
    pack.finish()?;
    Ok(Answer::Body(validators))
}

/// A folder that is gone afterwards.
struct Work(Utf8PathBuf);

impl Work {
    /// A new folder. What attempts left that were killed goes, though a git of theirs may still be at work: it has lost
    /// its reader, and ends.
    fn new(stem: &Utf8Path) -> std::io::Result<Self> {
        let (folder, name) = (stem.parent().unwrap_or(Utf8Path::new(".")), stem.file_name().unwrap_or_default());
        for entry in folder.read_dir_utf8()?.flatten().filter(|entry| entry.file_name().starts_with(name)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
        let made = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(folder)?.keep();
        Utf8PathBuf::from_path_buf(made).map(Self).map_err(|_| std::io::ErrorKind::InvalidData.into())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The commit that a line of git's output starts with.
fn first_id(line: &str) -> Option<ObjectId> {
    line.split_whitespace().next().and_then(ObjectId::parse)
}
