//! The config language against the real program: thousands of small random configs, each resolved by both.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use hardtack::config::{Config, Error, Facts, Load, Location, MemoryLoader, PythonVersion, Recipes, SectionOptions};
use serde_json::Value;

use crate::buildout::buildout;

/// Configs compared in a run; `HARDTACK_LANGUAGE_CASES` asks for more.
const CASES: u64 = 2500;

/// Small random numbers that are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64, as published by Steele, Lea and Flood.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }
}

const SECTIONS: [&str; 5] = ["a", "b", "c", "d", "m"];
const OPTIONS: [&str; 5] = ["x", "y", "z", "long-name", "location"];
const FILES: [&str; 4] = ["buildout.cfg", "base.cfg", "sub/one.cfg", "sub/two.cfg"];

/// A few files that extend each other.
fn config(dice: &mut Dice) -> BTreeMap<String, String> {
    let count = 1 + dice.roll(FILES.len());
    FILES[..count].iter().enumerate().map(|(index, name)| ((*name).to_owned(), file(dice, index, count))).collect()
}

fn file(dice: &mut Dice, index: usize, count: usize) -> String {
    let mut text = String::new();
    if index == 0 || dice.chance(2) {
        text += "[buildout]\n";
        if index + 1 < count && !dice.chance(4) {
            text += &extends(dice, index, count);
        }
        if !dice.chance(3) {
            text += &format!(
                "parts {} {} {}\n",
                dice.pick(&["=", "=", "+=", "-="]),
                dice.pick(&SECTIONS),
                dice.pick(&SECTIONS)
            );
        }
        if dice.chance(6) {
            text +=
                &format!("parts-directory = {}\n", dice.pick(&["there", "${buildout:directory}/p", "${a:x}", "/abs"]));
        }
        if dice.chance(8) {
            text += &format!("download-cache = {}\n", dice.pick(&["cache", "./sub/../cache", "/c", "${a:x}"]));
        }
    }
    for _ in 0..1 + dice.roll(4) {
        text += &section(dice);
    }
    text
}

fn extends(dice: &mut Dice, index: usize, count: usize) -> String {
    let names = 1 + dice.roll(3);
    let files: Vec<String> = (0..names)
        .map(|_| {
            let target = FILES[index + 1 + dice.roll(count - index - 1)];
            // From a file in `sub`, the others are one up or beside.
            match (FILES[index].starts_with("sub/"), target.strip_prefix("sub/")) {
                (true, Some(beside)) => beside.to_owned(),
                (true, None) => format!("../{target}"),
                (false, _) => target.to_owned(),
            }
        })
        .collect();
    let option = if dice.chance(10) { "optional-extends" } else { "extends" };
    match dice.roll(2) {
        0 => format!("{option} = {}\n", files.join(" ")),
        _ => format!("{option} =\n  {}\n", files.join("\n  ")),
    }
}

fn section(dice: &mut Dice) -> String {
    let name = dice.pick(&SECTIONS);
    let condition = match dice.roll(12) {
        0 => " : linux",
        1 => " : python27",
        2 => ": sys.version_info >= (3, 8) and not windows",
        3 => " : python_version < \"3\"",
        _ => "",
    };
    let comment = dice.pick(&["", "", "", " # comment", " ; comment"]);
    // The original reads a section it skips as part of the one before, and trips where that has no option.
    let before = if condition.is_empty() { "" } else { "[before]\noption = value\n" };
    let mut text = format!("{before}[{name}{condition}]{comment}\n");
    for _ in 0..dice.roll(5) {
        text += &option(dice);
    }
    text
}

fn option(dice: &mut Dice) -> String {
    match dice.roll(14) {
        0 => return "recipe = some.recipe\n".to_owned(),
        1 => return format!("<= {}\n", dice.pick(&SECTIONS)),
        2 => return format!("<= {}\n   {}\n", dice.pick(&SECTIONS), dice.pick(&SECTIONS)),
        3 => return format!("=> {}\n", dice.pick(&SECTIONS)),
        4 => return dice.pick(&["# comment\n", "; comment\n", "\n", "  \n"]).to_owned(),
        _ => {}
    }
    let name = dice.pick(&OPTIONS);
    let operator = dice.pick(&[" = ", " = ", " = ", "=", " += ", " += ", " -= "]);
    let mut text = format!("{name}{operator}");
    let block = dice.chance(3);
    if !block {
        text += &value(dice);
    }
    text.push('\n');
    for _ in 0..if block { 1 + dice.roll(3) } else { dice.roll(2) } {
        let indent = dice.pick(&["  ", "   ", "\t", "    "]);
        text += &format!("{indent}{}\n", value(dice));
        if dice.chance(5) {
            text += dice.pick(&["\n", "# comment\n", "  \n", "  # text\n"]);
        }
    }
    text
}

fn value(dice: &mut Dice) -> String {
    let words = 1 + dice.roll(2);
    let mut parts = Vec::new();
    for _ in 0..words {
        parts.push(match dice.roll(12) {
            0..=5 => dice.pick(&["1", "2", "three", "a=b", "x:y", "[z]", "#4", "b ", " c"]).to_owned(),
            6 | 7 => format!("${{{}:{}}}", dice.pick(&SECTIONS), dice.pick(&OPTIONS)),
            8 => format!("${{:{}}}", dice.pick(&OPTIONS)),
            9 => dice
                .pick(&["$$", "$${a:x}", "$", "${:_buildout_section_name_}", "${m:_buildout_section_name_}"])
                .to_owned(),
            10 => dice
                .pick(&["${buildout:directory}", "${buildout:parts-directory}", "${:_profile_base_location_}"])
                .to_owned(),
            _ => dice.pick(&["${nowhere:x}", "${a}", "${a:x:y}", "${a/b:c}", "${a:", "}"]).to_owned(),
        });
    }
    parts.join(dice.pick(&["", " ", "-"]))
}

