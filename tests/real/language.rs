//! The config language against the real program: thousands of small random configs, each resolved by both.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use hardtack::config::{Config, Error, Facts, Load, Location, MemoryLoader, PythonVersion, Recipes, SectionOptions};
use hardtack::report::annotated;
use serde_json::Value;

use crate::buildout::buildout;
use crate::generator::{Dice, config};

/// Configs compared in a run; `HARDTACK_LANGUAGE_CASES` asks for more.
const CASES: u64 = 2500;

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
        kernel_release: None,
    };
    let (load, root) = (Load::new(facts), Location::Path("/@FOLDER@/buildout.cfg".into()));
    let config = match Config::load(&loader, &root, &load) {
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
    let whole = Load { whole_history: true, ..load };
    let whole = Config::load(&loader, &root, &whole).expect("loads as it did");
    let texts = [(&config, false), (&whole, true)]
        .map(|(config, verbose)| annotated(&config.annotated(), &[], "/@FOLDER@", verbose));
    let order = resolver.parts().ok().map(|parts| parts.iter().map(ToString::to_string).collect::<Vec<_>>());
    let value = serde_json::json!({ "sections": sections, "errors": errors, "order": order, "annotated": texts });
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
    for (theirs, ours) in [0, 1].map(|which| (&theirs["annotated"][which], &ours["annotated"][which])) {
        let (theirs, ours) = (theirs.as_str().expect("text"), ours.as_str().expect("text"));
        // The paths of the running Python and its packages are nobody else's.
        let known = |line: &str| !line.contains("executable") && !line.contains("/python");
        let (theirs, ours): (Vec<&str>, Vec<&str>) =
            (theirs.lines().filter(|line| known(line)).collect(), ours.lines().filter(|line| known(line)).collect());
        if theirs != ours {
            let at = theirs.iter().zip(&ours).take_while(|(theirs, ours)| theirs == ours).count();
            let (from, to) = (at.saturating_sub(6), at + 6);
            let part = |lines: &[&str]| lines[from.min(lines.len())..to.min(lines.len())].join("\n");
            return Some(format!("annotate there:\n{}\n--- here:\n{}", part(&theirs), part(&ours)));
        }
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
