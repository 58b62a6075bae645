//! The layout that today's apk tools read: indexes and keys in folders named like them, packages taken apart.
//!
//! Files there are regular ones, under the names the tools look for; they take them for good when they are there, so
//! each folder is made aside and put in place whole.

use std::fs::{self, File};
use std::io;

use camino::Utf8Path;
use data_encoding::BASE32;

use super::apk_path::ApkPlace;
use crate::archive::{apk_data, read_apk, read_range};
use crate::base::{IoContext, PathError, RelPath, TEMPORARY, Validators, create_dir_all, remove_tree};

/// Why a file cannot be in the layout.
#[derive(Debug, thiserror::Error)]
pub(in crate::cache) enum Unfit {
    /// A file cannot be written.
    #[error(transparent)]
    Io(#[from] PathError),
    /// It has no place there.
    #[error("{0}")]
    NoPlace(String),
}

/// Whether a URL is of something that apk repositories have.
pub(in crate::cache) fn is_apk_file(url: &str) -> bool {
    let name = url.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    name.ends_with(".apk") || name.ends_with(".rsa.pub") || name == "APKINDEX.tar.gz" || name == "releases.json"
}

/// Puts the file at `blob`, which has this URL, below `root`; returns its place there.
pub(in crate::cache) fn place(
    root: &Utf8Path,
    url: &str,
    blob: &Utf8Path,
    version: &Validators,
) -> Result<RelPath, Unfit> {
    let no_place = || Unfit::NoPlace("its URL has no place in an apk cache".to_owned());
    let place = ApkPlace::of(url).ok_or_else(no_place)?;
    let folder = place.folder().ok_or_else(no_place)?;
    let below = |name: &str| RelPath::new(name).map(|name| folder.join(&name)).map_err(|_| no_place());
    if let Some(package) = place.file.strip_suffix(".apk") {
        let target = below(package)?;
        whole_folder(&root.join(&target), |aside| package_files(blob, aside))?;
        return Ok(target);
    }
    let (target, name) = match place.file.as_str() {
        "APKINDEX.tar.gz" => (below("APKINDEX")?, format!("{}.tar.gz", encoded(version))),
        _ if place.file.ends_with(".rsa.pub") => (below(&place.file)?, format!("{}.etag", encoded(version))),
        _ => (folder.clone(), format!("{}.etag", encoded(version))),
    };
    whole_folder(&root.join(&target), |aside| {
        fs::copy(blob, aside.join(&name)).at("write", aside)?;
        make_readable(&aside.join(&name)).map_err(Unfit::Io)
    })?;
    Ok(target)
}

/// The name of a version: its etag without quotes, as the original encodes it. Where the server gave none, the original
/// keeps nothing; any name serves it offline.
fn encoded(version: &Validators) -> String {
    BASE32.encode(version.etag.as_deref().unwrap_or("none").trim_matches('"').as_bytes())
}

fn package_files(blob: &Utf8Path, folder: &Utf8Path) -> Result<(), Unfit> {
    let parts = read_apk(blob).map_err(|problem| Unfit::NoPlace(problem.to_string()))?;
    let write = |name: String, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).at("write", &path)?;
        make_readable(&path)
    };
    let (control, data) = (parts.control_sha1, parts.data_sha256);
    write(format!("{control}.ctl.tar.gz"), &read_range(blob, &parts.control)?)?;
    if let Some(signature) = &parts.signature {
        write(format!("{control}.sig.tar.gz"), &read_range(blob, signature)?)?;
    }
    write(format!("{data}.dat.tar.gz"), &read_range(blob, &parts.data)?)?;
    // The tools make this one themselves where they may write, and fail where they may not.
    let path = folder.join(format!("{data}.dat.tar"));
    let mut tar = File::create_new(&path).at("create", &path)?;
    io::copy(&mut apk_data(blob, &parts)?, &mut tar).at("write", &path)?;
    Ok(make_readable(&path)?)
}

/// Fills a folder aside and puts it in the place of what is there.
pub(in crate::cache) fn whole_folder(
    target: &Utf8Path,
    fill: impl FnOnce(&Utf8Path) -> Result<(), Unfit>,
) -> Result<(), Unfit> {
    let above = target.parent().unwrap_or(target);
    create_dir_all(above)?;
    let aside = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(above).at("create a folder in", above)?;
    // Made below a folder whose path is UTF-8, with a name of letters.
    let filled = Utf8Path::from_path(aside.path()).expect("a path that was UTF-8").join("whole");
    create_dir_all(&filled)?;
    fill(&filled)?;
    remove_tree(target)?;
    Ok(fs::rename(&filled, target).at("rename into place", target)?)
}

fn make_readable(path: &Utf8Path) -> Result<(), PathError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).at("set the mode of", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_encoded_as_the_original_does_it() {
        for (etag, name) in
            [("\"5f3c-1a2b\"", "GVTDGYZNGFQTEYQ="), ("W/\"5f3c\"", "K4XSENLGGNRQ===="), ("\"abc\"", "MFRGG===")]
        {
            assert_eq!(encoded(&Validators { etag: Some(etag.to_owned()), last_modified: None }), name);
        }
    }

    #[test]
    fn only_what_repositories_have_is_taken_for_theirs() {
        assert!(is_apk_file("https://h/main/x86_64/APKINDEX.tar.gz") && is_apk_file("https://h/x/foo-1-r0.apk?x=1"));
        assert!(!is_apk_file("https://h/foo-1.0.tar.gz"));
    }
}
