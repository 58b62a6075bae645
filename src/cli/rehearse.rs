//! `hardtack rehearse`: a bundle is built as it would be at the site, before it is carried there.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde_json::json;

use super::args::Rehearse as Arguments;
use super::collection::shown;
use super::context::Context;
use super::error::{DIGEST, Report, USAGE};
use super::install::{PATH, environment};
use super::opened::Opened;
use super::passing::in_passing_folder;
use super::receipts;
use super::rootfs::other_root;
use super::trial::{Built, Trial, Unbuilt, sandbox_of};
use super::trust::{self, secret_key};
use crate::base::{create_dir_all, is_empty_dir, sha256_file};
use crate::bundle::Bundle;
use crate::install::contract::{CONTRACT, Contract, Kind, gather, owners};
use crate::install::sandbox::Level;
use crate::install::{InstalledFile, Machine, PartReceipt, PartRecord, Receipt, toolchain};
use crate::report::{JSON_FORMAT, plural, seconds};

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    let bundle = context.real_path(&arguments.bundle);
    if bundle.is_dir() {
        let message = format!("`{bundle}` is a folder, and what is carried is a file");
        return Err(Report::new(USAGE, "usage", message)
            .hint("of a project: hardtack bundle --rehearse; of an unpacked bundle: rehearse the file it came from"));
    }
    trust::check(context, &arguments.trust, &bundle)?;
    if let Some(rest) = Bundle::open(&bundle)?.rest() {
        let message = format!("`{bundle}` is {rest}, and what is rehearsed is the whole");
        return Err(Report::new(USAGE, "usage", message)
            .hint("rehearse the whole bundle of this release; each part of it has the same manifest"));
    }
    let key = arguments.sign.as_ref().map(|key| secret_key(context, key, &arguments.password)).transpose()?;
    let sha256 = sha256_file(&bundle)?;
    let receipt = receipts::receipt_of(&bundle);
    if key.is_none() && receipts::is_signed(&receipt) {
        let message = format!("`{}` is signed, and what takes its place would not be", shown(context, &receipt));
        return Err(Report::new(USAGE, "would-overwrite", message).hint("--sign KEY, or move it away"));
    }
    let order = Order {
        bundle: &bundle,
        rootfs: arguments.rootfs.as_deref(),
        within: arguments.within.as_deref(),
        reuse: arguments.reuse,
        jobs: arguments.jobs.map(std::num::NonZero::get),
        prefix: None,
        environment: environment(&arguments.env)?,
    };
    let rehearsed = order.carry_out(context)?;
    let receipt = receipts::write(context, (&bundle, sha256), &rehearsed.receipt, key.as_ref())?;
    let contract: Utf8PathBuf = format!("{bundle}.contract.toml").into();
    match rehearsed.packed {
        Some(packed) if packed == rehearsed.receipt.host => {}
        packed => {
            let before = Contract::read(&contract)?;
            before.iter().fold(rehearsed.receipt.host.clone(), Contract::with_words_of).write(&contract)?;
            let why = if packed.is_some() { "has another host contract" } else { "has no host contract" };
            context.console.note(format!(
                "the bundle {why}; what its builds use is in {}: as {CONTRACT} beside the lock, it is packed the next time",
                shown(context, &contract)
            ));
        }
    }
    if context.console.json {
        return context.console.out_json(&json!({
            "format": JSON_FORMAT, "bundle": bundle, "sha256": sha256, "receipt": receipt,
            "rehearsal": rehearsed.receipt,
        }));
    }
    context.console.out(&format!("{}\n", shown(context, &receipt)))
}

/// What is to be rehearsed, and how.
pub(super) struct Order<'a> {
    /// The bundle's file.
    pub(super) bundle: &'a Utf8Path,
    /// The root that builds have, a folder or an archive of one, instead of this machine's.
    pub(super) rootfs: Option<&'a Utf8Path>,
    /// The folder for it, which is kept; else it is one that is gone afterwards.
    pub(super) within: Option<&'a Utf8Path>,
    /// Parts that an earlier rehearsal in that folder built are taken over.
    pub(super) reuse: bool,
    /// Processes at a time.
    pub(super) jobs: Option<usize>,
    /// The path that builds know the destination by; the bundle's own prefix if it is none.
    pub(super) prefix: Option<&'a Utf8Path>,
    /// Variables of every step.
    pub(super) environment: BTreeMap<String, String>,
}

/// What a rehearsal came to.
pub(super) struct Rehearsed {
    pub(super) receipt: Receipt,
    /// The contract in the bundle.
    pub(super) packed: Option<Contract>,
}

impl<'a> Order<'a> {
    /// Of a bundle, in a folder that is kept, with this machine's compilers and all its processors.
    pub(super) fn new(bundle: &'a Utf8Path, within: &'a Utf8Path) -> Self {
        let environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
        Self { bundle, rootfs: None, within: Some(within), reuse: false, jobs: None, prefix: None, environment }
    }

    /// Rehearses. The folder of one that fails is kept, for what there is to be seen in it.
    pub(super) fn carry_out(&self, context: &Context<'_>) -> Result<Rehearsed, Report> {
        // As installations do: what is built must not hang on the mask of whoever builds.
        rustix::process::umask(rustix::fs::Mode::from(0o022));
        if let Some(folder) = self.within {
            return self.carry_out_in(context, &self.check_folder(context, &context.folder.join(folder))?);
        }
        in_passing_folder(context, |within| self.carry_out_in(context, within))
    }

