//! `hardtack bundle`

use camino::{Utf8Path, Utf8PathBuf};

use super::access::Access;
use super::args::Bundle as Arguments;
use super::check;
use super::collection::{Gathered, gather, shown};
use super::context::Context;
use super::error::{Report, USAGE};
use super::inspect::manifest;
use super::media::{self, Media};
use super::output::{output, warn_of_older};
use super::project::{Loaded, Project};
use super::trust::{secret_key, sign_file, sign_sums, sums_signature_of};
use super::{interrupt, receipts, rehearse};
use crate::archive::Encoding;
use crate::attest::{PROVENANCE_TYPE, Statement, Subject};
use crate::base::{Epoch, IoContext};
use crate::bundle::{
    Bundle, EpochSource, Error, Installer, Linkage, Manifest, Pack, ProjectFiles, ProjectFilter, SelfExtracting,
    Settings, Written, gather_licences, write, write_since, write_volumes,
};
use crate::cache::Depth;
use crate::config::{Location, Override};
use crate::install::contract::Contract;
use crate::recipes::Origin;
use crate::report::{JSON_FORMAT, bytes, plural};
use crate::signature::{SecretKey, signature_of};

/// 1980-01-01, the earliest time all archive formats know.
const FIXED_EPOCH: u32 = 315_532_800;

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    let (words, overrides) = context.split_words(&arguments.words, 1)?;
    let folder = context.folder_of(words.first())?;
    let access = Access::of(&arguments.sources);
    let project = Loaded::from_disk(context, &folder, overrides, access)?.project(context)?;
    let (name, version) = naming(arguments, &project.settings)?;
    let installers = installers(context, arguments)?;
    let shape = Shape::of(context, arguments)?;
    let (output, encoding) = output(context, arguments, &shape.file_stem(&name, &version))?;
    let filter = filter(&project, &output)?;
    let files = project_files(context, arguments, &project, &filter)?;
    portable(context, &project)?;
    check::show(context, &project)?;
    if arguments.self_extracting && encoding == Encoding::Zstd {
        let message = "a bundle that unpacks itself is compressed as every machine can undo it";
        return Err(Report::new(USAGE, "usage", message).hint("leave --compression zstd out"));
    }
    if arguments.self_extracting && installers.is_empty() {
        let message = "a bundle that installs itself needs an installer";
        return Err(Report::new(USAGE, "usage", message).hint("leave --installer none out"));
    }
    if arguments.dry_run {
        return dry_run(context, &files, &project, &output);
    }
    let key = arguments.sign.as_ref().map(|key| secret_key(context, key, &arguments.password)).transpose()?;
    let mut papers: Vec<fn(&Utf8Path) -> Utf8PathBuf> = Vec::new();
    if arguments.rehearse {
        papers.push(receipts::receipt_of);
    }
    if arguments.provenance {
        papers.push(receipts::provenance_of);
    }
    let mut release = Release {
        context,
        name,
        version,
        installers,
        project,
        filter,
        files,
        output,
        encoding,
        self_extracting: arguments.self_extracting,
        shape,
        passing: arguments.passing,
        papers,
    };
    // Every byte that is packed is hashed on the way; only when one of them proves wrong, the cache is read first, which
    // finds out what is damaged and gets it again.
    let mut gathered = gather(context, &mut release.project, access, Depth::Presence)?;
    let mut written = release.pack(&gathered, Depth::Presence)?;
    if written.is_none() {
        // Its caches are closed before they are opened anew.
        drop(gathered);
        gathered = gather(context, &mut release.project, access, Depth::Bytes)?;
        written = release.pack(&gathered, Depth::Bytes)?;
    }
    let mut written = written.unwrap_or_default();
    if arguments.rehearse {
        written = release.rehearse(&gathered, written, key.as_ref())?;
    }
    if arguments.provenance {
        written.iter().try_for_each(|written| release.write_provenance(written, key.as_ref()))?;
    }
    announce(context, &gathered, &written)?;
    written.iter().try_for_each(|written| release.go_with(written, key.as_ref(), arguments.media.is_some()))?;
    gathered.caches.tidy(context);
    Ok(())
}

