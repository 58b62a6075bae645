//! Files that are made from templates: `collective.recipe.template` 3.0, `slapos.recipe.template` 5.1 and its `:jinja2`.
//!
//! A template is a file of the project, or a text in the config. What it refers to is part of the plan, so a plan knows what is
//! written where; a template that has to be downloaded first is refused.

use camino::Utf8PathBuf;

use super::super::plan::{Input, Part};
use super::super::recipe::{About, Build, Recipe, opt, read_text};
use super::super::shell::quoted;
use super::super::stages::Stages;
use super::super::template::{Style, fill};
use super::jinja;
use super::slapos_download::write_to;
use crate::base::normalize;
use crate::config::{self, Loader, SectionOptions, is_url};

pub(in super::super) struct CollectiveTemplate;
pub(in super::super) struct SlaposTemplate;
pub(in super::super) struct SlaposJinja;

/// Where a template's text is.
pub(super) enum Text {
    /// In the config.
    Inline(String),
    /// In a file.
    File { option: &'static str, path: String },
}

const COLLECTIVE: About = About {
    name: "collective.recipe.template",
    says: "a file, from a template with ${section:option} and ${option} in it",
    options: &[
        opt("input", "", "The template: a file of the project, or inline: and its text"),
        opt("inline", "", "Its text"),
        opt("url", "", "Refused: what a template says must be known before anything is fetched"),
        opt("output", "", "The file that is written"),
        opt("mode", "", "Its permissions, in octal; those of the template where it is a file"),
        opt("overwrite", "true", "Understood; an installation writes its own files"),
        opt("input-encoding", "utf-8", "No other is known"),
        opt("output-encoding", "utf-8", "No other is known"),
        opt("timeout", "", "Understood; nothing is downloaded"),
    ],
    downloads: &[],
    example: "[start]\nrecipe = collective.recipe.template\ninput = templates/start.in\noutput = ${buildout:directory}/bin/start\nmode = 755\n",
};

impl Recipe for CollectiveTemplate {
    fn about(&self) -> &'static About {
        &COLLECTIVE
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        let set = |section: &mut SectionOptions<'_, '_>, option| Ok::<_, config::Error>(section.get(option)?.is_some());
        let (input, inline, url) = (set(section, "input")?, set(section, "inline")?, set(section, "url")?);
        if !input && !inline && !url {
            return Err(section.refuse("recipe", "it takes `input` or `inline`"));
        }
        if input && (inline || url) {
            return Err(section.refuse("input", "it takes one of `input`, `inline` and `url`"));
        }
        needs_output(section)
    }

    fn follow(&self, section: &mut SectionOptions<'_, '_>, files: &dyn Loader) -> Result<(), config::Error> {
        let text = |option: &str, section: &mut SectionOptions<'_, '_>| section.get(option);
        let (input, inline) = (text("input", section)?, text("inline", section)?);
        let text = collective(input.as_deref(), inline.as_deref());
        text.map_or(Ok(()), |text| touch(section, files, &text, Style::OwnOptions))
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        for option in ["input-encoding", "output-encoding"] {
            utf8_only(build, option);
        }
        let Some(text) = collective(build.optional("input"), build.optional("inline")) else {
            return refuse_remote(build, "url");
        };
        let rendered = render(build, &text, Style::OwnOptions)?;
        let mode = if build.text("mode").is_empty() { None } else { Some(build.mode("mode")?) };
        write(build, text, rendered, mode)
    }
}

/// The text of collective.recipe.template.
fn collective(input: Option<&str>, inline: Option<&str>) -> Option<Text> {
    match (inline, input) {
        (Some(inline), _) => Some(Text::Inline(inline.trim_start().to_owned())),
        (None, Some(input)) => Some(match input.strip_prefix("inline:") {
            Some(inline) => Text::Inline(inline.trim_start().to_owned()),
            None => Text::File { option: "input", path: input.to_owned() },
        }),
        (None, None) => None,
    }
}

