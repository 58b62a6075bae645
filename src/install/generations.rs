//! Going back to the generation before, and taking an installation away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::claims::{Beside, all_beside};
use super::destination::Destination;
use super::error::Error;
use super::event::Event;
use super::image::Image;
use super::placing::Placing;
use super::record::State;
use crate::base::{IoContext, LinkMode, create_dir_all};

/// Puts the generation before in place again, and keeps the one that was: a second time goes forth.
///
/// # Errors
/// [`Error::NoPrevious`] where there is none, or it is not whole any more; [`Error::Blocked`]; those of files.
pub fn roll_back(destination: &Destination, observe: &mut dyn FnMut(Event)) -> Result<State, Error> {
    let no_previous = || Error::NoPrevious { path: destination.root().to_owned() };
    let current = destination.state()?;
    if let Some(state) = destination.own.going_back_to()?
        && current.as_ref() == Some(&state)
    {
        // Killed when all was done but this.
        destination.drop_next()?;
        destination.forget_going_back()?;
        return Ok(state);
    }
    let previous = destination.own.previous_state()?.ok_or_else(no_previous)?;
    destination.drop_next()?;
    let tree = destination.next_tree();
    create_dir_all(&tree)?;
    let (mut tops, mut records) = (BTreeSet::new(), Vec::new());
    for part in &previous.parts {
        let record = destination.own.previous_record(part)?.ok_or_else(no_previous)?;
        let from = destination.own.previous("tree").join(&record.location);
        // One that the site edited comes back as it is.
        if let Some(missing) = record.files.keys().find(|path| from.join(path).symlink_metadata().is_err()) {
            return Err(Error::PreviousGone { path: from.join(missing) });
        }
        record.link_into(&from, &tree.join(&record.location))?;
        destination.write_next_record(&record)?;
        tops.insert(record.location.first().to_owned());
        records.push(record);
    }
    let image = image_of(destination, &all_beside(&previous, &records))?;
    destination.note_going_back(&previous)?;
    let placing = Placing::new(destination, tops, &image, current.as_ref())?;
    placing.tell(observe);
    placing.make_tops()?;
    placing.conclude(&previous)?;
    observe(Event::Switched);
    destination.forget_going_back()?;
    Ok(previous)
}

/// What the generation before has beside its parts, now in the new tree. One that the site changed, and that so was never
/// exchanged, stays as it is.
fn image_of(destination: &Destination, previous: &Beside) -> Result<Image, Error> {
    let (tree, mut files) = (destination.next_tree(), BTreeMap::new());
    for (path, entry) in previous {
        let places =
            [destination.own.previous("tree"), destination.own.previous("taken"), destination.root().to_owned()];
        for place in places {
            if entry.link_from(&place.join(path), &tree.join(path), LinkMode::Auto)? {
                files.insert(path.clone(), entry.clone());
                break;
            }
        }
    }
    Ok(Image { files, stays: BTreeSet::new() })
}

/// What an installation that is gone left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uninstalled {
    /// What was installed.
    pub state: State,
    /// Files that stay, for they are the site's or were changed there.
    pub left: Vec<Utf8PathBuf>,
}

/// Removes what hardtack put to a destination and nothing else. The project's own files stay where the project is the
/// destination.
///
/// # Errors
/// [`Error::NotInstalled`]; [`Error::Blocked`]; those of files.
pub fn uninstall(destination: Destination) -> Result<Uninstalled, Error> {
    let root = destination.root().to_owned();
    let state = destination.state()?.ok_or_else(|| Error::NotInstalled { path: root.clone() })?;
    destination.drop_next()?;
    let mut edited = BTreeSet::new();
    for record in destination.own.records(&state)? {
        let changed = record.changed_in(&root.join(&record.location))?;
        edited.extend(changed.iter().map(|path| record.location.join(path)));
    }
    let nothing = Image::default();
    let placing = Placing::new(&destination, BTreeSet::new(), &nothing, Some(&state))?;
    placing.make_tops()?;
    placing.carry_out(&edited)?;
    keep_edited(&destination)?;
    destination.lay_out_left()?;
    destination.leave()?;
    placing.remove_empty_tops();
    let looked_at = match state.release {
        Some(_) => vec![root.clone()],
        None => placing.tops.iter().map(|top| root.join(top)).collect(),
    };
    let left = looked_at.iter().flat_map(|folder| files_in(folder)).collect();
    let _ = fs::remove_dir(&root);
    Ok(Uninstalled { state, left })
}

/// Takes files of the generation before out of it that the site had edited, and lays them where they were.
fn keep_edited(destination: &Destination) -> Result<(), Error> {
    for part in destination.own.previous_state()?.into_iter().flat_map(|state| state.parts) {
        let Some(record) = destination.own.previous_record(&part)? else { continue };
        let from = destination.own.previous("tree").join(&record.location);
        for path in record.changed_in(&from)? {
            let to = destination.root().join(format!("{}.hardtack-previous", record.location.join(&path)));
            if from.join(&path).symlink_metadata().is_ok() {
                create_dir_all(to.parent().unwrap_or(&to))?;
                fs::rename(from.join(&path), &to).at("move", &to)?;
            }
        }
    }
    Ok(())
}

/// All that is no folder, whatever its name is made of.
fn files_in(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    let below = |path: &std::path::Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    files.map(|entry| Utf8PathBuf::from(below(entry.path()))).collect()
}