    fn carry_out_in(&self, context: &Context<'_>, within: &Utf8Path) -> Result<Rehearsed, Report> {
        let root = self.rootfs.map(|root| other_root(&context.real_path(root), within)).transpose()?;
        let other_root = root.is_some();
        let started = Timestamp::now();
        let sandbox = sandbox_of(context, root, &within.join("probe"))?;
        let trial = Trial {
            bundle: self.bundle,
            sandbox: &sandbox,
            prefix: self.prefix,
            environment: &self.environment,
            jobs: self.jobs,
            only: None,
            quietly: false,
        };
        let Built { prepared, reused, .. } = trial.build(context, within).map_err(|unbuilt| match unbuilt {
            Unbuilt::Part { report, .. } => {
                report.hint("nothing vouches for this bundle: at the site it would fail like this")
            }
            Unbuilt::Other(report) => report,
        })?;
        let (destination, scratch) = (&prepared.destination, within.join("ask"));
        let records = destination.records()?;
        check_bytes(destination.root(), &records, &reused)?;
        let system = context.environment.system(sandbox.root());
        let (_, asked) = gather(&records, &system, &BTreeMap::new());
        let (host, _) = gather(&records, &system, &owners(&asked, &sandbox, &scratch)?);
        let packed = Opened::open(context, self.bundle)?.contract()?;
        let host = packed.iter().fold(host, Contract::with_words_of);
        let release = prepared.release.as_ref();
        let receipt = Receipt {
            hardtack: env!("CARGO_PKG_VERSION").to_owned(),
            name: release.map(|release| release.name.clone()).unwrap_or_default(),
            version: release.map(|release| release.version.clone()).unwrap_or_default(),
            manifest: release.map(|release| release.manifest),
            prefix: destination.seen_at().to_string(),
            epoch: prepared.epoch,
            isolation: Level::Full.name().to_owned(),
            environment: self.environment.clone(),
            started,
            finished: Timestamp::now(),
            machine: Machine {
                system,
                other_root,
                kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
                toolchain: toolchain(&sandbox, &scratch)?,
            },
            parts: records.iter().map(|record| PartReceipt::of(record, reused.contains(&record.name))).collect(),
            files: Receipt::files_of(&records),
            beside: records.iter().flat_map(|record| record.beside.clone()).collect(),
            host_files: Contract::files_used(&records),
            host,
        };
        tell(context, &receipt);
        Ok(Rehearsed { receipt, packed })
    }

    /// A folder that is new or empty, or where `--reuse` finds what it wants.
    fn check_folder(&self, context: &Context<'_>, folder: &Utf8Path) -> Result<Utf8PathBuf, Report> {
        let used = folder.join("dest/.hardtack");
        if !is_empty_dir(folder)? {
            let there = shown(context, folder);
            if !self.reuse {
                let message = format!("`{there}` is not empty");
                return Err(Report::new(USAGE, "not-empty", message)
                    .hint("choose another folder, or --reuse what an earlier rehearsal built in it"));
            }
            if !used.is_dir() {
                return Err(Report::new(USAGE, "not-empty", format!("`{there}` is not of a rehearsal")));
            }
        }
        create_dir_all(folder)?;
        Ok(context.real_path(folder))
    }
}

/// Reads what parts that were taken over installed: a receipt says nothing that was not looked at.
fn check_bytes(root: &Utf8Path, records: &[PartRecord], reused: &[String]) -> Result<(), Report> {
    for record in records.iter().filter(|record| reused.contains(&record.name)) {
        for (path, file) in &record.files {
            let full = root.join(&record.location).join(path);
            if let InstalledFile::File { sha256, .. } = file
                && sha256_file(&full)? != *sha256
            {
                let message = format!("`{full}` is not what the rehearsal before made");
                return Err(
                    Report::new(DIGEST, "damaged", message).hint("rehearse in another folder, or without --reuse")
                );
            }
        }
    }
    Ok(())
}

fn tell(context: &Context<'_>, receipt: &Receipt) {
    let took: f64 = receipt.finished.duration_since(receipt.started).as_secs_f64();
    let reused = receipt.parts.iter().filter(|part| part.reused).count();
    let reused = match reused {
        0 => String::new(),
        count if count == receipt.parts.len() => ", all taken over".to_owned(),
        count => format!(", {count} of them taken over"),
    };
    let attempts: usize = receipt.parts.iter().map(|part| part.attempts.len()).sum();
    let attempts = match attempts {
        0 => "nothing tried to reach the network".to_owned(),
        count => format!("{} to reach the network, which the config allows", plural(count, "attempt")),
    };
    let took = seconds(std::time::Duration::from_secs_f64(took.max(0.0)));
    let parts = plural(receipt.parts.len(), "part");
    context
        .console
        .say(format!("rehearsed {} {}: {parts}{reused}, in {took}; {attempts}", receipt.name, receipt.version));
    let host = &receipt.host;
    let lists = [(Kind::Program, &host.programs), (Kind::Header, &host.headers), (Kind::Library, &host.libraries)];
    let counts = lists.map(|(kind, list)| kind.counted(list.len()));
    context.console.say(format!("of {} the builds use {}", receipt.machine.system, counts.join(", ")));
}
