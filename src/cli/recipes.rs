//! `hardtack recipes`: what is built in, and what its options mean.

use serde_json::json;

use super::context::Context;
use super::error::{Report, USAGE};
use crate::config::similar;
use crate::recipes::{About, OF_EVERY_PART, Opt, recipes};
use crate::report::JSON_FORMAT;

pub(super) fn run(context: &Context<'_>, name: Option<&str>) -> Result<(), Report> {
    let wanted: Vec<&About> = match name {
        None => recipes().collect(),
        Some(name) => vec![recipes().find(|about| about.name == name).ok_or_else(|| unknown(name))?],
    };
    if context.console.json {
        let recipes: Vec<_> = wanted.iter().map(|about| as_json(about)).collect();
        return context.console.out_json(&json!({ "format": JSON_FORMAT, "recipes": recipes }));
    }
    match (name, wanted.as_slice()) {
        (Some(_), [about]) => context.console.out(&in_full(about)),
        _ => {
            let width = wanted.iter().map(|about| about.name.len()).max().unwrap_or(0);
            let lines = wanted.iter().map(|about| format!("{:width$}  {}\n", about.name, about.says));
            context.console.out(&lines.collect::<String>())
        }
    }
}

fn unknown(name: &str) -> Report {
    let report = Report::new(USAGE, "unknown-recipe", format!("recipe `{name}` is not built in"));
    match similar(name, recipes().map(|about| about.name)) {
        Some(similar) => report.hint(format!("did you mean `{similar}`?")),
        None => report.hint("those that are: hardtack recipes"),
    }
}

fn in_full(about: &About) -> String {
    let mut text = format!("{}: {}\n\n", about.name, about.says);
    text += &options(about.options());
    text += "\nof every part:\n";
    text += &options(OF_EVERY_PART.iter());
    text + &format!("\nexample:\n{}", indented(about.example))
}

/// A line for each option, and one more for what counts where it is not set.
fn options<'o>(options: impl Iterator<Item = &'o Opt> + Clone) -> String {
    let width = options.clone().map(|option| option.name.len()).max().unwrap_or(0);
    let line = |option: &Opt| {
        let default = if option.default.is_empty() { String::new() } else { format!(" [{}]", option.default) };
        format!("  {:width$}  {}{default}\n", option.name, option.says)
    };
    options.map(line).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn as_json(about: &About) -> serde_json::Value {
    let options = about.options().chain(&OF_EVERY_PART).map(|option| {
        let default = Some(option.default).filter(|default| !default.is_empty());
        json!({ "name": option.name, "default": default, "says": option.says })
    });
    let options: Vec<_> = options.collect();
    json!({ "name": about.name, "says": about.says, "options": options, "example": about.example })
}
