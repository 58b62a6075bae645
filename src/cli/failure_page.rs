//! `DEST/hardtack-failure.txt`: one page on a build that failed, to be carried out of the building.

use camino::{Utf8Path, Utf8PathBuf};

use super::console::plain;
use super::error::{ATTEMPT, BUILD, Report};
use crate::base::write_atomic;
use crate::install::Release;

/// How each begins; a file that begins otherwise is somebody else's.
const TITLE: &str = "What hardtack could not build\n";

/// What was to be installed, and how.
pub(super) struct Page<'p> {
    pub(super) release: Option<&'p Release>,
    pub(super) level: &'p str,
}

impl Page<'_> {
    /// Writes the page for a build that failed; where it is.
    pub(super) fn write(&self, root: &Utf8Path, report: &Report) -> Option<Utf8PathBuf> {
        // A project's own folder is not written to.
        let path = if self.release.is_some() { path(root) } else { path(&root.join(".hardtack")) };
        if !matches!(report.exit, BUILD | ATTEMPT) || !is_free(&path) {
            return None;
        }
        let release = self.release.map_or_else(
            || "a project, where it is".to_owned(),
            |release| format!("{} {}, manifest {}", release.name, release.version, release.manifest),
        );
        let uname = rustix::system::uname();
        let text = |field: &std::ffi::CStr| field.to_string_lossy().into_owned();
        let machine = [uname.sysname(), uname.release(), uname.machine()].map(text).join(" ");
        let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown");
        let head = [
            ("release", release),
            ("to", root.to_string()),
            ("hardtack", env!("CARGO_PKG_VERSION").to_owned()),
            ("isolation", self.level.to_owned()),
            ("machine", machine),
            ("system", system.trim_matches('"').to_owned()),
        ];
        let head: String = head.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect();
        // The page is an aid; what it could not be written for is told in any case.
        write_atomic(&path, format!("{TITLE}\n{head}\n{}", plain(report)).as_bytes(), 0o644).ok()?;
        Some(path)
    }
}

/// Removes the page of an earlier attempt, now that one went well.
pub(super) fn remove(root: &Utf8Path) {
    for path in [path(root), path(&root.join(".hardtack"))] {
        if path.exists() && is_free(&path) {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn path(root: &Utf8Path) -> Utf8PathBuf {
    root.join("hardtack-failure.txt")
}

fn is_free(path: &Utf8Path) -> bool {
    match std::fs::read(path) {
        Ok(text) => text.starts_with(TITLE.as_bytes()),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
