//! Whose packages files belong to: the machine's own package manager is asked, behind the same walls as builds.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::super::asking::ask;
use super::super::error::Error;
use super::super::sandbox::Sandbox;

/// Packages by files.
pub type Owners = BTreeMap<Utf8PathBuf, String>;

/// Reads paths, prints each with its package, as far as somebody knows it. dpkg is asked once for all, and for what is
/// below `/usr` also by the path it had before that was the same.
const ASK: &str = r#"
if command -v dpkg-query >/dev/null; then
    sed 'p;s,^/usr/,/,' | sort -u | xargs dpkg-query -S | sed -n '/^diversion by/d; s/^\([^:,]*\)[^/]*: \(\/.*\)$/\2 \1/p'
elif command -v rpm >/dev/null; then
    while read -r file; do
        package=$(rpm -qf --qf '%{NAME}\n' "$file") && echo "$file ${package%%
*}"
    done
elif command -v apk >/dev/null; then
    while read -r file; do
        package=$(apk info -W -q "$file") && echo "$file ${package%-[0-9]*-r[0-9]*}"
    done
elif command -v pacman >/dev/null; then
    while read -r file; do package=$(pacman -Qoq "$file") && echo "$file $package"; done
fi 2>/dev/null
true
"#;

/// The packages of files, where the machine (or the root that `sandbox` has) knows them.
///
/// # Errors
/// When nothing could be asked.
pub fn owners(files: &BTreeSet<Utf8PathBuf>, sandbox: &Sandbox, scratch: &Utf8Path) -> Result<Owners, Error> {
    // Names that the shell's `xargs` would take for several are nobody's header.
    let plain = files.iter().filter(|file| !file.as_str().contains(['\n', ' ', '\'', '"', '\\']));
    let list: String = plain.map(|file| format!("{file}\n")).collect();
    let text = ask(ASK, &list, sandbox, scratch)?;
    let mut owners = Owners::new();
    for (file, package) in text.lines().filter_map(|line| line.split_once(' ')) {
        let file = Utf8PathBuf::from(file);
        let merged = Utf8Path::new("/usr").join(file.strip_prefix("/").unwrap_or(&file));
        for path in [file, merged].into_iter().filter(|path| files.contains(path)) {
            owners.entry(path).or_insert_with(|| package.to_owned());
        }
    }
    Ok(owners)
}
