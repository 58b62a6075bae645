//! Printing: messages for people go to stderr, results to stdout.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstream::{AutoStream, ColorChoice};

use super::args::{Color, Format, Global};
use super::bars::Bars;
use super::environment::Environment;
use super::error::{Item, Report};
use crate::base::Place;
use crate::bundle::Progress;
use crate::install::Event;
use crate::recipes::Lint;
use crate::report::JSON_FORMAT;

/// Everything that is said goes through here.
pub(super) struct Console {
    quiet: bool,
    color: ColorChoice,
    /// Results are printed as JSON.
    pub(super) json: bool,
    /// The number of `-v`.
    /// Results are wanted as JUnit has them; what is said besides is for people.
    pub(super) junit: bool,
    pub(super) verbose: u8,
    /// Something was said that is said only once.
    noted: AtomicBool,
    bars: Option<Bars>,
}

impl Console {
    pub(super) fn new(global: &Global, environment: &Environment) -> Self {
        let no_color = environment.variable("NO_COLOR").is_some() || environment.variable("TERM") == Some("dumb");
        let forced = environment.variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let color = match global.color {
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
            Color::Auto if no_color => ColorChoice::Never,
            Color::Auto if forced => ColorChoice::Always,
            Color::Auto if environment.terminal => ColorChoice::Auto,
            Color::Auto => ColorChoice::Never,
        };
        let (json, junit) = (global.format == Format::Json, global.format == Format::Junit);
        let watched = environment.terminal && !global.no_progress && !global.quiet && !json;
        let bars = watched.then(Bars::new);
        Self {
            quiet: global.quiet && global.verbose == 0,
            color,
            json,
            junit,
            verbose: global.verbose,
            noted: AtomicBool::new(false),
            bars,
        }
    }

    /// Writes to stderr, past the bars. Nobody is left to be told when stderr is closed.
    fn write(&self, text: &str) {
        let write = || drop(AutoStream::new(io::stderr().lock(), self.color).write_all(text.as_bytes()));
        match &self.bars {
            Some(bars) => bars.aside(write),
            None => write(),
        }
    }

    /// Shows how far a collection is, where people watch; to programs, tells it.
    pub(super) fn progress(&self, progress: &Progress) {
        if let Some(bars) = &self.bars {
            bars.show(progress);
        }
    }

    /// Shows which parts are being built, where people watch.
    pub(super) fn building(&self, event: &Event) {
        if let Some(bars) = &self.bars {
            bars.build(event);
        }
    }

    /// Tells a program what happens, a line of JSON on stderr each.
    pub(super) fn event(&self, value: &serde_json::Value) {
        self.write(&format!("{value}\n"));
    }

    /// Says what is being done.
    pub(super) fn say(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.message("info", text, || format!("{text}\n"));
    }

    /// Says what only some want to know.
    pub(super) fn detail(&self, text: impl AsRef<str>) {
        if self.verbose > 0 {
            self.say(text);
        }
    }

    /// Says what may be wrong.
    pub(super) fn warn(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.message("warning", text, || rendered(Group::with_title(Level::WARNING.primary_title(text))));
    }

    /// The same, if nothing of the kind was said before.
    pub(super) fn note_once(&self, text: impl AsRef<str>) {
        if !self.noted.swap(true, Ordering::Relaxed) {
            self.note(text);
        }
    }

    /// Says what is done otherwise than one might think.
    pub(super) fn note(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.message("note", text, || rendered(Group::with_title(Level::NOTE.primary_title(text))));
    }

    /// Shows what a config says and probably does not mean.
    pub(super) fn lint(&self, lint: &Lint) {
        self.message("warning", &lint.message, || {
            let title = Level::WARNING.primary_title(&lint.message).id(lint.code.as_str());
            let hint = lint.hint.as_deref().map(render_hint).unwrap_or_default();
            rendered(title.elements(lint.place.as_ref().map(snippet))) + &hint
        });
    }

