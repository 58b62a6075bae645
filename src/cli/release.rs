//! Installing from a bundle: unpacked on the way, or by hand before.

use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::args::{Install as Arguments, Trust};
use super::context::Context;
use super::error::{ENVIRONMENT, Report, USAGE};
use super::prepared::Prepared;
use super::project::Loaded;
use super::request::Request;
use super::trust;
use crate::base::{Fingerprint, IoContext, RelPath, Sha256, SourceKey, clone_file, create_dir_all, remove_tree};
use crate::bundle::{
    self, Base, Bundle, CONFIG_DEFAULTS, ConfigFiles, Damage, EntryRecord, Error as BundleError, KnownConfigs, LOCK,
    Manifest, RecordKind, UnpackedBundle, is_bundle_folder, is_project_entry,
};
use crate::cache::{DiskFiles, blobs_of};
use crate::config::Loader;
use crate::install::contract::{Contract, Unmet};
use crate::install::sandbox::Rehearsal;
use crate::install::{
    Destination, Error, Image, MissingSource, Open, Preflight, ProjectEntry, Release, SourceFile, SourcePlace,
    check_space, differing_conditions, preflight, programs,
};
use crate::lock::Lock;
use crate::recipes::Plan;
use crate::report::plural;

/// Prepares the installation of a bundle file.
pub(super) fn from_file(
    context: &Context<'_>,
    target: Target<'_>,
    path: &Utf8Path,
    steps_path: &str,
) -> Result<Prepared, Report> {
    let (bundle, manifest, root) = open_file(context, target, path)?;
    let mut destination = Destination::open(&root, Open::Separate)?;
    if target.rehearsal.is_some() {
        destination = destination.appear_at(target.rehearsed_at.unwrap_or(Utf8Path::new(&manifest.prefix)));
    }
    let found = unpack_into(context, target, &bundle, &destination, steps_path);
    let digest = Sha256::of(manifest.to_text());
    Prepared::or_abandon(destination, found, manifest, digest)
}

/// Where a bundle is to be installed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Target<'a> {
    /// Where the command line says; else where the bundle does.
    pub(super) dest: Option<&'a Utf8Path>,
    /// The bundle's download cache is installed, too.
    pub(super) keep_cache: bool,
    /// Where files are that a bundle has not itself.
    pub(super) bases: &'a [Utf8PathBuf],
    /// Whose bundles are taken.
    pub(super) trust: Option<&'a Trust>,
    /// That the machine lacks what builds were seen to use is no reason not to begin.
    pub(super) ignore_contract: bool,
    /// It is a rehearsal: builds know the place by the bundle's prefix.
    pub(super) rehearsal: Option<&'a Rehearsal>,
    /// The path that builds know the place by then, if it is not the bundle's prefix.
    pub(super) rehearsed_at: Option<&'a Utf8Path>,
}

impl Target<'_> {
    fn trusted(&self) -> Trust {
        self.trust.cloned().unwrap_or_default()
    }
}

impl<'a> From<&'a Arguments> for Target<'a> {
    fn from(arguments: &'a Arguments) -> Self {
        Self {
            dest: arguments.dest.as_deref(),
            keep_cache: arguments.keep_cache,
            bases: &arguments.base,
            trust: Some(&arguments.trust),
            ignore_contract: arguments.ignore_contract,
            rehearsal: None,
            rehearsed_at: None,
        }
    }
}

/// What is to be done, with what, and the project's files where they are moved into place.
type Unpacked = (Plan, BTreeMap<SourceKey, SourceFile>, Option<Image>);

/// Unpacks a bundle into the next generation of its destination and checks what can be checked.
fn unpack_into(
    context: &Context<'_>,
    target: Target<'_>,
    bundle: &Bundle,
    destination: &Destination,
    steps_path: &str,
) -> Result<Unpacked, Report> {
    let (manifest, root) = (bundle.manifest().clone(), destination.root());
    destination.start()?;
    let folder = destination.next_bundle();
    remove_tree(&folder)?;
    let content = manifest.entries.values().map(EntryRecord::size).sum();
    check_space(root, content)?;
    let checked = bundle.unpack(&folder, context.threads())?;
    // One that is built again and again to be compared is talked of once, by whoever compares.
    if target.rehearsal.is_none_or(|rehearsal| rehearsal.conditions.is_none()) {
        context.console.say(format!("verified {}: {}", bundle.path(), plural(checked.entries, "file")));
    }
    complete(context, target, bundle, &folder)?;
    let image = lay_out(&manifest, &folder, &destination.next_tree(), target.keep_cache, Take::Move)?;
    let (plan, sources) =
        resolve(context, target, &manifest, destination.seen_at(), &folder, &destination.next_tree())?;
    check_machine(&plan, &manifest, destination, (target, steps_path))?;
    check_contract(context, target, &folder, steps_path)?;
    Ok((plan, sources, Some(image)))
}

