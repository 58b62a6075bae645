//! Questions to a machine's own programs, asked behind the same walls as builds: in a rehearsal for another machine's root
//! its programs answer.

use std::collections::BTreeMap;
use std::fs::{self, File};

use camino::Utf8Path;

use super::error::Error;
use super::sandbox::{Bind, Outcome, Sandbox, TEMPORARY, Task};
use crate::base::{IoContext, create_dir_all};

/// Where package managers and compilers are.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The compilers and tools that make files what they are.
const TOOLS: &str = "for tool in cc c++ ld as make; do
    command -v $tool >/dev/null && echo \"$tool $($tool --version 2>&1 | head -n 1)\"
done";

/// What a shell command prints, with `input` to read. That it fails is an answer, too.
pub(super) fn ask(command: &str, input: &str, sandbox: &Sandbox, scratch: &Utf8Path) -> Result<String, Error> {
    create_dir_all(scratch)?;
    let question = scratch.join("input");
    fs::write(&question, input).at("write", &question)?;
    let environment = [("PATH", PATH), ("LC_ALL", "C")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let inquiry = Inquiry {
        command,
        input: Some(File::open(&question).at("open", &question)?),
        environment: environment.into(),
        temporary: &scratch.join("tmp"),
        folder: "/".into(),
    };
    Ok(inquiry.answer(sandbox, scratch)?.1)
}

/// A shell command whose words are wanted.
pub(super) struct Inquiry<'q> {
    pub(super) command: &'q str,
    pub(super) input: Option<File>,
    /// Its whole environment.
    pub(super) environment: BTreeMap<String, String>,
    /// The folder that it has for temporary files.
    pub(super) temporary: &'q Utf8Path,
    /// The folder it runs in, as seen inside.
    pub(super) folder: &'q Utf8Path,
}

impl Inquiry<'_> {
    /// How it ended, and what it said. `scratch` is a folder for that.
    pub(super) fn answer(self, sandbox: &Sandbox, scratch: &Utf8Path) -> Result<(Outcome, String), Error> {
        create_dir_all(self.temporary)?;
        create_dir_all(scratch)?;
        let task = Task {
            command: self.command.to_owned(),
            folder: self.folder.to_owned(),
            environment: self.environment,
            binds: vec![Bind::new(self.temporary.to_owned(), TEMPORARY)],
            writable: vec![self.temporary.to_owned()],
            lock: None,
            inherit: Vec::new(),
        };
        let words = scratch.join("output");
        let output = File::create(&words).at("create", &words)?;
        let outcome = sandbox.run(&task, &scratch.join("messages"), self.input, &output)?;
        Ok((outcome, String::from_utf8_lossy(&fs::read(&words).at("read", &words)?).into_owned()))
    }
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
