//! `hardtack cache import` and `export`: to and from other caches and bundles.

use camino::Utf8Path;
use serde_json::json;

use super::chosen::Chosen;
use crate::bundle::{Bundle, UnpackedBundle, contained, is_bundle_folder};
use crate::cache::{Cache, Entry, Event, ExportLayout, ForeignCache, ViewLayout};
use crate::cli::args::{ExportLayout as Layout, Trust};
use crate::cli::context::Context;
use crate::cli::error::{DIGEST, ENVIRONMENT, Item, Report, UNSPECIFIC, USAGE};
use crate::cli::{events, trust};
use crate::report::{JSON_FORMAT, plural};

pub(super) fn import(context: &Context<'_>, cache: &Cache, path: &Utf8Path, trust: bool) -> Result<(), Report> {
    if !context.policy.enabled {
        let report = Report::new(ENVIRONMENT, "cache-off", "caching is off, and so nothing is imported");
        return Err(report.hint("switch it on in the settings, or leave out --no-cache"));
    }
    let path = context.real_path(path);
    let mut observe = |event: Event| events::cache(context.console, &event);
    let _session = cache.use_it(&context.user(), &mut observe)?;
    let (_temporary, scratch) = context.environment.temporary_folder()?;
    if is_bundle_folder(&path) || path.is_file() {
        trust::check(context, &Trust::default(), &path)?;
    }
    let foreign = if is_bundle_folder(&path) {
        unpacked_bundle(&path)?
    } else if path.is_dir() {
        if path == cache.root() {
            return Err(Report::new(USAGE, "usage", format!("`{path}` is the shared cache itself")));
        }
        ForeignCache::scan(&path)?
    } else {
        let bundle = Bundle::open(&path)?;
        let unpacked = scratch.join("bundle");
        bundle.unpack(&unpacked, context.threads())?;
        contained(bundle.manifest(), &unpacked)
    };
    if foreign.files.is_empty() && foreign.left.is_empty() {
        let message = format!("`{path}` is no bundle, and no cache of hardtack, buildout, apk or Tatin");
        return Err(Report::new(UNSPECIFIC, "nothing-to-import", message)
            .hint("give a bundle, or the folder that has `cmmi`, `dist`, or the repositories' folders in it"));
    }
    let imported = cache.import(foreign, trust, &context.policy, &mut observe)?;
    if context.console.json {
        let taken = imported.taken.iter().map(|(key, sha256)| json!({ "url": key, "sha256": sha256 }));
        let left = imported.left.iter().map(|(what, reason)| json!({ "what": what, "reason": reason }));
        let (taken, left): (Vec<_>, Vec<_>) = (taken.collect(), left.collect());
        let value = json!({ "format": JSON_FORMAT, "imported": taken, "left": left, "trusted": trust });
        return context.console.out_json(&value);
    }
    for (what, reason) in &imported.left {
        context.console.note(format!("`{what}` was left: {reason}"));
    }
    imported.taken.iter().for_each(|(key, _)| context.console.detail(key.as_str()));
    let worth = match trust {
        true => "",
        false => "; without --trust they are only used where a SHA-256 is locked or declared",
    };
    context.console.say(format!("imported {} into {}{worth}", plural(imported.taken.len(), "file"), cache.root()));
    Ok(())
}

fn unpacked_bundle(folder: &Utf8Path) -> Result<ForeignCache, Report> {
    let bundle = UnpackedBundle::open(folder)?;
    let damage = bundle.check()?;
    if damage.is_empty() {
        return Ok(contained(bundle.manifest(), folder));
    }
    let mut report = Report::new(DIGEST, "bundle-damaged", format!("bundle `{folder}` is damaged"));
    let item = |message| Item { message, place: None, hint: None };
    report.items = damage.iter().map(|damage| item(format!("`{}`: {}", damage.path, damage.reason))).collect();
    Err(report.hint("nothing was imported; get the bundle again"))
}

pub(super) fn export(
    context: &Context<'_>,
    cache: &Cache,
    folder: &Utf8Path,
    pattern: Option<&str>,
    layout: Layout,
) -> Result<(), Report> {
    let folder = context.real_path(folder);
    if folder.starts_with(cache.root()) || cache.root().starts_with(&folder) {
        let report = Report::new(USAGE, "usage", format!("`{folder}` is where the cache itself lies"));
        return Err(report.hint("give a folder of its own"));
    }
    let chosen = pattern.map(|pattern| Chosen::new(pattern, &context.policy.registries)).transpose()?;
    let is_chosen = |entry: &Entry| chosen.as_ref().is_none_or(|chosen| chosen.has(entry));
    let layout = match layout {
        Layout::Modern => ExportLayout::Buildout(ViewLayout::Modern),
        Layout::Classic => ExportLayout::Buildout(ViewLayout::Classic),
        Layout::Both => ExportLayout::Buildout(ViewLayout::Both),
        Layout::Root => ExportLayout::Root,
        Layout::Dist => ExportLayout::Dist,
        Layout::ApkEtag => ExportLayout::ApkEtag,
        Layout::Apk => ExportLayout::Apk,
        Layout::Tatin => ExportLayout::Tatin,
    };
    let mut observe = |event: Event| events::cache(context.console, &event);
    let _session = cache.use_it(&context.user(), &mut observe)?;
    let exported = cache.export(&folder, layout, &is_chosen, &mut observe)?;
    if let Some(chosen) = chosen.as_ref().filter(|_| exported.written.is_empty() && exported.left_out.is_empty()) {
        return Err(chosen.nothing(cache));
    }
    if context.console.json {
        let written = exported.written.iter().map(|(key, path)| json!({ "url": key, "path": path.as_str() }));
        let left = exported.left_out.iter().map(|(key, reason)| json!({ "url": key, "reason": reason }));
        let (written, left): (Vec<_>, Vec<_>) = (written.collect(), left.collect());
        let value = json!({ "format": JSON_FORMAT, "folder": folder, "written": written, "left-out": left });
        return context.console.out_json(&value);
    }
    for (key, reason) in &exported.left_out {
        context.console.note(format!("`{key}` is left out: {reason}"));
    }
    exported.written.iter().for_each(|(_, path)| context.console.detail(path.as_str()));
    context.console.say(format!("wrote {} to {folder}", plural(exported.written.len(), "source")));
    Ok(())
}
