//! Writing what a project is packed as, and what goes with it: rehearsal, provenance, signatures, the `.run`, a page.

use camino::{Utf8Path, Utf8PathBuf};

use super::args::Bundle as Arguments;
use super::collection::{Gathered, shown};
use super::context::Context;
use super::error::{Report, USAGE};
use super::media::{self, Media};
use super::opened::Opened;
use super::output::warn_of_older;
use super::passing::in_passing_folder;
use super::project::Project;
use super::trust::{sign_file, sign_sums, sums_signature_of};
use super::{receipts, rehearse};
use crate::archive::Encoding;
use crate::attest::{PROVENANCE_TYPE, Statement, Subject};
use crate::base::{Epoch, IoContext};
use crate::bundle::{
    Bundle, EpochSource, Error, Installer, Licences, Manifest, Pack, ProjectFiles, ProjectFilter, SelfExtracting,
    Settings, Written, gather_licences, write, write_since, write_volumes,
};
use crate::cache::Depth;
use crate::config::Override;
use crate::install::contract::Contract;
use crate::report::{JSON_FORMAT, bytes, plural};
use crate::signature::{SecretKey, signature_of};

/// 1980-01-01, the earliest time all archive formats know.
const FIXED_EPOCH: u32 = 315_532_800;

/// What a bundle is made from, but for the sources.
pub(super) struct Release<'r> {
    pub(super) context: &'r Context<'r>,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) installers: Vec<Installer>,
    pub(super) project: Project,
    pub(super) filter: ProjectFilter,
    pub(super) files: ProjectFiles,
    pub(super) output: Utf8PathBuf,
    pub(super) encoding: Encoding,
    /// One that unpacks itself is written, too.
    pub(super) self_extracting: bool,
    pub(super) shape: Shape,
    /// The project is gone afterwards.
    pub(super) passing: bool,
    /// Somebody asked for the bundle, and is told of it.
    pub(super) told: bool,
    /// What else is written about the bundle: where it is, of a bundle.
    pub(super) papers: Vec<fn(&Utf8Path) -> Utf8PathBuf>,
}

/// What was packed.
pub(super) struct Packed {
    /// The bundle's files.
    pub(super) written: Vec<Written>,
    /// The licence texts in its sources, which packing again does not change.
    licences: Licences,
}

/// What files the bundle is written as.
pub(super) enum Shape {
    Whole,
    /// What this older one has not.
    Since(Box<Manifest>),
    /// Volumes of so many bytes.
    Volumes(u64),
}

impl Shape {
    pub(super) fn of(context: &Context<'_>, arguments: &Arguments) -> Result<Self, Report> {
        Ok(match (&arguments.since, arguments.volume_size) {
            (Some(older), _) => {
                let opened = Opened::open(context, older)?;
                if let Some(rest) = opened.rest() {
                    let message = format!("`{older}` is {rest}, and has not itself what would be left out");
                    let report = Report::new(USAGE, "usage", message);
                    return Err(report.hint("name the whole bundle, or its manifest.json"));
                }
                Self::Since(Box::new(opened.manifest().clone()))
            }
            (None, Some(size)) => Self::Volumes(size),
            (None, None) => Self::Whole,
        })
    }

    pub(super) fn file_stem(&self, name: &str, version: &str) -> String {
        match self {
            Self::Since(older) => format!("{name}-{version}-since-{}", older.version),
            Self::Whole | Self::Volumes(_) => format!("{name}-{version}"),
        }
    }
}

