//! What a source distribution is built with: what its `pyproject.toml` says (PEP 518), and what its backend adds when it is
//! asked (PEP 517).

use std::fs;
use std::process::{Command, Stdio};

use camino::Utf8Path;
use serde::Deserialize;

use super::error::Error;
use super::pip::Pip;
use crate::archive::{Unpack, unpack};
use crate::base::{IoContext, only_folder, remove_tree};

/// What asks a backend.
const GET_REQUIRES: &str = include_str!("get_requires.py");
/// What counts where nothing is said.
const LEGACY_REQUIRES: &str = "setuptools>=40.8.0";
const LEGACY_BACKEND: &str = "setuptools.build_meta:__legacy__";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pyproject {
    #[serde(rename = "build-system")]
    build_system: Option<BuildSystem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BuildSystem {
    requires: Vec<String>,
    build_backend: Option<String>,
    #[serde(default)]
    backend_path: Vec<String>,
}

/// The requirements of a source distribution's build.
pub(super) fn build_requires(pip: &Pip<'_>, file: &str, archive: &Utf8Path) -> Result<Vec<String>, Error> {
    let folder = pip.scratch.join("sdist");
    remove_tree(&folder)?;
    let wrong = |reason: String| Error::Sdist { part: pip.part.to_owned(), file: file.to_owned(), reason };
    let failed = |source| Error::Unpack { part: pip.part.to_owned(), file: file.to_owned(), source };
    unpack(&Unpack { name: file, ..Unpack::new(archive) }, &folder).map_err(failed)?;
    let top = only_folder(&folder)?.ok_or_else(|| wrong("it has not just one folder".to_owned()))?;
    let pyproject = top.join("pyproject.toml");
    let system = match pyproject.is_file() {
        true => {
            let text = fs::read_to_string(&pyproject).at("read", &pyproject)?;
            let read: Pyproject = toml::from_str(&text).map_err(|error| wrong(format!("pyproject.toml: {error}")))?;
            read.build_system
        }
        false => None,
    };
    let legacy =
        || BuildSystem { requires: vec![LEGACY_REQUIRES.to_owned()], build_backend: None, backend_path: Vec::new() };
    let system = system.unwrap_or_else(legacy);
    let mut requires = system.requires.clone();
    requires.extend(further(pip, &system, &top, &wrong)?);
    remove_tree(&folder)?;
    Ok(requires)
}

/// What the backend adds.
fn further(
    pip: &Pip<'_>,
    system: &BuildSystem,
    top: &Utf8Path,
    wrong: &dyn Fn(String) -> Error,
) -> Result<Vec<String>, Error> {
    let (tools, answer, script) =
        (pip.scratch.join("tools"), pip.scratch.join("answer.json"), pip.scratch.join("get_requires.py"));
    remove_tree(&tools)?;
    if !system.requires.is_empty() {
        pip.install(&system.requires, &tools)?;
    }
    fs::write(&script, GET_REQUIRES).at("write", &script)?;
    let backend = system.build_backend.as_deref().unwrap_or(LEGACY_BACKEND);
    let mut command = Command::new(&pip.python.program);
    command.args([script.as_str(), answer.as_str(), backend]);
    command.args(system.backend_path.iter().map(|path| top.join(path)));
    command.env("PYTHONPATH", tools.as_str());
    command.current_dir(top).stdin(Stdio::null());
    let output = command.output().at("run", pip.python.program.as_str())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(wrong(format!("its build backend `{backend}` does not say what it needs: {said}")));
    }
    let text = fs::read(&answer).at("read", &answer)?;
    remove_tree(&tools)?;
    serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))
}
