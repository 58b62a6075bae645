//! Recipes that are not built in though many configs have them, and what does their work here.

/// The start of a recipe's name, and what to use instead.
const INSTEAD: &[(&str, &str)] = &[
    ("slapos.recipe.build:vm", "virtual machines are not built here"),
    ("slapos.recipe.build:", "built in of this package: :download, :download-unpacked, :gitclone and :mkdirectory"),
    (
        "slapos.recipe.build",
        "it runs Python from the config; write what it does as commands, with `slapos.recipe.cmmi` or `plone.recipe.command`",
    ),
    ("slapos.cookbook", "it sets up running services, which is for the site, after the installation"),
    (
        "zc.recipe.egg:",
        "built in of this package: zc.recipe.egg, :eggs and :scripts; what is built against other parts is a wheel to be made \
         before, in a folder that `find-links` names",
    ),
    (
        "zc.recipe.testrunner",
        "tests are for where the release is made; `hardtack:make`, `hardtack:cmake` and `hardtack:meson` have `check = true`",
    ),
    (
        "plone.recipe.zope2instance",
        "`zc.recipe.egg` installs the distributions; the instance is for the site, after the installation",
    ),
    ("z3c.recipe.runscript", "it runs Python; write what it does as commands, with `plone.recipe.command`"),
    ("iw.recipe.cmd", "`collective.recipe.cmd` takes the same options"),
    ("gocept.cmmi", "`zc.recipe.cmmi` takes the same options"),
    ("rubygemsrecipe", "gems are not installed; build them from their sources with `slapos.recipe.cmmi`"),
];

/// What to use instead of a recipe; none where nothing is known of it.
pub(super) fn instead(recipe: &str) -> Option<&'static str> {
    let known = |start: &str| {
        recipe == start || recipe.starts_with(start) && (start.ends_with(':') || recipe[start.len()..].starts_with(':'))
    };
    INSTEAD.iter().find(|(start, _)| known(start)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_name_counts_or_what_stands_before_a_colon() {
        assert!(instead("slapos.recipe.build:vm.run").is_none_or(|hint| hint.contains(":download")));
        assert!(instead("slapos.recipe.build").is_some_and(|hint| hint.contains("Python")));
        assert!(instead("slapos.recipe.build:other").is_some_and(|hint| hint.contains(":gitclone")));
        assert!(instead("zc.recipe.egg:custom").is_some() && instead("zc.recipe.eggs").is_none());
        // What is built in needs nothing instead.
        for about in super::super::recipes() {
            assert!(instead(about.name).is_none_or(|hint| hint.contains("built in of this package")), "{}", about.name);
        }
    }
}