/// Recipes as the real program's stand-ins are.
struct Locations;

impl Recipes for Locations {
    fn initialise(&self, _recipe: &str, section: &mut SectionOptions<'_, '_>) -> Result<(), Error> {
        if section.get("location")?.is_none() {
            let parts = section.buildout("parts-directory")?.unwrap_or_default();
            let location = format!("{}/{}", parts.trim_end_matches('/'), section.name());
            section.set("location", location);
        }
        Ok(())
    }
}

/// What we make of a config, in the form of the real program's answer.
fn ours(files: &BTreeMap<String, String>) -> Value {
    let placed: Vec<(String, &str)> =
        files.iter().map(|(name, text)| (format!("/@FOLDER@/{name}"), text.as_str())).collect();
    let loader = MemoryLoader::new(placed.iter().map(|(name, text)| (name.as_str(), *text)));
    let facts = Facts {
        machine: std::env::consts::ARCH.to_owned(),
        platform: "linux".to_owned(),
        python: PythonVersion::DEFAULT,
        os_release: BTreeMap::new(),
        paths: BTreeMap::new(),
    };
    let loaded = Config::load(&loader, &Location::Path("/@FOLDER@/buildout.cfg".into()), &Load::new(facts));
    let config = match loaded {
        Ok(config) => config,
        Err(error) => return serde_json::json!({ "fatal": error.to_string() }),
    };
    let mut resolver = match config.resolver(&Locations) {
        Ok(resolver) => resolver,
        Err(error) => return serde_json::json!({ "fatal": error.to_string() }),
    };
    let (mut sections, mut errors) = (BTreeMap::new(), BTreeMap::new());
    for name in config.section_names() {
        match resolver.section(name) {
            Ok(options) => {
                let options: BTreeMap<String, String> =
                    options.iter().map(|(option, value)| (option.to_string(), value.to_string())).collect();
                sections.insert(name.to_owned(), options);
            }
            Err(error) => drop(errors.insert(name.to_owned(), error.to_string())),
        }
    }
    let order = resolver.parts().ok().map(|parts| parts.iter().map(ToString::to_string).collect::<Vec<_>>());
    let value = serde_json::json!({ "sections": sections, "errors": errors, "order": order });
    let text = value.to_string().replace("/@FOLDER@", "@FOLDER@");
    serde_json::from_str(&text).expect("JSON")
}

/// How two answers differ, if they do. Messages are each program's own.
fn difference(theirs: &Value, ours: &Value) -> Option<String> {
    match (theirs.get("fatal"), ours.get("fatal")) {
        (Some(_), Some(_)) => return None,
        (None, None) => {}
        (theirs, ours) => return Some(format!("fatal there: {theirs:?}, here: {ours:?}")),
    }
    let keys = |value: &Value| -> Vec<String> { value.as_object().expect("an object").keys().cloned().collect() };
    if keys(&theirs["errors"]) != keys(&ours["errors"]) {
        return Some(format!("errors there: {}, here: {}", theirs["errors"], ours["errors"]));
    }
    if theirs["order"] != ours["order"] {
        return Some(format!("order there: {}, here: {}", theirs["order"], ours["order"]));
    }
    for (name, options) in theirs["sections"].as_object().expect("an object") {
        let mut options = options.clone();
        if name == "buildout" {
            // Python's own path is nobody else's.
            options["executable"] = ours["sections"][name]["executable"].clone();
        }
        if options != ours["sections"][name] {
            return Some(format!("[{name}] there: {options}, here: {}", ours["sections"][name]));
        }
    }
    None
}

fn start(program: &std::path::Path) -> Child {
    let python = program.with_file_name("python");
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/tools/language.py");
    let mut command = Command::new(python);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("python starts")
}

#[test]
fn random_configs_mean_the_same_to_the_real_program() {
    let Some(program) = buildout() else { return };
    let cases = std::env::var("HARDTACK_LANGUAGE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let seed = std::env::var("HARDTACK_LANGUAGE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut dice = Dice(seed);
    let mut child = start(&program);
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (mut loaded, mut clean) = (0, 0);
    for case in 0..cases {
        let files = config(&mut dice);
        writeln!(input, "{}", serde_json::json!({ "files": files })).expect("asks");
        let theirs: Value = serde_json::from_str(&output.next().expect("answers").expect("reads")).expect("JSON");
        let ours = ours(&files);
        if let Some(difference) = difference(&theirs, &ours) {
            let shown: String = files.iter().map(|(name, text)| format!("--- {name}\n{text}")).collect();
            panic!("case {case} of seed {seed}: {difference}\n{shown}");
        }
        loaded += u64::from(ours.get("fatal").is_none());
        clean += u64::from(ours.get("errors").is_some_and(|errors| errors.as_object().is_some_and(|e| e.is_empty())));
    }
    drop(input);
    assert!(child.wait().expect("ends").success());
    // Were nearly all configs nonsense, agreement would mean little.
    assert!(loaded * 2 > cases && clean * 20 > cases, "{loaded} of {cases} load, {clean} are clean");
}
