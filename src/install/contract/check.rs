//! Whether a machine has what a contract asks for.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::super::preflight::on_path;
use super::c_library::STAND_IN;
use super::gather::{HEADERS, LIBRARIES, PKG_CONFIGS, is_machine};
use super::model::{Contract, Kind, Need};

/// Something that is asked for and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What kind of thing.
    pub kind: Kind,
    /// What.
    pub need: Need,
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Need { name, package, parts, .. } = &self.need;
        write!(f, "{} `{name}`", self.kind.name())?;
        if self.kind == Kind::Header && name == STAND_IN {
            write!(f, ", and so the C library's headers")?;
        }
        if let Some(package) = package {
            write!(f, ", of package {package} there")?;
        }
        match parts.as_slice() {
            [first, second, third, _, ..] => {
                write!(f, " (parts {first}, {second}, {third} and {} more)", parts.len() - 3)
            }
            [part] => write!(f, " (part {part})"),
            parts => write!(f, " (parts {})", parts.join(", ")),
        }
    }
}

/// What was found of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// How much it asks for.
    pub asked: usize,
    /// What is not there.
    pub unmet: Vec<Unmet>,
}

impl Looked {
    /// What no build succeeds without.
    pub fn needed(&self) -> Vec<&Unmet> {
        self.unmet.iter().filter(|unmet| unmet.need.is_needed()).collect()
    }
}

impl Contract {
    /// Looks for all of it on this machine; programs on `path`.
    pub fn look(&self, path: &str) -> Looked {
        let (headers, libraries) = (with_machines(&HEADERS), with_machines(&LIBRARIES));
        let packages: Vec<Utf8PathBuf> =
            libraries.iter().map(|folder| folder.join("pkgconfig")).chain(PKG_CONFIGS.map(Utf8PathBuf::from)).collect();
        // Builds look there themselves for what administers a machine.
        let path = format!("{path}:/usr/local/sbin:/usr/sbin:/sbin");
        let in_one = |folders: &[Utf8PathBuf], name: &str| folders.iter().any(|folder| folder.join(name).exists());
        let there = |kind: Kind, name: &str| match kind {
            Kind::Program => same_as(name).iter().any(|name| on_path(name, &path)),
            Kind::Header => in_one(&headers, name),
            Kind::Library => [".so", ".a"].iter().any(|ending| in_one(&libraries, &format!("{name}{ending}"))),
            Kind::PkgConfig => in_one(&packages, &format!("{name}.pc")),
        };
        let mut looked = Looked::default();
        for (kind, need) in self.needs() {
            looked.asked += 1;
            if !there(kind, &need.name) {
                looked.unmet.push(Unmet { kind, need: need.clone() });
            }
        }
        looked
    }
}

/// Programs of which `configure` takes the first that is there.
const AWKS: [&str; 4] = ["gawk", "mawk", "nawk", "awk"];

/// The programs that do as well.
fn same_as(name: &str) -> Vec<&str> {
    if AWKS.contains(&name) { AWKS.to_vec() } else { vec![name] }
}

/// Folders, and those in them that are named after a kind of machine.
fn with_machines(folders: &[&str]) -> Vec<Utf8PathBuf> {
    let mut all = Vec::new();
    for folder in folders.iter().map(Utf8Path::new) {
        all.push(folder.to_owned());
        let inside = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = inside.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_machine(name));
        all.extend(names.map(|name| folder.join(name)));
    }
    all
}
