//! The texts a bundle carries for people: the `install` script and the README.

use super::manifest::Manifest;
use crate::config::BUILDOUT_VERSION;

/// The POSIX script at the bundle's top.
pub(super) fn install_script(name: &str, version: &str) -> String {
    include_str!("install.sh").replace("@NAME@", name).replace("@VERSION@", version)
}

/// `.hardtack/README.txt`.
pub(super) fn readme(manifest: &Manifest) -> String {
    let parts = manifest.parts.iter().map(|part| {
        let sources = part.sources.iter().filter_map(|key| manifest.source(key));
        let lines: String = sources.map(|source| format!("      {}\n        {}\n", source.key, source.path)).collect();
        format!("  {} ({})\n{lines}", part.name, part.recipe)
    });
    include_str!("readme.txt")
        .replace("@NAME@", &manifest.name)
        .replace("@VERSION@", &manifest.version)
        .replace("@HARDTACK@", &manifest.hardtack)
        .replace("@BUILDOUT@", BUILDOUT_VERSION)
        .replace("@CONFIG@", manifest.config.as_str())
        .replace("@PARTS@\n", &parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_one_a_plain_shell_reads() {
        let script = install_script("app", "1.0");
        assert!(!script.contains("@NAME") && !script.contains("@VERSION"));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("install");
        std::fs::write(&path, script).expect("writes");
        let status = std::process::Command::new("/bin/sh").arg("-n").arg(&path).status().expect("runs");
        assert!(status.success());
    }
}