    /// Tells people something, or a program in a line of its own.
    fn message(&self, level: &str, text: &str, to_people: impl FnOnce() -> String) {
        if self.quiet {
            return;
        }
        match self.json {
            true => self.event(&serde_json::json!({ "event": "message", "level": level, "text": text })),
            false => self.write(&to_people()),
        }
    }

    /// Prints a result.
    pub(super) fn out(&self, text: &str) -> Result<(), Report> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Report::closed_pipe(),
            _ => Report::of(super::error::ENVIRONMENT, "io", &error),
        })
    }

    /// Prints a result as JSON.
    pub(super) fn out_json(&self, value: &impl serde::Serialize) -> Result<(), Report> {
        // Only maps with string keys are printed.
        let text = serde_json::to_string_pretty(value).expect("results serialise");
        self.out(&format!("{text}\n"))
    }

    /// Shows an error; where results are JSON, as JSON on both streams.
    pub(super) fn error(&self, report: &Report) {
        if report.code.is_empty() {
            return;
        }
        if !self.json {
            self.write(&render(report));
        } else {
            let places: Vec<String> = report.places.iter().map(ToString::to_string).collect();
            let items: Vec<&str> = report.items.iter().map(|item| item.message.as_str()).collect();
            let error = serde_json::json!({
                "code": report.code,
                "message": report.message,
                "places": places,
                "causes": report.causes,
                "items": items,
                "hints": report.hints,
            });
            self.event(&serde_json::json!({ "event": "error", "error": error, "rendered": plain(report) }));
            let _ = self.out_json(&serde_json::json!({ "format": JSON_FORMAT, "error": error }));
        }
    }
}

/// A report as it is shown, without colours.
pub(super) fn plain(report: &Report) -> String {
    strip(&render(report))
}

/// A text without its colours.
fn strip(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn rendered(group: Group<'_>) -> String {
    renderer().render(&[group]) + "\n"
}

fn renderer() -> Renderer {
    // Styles are stripped by the stream where they are not wanted.
    Renderer::styled().decor_style(DecorStyle::Ascii)
}

fn render(report: &Report) -> String {
    let title = Level::ERROR.primary_title(&report.message).id(report.code);
    let group = title.elements(report.places.iter().map(snippet));
    let mut text = renderer().render(&[group]) + "\n";
    let mut last: Option<&str> = None;
    for cause in &report.causes {
        // A wrapper often repeats what it wraps.
        if last != Some(cause) && !report.message.ends_with(cause.as_str()) {
            text += &format!("  caused by: {cause}\n");
        }
        last = Some(cause);
    }
    report.items.iter().for_each(|item| text += &render_item(item));
    if !report.output.is_empty() {
        text += "  last lines of its output:\n";
        report.output.iter().for_each(|line| text += &format!("  | {line}\n"));
    }
    report.hints.iter().for_each(|hint| text += &render_hint(hint));
    text
}

fn render_item(item: &Item) -> String {
    let group = match &item.place {
        Some(place) => Level::ERROR.primary_title(&item.message).element(snippet(place)),
        None => Group::with_title(Level::ERROR.primary_title(&item.message)),
    };
    let hint = item.hint.as_deref().map(render_hint).unwrap_or_default();
    renderer().render(&[group]) + "\n" + &hint
}

fn render_hint(hint: &str) -> String {
    let style = anstyle::AnsiColor::Cyan.on_default().bold();
    format!("{style}hint{style:#}: {hint}\n")
}

/// The lines of a place. Nothing else of its file is looked at: it may be large, and be shown many times.
fn snippet(place: &Place) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let text = &*place.file.text;
    let span = place.span.start.min(text.len())..place.span.end.min(text.len());
    let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |newline| span.end + newline);
    let annotation = AnnotationKind::Primary.span(span.start - start..span.end - start).label(place.label.as_str());
    let lines = Snippet::source(crate::base::mask(&text[start..end])).line_start(place.line());
    lines.path(place.file.name.as_str()).annotation(annotation)
}
