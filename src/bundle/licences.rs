//! The licence texts in sources, gathered so that they travel where people find them.

use std::collections::BTreeMap;

use super::collect::CollectedSource;
use crate::archive::{Entry, Error as ArchiveError, pick};
use crate::attest::sbom::Licence;
use crate::base::{PathError, SourceKey, in_parallel};

/// Larger texts are no licences, in bytes.
const LONGEST: u64 = 1 << 20;
/// Texts of one source, together, in bytes.
const ALL: u64 = 16 << 20;
/// Folders above a licence of the whole source: the archive's own, and one such as `LICENSES`; in a wheel, those of its
/// description.
const DEEPEST: usize = 2;
/// More than these are licences of files and samples within, of one source.
const MOST: usize = 24;
/// What files with licences are called, in small letters, up to the first mark.
const NAMES: [&str; 8] = ["license", "licence", "copying", "copyright", "notice", "unlicense", "patents", "licenses"];

/// The licence texts of sources, by their keys.
pub type Licences = BTreeMap<SourceKey, Vec<Licence>>;

/// Reads the licence texts of sources. What cannot be read as an archive has none: that it cannot was told where it had to
/// be one.
///
/// # Errors
/// Where a file cannot be read.
pub fn gather_licences(sources: &[CollectedSource], threads: usize) -> Result<Licences, PathError> {
    let found = in_parallel(sources, threads, |source| {
        let files = match pick(&source.path, (LONGEST, ALL), &is_licence) {
            Ok(files) => files,
            Err(ArchiveError::Io(error)) => return Err(error),
            Err(_) => Vec::new(),
        };
        let texts = files.into_iter().filter_map(|(path, text)| {
            Some(Licence {
                path: String::from_utf8(path).ok()?,
                text: plain(String::from_utf8_lossy(&text).into_owned()),
            })
        });
        let mut texts: Vec<Licence> = texts.filter(|licence| !licence.text.trim().is_empty()).collect();
        texts.sort_by(|a, b| (a.path.matches('/').count(), &a.path).cmp(&(b.path.matches('/').count(), &b.path)));
        texts.dedup_by(|a, b| a.text == b.text);
        texts.truncate(MOST);
        Ok((source.key.clone(), texts))
    });
    let found = found.into_iter().collect::<Result<Vec<_>, PathError>>()?;
    Ok(found.into_iter().filter(|(_, texts)| !texts.is_empty()).collect())
}

fn is_licence(entry: &Entry) -> bool {
    let Ok(path) = std::str::from_utf8(&entry.path) else { return false };
    let mut folders: Vec<&str> = path.split('/').collect();
    let name = folders.pop().unwrap_or_default().to_lowercase();
    let in_own_folder = folders.last().is_some_and(|folder| folder.eq_ignore_ascii_case("licenses"));
    let stem = name.split(['.', '-', '_', ' ']).next().unwrap_or_default();
    let is_program =
        [".c", ".h", ".py", ".sh", ".js", ".go", ".rs", ".m4", ".in"].iter().any(|ending| name.ends_with(ending));
    folders.len() <= DEEPEST && !is_program && (NAMES.contains(&stem) || in_own_folder)
}

/// A text without the characters that documents must not have.
fn plain(text: String) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
