//! What building twice came to, as a page for people and as JUnit's XML for servers that build.
//!
//! Both are templates that are filled with text and nothing else: what builds write cannot become markup.

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde_json::{Value, json};

use super::contents::printable;
use super::halving::Cause;
use super::outcome::{Differing, PartOutcome, Reproduction, Span, counted};

/// Height of a bar of the timeline, with the room below it, in units of the picture.
const ROW: usize = 22;
/// Width of the timeline.
const WIDTH: f64 = 900.0;

/// One file that needs nothing else.
pub fn page(reproduction: &Reproduction) -> String {
    let longest = [&reproduction.first, &reproduction.second].into_iter().flatten().map(|span| span.to);
    let scale = WIDTH / longest.fold(0.001, f64::max);
    let timelines = [("First build", &reproduction.first), ("Second build", &reproduction.second)];
    let timelines = timelines.map(|(title, spans)| timeline(title, spans, scale));
    let counts: Vec<_> = counted(reproduction.differing())
        .into_iter()
        .map(|(cause, count)| json!({ "cause": cause, "count": count }))
        .collect();
    fill(
        "page.html",
        include_str!("page/page.html"),
        json!({
            "of": reproduction,
            "differing": reproduction.differing_files(),
            "failing": reproduction.failures().count(),
            "parts": reproduction.parts.iter().map(part).collect::<Vec<_>>(),
            "counts": counts,
            "without": reproduction.without.iter().map(|aid| aid.meaning()).collect::<Vec<_>>(),
            "varied": reproduction.varied.iter().map(|varied| json!({
                "name": varied.condition.name(), "meaning": varied.condition.meaning(),
                "first": varied.first, "second": varied.second,
            })).collect::<Vec<_>>(),
            "timelines": timelines,
        }),
    )
}

/// A test case a part; conditions that were not varied are skipped ones.
pub fn junit(reproduction: &Reproduction) -> String {
    let failing = reproduction.parts.iter().filter(|part| is_failing(part)).count();
    let uncompared = if reproduction.compared { 0 } else { reproduction.parts.len() - failing };
    fill(
        "junit.xml",
        include_str!("page/junit.xml"),
        json!({
            "of": reproduction,
            "tests": reproduction.parts.len() + reproduction.not_varied.len(),
            "failing": failing,
            "skipped": reproduction.not_varied.len() + uncompared,
            "parts": reproduction.parts.iter().map(part).collect::<Vec<_>>(),
        }),
    )
}

fn is_failing(part: &PartOutcome) -> bool {
    !part.differing.is_empty() || part.failure.is_some()
}

fn fill(name: &str, template: &str, values: Value) -> String {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters"));
    // Templates are part of the program: what is wrong in one, a test finds.
    let text = environment.render_named_str(name, template, Serde(values)).expect("a template that fits its values");
    // XML has no other control characters and none that are no characters (XML 1.0, 2.2), and a page no use for them.
    text.lines().map(|line| printable(line) + "\n").collect()
}

fn part(part: &PartOutcome) -> Value {
    json!({
        "name": part.name,
        "files": part.files,
        "seconds": part.seconds.map(|seconds| format!("{seconds:.1}")),
        "is_failing": is_failing(part),
        "differing_files": part.differing_files(),
        "differing": part.differing.iter().map(file).collect::<Vec<_>>(),
        "failure": part.failure.as_ref().map(|failure| json!({
            "message": failure.message, "causes": words(&failure.causes),
        })),
    })
}

fn file(file: &Differing) -> Value {
    json!({
        "path": file.path.as_str(),
        "how": file.how.to_string(),
        "causes": words(&file.causes),
        "fixes": file.fixes(),
        "other_opinion": file.other_opinion,
        "spots": file.spots.iter().map(|spot| json!({
            "inside": spot.inside.join(" \u{203a} "),
            "what": spot.what.to_string(),
            "section": spot.section,
            "at": spot.at.map(|at| format!("0x{at:x}")),
            "first": spot.first,
            "second": spot.second,
        })).collect::<Vec<_>>(),
    })
}

fn words(causes: &[Cause]) -> Vec<String> {
    causes.iter().map(Cause::to_string).collect()
}

/// Bars of a build: a row a part.
fn timeline(title: &str, spans: &[Span], scale: f64) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for span in spans {
        if !names.contains(&span.part.as_str()) {
            names.push(&span.part);
        }
    }
    let row_of = |span: &Span| names.iter().position(|name| *name == span.part).unwrap_or_default();
    let bars = spans.iter().map(|span| {
        json!({
            "x": format!("{:.1}", span.from * scale),
            "y": row_of(span) * ROW,
            "width": format!("{:.1}", ((span.to - span.from) * scale).max(1.0)),
            "kind": kind(&span.step),
            "title": format!("{}: {}, {:.1} s", span.part, span.step, span.to - span.from),
        })
    });
    let names = names.iter().enumerate().map(|(row, name)| json!({ "name": name, "y": row * ROW + 13 }));
    json!({
        "title": title,
        "height": spans.iter().map(row_of).max().map_or(0, |row| (row + 1) * ROW),
        "seconds": format!("{:.1}", spans.iter().map(|span| span.to).fold(0.0, f64::max)),
        "bars": bars.collect::<Vec<_>>(),
        "names": names.collect::<Vec<_>>(),
    })
}

/// The colour of a step.
fn kind(step: &str) -> &'static str {
    match step {
        "configure" => "configure",
        "make" | "build" | "compile" => "make",
        "install" | "make-install" => "install",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
