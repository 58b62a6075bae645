//! `${section:option}`, recipes and the order of parts.

use super::*;

fn order(text: &str) -> Vec<String> {
    let config = load(text);
    let parts = config.resolver(&Locations).expect("resolves").parts().expect("resolve");
    parts.iter().map(ToString::to_string).collect()
}

#[test]
fn one_bad_reference_fails_the_whole_section() {
    let config = load("[a]\nx = 1\ny = ${nowhere:z}\n[b]\nx = 2\n");
    assert_eq!(get(&config, "a", "x"), Err("section `nowhere` does not exist".into()));
    assert_eq!(get(&config, "b", "x"), Ok("2".into()));
}

#[test]
fn malformed_references_say_what_is_wrong_with_them() {
    for (text, reason) in [
        ("${foo}", "has no colon"),
        ("${a:b:c}", "has more than one colon"),
        ("${a/b:c}", "has a section name with characters a reference cannot hold"),
        ("${a:b/c}", "has an option name with characters a reference cannot hold"),
    ] {
        let config = load(&format!("[a]\nx = {text}\n"));
        assert_eq!(get(&config, "a", "x"), Err(format!("substitution `{text}` {reason}")));
    }
}

#[test]
fn names_in_references_may_hold_dots_dashes_and_blanks() {
    assert_eq!(get(&load("[a-b.c]\nd.e-f = 1\n[a]\nx = ${a-b.c:d.e-f}\n"), "a", "x"), Ok("1".into()));
}

#[test]
fn a_part_comes_after_the_parts_it_refers_to() {
    let recipe = "recipe = r\n";
    let text = format!("[buildout]\nparts = c a\n[a]\n{recipe}[b]\n{recipe}[c]\n{recipe}x = ${{b:location}}\n");
    assert_eq!(order(&text), ["b", "c", "a"]);
}

#[test]
fn macro_bases_are_no_parts() {
    assert_eq!(order("[buildout]\nparts = a\n[m]\nrecipe = r\n[a]\n<= m\n"), ["a"]);
}

#[test]
fn sections_without_a_recipe_are_no_parts() {
    assert_eq!(order("[buildout]\nparts = a\n[a]\nrecipe = r\nx = ${v:y}\n[v]\ny = 1\n"), ["a"]);
}

#[test]
fn a_part_without_a_recipe_is_an_error() {
    let config = load("[buildout]\nparts = a\n[a]\nx = 1\n");
    let mut resolver = config.resolver(&Locations).expect("resolves");
    let error = resolver.parts().expect_err("an error");
    assert_eq!(error.to_string(), "option `a:recipe` does not exist");
    assert_eq!(error.places[0].to_string(), "/p/buildout.cfg:4");
}

#[test]
fn a_section_may_refer_to_its_own_options() {
    assert_eq!(get(&load("[a]\nx = ${:y}${a:y}\ny = 1\n"), "a", "x"), Ok("11".into()));
}

#[test]
fn parts_that_buildout_or_its_versions_refer_to_come_first() {
    let parts = "[a]\nrecipe = r\n[b]\nrecipe = r\n[c]\nrecipe = r\ny = ${a:location}\n";
    assert_eq!(order(&format!("[buildout]\nparts = b\nx = ${{c:location}}\n{parts}")), ["a", "c", "b"]);
    assert_eq!(order(&format!("[buildout]\nparts = b\n{parts}[versions]\nx = ${{a:location}}\n")), ["a", "b"]);
}

#[test]
fn a_part_with_an_empty_recipe_is_none() {
    assert_eq!(order("[buildout]\nparts = a b\n[a]\nrecipe =\n[b]\nrecipe = r\n"), ["b"]);
}