/// Brings what a bundle has not itself to the folder that it was unpacked to.
fn complete(context: &Context<'_>, target: Target<'_>, bundle: &Bundle, folder: &Utf8Path) -> Result<(), Report> {
    let Some(rest) = bundle.rest() else {
        if !target.bases.is_empty() {
            context.console.note(format!("{} has all its files: --base has no effect", bundle.path()));
        }
        return Ok(());
    };
    let mut bases = Vec::new();
    for volume in bundle.volumes_beside() {
        trust::check(context, &target.trusted(), &volume)?;
        bases.push(Base::File(Box::new(Bundle::open(&volume)?)));
    }
    for base in target.bases {
        let path = context.real_path(base);
        if base == "cache" {
            bases.push(Base::Store(blobs_of(context.cache_place()?)));
        } else if is_bundle_folder(&path) {
            bases.push(Base::Folder(Box::new(UnpackedBundle::open(&path)?)));
        } else if path.is_dir() {
            let message = format!("`{path}` is no bundle, unpacked or not");
            return Err(
                Report::new(USAGE, "not-a-bundle", message).hint("an installation has no sources; name its bundle")
            );
        } else {
            bases.push(Base::File(Box::new(Bundle::open(&path)?)));
        }
    }
    let brought = bundle.complete(folder, &bases, context.threads())?;
    context.console.say(format!("{} is {rest}: {} came from elsewhere", bundle.path(), plural(brought, "file")));
    Ok(())
}

/// Opens a bundle file that fits this machine; with it its manifest and where it would be installed.
fn open_file(
    context: &Context<'_>,
    target: Target<'_>,
    path: &Utf8Path,
) -> Result<(Bundle, Manifest, Utf8PathBuf), Report> {
    let bundle = Bundle::open(path)?;
    let manifest = bundle.manifest().clone();
    check_conditions(context, target, &manifest)?;
    let root = context.real_path(target.dest.unwrap_or(Utf8Path::new(&manifest.root())));
    Ok((bundle, manifest, root))
}

/// The plan of a bundle that was unpacked to `folder` and laid out in `tree`, and the files of its sources.
fn resolve(
    context: &Context<'_>,
    target: Target<'_>,
    manifest: &Manifest,
    root: &Utf8Path,
    folder: &Utf8Path,
    tree: &Utf8Path,
) -> Result<(Plan, BTreeMap<SourceKey, SourceFile>), Report> {
    let plan = plan(context, manifest, root, tree, folder)?;
    let sources = Sources { manifest, folder, kept: target.keep_cache }.find(&plan, &[])?;
    Ok((plan, sources))
}

/// Opens an unpacked bundle that fits this machine; with its manifest what is wrong with its sources.
fn open_folder(
    context: &Context<'_>,
    target: Target<'_>,
    folder: &Utf8Path,
) -> Result<(Manifest, Vec<Damage>), Report> {
    if !target.bases.is_empty() {
        let message = format!("`{folder}` is unpacked, and --base completes what is not");
        return Err(Report::new(USAGE, "usage", message)
            .hint("install the bundle's own file; or unpack the others into the same folder, too"));
    }
    let bundle = UnpackedBundle::open(folder)?;
    let manifest = bundle.manifest().clone();
    check_conditions(context, target, &manifest)?;
    let damage = bundle.check()?;
    damaged_files(folder, &manifest, &damage)?;
    Ok((manifest, damage))
}

/// A bundle as it would be installed, in a folder that is not the destination.
pub(super) struct Looked {
    pub(super) root: Utf8PathBuf,
    pub(super) plan: Plan,
    pub(super) sources: BTreeMap<SourceKey, SourceFile>,
    /// Where the project's files are.
    pub(super) files: Utf8PathBuf,
    /// What its builds use of their machine, if that is known.
    pub(super) contract: Option<Contract>,
}

