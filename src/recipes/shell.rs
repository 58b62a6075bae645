//! Commands that recipes are made of.

use super::plan::{Step, StepKind};

/// A step that runs a command.
pub(super) fn shell(name: &'static str, command: String) -> Step {
    Step { name, kind: StepKind::Shell { command, input: None } }
}

/// A text as one word of a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Copies everything in the folder of the step to a folder.
pub(super) fn copy_here_to(folder: &str) -> Step {
    let folder = quoted(folder);
    shell("copy", format!("mkdir -p {folder} && cp -RPp . {folder}"))
}

/// Words that are folded to one line, as recipes do with lists of options.
pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