impl Release<'_> {
    /// Writes the bundle; none where a source has other bytes than the cache says.
    pub(super) fn pack(&self, gathered: &Gathered, depth: Depth) -> Result<Option<Packed>, Report> {
        let licences = gather_licences(&gathered.collected.sources, self.context.threads())?;
        let written = self.pack_with(gathered, &licences, depth)?;
        Ok(written.map(|written| Packed { written, licences }))
    }

    /// The same with these licence texts.
    fn pack_with(
        &self,
        gathered: &Gathered,
        licences: &Licences,
        depth: Depth,
    ) -> Result<Option<Vec<Written>>, Report> {
        let Self { context, name, version, installers, project, filter, files, output, encoding, .. } = self;
        // Once more: lock or contract may have been written since, the first time, or before this one.
        let anew = gathered.lock_written || depth == Depth::Bytes;
        let listed = anew.then(|| ProjectFiles::list(project.root(), filter)).transpose()?;
        let files = listed.as_ref().unwrap_or(files);
        let prefix = project.settings.prefix.clone().unwrap_or_else(|| format!("/opt/{name}"));
        let user_defaults = project.loaded.user_defaults.as_ref().map(|path| std::fs::read(path).at("read", path));
        let overrides: Vec<_> = project.loaded.overrides.iter().map(Override::redacted).collect();
        let contract = Contract::read(&self.contract_path())?;
        let pack = Pack {
            name,
            version,
            config: project.config_path()?,
            files: &files.files,
            plan: &project.plan,
            plan_digest: project.plan_digest(context, Utf8Path::new(&prefix))?,
            prefix: &prefix,
            sources: &gathered.collected.sources,
            licences,
            configs: project.loaded.remote.configs.values().collect(),
            lock: &gathered.collected.lock,
            facts: &project.loaded.config.facts_read(),
            overrides: &overrides,
            user_defaults: user_defaults.transpose()?,
            contract: contract.map(|contract| contract.to_text().into_bytes()),
            conditions: project.loaded.config.conditions(),
            installers,
            epoch: epoch(context, &project.settings, files)?,
            commit: files.commit.as_ref().map(|commit| commit.id.clone()),
            dirty: !files.changed.is_empty(),
            encoding: *encoding,
            threads: context.threads(),
        };
        let written = match &self.shape {
            Shape::Whole => write(&pack, output).map(|written| vec![written]),
            Shape::Since(older) => write_since(&pack, older, output).map(|written| vec![written]),
            Shape::Volumes(size) => write_volumes(&pack, *size, output),
        };
        match written {
            Err(Error::Changed { path })
                if depth == Depth::Presence && pack.sources.iter().any(|source| source.path == path) =>
            {
                Ok(None)
            }
            written => {
                let written = written?;
                if gathered.lock_written && !self.passing {
                    context.console.say(format!("wrote {}; commit it", shown(context, &gathered.lock_path)));
                }
                if self.told {
                    summary(context, &pack, gathered, &written);
                }
                Ok(Some(written))
            }
        }
    }

    /// Writes beside the bundle what it was made of, signed if there is a key.
    pub(super) fn write_provenance(&self, bundle: &Written, key: Option<&SecretKey>) -> Result<(), Report> {
        let predicate = Bundle::open(&bundle.path)?.manifest().provenance();
        let subject = Subject::new(bundle.path.file_name().unwrap_or_default(), bundle.sha256);
        let statement = Statement::new(vec![subject], PROVENANCE_TYPE, predicate);
        receipts::write_statement(self.context, &receipts::provenance_of(&bundle.path), &statement, key)
    }

    /// Rehearses the bundle. Where that shows that the project's host contract is another, the bundle is made again with the
    /// new one in it, and it is that one which is rehearsed last, with the parts of the first.
    pub(super) fn rehearse(
        &self,
        gathered: &Gathered,
        packed: Packed,
        key: Option<&SecretKey>,
    ) -> Result<Vec<Written>, Report> {
        in_passing_folder(self.context, |within| self.rehearse_within(&within.join("rehearsal"), gathered, packed, key))
    }

    fn rehearse_within(
        &self,
        within: &Utf8Path,
        gathered: &Gathered,
        Packed { mut written, licences }: Packed,
        key: Option<&SecretKey>,
    ) -> Result<Vec<Written>, Report> {
        let Self { context, .. } = self;
        let mut reuse = false;
        // One that is rehearsed is whole, and so one file.
        while let [bundle] = written.as_slice() {
            let order = rehearse::Order { reuse, ..rehearse::Order::new(&bundle.path, within) };
            let rehearsed = order.carry_out(context).map_err(|report| {
                let written = shown(context, &bundle.path);
                report.hint(format!("{written} was written, and is not to be carried"))
            })?;
            if rehearsed.packed.as_ref() == Some(&rehearsed.receipt.host) || reuse {
                receipts::write(context, (&bundle.path, bundle.sha256), &rehearsed.receipt, key)?;
                break;
            }
            let contract = self.contract_path();
            rehearsed.receipt.host.write(&contract)?;
            context.console.say(format!("wrote {}; commit it", shown(context, &contract)));
            context.console.say("packing again, with it in the bundle");
            written = self.pack_with(gathered, &licences, Depth::Bytes)?.unwrap_or_default();
            reuse = true;
        }
        Ok(written)
    }

    /// Where the host contract of the project is.
    fn contract_path(&self) -> Utf8PathBuf {
        Contract::beside(&super::collection::lock_path(&self.project))
    }

    /// Writes what goes with the bundle: one that unpacks itself, signatures, the page of a medium.
    pub(super) fn go_with(&self, bundle: &Written, key: Option<&SecretKey>, media: bool) -> Result<(), Report> {
        let Self { context, name, version, encoding, .. } = self;
        let mut run = None;
        let mut papers = self.papers.iter().map(|paper| paper(&bundle.path)).collect::<Vec<_>>();
        let signature = key.map(|key| sign_sums(context, &bundle.path, key)).transpose()?;
        if self.self_extracting {
            let signature = signature.as_deref();
            let written = SelfExtracting { name: (name, version), bundle, signature, encoding: *encoding };
            let written = written.write(&SelfExtracting::beside(&bundle.path))?;
            context.console.say(format!("{}: {}", shown(context, &written.path), bytes(written.size)));
            run = Some(written);
        }
        for file in std::iter::once(bundle).chain(&run) {
            key.map_or(Ok(()), |key| sign_file(context, &file.path, &file.sha256, key))?;
        }
        papers.extend(signature.map(|_| sums_signature_of(&bundle.path)));
        let files = || std::iter::once(bundle).chain(&run).map(|file| file.path.clone());
        let signatures = files().map(|file| signature_of(&file)).filter(|_| key.is_some());
        let written: Vec<Utf8PathBuf> = papers.iter().cloned().chain(files()).chain(signatures).collect();
        warn_of_older(context, &bundle.path, &written);
        if !media {
            return Ok(());
        }
        let targets = self.installers.iter().map(|installer| installer.target.clone()).collect();
        let key = key.map(SecretKey::public).transpose()?;
        let media = Media { name, version, bundle, run: run.as_ref(), encoding: *encoding, targets, key, papers };
        let page = media.write_page(context)?;
        media::flush(page.parent().unwrap_or(&context.folder))?;
        context.console.say(format!("{}: what is carried, and how it is checked", shown(context, &page)));
        Ok(())
    }
}

