//! From a part's requirements to all the files it takes.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::interpreter::Interpreter;
use super::pip::{Kinds, Picked, Pip};
use super::requires::build_requires;
use super::wheel::{Platform, platform};
use crate::base::{Distribution, Distributions, RelPath, Role, fingerprint_file, normalize, relative_to};
use crate::config::is_url;
use crate::recipes::{Asked, Project};

/// What is to be found out.
pub struct Order<'a> {
    /// The part.
    pub part: &'a str,
    /// What it asks for.
    pub asked: &'a Asked,
    /// Where the project is.
    pub project: &'a Project,
    /// A folder for what goes again.
    pub scratch: &'a Utf8Path,
    /// Variables of the environment that pip must not see.
    pub variables: &'a [String],
}

/// Finds out which files a part takes. `get` gets one of them, when it has to be looked into.
///
/// # Errors
/// [`Error`]; those of `get`.
pub fn resolve<E: From<Error>>(
    order: &Order<'_>,
    get: &mut dyn FnMut(&Distribution) -> Result<Utf8PathBuf, E>,
) -> Result<Distributions, E> {
    let Order { part, asked, project, scratch, variables } = *order;
    let python = Interpreter::find(part, &asked.python)?;
    if let Some(target) = asked.machine.as_ref().filter(|target| **target != python.machine) {
        let (part, target, here) = (part.to_owned(), target.clone(), python.machine.clone());
        return Err(Error::OtherMachine { part, target, here }.into());
    }
    for link in asked.find_links.iter().filter(|link| !is_url(link)) {
        let path = normalize(&project.directory.join(link));
        if !path.exists() {
            return Err(Error::NoLinks { part: part.to_owned(), path }.into());
        }
    }
    let known =
        |files| Distributions { part: part.to_owned(), python: python.version.clone(), wants: asked.digest(), files };
    if asked.requirements.is_empty() {
        return Ok(known(Vec::new()));
    }
    let pip = Pip { part, python: &python, asked, project, scratch, variables };
    let mut taken = Taken { order, files: BTreeMap::new(), to_build: Vec::new() };
    let mut picked = pip.pick(&asked.requirements, &Kinds::Both, false)?;
    let mut names = BTreeSet::new();
    // Which distributions it takes hangs on the distributions it takes.
    while asked.sdists_only && picked.iter().any(|picked| names.insert(picked.name.clone())) {
        names.extend(picked.into_iter().map(|picked| picked.name));
        picked = pip.pick(&asked.requirements, &Kinds::SdistsOf(names.clone()), false)?;
    }
    if asked.only_constrained {
        check_constrained(part, asked, &picked)?;
    }
    taken.add(picked, Role::Run, get)?;
    let mut built_with = BTreeSet::new();
    while let Some((name, path)) = taken.to_build.pop() {
        let requires = build_requires(&pip, &name, &path)?;
        // Many are built with the same.
        if !requires.is_empty() && built_with.insert(requires.clone()) {
            taken.add(pip.pick(&requires, &Kinds::Both, false)?, Role::Build, get)?;
        }
    }
    let own = pip.pick(&["pip".to_owned()], &Kinds::Wheels, true)?;
    taken.add(own, Role::Pip, get)?;
    let mut files: Vec<Distribution> = taken.files.into_values().collect();
    files.sort();
    Ok(known(files))
}

/// The files that are taken.
struct Taken<'o> {
    order: &'o Order<'o>,
    /// By their names, which are what they go by in the folder that pip is given.
    files: BTreeMap<String, Distribution>,
    /// Source distributions that are to be looked into, by name, with their bytes.
    to_build: Vec<(String, Utf8PathBuf)>,
}

