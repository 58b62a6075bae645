//! `hardtack install --dry-run`: what would be built, and why.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_json::json;

use super::access::Access;
use super::args::Install as Arguments;
use super::context::Context;
use super::error::Report;
use super::project::Loaded;
use super::{inplace, release};
use crate::bundle::is_bundle_folder;
use crate::install::sandbox::Sandbox;
use crate::install::{Fate, Foreseen, Preview};
use crate::report::JSON_FORMAT;

pub(super) fn show(
    context: &Context<'_>,
    arguments: &Arguments,
    path: &Utf8Path,
    environment: &BTreeMap<String, String>,
) -> Result<(), Report> {
    let (_held, scratch) = context.environment.temporary_folder()?;
    let looked = if is_bundle_folder(path) {
        release::look_at_folder(context, arguments.into(), path)?
    } else if path.is_dir() {
        let loaded = Loaded::from_disk(context, path, context.overrides.clone(), Access::INSTALL)?;
        inplace::look_at(context, loaded.project(context)?)?
    } else {
        release::look_at_file(context, arguments.into(), path, &scratch)?
    };
    if let Some(contract) = &looked.contract {
        let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
        release::meet_contract(context, arguments.into(), contract.clone(), path)?;
    }
    let foreseen = match looked.plan.parts.is_empty() {
        true => Foreseen::default(),
        false => {
            let level = Sandbox::choose(arguments.sandbox, context.program()?, &scratch.join("trial"))?.level;
            let release::Looked { root, plan, sources, files, .. } = &looked;
            Preview { root, plan, sources, files, level, environment }.foresee()?
        }
    };
    let recipe = |name: &str| looked.plan.part(name).map(|part| part.recipe.clone()).unwrap_or_default();
    let rows = foreseen.parts.iter().map(|(name, fate)| {
        let (what, why) = words(fate);
        (what, name.as_str(), recipe(name), why)
    });
    let gone =
        foreseen.removed.iter().map(|name| ("remove", name.as_str(), String::new(), "the config no longer has it"));
    let rows: Vec<(&str, &str, String, String)> =
        rows.chain(gone.map(|(what, name, recipe, why)| (what, name, recipe, why.to_owned()))).collect();
    if context.console.json {
        let parts = rows
            .iter()
            .map(|(what, name, recipe, why)| json!({ "name": name, "recipe": recipe, "action": what, "because": why }));
        return context.console.out_json(&json!({ "format": JSON_FORMAT, "parts": parts.collect::<Vec<_>>() }));
    }
    let lines = rows.iter().map(|(what, name, recipe, why)| format!("{what}\t{name}\t{recipe}\t{why}\n"));
    context.console.out(&lines.collect::<String>())
}

fn words(fate: &Fate) -> (&'static str, String) {
    match fate {
        Fate::New => ("build", "it is new".to_owned()),
        Fate::Outdated(why) => ("build", why.clone()),
        Fate::Broken => ("build", "its files are gone or have changed".to_owned()),
        Fate::Kept => ("keep", String::new()),
    }
}
