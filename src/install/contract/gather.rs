//! From files to what is needed.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::super::record::PartRecord;
use super::super::used::Used;
use super::c_library::{self, STAND_IN};
use super::model::{Contract, Kind, Need};
use super::owners::Owners;

/// Folders that programs are called from.
const PROGRAMS: [&str; 6] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
/// Where headers are; there may be a folder of the machine's kind in each.
pub(super) const HEADERS: [&str; 2] = ["/usr/include", "/usr/local/include"];
/// Where libraries are; likewise.
pub(super) const LIBRARIES: [&str; 6] =
    ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/local/lib64"];

/// Where descriptions of libraries are that are for every kind of machine.
pub(super) const PKG_CONFIGS: [&str; 2] = ["/usr/share/pkgconfig", "/usr/local/share/pkgconfig"];

/// What the builds of these parts use. `asked` are the files whose owners must be known, which another call of this,
/// without owners, gives.
pub fn gather(records: &[PartRecord], seen_on: &str, owners: &Owners) -> (Contract, BTreeSet<Utf8PathBuf>) {
    let mut needs: BTreeMap<(Kind, String), Found> = BTreeMap::new();
    for record in records {
        for (path, used) in &record.seen.used {
            let Some((kind, name)) = classify(path, used) else { continue };
            let found = needs.entry((kind, name)).or_insert_with(|| Found::new(path, used));
            // Its own file says whose it is, where it stands for others.
            if path.file_name() == Some(STAND_IN) {
                found.paths = Found::new(path, used).paths;
            }
            found.parts.insert(record.name.clone());
            found.probed &= used.probed;
        }
    }
    let (mut contract, mut asked) = (Contract::new(seen_on), BTreeSet::new());
    for ((kind, name), Found { paths, parts, probed }) in needs {
        let package = paths.iter().find_map(|path| owners.get(path)).cloned();
        asked.extend(paths);
        contract.list(kind).push(Need { name, package, parts: parts.into_iter().collect(), probed, needed: true });
    }
    (contract, asked)
}

/// Something that is used.
struct Found {
    /// The file, and the one that it is a link to.
    paths: Vec<Utf8PathBuf>,
    parts: BTreeSet<String>,
    /// By nothing but what looks around.
    probed: bool,
}

impl Found {
    fn new(path: &Utf8Path, used: &Used) -> Self {
        let paths = std::iter::once(path.to_owned()).chain(used.is.clone()).collect();
        Self { paths, parts: BTreeSet::new(), probed: true }
    }
}

impl Contract {
    /// How many files of the machine the builds of these parts used, those included that a contract does not name.
    pub fn files_used(records: &[PartRecord]) -> usize {
        records.iter().flat_map(|record| record.seen.used.keys()).collect::<BTreeSet<_>>().len()
    }
}

/// What a site must have in place of a file; none where that follows from something else, or is nothing it has to have.
fn classify(path: &Utf8Path, used: &Used) -> Option<(Kind, String)> {
    let name = path.file_name()?;
    if used.runs {
        let called = path.parent().is_some_and(|folder| PROGRAMS.iter().any(|known| folder == *known));
        return called.then(|| (Kind::Program, name.to_owned()));
    }
    if let Some(header) = HEADERS.iter().find_map(|folder| path.strip_prefix(folder).ok()) {
        let header = without_machine(header).as_str();
        let header = if c_library::has_header(header) { STAND_IN } else { header };
        return Some((Kind::Header, header.to_owned()));
    }
    if let Some(asked) = name.strip_suffix(".pc") {
        // Others are found where somebody says so, and not where a site is looked at.
        return is_usual_pkg_config(path.parent()?).then(|| (Kind::PkgConfig, asked.to_owned()));
    }
    // One that is linked with is found by a link; one that is none is loaded, by a program of the machine.
    let shared = name.strip_suffix(".so").filter(|_| used.is.is_some() || used.script);
    let library = shared.or_else(|| name.strip_suffix(".a")).filter(|name| name.starts_with("lib"))?;
    let below = LIBRARIES
        .iter()
        .filter_map(|folder| path.strip_prefix(folder).ok())
        .min_by_key(|below| below.as_str().len())?;
    let is_at_top = without_machine(below).components().count() == 1;
    (is_at_top && !c_library::has_library(library)).then(|| (Kind::Library, library.to_owned()))
}