impl Taken<'_> {
    fn add<E: From<Error>>(
        &mut self,
        picked: Vec<Picked>,
        role: Role,
        get: &mut dyn FnMut(&Distribution) -> Result<Utf8PathBuf, E>,
    ) -> Result<(), E> {
        for Picked { url, sha256, .. } in picked {
            let name = url.rsplit('/').next().unwrap_or_default().to_owned();
            // What is installed counts as that, whatever else it serves for; pip comes last and must be found.
            match self.files.get(&name) {
                Some(known) if known.url != self.place(&url) && sha256.is_none_or(|sha256| sha256 != known.sha256) => {
                    return Err(Error::SameName { part: self.order.part.to_owned(), file: name }.into());
                }
                Some(known) if role != Role::Pip || known.role == Role::Run => continue,
                _ => {}
            }
            self.check_platform(&name)?;
            let url = self.place(&url);
            let sha256 = match sha256 {
                Some(sha256) => sha256,
                None => self.own_digest(&url)?,
            };
            let file = Distribution { role, url, sha256 };
            if platform(&name).is_none() {
                let path = get(&file)?;
                self.to_build.push((name.clone(), path));
            }
            self.files.insert(name, file);
        }
        Ok(())
    }

    /// A wheel must run at the site.
    fn check_platform(&self, wheel: &str) -> Result<(), Error> {
        let (part, wheel) = (self.order.part.to_owned(), wheel.to_owned());
        match (platform(&wheel), self.order.asked.glibc) {
            (Some(Platform::Here), _) => Err(Error::NotPortable { part, wheel }),
            (Some(Platform::Glibc(major, minor)), Some(target)) if (major, minor) > target => {
                let (wheel_glibc, glibc) = (format!("{major}.{minor}"), format!("{}.{}", target.0, target.1));
                Err(Error::TooNew { part, wheel, wheel_glibc, glibc })
            }
            _ => Ok(()),
        }
    }

    /// A URL as the lock has it: a file of this machine by its path, one of the project as seen from the buildout
    /// directory.
    fn place(&self, url: &str) -> String {
        let path =
            url::Url::parse(url).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok());
        let Some(path) = path.and_then(|path| Utf8PathBuf::from_path_buf(path).ok()) else { return url.to_owned() };
        let path = normalize(&path);
        let project = self.order.project;
        // What is found in a folder is named as the folder is.
        for link in &self.order.asked.find_links {
            let folder = normalize(&project.directory.join(link));
            if let Some(below) = RelPath::below(&folder, &path).filter(|_| !link.starts_with('/') && !is_url(link)) {
                return format!("{}/{below}", link.trim_end_matches('/'));
            }
        }
        match RelPath::below(&project.root, &path).and_then(|_| relative_to(&project.directory, &path)) {
            Some(relative) => relative.into_string(),
            None => path.into_string(),
        }
    }

    /// The digest of a file of this machine; of others their indexes say it.
    fn own_digest(&self, url: &str) -> Result<crate::base::Sha256, Error> {
        let path = normalize(&self.order.project.directory.join(url));
        let no_digest = || Error::Report {
            part: self.order.part.to_owned(),
            reason: format!("the index does not give the SHA-256 of `{url}`"),
        };
        if !path.is_file() {
            return Err(no_digest());
        }
        Ok(fingerprint_file(&path).map(|fingerprint| fingerprint.sha256)?)
    }
}

/// Fails where a distribution has no version that the config gives it.
fn check_constrained(part: &str, asked: &Asked, picked: &[Picked]) -> Result<(), Error> {
    let normal = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    let known: BTreeSet<String> = asked
        .constraints
        .iter()
        .filter_map(|constraint| Some(normal(&constraint[..constraint.find(['=', '<', '>', '!', '~'])?])))
        .collect();
    let unknown = picked.iter().filter(|picked| !known.contains(&normal(&picked.name)));
    let picked: Vec<String> = unknown.map(|picked| format!("{} = {}", picked.name, picked.version)).collect();
    if picked.is_empty() { Ok(()) } else { Err(Error::Picked { part: part.to_owned(), picked }) }
}
