//! `hardtack verify`

use super::args::Verify;
use super::context::Context;
use super::error::{Report, USAGE};
use super::{installed, trust};
use crate::bundle::{Bundle, Error, UnpackedBundle, is_bundle_folder};
use crate::report::{JSON_FORMAT, bytes, plural};

pub(super) fn run(context: &Context<'_>, verify: &Verify) -> Result<(), Report> {
    let path = context.folder.join(&verify.what);
    if is_bundle_folder(&path) || !crate::install::is_installed(&path) {
        trust::check(context, &verify.trust, &path)?;
    }
    let mut rest = None;
    let (entries, size) = if is_bundle_folder(&path) {
        let bundle = UnpackedBundle::open(&path)?;
        let damage = bundle.check()?;
        if !damage.is_empty() {
            let damage = damage.iter().map(|damage| format!("`{}`: {}", damage.path, damage.reason)).collect();
            return Err(Error::UnpackedDamaged { path, damage }.into());
        }
        (bundle.manifest().entries.len(), None)
    } else if crate::install::is_installed(&path) {
        return installed::verify(context, &path);
    } else if path.is_dir() {
        let message = format!("`{}` is no unpacked bundle, and nothing is installed there", verify.what);
        let hint = "name a bundle file, the folder it unpacks to, or the one it was installed to";
        return Err(Report::new(USAGE, "not-a-bundle", message).hint(hint));
    } else {
        let bundle = Bundle::open(&path)?;
        let checked = bundle.verify(context.threads())?;
        rest = bundle.rest().cloned();
        (checked.entries, Some(checked.bytes))
    };
    if context.console.json {
        let value = serde_json::json!({ "format": JSON_FORMAT, "whole": true, "entries": entries, "bytes": size, "rest": rest });
        return context.console.out_json(&value);
    }
    let size = size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let rest = rest.map(|rest| format!("; it is {rest}, and needs the rest, too")).unwrap_or_default();
    context.console.say(format!("{} is whole: {}{size}{rest}", verify.what, plural(entries, "file")));
    Ok(())
}
