//! The files a config is made of, and the order in which they are applied.
//!
//! The original reads a file once for every path that reaches it, and applies it as often. Here every file is read and
//! parsed once; only the order of application, a list of small numbers, is as long as the original's.

use std::collections::HashMap;
use std::sync::Arc;

use super::active::ActiveDocument;
use super::document::Document;
use super::error::{Error, ErrorKind};
use super::facts::{ConditionRecord, Facts};
use super::layer::FileOrigin;
use super::loader::{Loader, Location, is_url};
use super::parse::{decode, parse};
use crate::base::Place;

/// More applications than the largest known config needs (some 220,000).
const MAX_APPLICATIONS: usize = 2_000_000;
/// Longer chains of `extends` than any real config has.
const MAX_DEPTH: usize = 200;

/// All files that were read, each once.
#[derive(Default)]
pub(super) struct Files {
    by_identity: HashMap<String, usize>,
    documents: Vec<FileNode>,
    /// Read and parsed, and not yet asked for by a walk.
    opened: HashMap<String, Document>,
}

struct FileNode {
    document: ActiveDocument,
    /// The location it was first read from.
    location: Location,
    /// The files it extends, in order, with the names it calls them by.
    children: Option<Vec<(String, usize)>>,
}

/// One step of the order: a file, as reached by one path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) document: usize,
    parent: Option<(usize, usize)>,
}

/// Files in the order in which they are applied, first to last.
#[derive(Default)]
pub(super) struct Sequence {
    visits: Vec<Visit>,
    /// Indices into `visits`, in order of application.
    pub(super) order: Vec<usize>,
    roots: HashMap<usize, Location>,
}

/// What a walk through `extends` needs and gathers.
pub(super) struct Walk<'a> {
    pub(super) loader: &'a dyn Loader,
    /// The config everything starts from.
    pub(super) start: &'a Location,
    pub(super) facts: &'a mut Facts,
    pub(super) files: &'a mut Files,
    pub(super) conditions: &'a mut Vec<ConditionRecord>,
    pub(super) notes: &'a mut Vec<String>,
}

impl Files {
    /// A file before its conditions mean anything.
    pub(super) fn open(&mut self, loader: &dyn Loader, location: &Location) -> Result<&Document, Error> {
        let identity = loader.identity(location)?;
        let document = read(loader, location)?;
        Ok(self.opened.entry(identity).or_insert(document))
    }

    pub(super) fn document(&self, index: usize) -> &ActiveDocument {
        &self.documents[index].document
    }

    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }

    /// The location of a file as first spelled.
    pub(super) fn location(&self, document: usize) -> &Location {
        &self.documents[document].location
    }
}

impl Sequence {
    /// The files reached so far.
    pub(super) fn documents(&self) -> impl Iterator<Item = usize> {
        self.visits.iter().map(|visit| visit.document)
    }

    /// The number of steps so far.
    pub(super) fn len(&self) -> usize {
        self.visits.len()
    }

    /// The file of a step of the order.
    pub(super) fn document(&self, visit: usize) -> usize {
        self.visits[visit].document
    }

    /// The location of a visited file as its path spells it.
    pub(super) fn location(&self, files: &Files, visit: usize) -> Location {
        match self.visits[visit].parent {
            None => self.roots[&visit].clone(),
            Some((parent, child)) => {
                let children = files.documents[self.visits[parent].document].children.as_deref();
                let name = &children.unwrap_or_default()[child].0;
                self.location(files, parent).relative(name)
            }
        }
    }

    /// The origin values of this visit carry.
    pub(super) fn origin(&self, files: &Files, visit: usize) -> Arc<FileOrigin> {
        let file = Arc::clone(&files.document(self.visits[visit].document).file);
        Arc::new(FileOrigin { file, location: self.location(files, visit) })
    }
}