const SLAPOS: About = About {
    name: "slapos.recipe.template",
    says: "a file, from a template with ${section:option} in it",
    options: &[
        opt("url", "", "The template: a file of the project"),
        opt("inline", "", "Its text, instead"),
        opt("md5sum", "", "Its MD5"),
        opt("output", "", "The file that is written"),
        opt("mode", "", "Its permissions, in octal; 755 for what begins with #!, else 644"),
    ],
    downloads: &[],
    example: "[start]\nrecipe = slapos.recipe.template\noutput = ${buildout:directory}/bin/start\ninline =\n  #!/bin/sh\n\
              \x20 exec ${buildout:parts-directory}/tool/bin/tool\n",
};

impl Recipe for SlaposTemplate {
    fn about(&self) -> &'static About {
        &SLAPOS
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        one_of_two(section)?;
        needs_output(section)
    }

    fn follow(&self, section: &mut SectionOptions<'_, '_>, files: &dyn Loader) -> Result<(), config::Error> {
        let text = slapos(section.get("url")?.as_deref(), section.get("inline")?.as_deref());
        match text {
            Text::Inline(_) => Ok(()),
            file => touch(section, files, &file, Style::Dollars),
        }
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let text = slapos(build.optional("url"), build.optional("inline"));
        let rendered = match &text {
            // It was filled in with the section.
            Text::Inline(text) => text.clone(),
            file => render(build, file, Style::Dollars)?,
        };
        let mode = mode(build, &rendered)?;
        write(build, text, rendered, Some(mode))
    }
}

const JINJA: About = About {
    name: "slapos.recipe.template:jinja2",
    says: "a file, from a Jinja template",
    options: &[
        opt("url", "", "The template: a file of the project"),
        opt("inline", "", "Its text, instead"),
        opt("md5sum", "", "Its MD5"),
        opt("output", "", "The file that is written"),
        opt("mode", "", "Its permissions, in octal; 755 for what begins with #!, else 644"),
        opt(
            "context",
            "",
            "Names the template knows, a line each: raw, key, json, jsonkey or section, the name, its value",
        ),
        opt("import-list", "", "Templates it imports, a line each: rawfile or file, the name, its path"),
        opt("import-delimiter", "/", "Understood; folders of templates are refused"),
        opt("extensions", "", "jinja2.ext.do, which is always there; others are refused"),
        opt("encoding", "utf-8", "No other is known"),
        opt("once", "", "Understood; an installation writes its own files"),
        opt("update", "", "Understood; what changed is made again"),
        opt("template", "", "An older name: a path, or inline: and the text"),
        opt("rendered", "", "An older name of output"),
    ],
    downloads: &[],
    example: "[hosts]\nrecipe = slapos.recipe.template:jinja2\noutput = ${buildout:directory}/etc/hosts.conf\ncontext =\n\
              \x20 raw names one two\ninline =\n  {% for name in names.split() %}\n  host {{ name }}\n  {% endfor %}\n",
};

impl Recipe for SlaposJinja {
    fn about(&self) -> &'static About {
        &JINJA
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        if section.get("output")?.is_none() && section.get("rendered")?.is_some() {
            return match section.get("template")? {
                Some(_) => Ok(()),
                None => Err(section.refuse("recipe", "it takes `template` with `rendered`")),
            };
        }
        one_of_two(section)?;
        needs_output(section)
    }

    fn follow(&self, section: &mut SectionOptions<'_, '_>, _: &dyn Loader) -> Result<(), config::Error> {
        let own = section.name().to_owned();
        for entry in jinja::entries(&section.get("context")?.unwrap_or_default()).flatten() {
            if let Some((other, option)) = entry.reference() {
                section.of(if other.is_empty() { &own } else { other }, option)?;
            } else if entry.kind == "section" {
                section.require(entry.value, "context")?;
            }
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        utf8_only(build, "encoding");
        let text = match (build.optional("output"), build.optional("template")) {
            (None, Some(template)) => match template.strip_prefix("inline:") {
                Some(inline) => Text::Inline(inline.trim_start_matches(['\r', '\n']).to_owned()),
                None => Text::File { option: "template", path: template.to_owned() },
            },
            _ => slapos(build.optional("url"), build.optional("inline")),
        };
        let template = read(build, &text)?;
        let rendered = jinja::render(build, &template)?;
        let mode = mode(build, &rendered)?;
        write(build, text, rendered, Some(mode))
    }
}

/// The text of slapos.recipe.template.
fn slapos(url: Option<&str>, inline: Option<&str>) -> Text {
    match url.filter(|url| !url.is_empty()) {
        Some(url) => Text::File { option: "url", path: url.to_owned() },
        None => Text::Inline(inline.unwrap_or_default().to_owned()),
    }
}

