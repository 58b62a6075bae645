//! The recipes there are: a file for each, or for two that belong together, and a row here.

mod cmake;
mod collective_template;
mod commands;
mod copy;
mod egg;
mod folders;
mod hexagonit;
mod jinja;
mod make;
mod meson;
mod ours;
mod slapos_cmmi;
mod slapos_download;
pub(super) mod slapos_git;
mod slapos_template;
mod templates;
mod zc_cmmi;

use super::recipe::{About, Recipe};

/// Every recipe there is.
pub(super) const RECIPES: &[&dyn Recipe] = &[
    &zc_cmmi::Cmmi,
    &egg::EGG,
    &egg::SCRIPTS,
    &egg::EGGS,
    &cmake::Cmake,
    &meson::Meson,
    &make::Make,
    &copy::Copy,
    &slapos_cmmi::SlaposCmmi,
    &slapos_download::SlaposDownload,
    &slapos_download::SlaposUnpacked,
    &slapos_git::SlaposGit,
    &folders::SlaposMkdirectory,
    &hexagonit::HexagonitCmmi,
    &hexagonit::HexagonitDownload,
    &commands::PloneCommand,
    &commands::CollectiveCmd,
    &folders::Z3cMkdir,
    &collective_template::CollectiveTemplate,
    &slapos_template::SlaposTemplate,
    &slapos_template::SlaposJinja,
];

/// What there is to know of every recipe, in the order in which people are told of them.
pub fn recipes() -> impl Iterator<Item = &'static About> {
    RECIPES.iter().map(|recipe| recipe.about())
}

/// The recipe of that name.
pub(super) fn find(name: &str) -> Option<&'static dyn Recipe> {
    RECIPES.iter().copied().find(|recipe| recipe.about().name == name)
}