/// The time of all files, from the first of the places that says one.
fn epoch(context: &Context<'_>, settings: &Settings, files: &ProjectFiles) -> Result<(Epoch, EpochSource), Report> {
    if let Some(text) = context.environment.variable("SOURCE_DATE_EPOCH") {
        let epoch = text
            .parse()
            .map_err(|error| Report::new(USAGE, "usage", format!("environment variable SOURCE_DATE_EPOCH: {error}")))?;
        return Ok((epoch, EpochSource::Environment));
    }
    if let Some(date) = settings.date {
        return Ok((date, EpochSource::Date));
    }
    Ok(match &files.commit {
        Some(commit) => (commit.time, EpochSource::Commit),
        None => (Epoch::from_seconds(FIXED_EPOCH), EpochSource::Fixed),
    })
}

/// Says what was packed.
fn summary(context: &Context<'_>, pack: &Pack<'_>, gathered: &Gathered, written: &[Written]) {
    let console = context.console;
    let origin = match pack.epoch.1 {
        EpochSource::Environment => "from SOURCE_DATE_EPOCH",
        EpochSource::Date => "from [hardtack] date",
        EpochSource::Commit => "the commit's",
        EpochSource::Fixed => "fixed; set [hardtack] date for another",
    };
    let installer = match pack.installers {
        [] => "no installer".to_owned(),
        some => {
            some.iter().map(|installer| format!("installer for {}", installer.target)).collect::<Vec<_>>().join(", ")
        }
    };
    let collected = &gathered.collected;
    console.say(format!(
        "packed {}, {} for {} ({} downloaded), {installer}",
        plural(pack.files.len(), "project file"),
        plural(collected.sources.len(), "source"),
        plural(pack.plan.parts.len(), "part"),
        collected.downloads,
    ));
    console.say(format!("files are dated {} ({origin})", pack.epoch.0));
    for file in written {
        console.say(format!("{}: {}", shown(context, &file.path), bytes(file.size)));
    }
}

/// Prints what came of it.
pub(super) fn announce(context: &Context<'_>, gathered: &Gathered, written: &[Written]) -> Result<(), Report> {
    let (console, collected) = (context.console, &gathered.collected);
    if console.json {
        let file = |written: &Written| {
            serde_json::json!({
                "format": JSON_FORMAT,
                "bundle": written.path,
                "sha256": written.sha256,
                "size": written.size,
                "entries": written.entries,
                "sources": collected.sources.len(),
                "downloads": collected.downloads,
            })
        };
        return written.iter().try_for_each(|written| console.out_json(&file(written)));
    }
    let lines = written.iter().map(|written| format!("{}  {}\n", written.sha256, shown(context, &written.path)));
    console.out(&lines.collect::<String>())
}