/// What a bundle is made from, but for the sources.
struct Release<'r> {
    context: &'r Context<'r>,
    name: String,
    version: String,
    installers: Vec<Installer>,
    project: Project,
    filter: ProjectFilter,
    files: ProjectFiles,
    output: Utf8PathBuf,
    encoding: Encoding,
    /// One that unpacks itself is written, too.
    self_extracting: bool,
    shape: Shape,
    /// The project is gone afterwards.
    passing: bool,
    /// What else is written about the bundle: where it is, of a bundle.
    papers: Vec<fn(&Utf8Path) -> Utf8PathBuf>,
}

/// What files the bundle is written as.
enum Shape {
    Whole,
    /// What this older one has not.
    Since(Box<Manifest>),
    /// Volumes of so many bytes.
    Volumes(u64),
}

impl Shape {
    fn of(context: &Context<'_>, arguments: &Arguments) -> Result<Self, Report> {
        Ok(match (&arguments.since, arguments.volume_size) {
            (Some(older), _) => Self::Since(Box::new(manifest(context, older)?)),
            (None, Some(size)) => Self::Volumes(size),
            (None, None) => Self::Whole,
        })
    }

    fn file_stem(&self, name: &str, version: &str) -> String {
        match self {
            Self::Since(older) => format!("{name}-{version}-since-{}", older.version),
            Self::Whole | Self::Volumes(_) => format!("{name}-{version}"),
        }
    }
}

