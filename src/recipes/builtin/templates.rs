//! What the recipes that write files from templates have in common.
//!
//! A template is a file of the project, or a text in the config. What it refers to is part of the plan, so a plan knows what is
//! written where; a template that has to be downloaded first is refused.

use camino::{Utf8Path, Utf8PathBuf};

use super::super::plan::{Input, Part};
use super::super::recipe::{Build, read_text};
use super::super::shell::quoted;
use super::super::source::{Origin, Source};
use super::super::stages::Stages;
use super::super::template::{Style, fill};
use super::slapos_download::write_to;
use crate::base::{Expected, normalize};
use crate::config::{self, Loader, SectionOptions};

/// Where a template's text is.
pub(super) enum Text {
    /// In the config.
    Inline(String),
    /// In a file.
    File { option: &'static str, path: String },
}

pub(super) fn needs_output(section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
    match section.get("output")? {
        Some(_) => Ok(()),
        None => Err(section.refuse("recipe", format!("section `{}` has no option `output`", section.name()))),
    }
}

/// The path of a template, where it is a file of this machine.
fn local(path: &str, directory: &Utf8Path) -> Option<Utf8PathBuf> {
    match Source::new(path.trim(), Expected::default(), directory, directory).ok()?.origin {
        Origin::Project(path) => Some(directory.join(path)),
        Origin::Outside { path, .. } => Some(path),
        Origin::Remote(_) | Origin::Git { .. } => None,
    }
}

/// Resolves what a template refers to, so that the parts among it are parts of the plan. What is wrong with the template is told
/// when there is a plan.
pub(super) fn touch(
    section: &mut SectionOptions<'_, '_>,
    files: &dyn Loader,
    text: &Text,
    style: Style,
) -> Result<(), config::Error> {
    let directory = section.buildout("directory")?.unwrap_or_default();
    let text = match text {
        Text::Inline(text) => Ok(text.clone()),
        Text::File { path, .. } => match local(path, directory.as_ref().into()) {
            Some(path) => read_text(files, &path),
            None => return Ok(()),
        },
    };
    let own = section.name().to_owned();
    let mut value = |other: &str, option: &str| {
        section.of(if other.is_empty() { &own } else { other }, option).map(|value| value.to_string())
    };
    match text.map(|text| fill(&text, style, &mut value)) {
        Ok(Err(Err(error))) => Err(error),
        _ => Ok(()),
    }
}

/// The text of a template.
pub(super) fn read(build: &mut Build<'_>, text: &Text) -> Option<String> {
    match text {
        Text::Inline(text) => Some(text.clone()),
        Text::File { option, path } => {
            let Some(path) = local(path, &build.project.directory) else { return refuse_remote(build, option) };
            match build.around.read(&path) {
                Ok(text) => Some(text),
                Err(reason) => {
                    build.problem(option, format!("part `{}`: {reason}", build.name), None);
                    None
                }
            }
        }
    }
}

pub(super) fn refuse_remote<T>(build: &mut Build<'_>, option: &str) -> Option<T> {
    let message =
        format!("part `{}`: its template would have to be downloaded before it is known what it needs", build.name);
    build.problem(option, message, Some("put it into the project"));
    None
}

/// A template with its values.
pub(super) fn render(build: &mut Build<'_>, text: &Text, style: Style) -> Option<String> {
    let template = read(build, text)?;
    let own = build.name.to_owned();
    let mut used = Vec::new();
    let mut value = |section: &str, option: &str| {
        let (value, uses) = build.around.option(if section.is_empty() { &own } else { section }, option)?;
        used.push(uses);
        Ok::<_, String>(value.to_string())
    };
    let filled = fill(&template, style, &mut value);
    build.uses.extend(used.into_iter().flatten());
    let option = match text {
        Text::Inline(_) => "inline",
        Text::File { option, .. } => option,
    };
    filled
        .map_err(|problem| {
            let reason = match problem {
                Ok(inside) => format!("`${{{inside}}}` names no section; a `$` before a brace is written `$$`"),
                Err(reason) => reason,
            };
            build.problem(option, format!("part `{}`: in its template: {reason}", build.name), None);
        })
        .ok()
}

pub(super) fn utf8_only(build: &mut Build<'_>, option: &str) {
    let encoding = build.text(option).trim().to_lowercase();
    if !matches!(encoding.as_str(), "" | "utf-8" | "utf8" | "ascii") {
        let message = format!("part `{}`: `{option}` is `{encoding}`, and only UTF-8 is known", build.name);
        build.problem(option, message, Some("convert the template"));
    }
}

/// The part that writes the file. Without a mode it gets that of the template, which is a file then.
pub(super) fn write(
    build: &mut Build<'_>,
    text: Text,
    imports: &[String],
    rendered: String,
    mode: Option<u32>,
) -> Option<Part> {
    let output = build.optional("output").or(build.optional("rendered")).unwrap_or_default().to_owned();
    build.below_project("output", &output)?;
    let output = normalize(&build.project.directory.join(output)).into_string();
    let mut like = None;
    if let Text::File { option, path } = &text
        && local(path, &build.project.directory).is_some_and(|path| path.as_str() == output)
    {
        build.problem(option, format!("part `{}` would write its own template, `{output}`", build.name), None);
        return None;
    }
    let mut stages = match build.text("location").is_empty() {
        true => Stages::in_own_folder(build),
        false => Stages::new(build, "location"),
    };
    if let Text::File { option, path } = text {
        let md5 = stages.build.digest("md5sum");
        stages.file(option, path.trim(), md5);
        like = local(&path, &stages.build.project.directory);
    }
    stages.writes(&output);
    for path in imports {
        stages.file("import-list", path, None);
    }
    let mut command = write_to(&output, mode.unwrap_or(0o644));
    if let (Some(like), None) = (like, mode) {
        command += &format!(" && chmod \"$(stat -L -c %a {})\" {}", quoted(like.as_str()), quoted(&output));
    }
    stages.run_with("write", command, Input::Text(rendered));
    stages.part()
}