fn one_of_two(section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
    let is_set = |text: Option<std::sync::Arc<str>>| text.is_some_and(|text| !text.is_empty());
    let (url, inline) = (is_set(section.get("url")?), is_set(section.get("inline")?));
    match (url, inline) {
        (true, true) => Err(section.refuse("inline", "it takes either `url` or `inline`, not both")),
        (false, false) => Err(section.refuse("recipe", "it takes either `url` or `inline`")),
        (false, true) if is_set(section.get("md5sum")?) => {
            Err(section.refuse("md5sum", "`md5sum` is for a `url`; the text in `inline` is what it is"))
        }
        _ => Ok(()),
    }
}

fn needs_output(section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
    match section.get("output")? {
        Some(_) => Ok(()),
        None => Err(section.refuse("recipe", format!("section `{}` has no option `output`", section.name()))),
    }
}

/// The path of a template, where it is a file of this machine.
fn local(path: &str, directory: &str) -> Option<Utf8PathBuf> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    (!is_url(path)).then(|| normalize(&Utf8PathBuf::from(directory).join(path)))
}

/// Resolves what a template refers to, so that the parts among it are parts of the plan. What is wrong with the template is told
/// when there is a plan.
fn touch(
    section: &mut SectionOptions<'_, '_>,
    files: &dyn Loader,
    text: &Text,
    style: Style,
) -> Result<(), config::Error> {
    let directory = section.buildout("directory")?.unwrap_or_default();
    let text = match text {
        Text::Inline(text) => Ok(text.clone()),
        Text::File { path, .. } => match local(path, &directory) {
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
fn read(build: &mut Build<'_>, text: &Text) -> Option<String> {
    match text {
        Text::Inline(text) => Some(text.clone()),
        Text::File { option, path } => {
            let Some(path) = local(path, build.project.directory.as_str()) else { return refuse_remote(build, option) };
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

fn refuse_remote<T>(build: &mut Build<'_>, option: &str) -> Option<T> {
    let message =
        format!("part `{}`: its template would have to be downloaded before it is known what it needs", build.name);
    build.problem(option, message, Some("put it into the project"));
    None
}

/// A template with its values.
fn render(build: &mut Build<'_>, text: &Text, style: Style) -> Option<String> {
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

/// The permissions of what slapos' recipes write.
fn mode(build: &mut Build<'_>, rendered: &str) -> Option<u32> {
    match build.text("mode").trim() {
        "" => {
            let interpreter = rendered.strip_prefix("#!").and_then(|rest| rest.lines().next());
            let runs = interpreter.is_some_and(|line| !line.trim().is_empty());
            Some(if runs { 0o755 } else { 0o644 })
        }
        _ => build.mode("mode"),
    }
}

fn utf8_only(build: &mut Build<'_>, option: &str) {
    let encoding = build.text(option).trim().to_lowercase();
    if !matches!(encoding.as_str(), "" | "utf-8" | "utf8" | "ascii") {
        let message = format!("part `{}`: `{option}` is `{encoding}`, and only UTF-8 is known", build.name);
        build.problem(option, message, Some("convert the template"));
    }
}

/// The part that writes the file. Without a mode it gets that of the template, which is a file then.
fn write(build: &mut Build<'_>, text: Text, rendered: String, mode: Option<u32>) -> Option<Part> {
    let output = build.optional("output").or(build.optional("rendered")).unwrap_or_default().to_owned();
    build.below_project("output", &output)?;
    let output = normalize(&build.project.directory.join(output)).into_string();
    let mut like = None;
    let mut stages = match build.text("location").is_empty() {
        true => Stages::in_own_folder(build),
        false => Stages::new(build, "location"),
    };
    if let Text::File { option, path } = text {
        stages.template(option, &path);
        like = local(&path, stages.build.project.directory.as_str());
    }
    let mut command = write_to(&output, mode.unwrap_or(0o644));
    if let (Some(like), None) = (like, mode) {
        command += &format!(" && chmod \"$(stat -c %a {})\" {}", quoted(like.as_str()), quoted(&output));
    }
    stages.run_with("write", command, Input::Text(rendered));
    stages.part()
}