impl Release<'_> {
    /// Writes the bundle; none where a source has other bytes than the cache says.
    fn pack(&self, gathered: &Gathered, depth: Depth) -> Result<Option<Vec<Written>>, Report> {
        let Self { context, name, version, installers, project, filter, files, output, encoding, .. } = self;
        // Once more: the lock file may have been written just now.
        let anew = gathered.lock_written || self.contract_path().is_file();
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
            licences: &gather_licences(&gathered.collected.sources, context.threads()),
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
                summary(context, &pack, (gathered, self.passing), &written);
                Ok(Some(written))
            }
        }
    }

    /// Writes beside the bundle what it was made of, signed if there is a key.
    fn write_provenance(&self, bundle: &Written, key: Option<&SecretKey>) -> Result<(), Report> {
        let predicate = Bundle::open(&bundle.path)?.manifest().provenance();
        let subject = Subject::new(bundle.path.file_name().unwrap_or_default(), bundle.sha256);
        let statement = Statement::new(vec![subject], PROVENANCE_TYPE, predicate);
        receipts::write_statement(self.context, &receipts::provenance_of(&bundle.path), &statement, key)
    }

    /// Rehearses the bundle. Where that shows that the project's host contract is another, the bundle is made again with the
    /// new one in it, and it is that one which is rehearsed last, with the parts of the first.
    fn rehearse(
        &self,
        gathered: &Gathered,
        written: Vec<Written>,
        key: Option<&SecretKey>,
    ) -> Result<Vec<Written>, Report> {
        let (held, within) = self.context.environment.temporary_folder()?;
        interrupt::passing(Some(&within));
        let outcome = self.rehearse_within(&within.join("rehearsal"), gathered, written, key);
        interrupt::passing(None);
        outcome.map_err(|report| rehearse::keep_failed(report, held))
    }

    fn rehearse_within(
        &self,
        within: &Utf8Path,
        gathered: &Gathered,
        mut written: Vec<Written>,
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
            written = self.pack(gathered, Depth::Bytes)?.unwrap_or_default();
            reuse = true;
        }
        Ok(written)
    }

    /// Where the host contract of the project is.
    fn contract_path(&self) -> Utf8PathBuf {
        Contract::beside(&super::collection::lock_path(&self.project))
    }

    /// Writes what goes with the bundle: one that unpacks itself, signatures, the page of a medium.
    fn go_with(&self, bundle: &Written, key: Option<&SecretKey>, media: bool) -> Result<(), Report> {
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

/// Name and version, from the command line or the config.
fn naming(arguments: &Arguments, settings: &Settings) -> Result<(String, String), Report> {
    let name = arguments.name.clone().or_else(|| settings.name.clone()).ok_or(Error::Unnamed("name"))?;
    let version = arguments.version.clone().or_else(|| settings.version.clone()).ok_or(Error::Unnamed("version"))?;
    for (option, value) in [("name", &name), ("version", &version)] {
        if let Some(reason) = crate::bundle::bad_name(value) {
            return Err(Report::new(USAGE, "usage", format!("--{option}: {reason}")));
        }
    }
    Ok((name, version))
}

/// The installers asked for; without any, this program itself.
fn installers(context: &Context<'_>, arguments: &Arguments) -> Result<Vec<Installer>, Report> {
    let mut installers = Vec::new();
    let own = context.environment.program.clone();
    let wanted: Vec<Utf8PathBuf> = match arguments.installer.as_slice() {
        [] => own.into_iter().collect(),
        [none] if none == "none" => Vec::new(),
        files => files.iter().map(|file| context.folder.join(file)).collect(),
    };
    for path in wanted {
        let installer = Installer::inspect(&path)?;
        if let Linkage::Dynamic(library) = &installer.linkage {
            context.console.warn(format!(
                "the installer `{path}` is linked dynamically: it starts only on machines with {library} or newer; \
                 README tells how to build a static one"
            ));
        }
        if let Some(other) = installers.iter().find(|other: &&Installer| other.target == installer.target) {
            let message = format!("two installers for {}: `{}` and `{path}`", installer.target, other.path);
            return Err(Report::new(USAGE, "usage", message));
        }
        installers.push(installer);
    }
    installers.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(installers)
}

/// What stays out of the bundle.
fn filter(project: &Project, output: &Utf8Path) -> Result<ProjectFilter, Report> {
    let mut folders = Vec::new();
    let options = [
        "parts-directory",
        "bin-directory",
        "eggs-directory",
        "develop-eggs-directory",
        "download-cache",
        "extends-cache",
    ];
    for option in options {
        if let Some(path) = project.buildout_option(option)? {
            let path = crate::base::normalize(&project.loaded.directory.join(path));
            // The version below the eggs folder is not its name.
            let path = match (option, path.parent()) {
                ("eggs-directory", Some(parent)) if path.file_name() == Some("v5") => parent.to_owned(),
                _ => path,
            };
            folders.push(path);
        }
    }
    let mut folders: Vec<Utf8PathBuf> = folders.into_iter().filter(|folder| *folder != project.root()).collect();
    folders.extend(project.plan.parts.iter().map(|part| part.location_in(project.root())));
    folders.extend(project.plan.parts.iter().flat_map(|part| &part.writes).map(|path| project.root().join(path)));
    let sources = project.plan.parts.iter().flat_map(|part| &part.sources).filter_map(|source| match &source.origin {
        Origin::Project(path) => Some(path.clone()),
        Origin::Remote(_) | Origin::Git { .. } | Origin::Outside { .. } => None,
    });
    let lock = super::collection::lock_path(project);
    let contract = Contract::beside(&lock);
    Ok(ProjectFilter {
        folders,
        output: Some(output.to_owned()),
        exclude: project.settings.exclude.clone(),
        kept: vec![lock, contract],
        sources: sources.collect(),
    })
}

/// The project's files, with a word about those that stay out.
fn project_files(
    context: &Context<'_>,
    arguments: &Arguments,
    project: &Project,
    filter: &ProjectFilter,
) -> Result<ProjectFiles, Report> {
    let files = ProjectFiles::list(project.root(), filter)?;
    if !files.changed.is_empty() {
        if !arguments.allow_dirty {
            return Err(Error::Dirty(files.changed).into());
        }
        context.console.warn(format!("packing uncommitted changes: {}", files.changed.join(", ")));
    }
    let names = |paths: &[crate::base::RelPath]| paths.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", ");
    if !files.secrets.is_empty() {
        context.console.note(format!("left out, for they look like keys or credentials: {}", names(&files.secrets)));
    }
    if !files.products.is_empty() {
        context.console.note(format!("left out, for a build writes them: {}", names(&files.products)));
    }
    let config = project.config_path()?;
    if !files.files.iter().any(|file| file.path == config) {
        let message = format!("config `{config}` is not among the project's files");
        return Err(
            Report::new(USAGE, "unpackable", message).hint("git ignores it, or an `exclude` pattern matches it")
        );
    }
    for source in project.plan.parts.iter().flat_map(|part| &part.sources) {
        let Origin::Project(path) = &source.origin else { continue };
        if project.root().join(path).is_file() && !files.files.iter().any(|file| file.path == *path) {
            let message = format!("source `./{path}` is not among the project's files");
            return Err(Report::new(USAGE, "unpackable", message)
                .hint("git ignores it, an `exclude` pattern matches it, or it looks like a key"));
        }
    }
    Ok(files)
}

