//! The Python that distributions are looked for with.

use std::process::{Command, Stdio};

use serde::Deserialize;

use super::error::Error;

/// What is asked of it.
const ABOUT: &str = "import json, platform, sys; \
                     print(json.dumps({'version': '%d.%d' % sys.version_info[:2], 'machine': platform.machine()}))";

/// A Python of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Interpreter {
    #[serde(skip)]
    pub(super) program: String,
    /// Such as `3.11`.
    pub(super) version: String,
    /// Such as `x86_64`.
    pub(super) machine: String,
}

impl Interpreter {
    /// The one that is asked for: a version, a program, or `python3`.
    pub(super) fn find(part: &str, asked: &str) -> Result<Self, Error> {
        let program = match asked {
            "" => "python3".to_owned(),
            version if version.starts_with(|c: char| c.is_ascii_digit()) => format!("python{version}"),
            program => program.to_owned(),
        };
        let fail = |reason: String| Error::NoPython { part: part.to_owned(), program: program.clone(), reason };
        let output = Command::new(&program).args(["-I", "-c", ABOUT]).stdin(Stdio::null()).output();
        let output = output.map_err(|error| fail(error.to_string()))?;
        if !output.status.success() {
            return Err(fail(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let found: Self = serde_json::from_slice(&output.stdout).map_err(|error| fail(error.to_string()))?;
        Ok(Self { program, ..found })
    }
}
