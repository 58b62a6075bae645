//! `collective.recipe.template`: files with values of the config in them, as collective.recipe.template 3.0 makes them.

use super::super::plan::Part;
use super::super::recipe::{About, Build, Recipe, opt};
use super::super::template::Style;
use super::templates::{Text, needs_output, refuse_remote, render, touch, utf8_only, write};
use crate::config::{self, Loader, SectionOptions};

pub(in super::super) struct CollectiveTemplate;

const COLLECTIVE: About = About {
    name: "collective.recipe.template",
    says: "a file, from a template with ${section:option} and ${option} in it",
    options: &[&[
        opt("input", "", "The template: a file of the project, or inline: and its text"),
        opt("inline", "", "Its text"),
        opt("url", "", "Refused: what a template says must be known before anything is fetched"),
        opt("output", "", "The file that is written"),
        opt("mode", "", "Its permissions, in octal; those of the template where it is a file"),
        opt("overwrite", "true", "Understood; an installation writes its own files"),
        opt("input-encoding", "utf-8", "No other is known"),
        opt("output-encoding", "utf-8", "No other is known"),
        opt("timeout", "", "Understood; nothing is downloaded"),
    ]],
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
        write(build, text, &[], rendered, mode)
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