/// What is not the same elsewhere, and so could not be installed there.
fn portable(context: &Context<'_>, project: &Project) -> Result<(), Report> {
    let config = &project.loaded.config;
    for location in config.files() {
        let Location::Path(path) = location else { continue };
        let path = crate::base::normalize(path);
        if !path.starts_with(project.root()) {
            let message = format!("config `{path}` is outside the project `{}`", project.root());
            return Err(Report::new(USAGE, "unpackable", message).hint("move it into the project"));
        }
    }
    if let [defaults, others @ ..] = config.user_files() {
        if let [other, ..] = others {
            let message = format!("the user's defaults extend `{}`, which is no part of the project", other.as_str());
            return Err(Report::new(USAGE, "unpackable", message).hint("leave the user's defaults out with -U"));
        }
        context.console.note(format!("`{}` counts, and is packed; to leave it out: -U", defaults.as_str()));
    }
    passwords(context, project);
    Ok(())
}

/// Warns of passwords in URLs: the files they are written in are packed.
fn passwords(context: &Context<'_>, project: &Project) {
    let config = &project.loaded.config;
    let secret = |location: &&Location| crate::base::redact(location.as_str()) != location.as_str();
    if let Some(location) = config.files().iter().find(secret) {
        let shown = crate::base::redact(location.as_str());
        context.console.warn(format!(
            "`extends` of `{shown}` holds a password or token, which will be in the bundle for all to read"
        ));
    }
    for section in config.section_names() {
        for (option, value) in config.raw_section(section).into_iter().flatten() {
            if crate::base::redact_all(&value.text) == *value.text {
                continue;
            }
            if let Some(place) = value.origin().place() {
                context.console.warn(format!(
                    "`{section}:{option}` ({place}) holds a password or token, which will be in the bundle for all to read"
                ));
            }
        }
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

fn dry_run(context: &Context<'_>, files: &ProjectFiles, project: &Project, output: &Utf8Path) -> Result<(), Report> {
    let files: Vec<&str> = files.files.iter().map(|file| file.path.as_str()).collect();
    let mut sources: Vec<String> = project.plan.sources().into_iter().map(|(key, _, _)| key.to_string()).collect();
    sources.sort();
    context.console.say(format!("would write {}", shown(context, output)));
    if context.console.json {
        let result = serde_json::json!({
            "format": JSON_FORMAT, "bundle": output, "files": files, "sources": sources
        });
        return context.console.out_json(&result);
    }
    let files = files.iter().map(|file| format!("file\t{file}\n"));
    let sources = sources.iter().map(|source| format!("source\t{source}\n"));
    context.console.out(&files.chain(sources).collect::<String>())
}

/// Says what was packed.
fn summary(context: &Context<'_>, pack: &Pack<'_>, (gathered, passing): (&Gathered, bool), written: &[Written]) {
    let console = context.console;
    if gathered.lock_written && !passing {
        console.say(format!("wrote {}; commit it", shown(context, &gathered.lock_path)));
    }
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
fn announce(context: &Context<'_>, gathered: &Gathered, written: &[Written]) -> Result<(), Report> {
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