/// Looks at a bundle file, unpacking it to `scratch`.
pub(super) fn look_at_file(
    context: &Context<'_>,
    target: Target<'_>,
    path: &Utf8Path,
    scratch: &Utf8Path,
) -> Result<Looked, Report> {
    let (bundle, manifest, root) = open_file(context, target, path)?;
    let (folder, files) = (scratch.join("bundle"), scratch.join("tree"));
    bundle.unpack(&folder, context.threads())?;
    complete(context, target, &bundle, &folder)?;
    lay_out(&manifest, &folder, &files, target.keep_cache, Take::Move)?;
    let (plan, sources) = resolve(context, target, &manifest, &root, &folder, &files)?;
    Ok(Looked { root, plan, sources, files, contract: contract(&folder)? })
}

/// Looks at an unpacked bundle.
pub(super) fn look_at_folder(context: &Context<'_>, target: Target<'_>, folder: &Utf8Path) -> Result<Looked, Report> {
    let (manifest, damage) = open_folder(context, target, folder)?;
    let root = target.dest.map_or_else(|| folder.to_owned(), |dest| context.real_path(dest));
    let plan = plan(context, &manifest, &root, folder, folder)?;
    let sources = Sources { manifest: &manifest, folder, kept: false }.find(&plan, &damage)?;
    Ok(Looked { root, plan, sources, files: folder.to_owned(), contract: contract(folder)? })
}

/// Prepares the installation of an unpacked bundle, in its own folder unless another one is named.
pub(super) fn from_folder(
    context: &Context<'_>,
    target: Target<'_>,
    folder: &Utf8Path,
    steps_path: &str,
) -> Result<Prepared, Report> {
    let (manifest, damage) = open_folder(context, target, folder)?;
    let digest = Sha256::of(manifest.to_text());
    let separate = target.dest.map(|dest| context.real_path(dest)).filter(|dest| dest != folder);
    context.console.say(format!("verified {folder}: {}", plural(manifest.entries.len(), "file")));
    let destination = match &separate {
        Some(root) => Destination::open(root, Open::Separate)?,
        None => Destination::open(folder, Open::InPlace)?,
    };
    let found = (|| {
        destination.start()?;
        let tree = separate.as_ref().map(|_| destination.next_tree());
        let image = tree.as_ref().map(|tree| lay_out(&manifest, folder, tree, target.keep_cache, Take::Copy));
        let tree = tree.as_deref().unwrap_or(folder);
        let image = image.transpose()?;
        let plan = plan(context, &manifest, destination.root(), tree, folder)?;
        check_machine(&plan, &manifest, &destination, (target, steps_path))?;
        check_contract(context, target, folder, steps_path)?;
        let sources = Sources { manifest: &manifest, folder, kept: false }.find(&plan, &damage)?;
        Ok((plan, sources, image))
    })();
    Prepared::or_abandon(destination, found, manifest, digest)
}

/// Stops where this machine would have resolved the config otherwise.
fn check_conditions(context: &Context<'_>, target: Target<'_>, manifest: &Manifest) -> Result<(), Report> {
    let other_root = target.rehearsal.and_then(|rehearsal| rehearsal.root.as_deref());
    let mut here = context.environment.facts_of(other_root);
    here.python = manifest.facts.python;
    let files = DiskFiles::default();
    here.paths = manifest.facts.paths.keys().map(|path| (path.clone(), files.path_kind(path))).collect();
    let differing = differing_conditions(&manifest.conditions, &manifest.facts, &here);
    if differing.is_empty() { Ok(()) } else { Err(Error::Conditions(differing).into()) }
}

