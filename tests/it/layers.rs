//! Modules import downward only, files keep to a size, and the house rules that can be checked by text.

use std::path::{Path, PathBuf};

/// Lowest layer first. Modules of one row do not import each other.
const LAYERS: [&[&str]; 7] = [
    &["base"],
    &["config", "archive", "signature"],
    &["fetch", "cache"],
    &["recipes", "lock", "attest"],
    &["bundle", "install", "python"],
    &["report", "reproduce"],
    &["cli"],
];

/// Lines of a file with one job.
const LONGEST: usize = 600;

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().map(|entry| entry.expect("reads"));
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "rs"));
    files
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).expect("reads");
            (entry.path().strip_prefix(&root).expect("below").to_owned(), text)
        })
        .collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn module(path: &Path) -> String {
    let first = path.iter().next().expect("a name").to_str().expect("UTF-8");
    first.trim_end_matches(".rs").to_owned()
}

/// The names after `crate::` in a text, those in braces included.
fn imports(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let list = rest.strip_prefix('{').and_then(|list| list.split_once("};")).map(|(list, _)| list);
        let word =
            |text: &str| -> String { text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
        match list {
            Some(list) => names.extend(list.split(',').map(word)),
            None => names.push(word(rest)),
        }
    }
    names.retain(|name| layer(name).is_some());
    names
}

#[test]
fn every_module_has_a_layer_and_imports_only_what_lies_below_it() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = module(&path);
        if matches!(own.as_str(), "lib" | "main") {
            continue;
        }
        let own_layer = layer(&own).unwrap_or_else(|| panic!("{} is in no layer", path.display()));
        for import in imports(&text) {
            if import != own && layer(&import) >= Some(own_layer) {
                wrong.push(format!("{} imports {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn install_has_no_way_to_the_network() {
    for (path, text) in sources() {
        if module(&path) == "install" {
            // The name server of a sandbox listens where there is no network.
            let listens = path.ends_with("install/sandbox/witness.rs");
            for word in ["crate::fetch", "reqwest", "TcpStream", "UdpSocket", "ToSocketAddrs"] {
                let allowed = listens && word == "UdpSocket" && !text.contains(".connect(");
                assert!(allowed || !text.contains(word), "{} mentions {word}", path.display());
            }
        }
    }
}

#[test]
fn only_the_command_line_prints_and_reads_the_environment() {
    for (path, text) in sources() {
        if matches!(module(&path).as_str(), "cli" | "main") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for word in ["println!", "eprintln!", "print!(", "env::var", "env::home", "current_dir()", "stdout()"] {
            assert!(!code.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn the_config_language_does_no_io() {
    for (path, text) in sources() {
        if module(&path) == "config" {
            for word in ["std::fs", "std::net", "std::process", "File::open"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}

#[test]
fn unsafe_stands_only_where_system_calls_are_made() {
    for (path, text) in sources() {
        let allowed = path.starts_with("install/sandbox");
        assert!(allowed || !text.contains("unsafe "), "{} has unsafe code", path.display());
    }
}

#[test]
fn files_have_one_job_and_say_it() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}
