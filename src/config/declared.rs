//! What a config says about the facts it is resolved with.

use std::sync::Arc;

use super::error::{Error, ErrorKind};
use super::facts::PythonVersion;
use super::loader::{Loader, Location};
use super::parse::{decode, parse};
use crate::base::Place;

/// `[hardtack] python-version` of the root config. Conditions may depend on it, so it stands in an unconditional
/// section of that file and holds no references.
pub(super) fn declared_python(loader: &dyn Loader, root: &Location) -> Result<Option<PythonVersion>, Error> {
    let file = decode(&loader.display(root), loader.read(root)?)?;
    let document = parse(Arc::new(file))?;
    let blocks = document.blocks.iter().filter(|block| &*block.name == "hardtack" && block.condition.is_none());
    let entry = blocks.flat_map(|block| &block.entries).rfind(|entry| &*entry.name == "python-version");
    let Some(entry) = entry else { return Ok(None) };
    entry.inline.parse().map(Some).map_err(|reason| {
        let kind = ErrorKind::BadSetting { option: "python-version".to_owned(), reason };
        Error::at(kind, Some(Place::new(&document.file, entry.span.clone())))
    })
}
