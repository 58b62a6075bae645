//! `hardtack query`

use super::access::Access;
use super::args::Query;
use super::context::Context;
use super::error::{Report, USAGE};
use super::project::Loaded;
use crate::config::{Config, Resolver};
use crate::recipes::BuiltinRecipes;
use crate::report::{ResolvedConfig, section_text};

pub(super) fn run(context: &Context<'_>, query: &Query) -> Result<(), Report> {
    let (words, overrides) = context.split_words(&query.words, 1)?;
    let loaded = Loaded::from_disk(context, &context.folder, overrides, Access::LOOK)?;
    let config = &loaded.config;
    let (section, option) = match words.first().map(|word| word.split_once(':').unwrap_or((word, ""))) {
        // As in buildout, `:option` and nothing else mean [buildout].
        Some(("", option)) => (Some("buildout"), Some(option)),
        Some((section, "")) => (Some(section), None),
        Some((section, option)) => (Some(section), Some(option)),
        None => (None, None),
    };
    if query.raw {
        return raw(context, config, section, option);
    }
    let recipes = BuiltinRecipes::new(&loaded.files);
    let mut resolver = config.resolver(&recipes)?;
    if let (Some(section), Some(option)) = (section, option) {
        // Told as an error also where the section is to be printed as JSON.
        let value = resolver.option(section, option)?;
        if !context.console.json {
            return context.console.out(&format!("{value}\n"));
        }
    }
    let names: Vec<&str> = match section {
        Some(name) => vec![name],
        None => resolver.section_names().collect(),
    };
    let mut result = ResolvedConfig::new();
    for name in names {
        match resolver.section(name) {
            Ok(options) => {
                let wanted = options.iter().filter(|(key, _)| option.is_none_or(|option| *option == ***key));
                let options = wanted.map(|(option, value)| (option.to_string(), value.to_string()));
                result.sections.insert(name.to_owned(), options.collect());
            }
            Err(error) if query.keep_going => {
                let (code, _) = super::error::describe(&error.kind);
                result.add_error(name, code, error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    result.order = order(&mut resolver, query.keep_going)?;
    print(context, &result)
}

/// The order of parts. With `--keep-going`, a config whose parts do not resolve has none.
fn order(resolver: &mut Resolver<'_>, keep_going: bool) -> Result<Vec<String>, Report> {
    match resolver.parts() {
        Ok(parts) => Ok(parts.iter().map(ToString::to_string).collect()),
        Err(_) if keep_going => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn print(context: &Context<'_>, result: &ResolvedConfig) -> Result<(), Report> {
    if context.console.json {
        return context.console.out_json(result);
    }
    let sections = result.sections.iter().map(|(name, options)| {
        section_text(name, options.iter().map(|(option, value)| (option.as_str(), value.as_str())))
    });
    let text = sections.collect::<Vec<_>>().join("\n");
    context.console.out(&text)?;
    for (section, error) in &result.errors {
        context.console.warn(format!("section `{section}` does not resolve: {}", error.message));
    }
    Ok(())
}

/// Values as they are written, folders of [buildout] made absolute as the original does.
fn raw(context: &Context<'_>, config: &Config, section: Option<&str>, option: Option<&str>) -> Result<(), Report> {
    if let (Some(section), Some(option)) = (section, option) {
        let value = config.raw(section, option).ok_or_else(|| not_there(config, section, Some(option)))?;
        if !context.console.json {
            return context.console.out(&format!("{}\n", value.text));
        }
    }
    let names: Vec<&str> = match section {
        Some(name) => vec![name],
        None => config.section_names().collect(),
    };
    let mut result = ResolvedConfig::new();
    for name in names {
        let options = config.raw_section(name).ok_or_else(|| not_there(config, name, None))?;
        let wanted = options.filter(|(key, _)| option.is_none_or(|option| option == *key));
        result.sections.insert(name.to_owned(), wanted.map(|(k, v)| (k.to_owned(), v.text.to_string())).collect());
    }
    print(context, &result)
}

/// The error about a section or option that does not exist.
pub(super) fn not_there(config: &Config, section: &str, option: Option<&str>) -> Report {
    let (message, similar) = match (config.raw_section(section), option) {
        (Some(options), Some(option)) => {
            let names: Vec<&str> = options.map(|(name, _)| name).collect();
            (format!("option `{section}:{option}` does not exist"), crate::config::similar(option, names))
        }
        _ => (format!("section `{section}` does not exist"), crate::config::similar(section, config.section_names())),
    };
    let report = Report::new(USAGE, "config-no-option", message);
    similar.into_iter().fold(report, |report, name| report.hint(format!("did you mean `{name}`?")))
}
