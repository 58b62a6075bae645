//! What collections and installations do, in words.

use serde_json::json;

use super::console::Console;
use super::interrupt;
use crate::bundle::{Progress, age_in_words};
use crate::cache::Event as CacheEvent;
use crate::install::Event as InstallEvent;
use crate::report::{bytes, seconds};

/// Tells a step of a collection. With `walk`, every look into a cache is told.
pub(super) fn collection(console: &Console, walk: bool, progress: &Progress) {
    console.progress(progress);
    if console.json
        && let Some(value) = as_json(progress)
    {
        console.event(&value);
        return;
    }
    match progress {
        // Bars and programs are told.
        Progress::Start { .. } | Progress::Done | Progress::Received { .. } | Progress::Ended { .. } => {}
        Progress::Cache { part, event } => {
            if !told_aloud(console, event) && walk {
                console.say(format!("{part}: {}", cache_step(event)));
            }
        }
        Progress::Download { part, source } => console.say(format!("{part}: downloading {source}")),
        Progress::Stale { source, reason, age } => {
            let age = age.as_ref().map_or_else(|| "of unknown age".to_owned(), |age| age_in_words(age) + " old");
            match reason {
                Some(reason) => console
                    .warn(format!("{reason}; `{source}` is taken from the cache ({age}), and may have changed since")),
                None => {
                    console.note(format!("`{source}` is taken from the cache: it is {age}, and no server was asked"))
                }
            }
        }
        Progress::Unproved { source, place } => {
            console.warn(format!("{source} was taken from {place}, and no digest says that it is the same file"));
        }
        Progress::Recompressed { source } => {
            console.note(format!("{source} has the files that are locked, compressed anew; it is locked as it is now"));
        }
        Progress::Elsewhere { place, reason } => console.detail(format!("{place}: {reason}")),
        Progress::Unchanged { source } => console.detail(format!("{source} has not changed")),
        Progress::Downloaded { source, size } => console.detail(format!("downloaded {source}: {}", bytes(*size))),
    }
}

/// What programs are told; other steps are told them in words.
fn as_json(progress: &Progress) -> Option<serde_json::Value> {
    Some(match progress {
        Progress::Start { sources } => json!({ "event": "start", "sources": sources }),
        Progress::Download { part, source } => json!({ "event": "download", "part": part, "source": source }),
        Progress::Received { source, bytes, length } => {
            json!({ "event": "received", "source": source, "bytes": bytes, "length": length })
        }
        Progress::Downloaded { source, size } => json!({ "event": "downloaded", "source": source, "size": size }),
        Progress::Unchanged { source } => json!({ "event": "unchanged", "source": source }),
        Progress::Elsewhere { place, reason } => json!({ "event": "failed", "place": place, "reason": reason }),
        Progress::Done => json!({ "event": "done" }),
        _ => return None,
    })
}

/// Tells what a cache does outside of a collection.
pub(super) fn cache(console: &Console, event: &CacheEvent) {
    if !told_aloud(console, event) {
        console.detail(cache_step(event));
    }
}

/// Tells what everybody should know; `false` for other steps.
fn told_aloud(console: &Console, event: &CacheEvent) -> bool {
    match event {
        CacheEvent::Quarantined { path } => {
            console.warn(format!("a file in the cache had changed; it was moved to `{path}`"));
        }
        CacheEvent::WaitingForCache { .. } | CacheEvent::Waiting { .. } => console.say(cache_step(event)),
        CacheEvent::LeftOut { .. } => console.warn(cache_step(event)),
        CacheEvent::Copied { .. } => console.note_once(cache_step(event)),
        _ => return false,
    }
    true
}

/// One step of the walk through a download cache.
pub(super) fn cache_step(event: &CacheEvent) -> String {
    match event {
        CacheEvent::Searching { cache } => format!("searching cache at {cache}"),
        CacheEvent::NotFound { file, key } => format!("did not find {file} under cache key {key}"),
        CacheEvent::Stored { source, path } => format!("cache download {source} as {path}"),
        CacheEvent::Using { path } => format!("using cache file {path}"),
        CacheEvent::Adopted { path } => format!("taking over {path}"),
        CacheEvent::Ignored { path, reason } => format!("leaving {path} alone: {reason}"),
        CacheEvent::Quarantined { path } => format!("moved a changed file to {path}"),
        CacheEvent::LeftOut { path, reason } => format!("`{path}` is left out of the layout: {reason}"),
        CacheEvent::Copied { path, instead_of } => {
            format!("`{path}` and others are copies: the file system makes no {} there", instead_of.name())
        }
        CacheEvent::WaitingForCache { holders } if holders.is_empty() => {
            "waiting for others that use the cache".to_owned()
        }
        CacheEvent::WaitingForCache { holders } => {
            format!("waiting for the cache; it is used by {}", holders.join("; "))
        }
        CacheEvent::Waiting { source } => format!("waiting for another process that gets {source}"),
    }
}

