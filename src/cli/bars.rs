//! What a person sees while waiting: how many of the sources are done, and how far each running download is; which parts
//! are being built, at which step, and for how long.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::bundle::Progress;
use crate::install::Event;

/// Bars on a terminal, below what is said.
pub(super) struct Bars {
    multi: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of the sources; there is none before the first download.
    whole: Option<ProgressBar>,
    sources: u64,
    done: u64,
    files: BTreeMap<String, ProgressBar>,
    /// Parts that are being built.
    parts: BTreeMap<String, ProgressBar>,
}

impl Bars {
    pub(super) fn new() -> Self {
        // People do not see more than ten pictures a second.
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        Self { multi, state: Mutex::default() }
    }

    /// Writes something while the bars are out of the way.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.multi.suspend(write)
    }

    /// Shows a step.
    pub(super) fn show(&self, progress: &Progress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Start { sources } => (state.sources, state.done) = (*sources as u64, 0),
            Progress::Received { source, bytes, length } => {
                if state.whole.is_none() {
                    let whole = self.multi.add(ProgressBar::new(state.sources));
                    whole.set_style(style("{pos}/{len} sources [{bar:30}] {elapsed}"));
                    whole.set_position(state.done);
                    state.whole = Some(whole);
                }
                let bar = state.files.entry(source.clone()).or_insert_with(|| self.file(source, *length));
                bar.set_position(*bytes);
            }
            Progress::Ended { source } => {
                if let Some(bar) = state.files.remove(source) {
                    bar.finish_and_clear();
                }
            }
            Progress::Done => {
                state.done += 1;
                let (done, sources) = (state.done, state.sources);
                if let Some(whole) = &state.whole {
                    whole.set_position(done);
                    if done >= sources {
                        whole.finish_and_clear();
                        state.whole = None;
                    }
                }
            }
            _ => {}
        }
    }

    /// Shows which parts are being built.
    pub(super) fn build(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Installing { part, .. } => {
                let bar = self.multi.add(ProgressBar::new_spinner());
                bar.set_style(style("  {msg:50!} {elapsed}"));
                bar.set_message(part.clone());
                bar.enable_steady_tick(Duration::from_secs(1));
                state.parts.insert(part.clone(), bar);
            }
            Event::Step { part, step, .. } => {
                if let Some(bar) = state.parts.get(part) {
                    bar.set_message(format!("{part}: {step}"));
                }
            }
            Event::Built { part, .. } | Event::Failed { part, .. } => {
                if let Some(bar) = state.parts.remove(part) {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }

    fn file(&self, source: &str, length: Option<u64>) -> ProgressBar {
        let name = source.rsplit('/').find(|name| !name.is_empty()).unwrap_or(source).to_owned();
        let (bar, template) = match length {
            Some(length) => (
                ProgressBar::new(length),
                "  {msg:30!} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
            ),
            None => (ProgressBar::no_length(), "  {msg:30!} {binary_bytes} {binary_bytes_per_sec}"),
        };
        let bar = self.multi.insert(0, bar);
        bar.set_style(style(template));
        bar.set_message(name);
        bar
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are the ones above.
    ProgressStyle::with_template(template).expect("a template").progress_chars("=> ")
}
