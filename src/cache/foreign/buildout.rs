//! buildout's download caches: files under digests of their URLs, of today and of 2007, and folders of distributions.

use camino::{Utf8Path, Utf8PathBuf};

use super::{Foreign, ForeignBytes, ForeignCache, entries, file_below, is_plain_folder, name, small_text};
use crate::base::{Md5, Sha1, SourceKey, Validators};
use crate::cache::error::Error;

pub(super) fn scan(folder: &Utf8Path, found: &mut ForeignCache) -> Result<(), Error> {
    for path in entries(folder)?.into_iter().chain(entries(&folder.join("cmmi"))?) {
        if let Ok(md5) = name(&path).parse::<Md5>() {
            hashed(folder, &path, &md5, found);
        } else if is_plain_folder(&path)
            && let Ok(sha1) = name(&path).parse::<Sha1>()
        {
            classic(folder, &path, &sha1, found)?;
        }
    }
    for path in entries(&folder.join("dist"))? {
        let Some(file) = file_below(folder, &path) else {
            found.leave(path, "it is no plain file");
            continue;
        };
        let key = SourceKey::of_distribution(name(&path));
        let (bytes, version) = (ForeignBytes::File(file), Validators::default());
        found.files.push(Foreign { key, url: None, bytes, version, sha256: None });
    }
    Ok(())
}

/// A file of which only the MD5 of its URL is known.
fn hashed(root: &Utf8Path, path: &Utf8Path, md5: &Md5, found: &mut ForeignCache) {
    let Some(file) = file_below(root, path) else {
        return found.leave(path.to_owned(), "it is no plain file");
    };
    let (key, bytes) = (SourceKey::of_hashed_url(md5), ForeignBytes::File(file));
    found.files.push(Foreign { key, url: None, bytes, version: Validators::default(), sha256: None });
}

/// A folder of 2007, whose `cache.ini` names the URL.
fn classic(root: &Utf8Path, folder: &Utf8Path, sha1: &Sha1, found: &mut ForeignCache) -> Result<(), Error> {
    let all: Vec<Utf8PathBuf> = entries(folder)?;
    let files: Vec<&Utf8PathBuf> = all.iter().filter(|path| name(path) != "cache.ini").collect();
    let ini = small_text(root, &folder.join("cache.ini")).unwrap_or_default();
    let url = ini.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == "download_url");
    let url = url.map(|(_, url)| url.trim());
    let reason = match (files.as_slice(), url) {
        ([], _) => "a download that was interrupted left it empty",
        ([_, _, ..], _) => "it has more than one file",
        (_, None) => "no `cache.ini` says which URL it is of",
        (_, Some(url)) if Sha1::of(url) != *sha1 => "its `cache.ini` names another URL than its folder",
        ([file], Some(url)) => match file_below(root, file) {
            Some(file) => {
                found.take(url, ForeignBytes::File(file), Validators::default());
                return Ok(());
            }
            None => "its file is no plain file",
        },
    };
    found.leave(folder.to_owned(), reason);
    Ok(())
}
