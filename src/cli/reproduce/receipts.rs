//! Comparing with receipts: what others built from the same.

use camino::Utf8Path;
use serde_json::json;

use super::ending::ends;
use crate::attest::Signed;
use crate::bundle::bad_prefix;
use crate::cli::args::Reproduce as Arguments;
use crate::cli::collection::shown;
use crate::cli::context::Context;
use crate::cli::error::{Report, USAGE};
use crate::cli::install::environment;
use crate::cli::receipts::{self, Read};
use crate::cli::rehearse::Order;
use crate::cli::trust;
use crate::install::Receipt;
use crate::report::{JSON_FORMAT, plural};
use crate::reproduce::{Comparison, Verdict};

/// Files that are told one by one.
const MOST: usize = 40;

/// Builds a bundle as a receipt says that it was built, and compares.
pub(super) fn against(
    context: &Context<'_>,
    arguments: &Arguments,
    bundle: &Utf8Path,
    path: &Utf8Path,
) -> Result<(), Report> {
    let bundle = context.real_path(bundle);
    trust::check(context, &arguments.trust, &bundle)?;
    let there = read(context, arguments, path)?;
    if let Some(reason) = bad_prefix(&there.receipt.prefix) {
        return Err(Report::new(USAGE, "not-a-receipt", format!("the receipt's prefix: {reason}")));
    }
    let prefix = Utf8Path::new(&there.receipt.prefix);
    let order = Order {
        bundle: &bundle,
        rootfs: arguments.rootfs.as_deref(),
        within: arguments.within.as_deref(),
        reuse: false,
        jobs: arguments.jobs.map(std::num::NonZero::get),
        prefix: Some(prefix),
        environment: environment(&arguments.env)?,
    };
    let here = order.carry_out(context)?.receipt;
    let comparison = Comparison::of(&there.receipt, &here);
    let verdict = comparison.verdict();
    if context.console.json {
        context.console.out_json(&json!({
            "format": JSON_FORMAT, "verdict": verdict, "comparison": comparison, "signer": signer(&there.signed),
        }))?;
    } else {
        let title =
            format!("{}: what is here, compared with {}\n", verdict.name(), shown(context, &context.real_path(path)));
        context.console.out(&(title + &whose(&there.signed) + &words(&comparison)))?;
    }
    ends(verdict)
}

/// Which of several builds came to the same.
pub(super) fn side_by_side(
    context: &Context<'_>,
    arguments: &Arguments,
    paths: &[camino::Utf8PathBuf],
) -> Result<(), Report> {
    let all = paths.iter().map(|path| read(context, arguments, path)).collect::<Result<Vec<_>, _>>()?;
    // Those that agree have one letter, in the order in which they are named.
    let mut groups: Vec<&Receipt> = Vec::new();
    let (mut text, mut rows, mut worst) = (String::new(), Vec::new(), Verdict::Equal);
    for (path, read) in paths.iter().zip(&all) {
        let found = groups.iter().position(|other| Comparison::of(other, &read.receipt).differing.is_empty());
        let index = found.unwrap_or(groups.len());
        let letter = letter(index);
        text += &format!(
            "{letter}  {path}: {} {}, {}\n",
            read.receipt.name, read.receipt.version, read.receipt.machine.system
        );
        text += &whose(&read.signed);
        let mut row = json!({ "receipt": path, "agrees": letter, "signer": signer(&read.signed) });
        if found.is_none() {
            if let Some(first) = groups.first() {
                let comparison = Comparison::of(first, &read.receipt);
                let verdict = comparison.verdict();
                text += &format!("   {}, compared with A\n{}", verdict.name(), words(&comparison));
                row["verdict"] = json!(verdict);
                row["comparison"] = json!(comparison);
                if verdict == Verdict::Different || worst == Verdict::Equal {
                    worst = verdict;
                }
            }
            groups.push(&read.receipt);
        }
        rows.push(row);
    }
    match context.console.json {
        true => context.console.out_json(&json!({ "format": JSON_FORMAT, "verdict": worst, "receipts": rows }))?,
        false => context.console.out(&text)?,
    }
    ends(worst)
}

/// `A`, `B` … `Z`, `27`.
fn letter(index: usize) -> String {
    let letter = u8::try_from(index).ok().filter(|index| *index < 26).map(|index| char::from(b'A' + index));
    letter.map_or_else(|| (index + 1).to_string(), String::from)
}

fn read(context: &Context<'_>, arguments: &Arguments, path: &Utf8Path) -> Result<Read, Report> {
    let keys = trust::keys(context, &arguments.trust.pubkey)?;
    receipts::read(context, &context.real_path(path), &keys)?
        .map_err(|reason| Report::new(USAGE, "not-a-receipt", reason))
}

/// What is not the same, a line each.
fn words(comparison: &Comparison) -> String {
    let Comparison { files, differing, inputs } = comparison;
    let mut text = match comparison.differing_files() {
        0 => format!(
            "   {} the same\n",
            if *files == 1 { "1 file is".to_owned() } else { format!("all {files} files are") }
        ),
        count => format!("   {count} of {} differ\n", plural(*files, "file")),
    };
    differing.iter().take(MOST).for_each(|file| text += &format!("   {}: {}\n", file.path, file.how));
    if differing.len() > MOST {
        text += &format!("   and {} more; --format json has all\n", differing.len() - MOST);
    }
    inputs.iter().for_each(|input| text += &format!("   made from something else: {input}\n"));
    text
}

fn whose(signed: &Signed) -> String {
    match signed {
        Signed::By(key) => format!("   its receipt is signed by key {key}, which is trusted\n"),
        Signed::Unknown(key) => format!("   its receipt is signed with key {key}, which nobody here trusts\n"),
        Signed::No | Signed::Wrong(_) => "   its receipt is not signed\n".to_owned(),
    }
}

fn signer(signed: &Signed) -> Option<String> {
    match signed {
        Signed::By(key) => Some(key.to_string()),
        Signed::Unknown(_) | Signed::No | Signed::Wrong(_) => None,
    }
}
