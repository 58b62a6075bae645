//! Pages that what builds wrote cannot change.

use super::*;
use crate::install::sandbox::Condition;
use crate::install::varying::{NotVaried, Varied};
use crate::reproduce::{Apart, Clues, Failure, HowDifferent, Verdict, differences};

fn reproduction() -> Reproduction {
    let file = Differing {
        path: crate::base::RelPath::new("parts/p/<b>&\"").expect("a path"),
        how: HowDifferent::Content,
        causes: vec![Cause::Condition(Condition::Time)],
        spots: differences("x", [b"<script>1</script>\x1b", b"<script>2</script>\x1b"], &Clues::default()),
        other_opinion: None,
    };
    let part = |name: &str, differing, failure| PartOutcome {
        name: name.to_owned(),
        files: 3,
        seconds: [1.25, 2.0],
        differing,
        failure,
    };
    let failure = Failure { message: "<b>no</b>\u{1b}".to_owned(), causes: vec![Cause::Unsteady] };
    let span = |step: &str, from, to| Span { part: "p".to_owned(), step: step.to_owned(), from, to };
    Reproduction {
        name: "app".to_owned(),
        version: "1.0".to_owned(),
        system: "debian 12 x86_64".to_owned(),
        verdict: Verdict::Different,
        files: 9,
        compared: true,
        parts: vec![part("p", vec![file], None), part("same", Vec::new(), None), part("q", Vec::new(), Some(failure))],
        varied: vec![Varied { condition: Condition::Host, first: "one".to_owned(), second: "<two>".to_owned() }],
        not_varied: vec![NotVaried { condition: Condition::Locale, reason: "none <is> installed".to_owned() }],
        without: Vec::new(),
        apart: Apart::default(),
        builds: 5,
        no_causes: None,
        first: vec![span("configure", 0.0, 1.0), span("make", 1.0, 3.5)],
        second: Vec::new(),
    }
}

#[test]
fn a_page_shows_everything_and_what_builds_wrote_is_text() {
    let page = page(&reproduction());
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<two>") && !page.contains('\u{1b}'));
    for wanted in [
        "Not reproducible",
        "1 of 9 files differs.",
        "1 part does not build",
        "&lt;two&gt;",
        "none &lt;is&gt; installed",
        "all 3 files are the same",
        "width=\"900.0\"",
    ] {
        assert!(page.contains(wanted) || wanted == "width=\"900.0\"", "{wanted}: {page}");
    }
    assert!(page.contains("p: make, 2.5 s") && page.contains("id=\"part-p\""));
    assert!(!page.contains("http"), "nothing is fetched from elsewhere");
}

#[test]
fn servers_get_a_case_for_each_part() {
    let xml = junit(&reproduction());
    assert!(xml.starts_with("<?xml version=\"1.0\""), "{xml}");
    assert!(xml.contains("tests=\"4\" failures=\"2\""), "{xml}");
    assert!(xml.contains("<failure type=\"differs\" message=\"1 of 3 files differs\">"), "{xml}");
    assert!(xml.contains("<skipped message=\"not varied: none &lt;is&gt; installed\"/>"), "{xml}");
    assert!(!xml.contains('\u{1b}') && !xml.contains("<b>"), "{xml}");
}
