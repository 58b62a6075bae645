//! Questions to a machine's own programs, asked behind the same walls as builds: in a rehearsal for another machine's root
//! its programs answer.

use std::collections::BTreeMap;
use std::fs::{self, File};

use camino::Utf8Path;

use super::error::Error;
use super::sandbox::{Bind, Sandbox, Task};
use crate::base::{IoContext, create_dir_all};

/// Where package managers and compilers are.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The compilers and tools that make files what they are.
const TOOLS: &str = "for tool in cc c++ ld as make; do
    command -v $tool >/dev/null && echo \"$tool $($tool --version 2>&1 | head -n 1)\"
done";

/// What a shell command prints, with `input` to read. That it fails is an answer, too.
pub(super) fn ask(command: &str, input: &str, sandbox: &Sandbox, scratch: &Utf8Path) -> Result<String, Error> {
    let temporary = scratch.join("tmp");
    create_dir_all(&temporary)?;
    let (question, answer) = (scratch.join("input"), scratch.join("output"));
    fs::write(&question, input).at("write", &question)?;
    let environment = [("PATH", PATH), ("LC_ALL", "C")];
    let task = Task {
        command: command.to_owned(),
        folder: "/".into(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        binds: vec![Bind::new(temporary.clone(), "/tmp")],
        writable: vec![temporary],
        lock: None,
        inherit: Vec::new(),
    };
    let input = Some(File::open(&question).at("open", &question)?);
    let output = File::create(&answer).at("create", &answer)?;
    let _ = sandbox.run(&task, &scratch.join("messages"), input, &output)?;
    Ok(String::from_utf8_lossy(&fs::read(&answer).at("read", &answer)?).into_owned())
}

/// What the compilers and their tools say of themselves, by their names.
///
/// # Errors
/// When they cannot be run.
pub fn toolchain(sandbox: &Sandbox, scratch: &Utf8Path) -> Result<BTreeMap<String, String>, Error> {
    let text = ask(TOOLS, "", sandbox, scratch)?;
    let words = text.lines().filter_map(|line| line.split_once(' '));
    Ok(words.map(|(tool, words)| (tool.to_owned(), words.to_owned())).collect())
}
