//! `hardtack bundle`

use camino::{Utf8Path, Utf8PathBuf};

use super::access::Access;
use super::args::{Bundle as Arguments, Sources};
use super::check;
use super::collection::{gather, shown};
use super::context::Context;
use super::error::{Report, USAGE};
use super::output::output;
use super::packing::{Release, Shape, announce};
use super::project::{Loaded, Project};
use super::receipts;
use super::trust::secret_key;
use crate::archive::Encoding;
use crate::bundle::{Error, Installer, Linkage, ProjectFiles, ProjectFilter, Settings};
use crate::cache::Depth;
use crate::config::Location;
use crate::install::contract::Contract;
use crate::recipes::Origin;
use crate::report::JSON_FORMAT;

pub(super) fn run(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    make(context, arguments, true)
}

/// Writes a bundle that nobody asked for, as something to be compared: of what is there, without an installer.
pub(super) fn write_to_compare(
    context: &Context<'_>,
    (project, output): (&Utf8Path, &Utf8Path),
    sources: &Sources,
) -> Result<(), Report> {
    let arguments = Arguments {
        words: vec![project.to_string()],
        output: Some(output.to_owned()),
        installer: vec!["none".to_owned()],
        allow_dirty: true,
        sources: sources.clone(),
        ..Arguments::default()
    };
    make(context, &arguments, false)
}

fn make(context: &Context<'_>, arguments: &Arguments, told: bool) -> Result<(), Report> {
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
        told,
        papers,
    };
    // Every byte that is packed is hashed on the way; only when one of them proves wrong, the cache is read first, which
    // finds out what is damaged and gets it again.
    let mut gathered = gather(context, &mut release.project, access, Depth::Presence)?;
    let mut packed = release.pack(&gathered, Depth::Presence)?;
    if packed.is_none() {
        // Its caches are closed before they are opened anew.
        drop(gathered);
        gathered = gather(context, &mut release.project, access, Depth::Bytes)?;
        packed = release.pack(&gathered, Depth::Bytes)?;
    }
    let written = match packed {
        Some(packed) if arguments.rehearse => release.rehearse(&gathered, packed, key.as_ref())?,
        packed => packed.map_or_else(Vec::new, |packed| packed.written),
    };
    if arguments.provenance {
        written.iter().try_for_each(|written| release.write_provenance(written, key.as_ref()))?;
    }
    if told {
        announce(context, &gathered, &written)?;
    }
    written.iter().try_for_each(|written| release.go_with(written, key.as_ref(), arguments.media.is_some()))?;
    gathered.caches.tidy(context);
    Ok(())
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