/// Tools, room and mount options.
fn check_machine(
    plan: &Plan,
    manifest: &Manifest,
    destination: &Destination,
    (target, path): (Target<'_>, &str),
) -> Result<(), Report> {
    let sizes = manifest.sources.iter().map(|source| source.size).collect();
    // What another root has, its own builds find out.
    let other_root = target.rehearsal.is_some_and(|rehearsal| rehearsal.root.is_some());
    let tools = if other_root { BTreeMap::new() } else { programs(plan) };
    Ok(preflight(&Preflight { tools, sizes, folder: destination.root(), path })?)
}

/// What builds of an unpacked bundle use of their machine, if it was rehearsed before it was packed.
fn contract(folder: &Utf8Path) -> Result<Option<Contract>, Report> {
    Ok(Contract::read(&folder.join(bundle::CONTRACT))?)
}

/// Whether this machine has what builds were seen to use. A rehearsal finds out anew what that is.
fn check_contract(context: &Context<'_>, target: Target<'_>, folder: &Utf8Path, path: &str) -> Result<(), Report> {
    match contract(folder)?.filter(|_| target.rehearsal.is_none()) {
        Some(contract) => meet_contract(context, target, contract, path),
        None => Ok(()),
    }
}

/// Whether this machine has what a contract asks for.
pub(super) fn meet_contract(
    context: &Context<'_>,
    target: Target<'_>,
    contract: Contract,
    path: &str,
) -> Result<(), Report> {
    let looked = contract.look(path);
    let (console, needed) = (context.console, looked.needed());
    if !needed.is_empty() && !target.ignore_contract {
        let unmet = needed.into_iter().map(ToString::to_string).collect();
        return Err(Error::Unmet { unmet, seen_on: contract.seen_on }.into());
    }
    let (needed, others): (Vec<&Unmet>, Vec<&Unmet>) = looked.unmet.iter().partition(|unmet| unmet.need.is_needed());
    needed.iter().for_each(|unmet| console.warn(format!("not on this machine: {unmet}")));
    others.iter().for_each(|unmet| console.detail(format!("not on this machine, and not needed: {unmet}")));
    if needed.is_empty() {
        let there = looked.asked - others.len();
        console.say(format!("this machine has what builds used in rehearsal: {there} of {}", looked.asked));
    }
    Ok(())
}

/// Damage to anything but sources, which are reported with their parts.
fn damaged_files(folder: &Utf8Path, manifest: &Manifest, damage: &[Damage]) -> Result<(), Report> {
    let is_source = |damage: &&Damage| manifest.sources.iter().any(|source| source.path == damage.path);
    let others: Vec<String> = damage
        .iter()
        .filter(|damage| !is_source(damage))
        .map(|damage| format!("`{}`: {}", damage.path, damage.reason))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(BundleError::UnpackedDamaged { path: folder.to_owned(), damage: others }.into())
}

/// How files get from the bundle's folder into the new tree.
#[derive(Clone, Copy)]
enum Take {
    Move,
    Copy,
}

/// Puts the project's files into the new tree.
fn lay_out(
    manifest: &Manifest,
    folder: &Utf8Path,
    tree: &Utf8Path,
    keep_cache: bool,
    take: Take,
) -> Result<Image, Report> {
    let mut image = Image::default();
    create_dir_all(tree)?;
    for (path, entry) in manifest.entries.iter().filter(|(path, _)| is_project_entry(path, keep_cache)) {
        let (from, to) = (folder.join(path), tree.join(path));
        create_dir_all(to.parent().unwrap_or(tree))?;
        match (&entry.kind, take) {
            (RecordKind::Folder, _) => create_dir_all(&to)?,
            (_, Take::Move) => fs::rename(&from, &to).at("move", &from)?,
            (RecordKind::Symlink { target }, Take::Copy) => {
                remove_tree(&to)?;
                std::os::unix::fs::symlink(target, &to).at("create link", &to)?;
            }
            (RecordKind::File { .. }, Take::Copy) => {
                remove_tree(&to)?;
                clone_file(&from, &to)?;
            }
        }
        let installed = match &entry.kind {
            RecordKind::File { sha256, .. } => ProjectEntry::File(*sha256),
            RecordKind::Symlink { target } => ProjectEntry::Symlink(target.clone()),
            RecordKind::Folder => ProjectEntry::Folder,
        };
        image.files.insert(path.clone(), installed);
    }
    Ok(image)
}

/// The plan, from the config and the facts of the bundle; it must be the one the bundle was made for.
fn plan(
    context: &Context<'_>,
    manifest: &Manifest,
    root: &Utf8Path,
    tree: &Utf8Path,
    folder: &Utf8Path,
) -> Result<Plan, Report> {
    let listed = |path: &RelPath| manifest.entries.contains_key(path);
    let defaults = RelPath::new(CONFIG_DEFAULTS).ok().filter(listed).map(|path| folder.join(path));
    let configs = manifest.configs.iter().map(|config| (config.key.clone(), kept_or(folder, tree, &config.path)));
    let remote: KnownConfigs = configs.collect();
    let distributions = Lock::read(&folder.join(LOCK))?.unwrap_or_default().distributions();
    let resolve = |place: &Utf8Path| -> Result<Plan, Report> {
        let request = Request {
            path: place.join(&manifest.config),
            overrides: manifest.overrides.clone(),
            user_defaults: defaults.clone(),
            facts: manifest.facts.clone(),
            whole_history: false,
        };
        let disk = DiskFiles::standing_in(place, tree);
        let loaded = Loaded::load(request, context, &ConfigFiles { disk, remote: &remote })?;
        loaded.note_forced(context);
        let mut plan = loaded.plan_at(place)?;
        plan.complete(&distributions)?;
        Ok(plan)
    };
    let at_prefix = resolve(Utf8Path::new(&manifest.prefix))?.digest();
    if at_prefix != manifest.plan {
        let message = format!(
            "the config comes to another plan here ({at_prefix}) than when the bundle was made ({}), with hardtack {}",
            manifest.plan, manifest.hardtack
        );
        return Err(Report::new(ENVIRONMENT, "plan-differs", message)
            .hint("use the hardtack inside the bundle: unpack it and run ./install"));
    }
    resolve(root)
}

/// Where a file of the bundle is: caches that are installed with the project's files were moved among these.
fn kept_or(folder: &Utf8Path, tree: &Utf8Path, path: &RelPath) -> Utf8PathBuf {
    let unpacked = folder.join(path);
    if unpacked.is_file() { unpacked } else { tree.join(path) }
}

/// The sources of a bundle.
struct Sources<'a> {
    manifest: &'a Manifest,
    folder: &'a Utf8Path,
    /// Sources that are installed with the project's files were moved among these.
    kept: bool,
}

