//! A config without a disk, for tests, examples and tools that have their files in memory.

use std::collections::HashMap;

use super::error::{Error, ErrorKind};
use super::facts::PathKind;
use super::loader::{Loader, Location};
use super::resolve::{Recipes, SectionOptions};
use crate::base::normalize;

/// Files by path or URL.
#[derive(Debug, Clone, Default)]
pub struct MemoryLoader {
    files: HashMap<String, Vec<u8>>,
}

impl MemoryLoader {
    /// Makes a loader that knows `files` and nothing else.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { files: files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect() }
    }
}

impl Loader for MemoryLoader {
    fn identity(&self, location: &Location) -> Result<String, Error> {
        let name = match location {
            Location::Path(path) => normalize(path).into_string(),
            Location::Url(url) => url.clone(),
        };
        if self.files.contains_key(&name) {
            return Ok(name);
        }
        Err(Error::new(ErrorKind::Read { name, reason: "there is no such file".to_owned() }))
    }

    fn read(&self, location: &Location) -> Result<Vec<u8>, Error> {
        let name = self.identity(location)?;
        Ok(self.files.get(&name).cloned().unwrap_or_default())
    }

    fn path_kind(&self, path: &str) -> PathKind {
        if self.files.contains_key(path) { PathKind::File } else { PathKind::Missing }
    }

    fn display(&self, location: &Location) -> String {
        self.identity(location).unwrap_or_else(|_| location.as_str().to_owned())
    }
}

/// Recipes that add nothing to their sections.
#[derive(Debug, Clone, Copy)]
pub struct NoRecipes;

impl Recipes for NoRecipes {
    fn initialise(&self, _recipe: &str, _section: &mut SectionOptions<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}
