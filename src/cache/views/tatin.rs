//! The layout of Tatin's cache: a folder for each server, and in it one for each package, unpacked.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::apk::{Unfit, whole_folder};
use crate::archive::{Unpack, unpack};
use crate::base::{IoContext, RelPath, read_limited};
use crate::cache::registry::TatinId;

/// What stands for the colon before a port in a folder's name.
const PORT: char = '\u{2206}';
/// More than any description has, in bytes.
const LONGEST: u64 = 1 << 20;
/// The file that describes a package.
const CONFIG: &str = "apl-package.json";

/// The server and the package of a URL, if it may be one of a package.
pub(in crate::cache) fn package_of(url: &str) -> Option<(&str, TatinId<'_>)> {
    let (_, rest) = url.split_once("://")?;
    let path = rest.split(['?', '#']).next()?;
    let (server, _) = path.split_once('/')?;
    Some((server, TatinId::parse(path.rsplit('/').next()?)?))
}

/// Unpacks the package at `blob`, which has this URL, below `root`; returns its place there.
pub(in crate::cache) fn place(root: &Utf8Path, url: &str, blob: &Utf8Path) -> Result<RelPath, Unfit> {
    let no_place = || Unfit::NoPlace("its URL is not that of a Tatin package".to_owned());
    let (server, id) = package_of(url).ok_or_else(no_place)?;
    let server = server.replace(':', &PORT.to_string());
    let target = RelPath::new(format!("{server}/{}", id.text)).map_err(|_| no_place())?;
    let registry = url.strip_suffix(id.text).unwrap_or(url);
    whole_folder(&root.join(&target), |aside| {
        let content = aside.join("content");
        unpack(&Unpack::new(blob), &content).map_err(|error| Unfit::NoPlace(error.to_string()))?;
        mark(&content.join(CONFIG), registry)?;
        for entry in content.read_dir_utf8().at("read folder", &content)? {
            let path = entry.at("read folder", &content)?.into_path();
            let name = path.file_name().unwrap_or_default();
            fs::rename(&path, aside.join(name)).at("move", &path)?;
        }
        Ok(fs::remove_dir(&content).at("remove", &content)?)
    })?;
    Ok(target)
}

/// Writes into a package's description where it came from, as Tatin does.
fn mark(config: &Utf8Path, registry: &str) -> Result<(), Unfit> {
    let text = read_limited(config, LONGEST).ok().and_then(|text| String::from_utf8(text).ok());
    let text = text.ok_or_else(|| Unfit::NoPlace(format!("it is no Tatin package: it has no `{CONFIG}`")))?;
    let broken = |error: String| Unfit::NoPlace(format!("it is no Tatin package: `{CONFIG}`: {error}"));
    let mut value: Value = json5::from_str(&text).map_err(|error| broken(error.to_string()))?;
    let Value::Object(fields) = &mut value else { return Err(broken("it is no object".to_owned())) };
    fields.insert("uri".to_owned(), Value::String(registry.to_owned()));
    let text = serde_json::to_string_pretty(&value).map_err(|error| broken(error.to_string()))?;
    Ok(fs::write(config, text + "\n").at("write", config)?)
}

/// The URL of the package in a folder of Tatin's cache, of the folder and its description; `None` for other folders.
pub(in crate::cache) fn url_of(server: &str, id: &str, folder: &Utf8Path) -> Option<String> {
    let id = TatinId::parse(id)?.text;
    let text = String::from_utf8(read_limited(&folder.join(CONFIG), LONGEST).ok()?).ok()?;
    let value: Value = json5::from_str(&text).ok()?;
    // Which of http and https it was, only the description knows.
    match value.get("uri").and_then(Value::as_str).filter(|uri| uri.contains("://")) {
        Some(uri) => Some(format!("{}/{id}", uri.trim_end_matches('/'))),
        None => Some(format!("https://{}/{id}", server.replace(PORT, ":"))),
    }
}

/// A package of Tatin's cache as a zip file again: without what Tatin added, its files in the order of their names. It
/// has the same files as the one it came from, but hardly the same bytes.
pub(in crate::cache) fn pack(folder: &Utf8Path, into: &Utf8Path) -> Result<(), Unfit> {
    use std::io::Write;
    let packed = |error: zip::result::ZipError| Unfit::NoPlace(format!("it cannot be packed: {error}"));
    let mut zip = zip::ZipWriter::new(fs::File::create_new(into).at("create", into)?);
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    for path in crate::base::files_below(folder)? {
        let full: Utf8PathBuf = folder.join(&path);
        if !fs::symlink_metadata(&full).at("inspect", &full)?.is_file() {
            return Err(Unfit::NoPlace(format!("`{full}` is no plain file")));
        }
        let mut bytes = fs::read(&full).at("read", &full)?;
        if path == CONFIG
            && let Ok(Value::Object(mut fields)) = json5::from_str(&String::from_utf8_lossy(&bytes))
            && fields.remove("uri").is_some()
            && let Ok(text) = serde_json::to_vec_pretty(&fields)
        {
            bytes = text;
        }
        zip.start_file(path.as_str(), options).map_err(packed)?;
        zip.write_all(&bytes).at("write", into)?;
    }
    zip.finish().map_err(packed).map(drop)
}
