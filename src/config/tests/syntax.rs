//! Lines, sections and options.

use super::*;

fn error(text: &str) -> String {
    load_all(&[("/p/buildout.cfg", text)], &[]).expect_err("an error").to_string()
}

fn x(text: &str) -> String {
    get(&load(text), "a", "x").expect("resolves")
}

#[test]
fn names_are_case_sensitive() {
    let config = load("[a]\nx = 1\nX = 2\n[A]\nx = 3\n");
    assert_eq!(get(&config, "a", "x"), Ok("1".into()));
    assert_eq!(get(&config, "a", "X"), Ok("2".into()));
    assert_eq!(get(&config, "A", "x"), Ok("3".into()));
}

#[test]
fn a_colon_separates_nothing() {
    assert!(error("[a]\nx: 1\n").contains("1 line makes no sense"));
    assert_eq!(x("[a]\nx = y: 1\n"), "y: 1");
}

#[test]
fn values_have_no_comments_at_their_end() {
    assert_eq!(x("[a] # a comment\nx = 1 # no comment ; neither\n"), "1 # no comment ; neither");
}

#[test]
fn a_comment_in_column_0_does_not_end_a_value() {
    assert_eq!(x("[a]\nx = 1\n# a comment\n  2\n"), "1\n2");
}

#[test]
fn a_value_that_starts_on_its_own_line_loses_indents_and_empty_lines() {
    assert_eq!(x("[a]\nx = 1\n\n    2\n  3\n"), "1\n2\n3");
}

#[test]
fn a_value_that_starts_below_keeps_its_shape() {
    assert_eq!(x("[a]\nx =\n    1\n\n      2\n    3\n\n"), "1\n\n  2\n3");
}

#[test]
fn an_option_without_a_value_is_empty() {
    assert_eq!(x("[a]\nx =\n"), "");
}

#[test]
fn additions_of_one_file_are_joined() {
    assert_eq!(x("[a]\nx += 1\nx += 2\nx -= 1\nx -= 3\n"), "2");
}

#[test]
fn an_assignment_spares_additions_written_without_a_blank() {
    assert_eq!(x("[a]\nx += 1\nx = 2\n"), "2");
    assert_eq!(x("[a]\nx+= 1\nx = 2\n"), "2\n1");
}

#[test]
fn a_section_that_does_not_count_may_have_no_bad_lines_either() {
    assert_eq!(x("[a]\nx = 1\n[a : windows]\nx = 2\n"), "1");
    assert!(error("[a : windows]\nnonsense\n").contains("1 line makes no sense"));
}

#[test]
fn an_indented_line_with_nothing_above_it_matters_where_its_section_counts() {
    assert_eq!(x("[a]\nx = 1\n[a : windows]\n  2\n"), "1");
    assert!(error("[a]\nx = 1\n[a : linux]\n  2\n").contains("1 line makes no sense"));
    assert!(error("[a]\n  2\n").contains("1 line makes no sense"));
}

#[test]
fn comment_signs_in_conditions_are_written_as_escapes() {
    assert_eq!(x("[a]\nx = 1\n[a : \"\\x23\" == \"\\x23\" and \"\\x3b\" != \"\\x23\"]\nx = 2\n"), "2");
}

#[test]
fn carriage_returns_are_left_out() {
    assert_eq!(x("[a]\r\nx = 1\r\n  2\r\n"), "1\n2");
}

#[test]
fn section_names_hold_no_blanks() {
    assert_eq!(error("[a]\n[a b]\nx = 1\n"), "failed to parse `/p/buildout.cfg`: 1 line makes no sense");
}
