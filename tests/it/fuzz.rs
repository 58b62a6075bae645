//! A hundred thousand random configs, half of them damaged: every one is answered, soon, and with a place in it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hardtack::config::{Config, Facts, Load, Location, MemoryLoader, PythonVersion};
use hardtack::recipes::{BuiltinRecipes, lint};

use crate::generator::{Dice, config};

const CASES: u64 = 100_000;
/// No small config may take longer, on a machine however busy.
const LIMIT: Duration = Duration::from_secs(10);

/// What damages a text: signs of the language in the wrong places, and what no config has.
const DAMAGE: [&str; 24] = [
    "[",
    "]",
    "${",
    "}",
    ":",
    "$",
    "$$",
    "=",
    "+=",
    "-=",
    "<",
    "=>",
    "\n",
    "\n ",
    "\r\n",
    "\t",
    "#",
    ";",
    "\u{feff}",
    "\0",
    "\u{85}",
    "é",
    "[a:",
    "extends = base.cfg\n",
];

fn damage(dice: &mut Dice, text: &mut String) {
    for _ in 0..1 + dice.roll(4) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let Some(at) = places.get(dice.roll(places.len().max(1))).copied() else { return };
        match dice.roll(3) {
            0 => drop(text.remove(at)),
            1 => text.truncate(at),
            _ => text.insert_str(at, dice.pick(&DAMAGE)),
        }
    }
}

/// Loads a config and asks it everything that can be asked.
fn ask(files: &BTreeMap<String, String>) -> bool {
    let placed: Vec<(String, &str)> = files.iter().map(|(name, text)| (format!("/p/{name}"), text.as_str())).collect();
    let loader = MemoryLoader::new(placed.iter().map(|(name, text)| (name.as_str(), *text)));
    let facts = Facts {
        machine: "x86_64".to_owned(),
        platform: "linux".to_owned(),
        python: PythonVersion::DEFAULT,
        os_release: BTreeMap::new(),
        paths: BTreeMap::new(),
        kernel_release: None,
    };
    let mut load = Load::new(facts);
    load.whole_history = true;
    let config = match Config::load(&loader, &Location::Path("/p/buildout.cfg".into()), &load) {
        Ok(config) => config,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            for place in error.places {
                assert!(place.span.end <= place.file.text.len() && place.line() > 0, "{place:?}");
            }
            return false;
        }
    };
    let _ = config.annotated();
    let recipes = BuiltinRecipes::new(&loader);
    let Ok(mut resolver) = config.resolver(&recipes) else { return false };
    for name in config.section_names() {
        let _ = resolver.section(name);
    }
    let _ = resolver.parts();
    let _ = lint(&config, &loader, None, &|_| false);
    true
}

#[test]
fn random_configs_neither_panic_nor_hang() {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let loaded: u64 = std::thread::scope(|scope| {
        let runs = (0..threads).map(|thread| {
            scope.spawn(move || {
                let mut loaded = 0;
                for case in (thread..CASES).step_by(threads as usize) {
                    // Each case by itself, so that one can be run again alone.
                    let mut dice = Dice(case);
                    let mut files = config(&mut dice);
                    if case % 2 == 1 {
                        files.values_mut().for_each(|text| damage(&mut dice, text));
                    }
                    let start = Instant::now();
                    loaded += u64::from(ask(&files));
                    assert!(start.elapsed() < LIMIT, "case {case} took {:?}", start.elapsed());
                }
                loaded
            })
        });
        let runs: Vec<_> = runs.collect();
        runs.into_iter().map(|run| run.join().expect("no case panics")).sum()
    });
    // Were nearly all configs nonsense, surviving them would mean little.
    assert!(loaded * 3 > CASES, "{loaded} of {CASES} load");
}
