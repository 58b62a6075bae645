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
    assert_eq!(floor("[buildout]\nversions = v\n[v]\n", "v", "zc.buildout"), Ok(">=6.0.1".into()));
    let error = load_all(&[("/p/buildout.cfg", "[buildout]\nversions = v\n")], &[]).expect_err("no such section");
    assert_eq!(error.to_string(), "section `v` does not exist");
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

#[test]
fn folders_that_no_file_names_are_below_a_declared_directory() {
    let config = load("[buildout]\ndirectory = /other\n");
    assert_eq!(get(&config, "buildout", "eggs-directory"), Ok("/other/eggs/v5".into()));
    assert_eq!(get(&config, "buildout", "parts-directory"), Ok("/other/parts".into()));
}

#[test]
fn eggs_may_lie_below_a_tag_of_the_python() {
    let text = "[buildout]\nabi-tag-eggs = true\n[hardtack]\npython-version = 3.12\n";
    assert_eq!(get(&load(text), "buildout", "eggs-directory"), Ok("/p/eggs/v5/cp312".into()));
}

#[test]
fn an_empty_download_cache_is_the_folder_of_its_file() {
    let config = load("[buildout]\ndownload-cache =\n");
    assert_eq!(get(&config, "buildout", "download-cache"), Ok("/p".into()));
    assert_eq!(config.raw("buildout", "download-cache").map(Value::written), Some(""));
}

#[test]
fn options_that_switch_something_take_true_and_false() {
    for option in ["newest", "offline", "install-from-cache", "abi-tag-eggs", "prefer-final"] {
        let config = load(&format!("[buildout]\n{option} = yes\n[a]\nx = 1\n"));
        let error = format!("option `buildout:{option}` is `yes`: it takes `true` or `false`");
        assert_eq!(get(&config, "a", "x"), Err(error));
    }
}
