//! Where a bundle is written to, and what lies there already.

use camino::{Utf8Path, Utf8PathBuf};

use super::args::Bundle;
use super::collection::shown;
use super::context::Context;
use super::error::{Report, USAGE};
use super::receipts;
use super::trust::sums_signature_of;
use crate::archive::Encoding;
use crate::bundle::{SelfExtracting, is_bundle_file};
use crate::signature::signature_of;

/// Where the bundle goes, and how it is written. Only a bundle gives way to it, and no folder is made: one that is not
/// there may be a disk that is not.
pub(super) fn output(
    context: &Context<'_>,
    arguments: &Bundle,
    release: &str,
) -> Result<(Utf8PathBuf, Encoding), Report> {
    let asked = arguments.compression.map(Encoding::from);
    let given = arguments.output.as_ref().or(arguments.media.as_ref()).map(|path| (path, context.folder.join(path)));
    let (output, encoding) = match given {
        Some((path, full)) if arguments.media.is_none() && !path.as_str().ends_with('/') && !full.is_dir() => {
            let named = Encoding::of_name(full.as_str());
            if let (Some(asked), Some(named)) = (asked, named)
                && asked != named
            {
                let message = format!("`{path}` is no name for a bundle that is compressed another way");
                let hint = format!("let it end in {}, or leave --compression out", asked.ending());
                return Err(Report::new(USAGE, "usage", message).hint(hint));
            }
            (full, asked.or(named).unwrap_or_default())
        }
        folder => {
            let encoding = asked.unwrap_or_default();
            let folder = folder.map_or_else(|| context.folder.clone(), |(_, full)| full);
            (folder.join(format!("{release}{}", encoding.ending())), encoding)
        }
    };
    let folder = output.parent().unwrap_or(&context.folder);
    if !folder.is_dir() {
        let message = format!("there is no folder `{folder}` to write the bundle to");
        return Err(Report::new(USAGE, "not-found", message).hint("make it first, or choose another"));
    }
    if output.exists() && !is_bundle_file(&output) {
        let message = format!("`{}` is there already, and is no bundle", shown(context, &output));
        return Err(Report::new(USAGE, "would-overwrite", message).hint("choose another name with -o, or remove it"));
    }
    Ok((output, encoding))
}

/// What lies beside from another time looks as if it belonged to this one.
pub(super) fn warn_of_older(context: &Context<'_>, output: &Utf8Path, written: &[Utf8PathBuf]) {
    let run = SelfExtracting::beside(output);
    let mut older = vec![signature_of(output), signature_of(&run), sums_signature_of(output), run];
    older.extend([receipts::receipt_of(output), receipts::provenance_of(output)]);
    older.retain(|file| !written.contains(file));
    for file in older.iter().filter(|file| file.exists()) {
        let file = shown(context, file);
        context.console.warn(format!("`{file}` is of an earlier bundle, and belongs to other bytes now; remove it"));
    }
}