impl Sources<'_> {
    /// The file of every source the plan wants.
    fn find(&self, plan: &Plan, damage: &[Damage]) -> Result<BTreeMap<SourceKey, SourceFile>, Report> {
        let (mut found, mut missing, mut wrong) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (key, source, parts) in plan.sources() {
            let part = parts.join(", ");
            let absent = || MissingSource { source: source.shown(), part: part.clone(), mismatch: None };
            let Some(record) = self.manifest.source(&key) else {
                missing.push(absent());
                continue;
            };
            match damage.iter().find(|damage| damage.path == record.path) {
                Some(damage) if damage.missing => missing.push(absent()),
                Some(damage) => wrong.push((damage.path.clone(), absent())),
                None => {
                    let (name, place) = (source.shown(), self.place(&record.path));
                    let fingerprint = Fingerprint { sha256: record.sha256, md5: record.md5, size: record.size };
                    found.insert(key, SourceFile { name, place, fingerprint });
                }
            }
        }
        if let [(path, first), ..] = wrong.as_slice() {
            let names: Vec<String> = wrong.iter().map(|(path, _)| path.to_string()).collect();
            let message = format!(
                "`{path}`, which is source `{}` of part `{}`, is not what the manifest says",
                first.source, first.part
            );
            let mut report = Report::from(Error::Wrong(Vec::new()));
            report.message = match names.len() {
                1 => message,
                count => format!("{count} sources are not what the manifest says: {}", names.join(", ")),
            };
            return Err(report);
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let mut report = Report::from(Error::Missing(missing));
        report.hints = vec!["nothing was built; copy the bundle again from where it came from".to_owned()];
        Err(report)
    }

    fn place(&self, path: &RelPath) -> SourcePlace {
        match self.kept && is_project_entry(path, true) {
            true => SourcePlace::Project(path.clone()),
            false => SourcePlace::Fixed(self.folder.join(path)),
        }
    }
}

impl Prepared {
    /// The installation, or if something is in its way, nothing but the reason.
    fn or_abandon(
        destination: Destination,
        found: Result<Unpacked, Report>,
        manifest: Manifest,
        digest: Sha256,
    ) -> Result<Self, Report> {
        match found {
            Ok((plan, sources, image)) => {
                let (name, version) = (manifest.name, manifest.version);
                let release = Some(Release { name, version, manifest: digest });
                Ok(Self { destination, plan, sources, image, release, epoch: manifest.epoch, _caches: None })
            }
            Err(report) => {
                destination.abandon();
                Err(report)
            }
        }
    }
}