impl Walk<'_> {
    /// Appends the file at `location`, and before it all it extends, to `sequence`.
    pub(super) fn append(&mut self, location: &Location, sequence: &mut Sequence) -> Result<(), Error> {
        let document = self.read(location, None)?;
        let mut stack = Vec::new();
        let visit = sequence.visits.len();
        sequence.visits.push(Visit { document, parent: None });
        sequence.roots.insert(visit, location.clone());
        self.visit(visit, sequence, &mut stack)
    }

    fn visit(&mut self, visit: usize, sequence: &mut Sequence, stack: &mut Vec<usize>) -> Result<(), Error> {
        let document = sequence.visits[visit].document;
        if let Some(start) = stack.iter().position(|open| *open == document) {
            let circle = stack[start..].iter().chain([&document]);
            let path = circle.map(|index| self.files.document(*index).file.name.clone()).collect();
            return Err(Error::at(ErrorKind::ExtendsCycle { path }, self.last_extends(stack)));
        }
        if sequence.visits.len() > MAX_APPLICATIONS {
            return Err(Error::new(ErrorKind::TooManyFiles { limit: MAX_APPLICATIONS }));
        }
        if stack.len() > MAX_DEPTH {
            return Err(Error::at(ErrorKind::ChainTooLong { limit: MAX_DEPTH }, self.last_extends(stack)));
        }
        stack.push(document);
        let count = self.children(document)?.len();
        for child in 0..count {
            let target = self.children(document)?[child].1;
            let next = sequence.visits.len();
            sequence.visits.push(Visit { document: target, parent: Some((visit, child)) });
            self.visit(next, sequence, stack)?;
        }
        stack.pop();
        sequence.order.push(visit);
        Ok(())
    }

    /// The line that leads on from the last of some files.
    fn last_extends(&self, stack: &[usize]) -> Option<Place> {
        let file = self.files.document(*stack.last()?);
        file.extends.as_ref().map(|written| Place::new(&file.file, written.span.clone()))
    }

    /// The files a file extends: read when first asked for, the same whichever path led there.
    fn children(&mut self, document: usize) -> Result<&[(String, usize)], Error> {
        if self.files.documents[document].children.is_none() {
            let node = &self.files.documents[document];
            let base = node.location.clone();
            let file = Arc::clone(&node.document.file);
            let required = node.document.extends.clone();
            let optional = node.document.optional_extends.clone();
            let mut children = Vec::new();
            for (written, needed) in [(required, true), (optional, false)] {
                let Some(written) = written else { continue };
                let place = Place::new(&file, written.span.clone());
                for name in written.text.split_whitespace() {
                    let location = base.relative(name);
                    // The original looks for an optional file from where it runs, whoever names it, and only on disk.
                    let there = || !is_url(name) && self.loader.identity(&self.start.relative(name)).is_ok();
                    if !needed && !there() {
                        let why = if is_url(name) { "is a URL, which never counts there" } else { "does not exist" };
                        self.notes.push(format!("optional-extends file `{name}` of `{}` {why}", file.name));
                        continue;
                    }
                    let index = self.read(&location, Some(&place))?;
                    children.push((name.to_owned(), index));
                }
            }
            self.files.documents[document].children = Some(children);
        }
        Ok(self.files.documents[document].children.as_deref().unwrap_or_default())
    }

    /// The number of the file at `location`, read and parsed if it is new.
    fn read(&mut self, location: &Location, place: Option<&Place>) -> Result<usize, Error> {
        let identity = self.loader.identity(location).map_err(|error| error.via(place.cloned()))?;
        if let Some(index) = self.files.by_identity.get(&identity) {
            return Ok(*index);
        }
        let document = match self.files.opened.remove(&identity) {
            Some(document) => document,
            None => read(self.loader, location).map_err(|error| error.via(place.cloned()))?,
        };
        let document = ActiveDocument::new(&document, self.facts, self.loader, self.conditions)?;
        if let Some(ops) = document.sections.get("buildout").and_then(|section| section.options.get("extended-by")) {
            let place = ops.set.as_ref().map(|written| Place::new(&document.file, written.span.clone()));
            return Err(Error::at(ErrorKind::ExtendedBy, place));
        }
        let index = self.files.documents.len();
        self.files.documents.push(FileNode { document, location: location.clone(), children: None });
        self.files.by_identity.insert(identity, index);
        Ok(index)
    }
}

fn read(loader: &dyn Loader, location: &Location) -> Result<Document, Error> {
    let file = decode(&loader.display(location), loader.read(location)?)?;
    parse(Arc::new(file))
}
