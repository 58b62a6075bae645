//! What `[buildout]` has before any file says anything.

use super::*;

#[test]
fn the_options_and_their_values_are_those_of_the_original() {
    let config = load("[a]\n");
    let value = |option: &str| get(&config, "buildout", option).expect(option);
    for (option, expected) in [
        ("allow-hosts", "*"),
        ("allow-picked-versions", "true"),
        ("allow-unknown-extras", "false"),
        ("bin-directory", "/p/bin"),
        ("develop-eggs-directory", "/p/develop-eggs"),
        ("directory", "/p"),
        ("eggs-directory", "/p/eggs/v5"),
        ("eggs-directory-version", "v5"),
        ("find-links", ""),
        ("install-from-cache", "false"),
        ("installed", "/p/.installed.cfg"),
        ("log-format", ""),
        ("log-level", "INFO"),
        ("newest", "true"),
        ("offline", "false"),
        ("parts-directory", "/p/parts"),
        ("prefer-final", "true"),
        ("python", "buildout"),
        ("show-picked-versions", "false"),
        ("socket-timeout", ""),
        ("update-versions-file", ""),
        ("use-dependency-links", "true"),
        ("versions", "versions"),
    ] {
        assert_eq!(value(option), expected, "{option}");
    }
}

#[test]
fn versions_have_floors_unless_the_config_says_otherwise() {
    let floor = |text: &str, section: &str, package: &str| get(&load(text), section, package);
    assert_eq!(floor("[a]\n", "versions", "zc.buildout"), Ok(">=6.0.1".into()));
    assert_eq!(floor("[a]\n", "versions", "zc.recipe.egg"), Ok(">=2.0.6".into()));
    assert_eq!(floor("[versions]\nzc.buildout = 5\n", "versions", "zc.buildout"), Ok("5".into()));
    assert_eq!(floor("[buildout]\nversions = v\n", "v", "zc.buildout"), Ok(">=6.0.1".into()));
    assert!(floor("[buildout]\nversions =\n", "versions", "zc.buildout").is_err());
}

#[test]
fn standard_folders_are_below_the_buildout_directory() {
    let config = load("[buildout]\nparts-directory = x\nbin-directory = /abs\n[a]\ny = ${buildout:parts-directory}\n");
    assert_eq!(get(&config, "a", "y"), Ok("/p/x".into()));
    assert_eq!(get(&config, "buildout", "bin-directory"), Ok("/abs".into()));
}

#[test]
fn raw_values_are_those_that_query_of_the_original_prints() {
    let config = load("[buildout]\nparts = a\n[a]\nx = ${buildout:directory}/y\n");
    assert_eq!(&*config.raw("a", "x").expect("is there").text, "${buildout:directory}/y");
    assert!(config.raw("a", "z").is_none());
}
