//! Builds that would install somewhere else.

use super::{Lint, LintCode, Part};

/// Finds `configure-options` of zc.recipe.cmmi, which stand in the place of `--prefix`, with nothing that says where to
/// install. The other recipes add what is missing themselves.
pub(super) fn check(part: &Part<'_>, lints: &mut Vec<Lint>) {
    let text = |option: &str| part.resolved.get(option).map(|value| &**value).unwrap_or_default();
    if part.recipe.about().name != "zc.recipe.cmmi" || part.place("configure-options").is_none() {
        return;
    }
    let said = [text("configure-options"), text("extra_options"), text("configure-command"), text("environment")];
    let says = |said: &&str| said.to_ascii_lowercase().contains("prefix") || said.contains(text("location"));
    if !said.iter().any(says) {
        let message = format!(
            "section `{}`: `configure-options` stand in the place of `--prefix`, and nothing says where to install",
            part.name
        );
        let hint = "put them into `extra_options`, which come after it".to_owned();
        lints.push(part.lint(LintCode::LostPrefix, "configure-options", message, Some(hint)));
    }
}