/// What programs are told of an installation; the rest they are told in words.
fn installation_as_json(event: &InstallEvent) -> Option<serde_json::Value> {
    Some(match event {
        InstallEvent::Level { level, reason } => {
            json!({ "event": "isolation", "level": level.name(), "reason": reason })
        }
        InstallEvent::Uninstalling { part, reason } => {
            json!({ "event": "uninstalling", "part": part, "reason": reason })
        }
        InstallEvent::Outdated { part, reason } => json!({ "event": "outdated", "part": part, "reason": reason }),
        InstallEvent::Installing { part, index, total } => {
            json!({ "event": "installing", "part": part, "index": index, "total": total })
        }
        InstallEvent::Keeping { part } => json!({ "event": "keeping", "part": part }),
        InstallEvent::Step { part, step, command } => {
            json!({ "event": "step", "part": part, "step": step, "command": command })
        }
        InstallEvent::Built { part, took } => {
            json!({ "event": "built", "part": part, "seconds": took.as_secs_f64() })
        }
        InstallEvent::Failed { part, running, skipped } => {
            json!({ "event": "failed", "part": part, "running": running, "skipped": skipped })
        }
        InstallEvent::SwitchedPartly { missing } => json!({ "event": "partly-installed", "missing": missing }),
        InstallEvent::Attempted { part, attempt, allowed } => {
            json!({ "event": "network-attempt", "part": part, "attempt": attempt, "allowed": allowed })
        }
        _ => return None,
    })
}

/// Tells a step of an installation. With `walk`, commands are told too.
pub(super) fn installation(console: &Console, walk: bool, event: &InstallEvent) {
    // What is interrupted has not failed.
    interrupt::wait_if_ending();
    console.building(event);
    if console.json
        && let Some(value) = installation_as_json(event)
    {
        console.event(&value);
        return;
    }
    match event {
        InstallEvent::Level { level, reason } => {
            let what = match level.name() {
                "full" => "full (no network but loopback, own mounts)",
                "seccomp" => "seccomp (no internet sockets; loopback is lost too)",
                _ => "none",
            };
            let why = if reason.is_empty() { String::new() } else { format!("; {reason}") };
            console.say(format!("isolation: {what}{why}"));
        }
        InstallEvent::Recovered => console.note("an interrupted installation was put right first"),
        InstallEvent::Uninstalling { part, reason } => console.say(format!("uninstalling {part}: {reason}")),
        InstallEvent::Outdated { part, reason } => console.say(format!("building {part} again: {reason}")),
        InstallEvent::Installing { part, index, total } => console.say(format!("[{index}/{total}] installing {part}")),
        InstallEvent::Keeping { part } => console.detail(format!("{part}: built already")),
        InstallEvent::Waiting { part } => {
            console.say(format!("{part}: waiting for another installation that builds it"))
        }
        InstallEvent::Step { part, step, command } => {
            if walk {
                let command = command.as_deref().map(|command| format!(": {command}")).unwrap_or_default();
                console.say(format!("{part}: {step}{command}"));
            }
        }
        InstallEvent::Attempted { part, attempt, allowed } => {
            let text = format!("{part}: {attempt}");
            match allowed {
                true => console.warn(format!("the build tried to reach the network: {text}")),
                // The error says it.
                false => console.detail(format!("{text}: there is no network")),
            }
        }
        InstallEvent::Built { part, took } => console.detail(format!("{part}: built in {}", seconds(*took))),
        InstallEvent::Failed { part, running, skipped } => {
            let list = |what: &str, parts: &[String]| match parts {
                [] => String::new(),
                parts => format!("; {what} {}", parts.join(", ")),
            };
            let (running, skipped) = (list("still building", running), list("not built, for they use it:", skipped));
            console.say(format!("{part}: failed{running}{skipped}"));
        }
        InstallEvent::LeftOut { part, name } => {
            let why = "neither a file, a link nor a folder with a name in UTF-8";
            console.warn(format!("{part}: `{name}`, which its build made, is not installed: {why}"));
        }
        InstallEvent::KeptChanged { path, new } => {
            console.note(format!("`{path}` is not as the last release left it, and stays; the new one is `{new}`"));
        }
        InstallEvent::NothingToDo => console.say("everything is installed already"),
        InstallEvent::Switched => console.detail("the new generation is in place"),
        InstallEvent::SwitchedPartly { missing } => {
            console.warn(format!("installed without {}, as --partial says", missing.join(", ")));
        }
    }
}