/// Whether pkg-config looks there by itself.
fn is_usual_pkg_config(folder: &Utf8Path) -> bool {
    let Some(above) = folder.parent().filter(|_| folder.file_name() == Some("pkgconfig")) else { return false };
    let shared = PKG_CONFIGS.iter().any(|known| folder == *known);
    shared || LIBRARIES.iter().any(|known| above.strip_prefix(known).is_ok_and(|below| without_machine(below) == ""))
}

/// A path without the folder of the machine's kind, such as `x86_64-linux-gnu`.
fn without_machine(path: &Utf8Path) -> &Utf8Path {
    let mut parts = path.components();
    match parts.next() {
        Some(first) if is_machine(first.as_str()) => parts.as_path(),
        _ => path,
    }
}

/// Whether a folder is named after a kind of machine.
pub(super) fn is_machine(name: &str) -> bool {
    name.split('-').count() >= 3 && name.contains("-linux-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_what_a_site_is_asked_for() {
        let read = Used { runs: false, probed: false, script: false, is: None };
        let run = Used { runs: true, ..read.clone() };
        let link = Used { is: Some("/usr/lib/libz.so.1.2".into()), ..read.clone() };
        let of = |path: &str, used: &Used| classify(Utf8Path::new(path), used);
        let is = |kind: Kind, name: &str| Some((kind, name.to_owned()));
        assert_eq!(of("/usr/bin/sed", &run), is(Kind::Program, "sed"));
        assert_eq!(of("/usr/libexec/gcc/x86_64-linux-gnu/12/cc1", &run), None);
        assert_eq!(of("/usr/bin/config.guess", &read), None);
        assert_eq!(of("/usr/include/zlib.h", &read), is(Kind::Header, "zlib.h"));
        assert_eq!(of("/usr/include/x86_64-linux-gnu/gmp.h", &read), is(Kind::Header, "gmp.h"));
        assert_eq!(of("/usr/include/openssl/ssl.h", &read), is(Kind::Header, "openssl/ssl.h"));
        assert_eq!(of("/usr/include/x86_64-linux-gnu/bits/types.h", &read), is(Kind::Header, "stdio.h"));
        assert_eq!(of("/usr/include/c++/12/vector", &read), is(Kind::Header, "stdio.h"));
        assert_eq!(of("/usr/lib/x86_64-linux-gnu/libz.so", &link), is(Kind::Library, "libz"));
        assert_eq!(of("/usr/lib/x86_64-linux-gnu/libz.so.1", &link), None);
        assert_eq!(of("/usr/lib/x86_64-linux-gnu/libbfd-2.40-system.so", &read), None);
        assert_eq!(of("/usr/lib/x86_64-linux-gnu/libz.a", &read), is(Kind::Library, "libz"));
        assert_eq!(of("/usr/lib64/libssl.so", &link), is(Kind::Library, "libssl"));
        assert_eq!(of("/usr/lib/python3/dist-packages/x/liby.so", &link), None);
        assert_eq!(of("/usr/lib/x86_64-linux-gnu/libc.so", &link), None);
        assert_eq!(of("/usr/lib/x86_64-linux-gnu/pkgconfig/zlib.pc", &read), is(Kind::PkgConfig, "zlib"));
        assert_eq!(of("/usr/share/pkgconfig/x.pc", &read), is(Kind::PkgConfig, "x"));
        assert_eq!(of("/usr/lib64/pkgconfig/x.pc", &read), is(Kind::PkgConfig, "x"));
        assert_eq!(of("/usr/lib/llvm-14/lib/pkgconfig/x.pc", &read), None);
    }
}
