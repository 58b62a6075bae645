//! Caches of apk tools: folders named by escaped URLs. All four layouts they have had are read.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::BASE32;

use super::{ForeignBytes, ForeignCache, entries, file_below, is_plain_folder, name, small_text};
use crate::base::{Sha1, Validators, read_limited, sha256_file};
use crate::cache::error::Error;
use crate::cache::views::ApkPlace;

/// More than any control member has, in bytes.
const MAX_CONTROL: u64 = 32 << 20;

pub(super) fn scan(folder: &Utf8Path, found: &mut ForeignCache) -> Result<(), Error> {
    let is_repository = |path: &Utf8PathBuf| is_plain_folder(path) && name(path).contains("%3A%2F%2F");
    for repository in entries(folder)?.into_iter().filter(is_repository) {
        let scan = Scan { root: folder, repository: name(&repository) };
        for path in entries(&repository)? {
            if path.is_dir() && !scan.versions("", &path, found)? {
                let arch = name(&path).to_owned();
                for path in entries(&path)? {
                    scan.entry(&arch, &path, found)?;
                }
            } else if !path.is_dir() {
                scan.entry("", &path, found)?;
            }
        }
    }
    Ok(())
}

struct Scan<'s> {
    root: &'s Utf8Path,
    repository: &'s str,
}

impl Scan<'_> {
    fn entry(&self, arch: &str, path: &Utf8Path, found: &mut ForeignCache) -> Result<(), Error> {
        let file = name(path);
        if path.is_dir() {
            if !self.versions(arch, path, found)? {
                self.package(arch, path, found)?;
            }
        } else if !file.ends_with(".etag") {
            // The first layout: the file, and its etag beside it.
            let etag = small_text(self.root, Utf8Path::new(&format!("{path}.etag")));
            let etag = etag.map(|etag| etag.trim().to_owned());
            let etag = etag.filter(|etag| !etag.is_empty() && !etag.contains(char::is_control));
            self.take(arch, file, path, Validators { etag, last_modified: None }, found);
        }
        Ok(())
    }

    fn take(&self, arch: &str, file: &str, path: &Utf8Path, version: Validators, found: &mut ForeignCache) {
        let Some(real) = file_below(self.root, path) else {
            return found.leave(path.to_owned(), "it is no plain file below the cache");
        };
        match ApkPlace::url_of(self.repository, arch, file) {
            Some(url) => found.take(&url, ForeignBytes::File(real), version),
            None => found.leave(path.to_owned(), "its folder's name is no URL"),
        }
    }

    /// Indexes and keys of the later layouts: a folder in which each version is named by its etag. The newest comes last,
    /// to be the current one. `false` where the folder is something else.
    fn versions(&self, arch: &str, folder: &Utf8Path, found: &mut ForeignCache) -> Result<bool, Error> {
        let (file, ending) = match name(folder) {
            "APKINDEX" => ("APKINDEX.tar.gz", ".tar.gz"),
            key if key.ends_with(".rsa.pub") => (key, ".etag"),
            _ => return Ok(false),
        };
        let mut versions: Vec<(SystemTime, Utf8PathBuf)> = Vec::new();
        for path in entries(folder)?.into_iter().filter(|path| name(path).ends_with(ending)) {
            let modified = path.metadata().and_then(|data| data.modified());
            versions.push((modified.unwrap_or(SystemTime::UNIX_EPOCH), path));
        }
        versions.sort();
        for (_, path) in versions {
            let etag = name(&path).strip_suffix(ending).and_then(decoded);
            self.take(arch, file, &path, Validators { etag, last_modified: None }, found);
        }
        Ok(true)
    }

    /// A package taken apart, as the later layouts have it: its members are the file again, one after another.
    fn package(&self, arch: &str, folder: &Utf8Path, found: &mut ForeignCache) -> Result<(), Error> {
        let files = entries(folder)?;
        let ending = |ending: &str| files.iter().find(|path| name(path).ends_with(ending));
        let (Some(control), Some(data)) = (ending(".ctl.tar.gz"), ending(".dat.tar.gz")) else {
            found.leave(folder.to_owned(), "it is no package taken apart");
            return Ok(());
        };
        let parts = [ending(".sig.tar.gz"), Some(control), Some(data)].into_iter().flatten();
        let parts: Option<Vec<Utf8PathBuf>> = parts.map(|path| file_below(self.root, path)).collect();
        let Some(parts) = parts else {
            found.leave(folder.to_owned(), "its files are no plain files below the cache");
            return Ok(());
        };
        // Their tools never look again whether a file is what its name says.
        let [.., control_file, data_file] = parts.as_slice() else { return Ok(()) };
        let control_sha1 = Sha1::of(read_limited(control_file, MAX_CONTROL).unwrap_or_default()).to_string();
        if !name(control).starts_with(&control_sha1) || !name(data).starts_with(&sha256_file(data_file)?.to_string()) {
            found.leave(folder.to_owned(), "its files are not what their names say");
            return Ok(());
        }
        match ApkPlace::url_of(self.repository, arch, &format!("{}.apk", name(folder))) {
            Some(url) => found.take(&url, ForeignBytes::Parts(parts), Validators::default()),
            None => found.leave(folder.to_owned(), "its folder's name is no URL"),
        }
        Ok(())
    }
}

/// The etag in a file's name, with the quotes that the name has not.
fn decoded(name: &str) -> Option<String> {
    let text = String::from_utf8(BASE32.decode(name.as_bytes()).ok()?).ok()?;
    // What the exporter writes where the server gave none.
    if text == "none" {
        return None;
    }
    Some(if text.starts_with("W/") { format!("{text}\"") } else { format!("\"{text}\"") })
}
