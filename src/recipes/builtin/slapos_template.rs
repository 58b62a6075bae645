//! `slapos.recipe.template` and its `:jinja2`: files with values of the config in them, as slapos.recipe.template 5.1 makes them.

use super::super::plan::Part;
use super::super::recipe::{About, Build, Recipe, opt};
use super::super::template::Style;
use super::jinja;
use super::templates::{Text, needs_output, read, render, touch, utf8_only, write};
use crate::config::{self, Loader, SectionOptions};

pub(in super::super) struct SlaposTemplate;
pub(in super::super) struct SlaposJinja;

const SLAPOS: About = About {
    name: "slapos.recipe.template",
    says: "a file, from a template with ${section:option} in it",
    options: &[&[
        opt("url", "", "The template: a file of the project"),
        opt("inline", "", "Its text, instead"),
        opt("md5sum", "", "Its MD5"),
        opt("output", "", "The file that is written"),
        opt("mode", "", "Its permissions, in octal; 755 for what begins with #!, else 644"),
    ]],
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
        write(build, text, &[], rendered, Some(mode))
    }
}

const JINJA: About = About {
    name: "slapos.recipe.template:jinja2",
    says: "a file, from a Jinja template",
    options: &[&[
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
    ]],
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
        let (rendered, imports) = jinja::render(build, &template)?;
        let mode = mode(build, &rendered)?;
        write(build, text, &imports, rendered, Some(mode))
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
