//! Writing a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::collect::CollectedSource;
use super::configs::CollectedConfig;
use super::error::Error;
use super::framing::{Index, Trailer};
use super::installer::{Installer, Linkage};
use super::layout::{
    CONFIG_DEFAULTS, CONTRACT, CYCLONEDX, DOWNLOAD_CACHE, INDEX, INSTALL, LICENCES, LOCK, MANIFEST, OWN, README, SPDX,
    SUMS,
};
use super::licences::Licences;
use super::manifest::{
    ConfigRecord, EntryRecord, EpochSource, FORMAT, InstallerRecord, Manifest, PartRecord, RecordKind, SourceRecord,
};
use super::named::file_name;
use super::project::{FileKind, ProjectFile};
use super::rest::Rest;
use super::script::{install_script, readme};
use crate::archive::{
    Encoding, PackContent, PackError, PackItem, TarEntry, TarKind, encode_entry, encoded_members, pack as pack_all,
    padding,
};
use crate::attest::sbom::{cyclonedx, spdx};
use crate::base::{
    Epoch, Fingerprint, HashingWriter, IoContext, PathError, RelPath, Sha256, SourceKey, TEMPORARY, create_dir_all,
    fingerprint_file, write_atomic,
};
use crate::config::{ConditionRecord, Facts, Override};
use crate::lock::Lock;
use crate::recipes::Plan;

/// Everything a bundle is made from.
pub struct Pack<'a> {
    /// Name of the release.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The config, below the project root.
    pub config: RelPath,
    /// The project's files.
    pub files: &'a [ProjectFile],
    /// The plan, resolved where the project is.
    pub plan: &'a Plan,
    /// The digest of the plan, resolved at `prefix`.
    pub plan_digest: Sha256,
    /// The path at which the plan was hashed.
    pub prefix: &'a str,
    /// The sources, sorted by key.
    pub sources: &'a [CollectedSource],
    /// The licence texts in them.
    pub licences: &'a Licences,
    /// The configs that were read by URL, sorted by key.
    pub configs: Vec<&'a CollectedConfig>,
    /// The lock.
    pub lock: &'a Lock,
    /// What the config was resolved with.
    pub facts: &'a Facts,
    /// Assignments from the command line.
    pub overrides: &'a [Override],
    /// The text of the user defaults it was resolved with.
    pub user_defaults: Option<Vec<u8>>,
    /// What builds use of the machine they run on, as a rehearsal saw it.
    pub contract: Option<Vec<u8>>,
    /// The conditions that were evaluated.
    pub conditions: &'a [ConditionRecord],
    /// The installers.
    pub installers: &'a [Installer],
    /// The time all files get, and where it comes from.
    pub epoch: (Epoch, EpochSource),
    /// The commit the files are from.
    pub commit: Option<String>,
    /// They differ from it.
    pub dirty: bool,
    /// How it is compressed.
    pub encoding: Encoding,
    /// Threads that pack; the bundle is the same for any number.
    pub threads: usize,
}

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: Utf8PathBuf,
    /// Its digest.
    pub sha256: Sha256,
    /// Its length.
    pub size: u64,
    /// Number of entries.
    pub entries: usize,
    /// Bytes its files come to when they are unpacked.
    pub unpacked: u64,
}

/// What a file in the bundle is read from.
enum Content<'a> {
    Disk(Utf8PathBuf),
    /// A source or config; its bytes must still be what they were when it was collected.
    Blob(&'a Utf8Path, &'a Fingerprint),
    Memory(Vec<u8>),
    Symlink(String),
    EmptyFolder,
}

/// A file, link or empty folder that is to be packed.
pub(super) struct Item<'a> {
    mode: u32,
    content: Content<'a>,
}

/// Writes the bundle to `output`, and its digest beside it as `output.sha256`. Both appear when they are whole.
///
/// # Errors
/// When a file cannot be read or written, or changes while it is packed.
pub fn write(pack: &Pack<'_>, output: &Utf8Path) -> Result<Written, Error> {
    write_items(pack, &pack.items(), None, output)
}

/// Writes a bundle that has these items. Where they are not all, it is told what the manifest says of all of them, and where
/// the others are.
pub(super) fn write_items(
    pack: &Pack<'_>,
    items: &BTreeMap<RelPath, Item<'_>>,
    of: Option<(&BTreeMap<RelPath, EntryRecord>, Rest)>,
    output: &Utf8Path,
) -> Result<Written, Error> {
    let folder = match output.parent() {
        Some(folder) if folder != "" => folder,
        _ => Utf8Path::new("."),
    };
    create_dir_all(folder)?;
    let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).at("create a file in", folder)?;
    let root = format!("{}-{}", pack.name, pack.version);
    let mut hashing = HashingWriter::new(file);
    let entries: Vec<PackItem> = items.iter().map(|(path, item)| item.to_pack(&format!("{root}/{path}"))).collect();
    let packed = pack_all(&entries, pack.encoding, pack.epoch.0, pack.threads, &mut hashing);
    let packed = packed.map_err(|error| match error {
        PackError::Write(source) => Error::Io(PathError { action: "write", path: output.to_owned(), source }),
        PackError::Read(error) => Error::Io(error),
        PackError::Changed { path } => Error::Changed { path },
    })?;
    let mut records = BTreeMap::new();
    for ((path, item), file) in items.iter().zip(&packed.files) {
        records.insert(path.clone(), EntryRecord { mode: item.mode, kind: item.record(*file)? });
    }
    let (all, rest) = of.unzip();
    for (path, record) in all.into_iter().flatten() {
        let known = records.entry(path.clone()).or_insert_with(|| record.clone());
        if known != record {
            return Err(Error::Changed { path: pack.plan.project.root.join(path) });
        }
    }
    let index = Index::new(&packed.members, items.keys().cloned().zip(packed.offsets).collect(), rest);
    let manifest = pack.manifest(records);
    let tail = tail_content(&manifest, &manifest.to_text(), &index.to_text(), index.rest.is_none());
    let tail = encoded_members(pack.encoding, &tail).at("write", output)?;
    let count = manifest.entries.len();
    let unpacked = manifest.entries.values().map(EntryRecord::size).sum();

    let end = packed
        .members
        .last()
        .map_or((0, 0), |last| (last.offset + last.length, last.content_offset + last.content_length));
    let trailer = Trailer { tail_offset: end.0, tail_content_offset: end.1, tail_sha256: Sha256::of(&tail) };
    let finished = (|| {
        hashing.write_all(&tail)?;
        hashing.write_all(trailer.to_member(pack.encoding).bytes())?;
        Ok(hashing.finish())
    })();
    let (file, sha256, size) = finished.at("write", output)?;
    crate::base::publish(file, output, 0o644)?;
    write_sidecar(output, &sha256)?;
    Ok(Written { path: output.to_owned(), sha256, size, entries: count, unpacked })
}

/// Writes a file's digest beside it.
pub(super) fn write_sidecar(output: &Utf8Path, sha256: &Sha256) -> Result<(), PathError> {
    let name = output.file_name().unwrap_or_default();
    write_atomic(&sidecar(output), format!("{sha256}  {name}\n").as_bytes(), 0o644)
}

/// The file with the digest of a bundle, as `sha256sum -c` reads it.
pub fn sidecar(output: &Utf8Path) -> Utf8PathBuf {
    format!("{output}.sha256").into()
}

impl Item<'_> {
    fn to_pack(&self, path: &str) -> PackItem {
        let content = match &self.content {
            Content::Disk(path) => PackContent::File(path.clone()),
            Content::Blob(path, _) => PackContent::File((*path).to_owned()),
            Content::Memory(bytes) => PackContent::Memory(bytes.clone()),
            Content::Symlink(target) => PackContent::Symlink(target.clone()),
            Content::EmptyFolder => PackContent::Folder,
        };
        PackItem { path: path.to_owned(), mode: self.mode, content }
    }

    /// What the manifest will say of it.
    pub(super) fn look(&self) -> Result<EntryRecord, Error> {
        let found = match &self.content {
            Content::Disk(path) => {
                let found = fingerprint_file(path)?;
                Some((found.size, found.sha256))
            }
            Content::Blob(_, wanted) => Some((wanted.size, wanted.sha256)),
            Content::Memory(bytes) => Some((bytes.len() as u64, Sha256::of(bytes))),
            Content::Symlink(_) | Content::EmptyFolder => None,
        };
        Ok(EntryRecord { mode: self.mode, kind: self.record(found)? })
    }

    /// What the manifest says of it, with length and digest of what was packed.
    fn record(&self, packed: Option<(u64, Sha256)>) -> Result<RecordKind, Error> {
        match (&self.content, packed) {
            (Content::Symlink(target), _) => Ok(RecordKind::Symlink { target: target.clone() }),
            (Content::Blob(path, wanted), Some((size, sha256))) if (size, sha256) != (wanted.size, wanted.sha256) => {
                Err(Error::Changed { path: (*path).to_owned() })
            }
            (_, Some((size, sha256))) => Ok(RecordKind::File { size, sha256 }),
            (_, None) => Ok(RecordKind::Folder),
        }
    }
}

/// The tar entries of the tail.
pub(super) fn tail_content(manifest: &Manifest, manifest_text: &[u8], index_text: &[u8], is_of_whole: bool) -> Vec<u8> {
    let sums = sums(manifest, manifest_text, index_text, is_of_whole);
    let mut content = Vec::new();
    for (name, bytes) in [(MANIFEST, manifest_text), (INDEX, index_text), (SUMS, sums.as_bytes())] {
        let path = format!("{}/{name}", manifest.root());
        let kind = TarKind::File(bytes.len() as u64);
        content.extend(encode_entry(&TarEntry { path: &path, kind, mode: 0o644, mtime: manifest.epoch }));
        content.extend(bytes);
        content.resize(content.len() + padding(bytes.len() as u64), 0);
    }
    content
}

/// `SHA256SUMS`, in the form that `sha256sum -c` reads.
pub(super) fn sums(manifest: &Manifest, manifest_text: &[u8], index_text: &[u8], is_of_whole: bool) -> String {
    let files = manifest.entries.iter().filter_map(|(path, entry)| match &entry.kind {
        RecordKind::File { sha256, .. } => Some(format!("{sha256}  {path}\n")),
        _ => None,
    });
    // The index is another one in each volume, and the sums are to be the same, so that they fit whichever comes last.
    let own = match is_of_whole {
        true => vec![(MANIFEST, manifest_text), (INDEX, index_text)],
        false => vec![(MANIFEST, manifest_text)],
    };
    let own = own.iter().map(|(path, text)| format!("{}  {path}\n", Sha256::of(text)));
    files.chain(own).collect()
}

impl Pack<'_> {
    /// The entries that are sources, or configs that were read by URL.
    pub(super) fn blobs(&self) -> BTreeSet<&RelPath> {
        let sources = self.sources.iter().map(|source| &source.bundle_path);
        sources.chain(self.configs.iter().map(|config| &config.bundle_path)).collect()
    }

    /// All entries but those of the tail, by path.
    pub(super) fn items(&self) -> BTreeMap<RelPath, Item<'_>> {
        let mut items = BTreeMap::new();
        let own = |path: &str| RelPath::new(path).expect("names of ours are relative paths");
        for file in self.files {
            let (mode, content) = match &file.kind {
                FileKind::File { executable } => {
                    (if *executable { 0o755 } else { 0o644 }, Content::Disk(self.plan.project.root.join(&file.path)))
                }
                FileKind::Symlink(target) => (0o755, Content::Symlink(target.clone())),
                FileKind::EmptyFolder => (0o755, Content::EmptyFolder),
            };
            items.insert(file.path.clone(), Item { mode, content });
        }
        let sources = self.sources.iter().map(|source| (&source.bundle_path, &source.path, &source.fingerprint));
        let configs = self.configs.iter().map(|config| (&config.bundle_path, &config.path, &config.fingerprint));
        for (path, file, fingerprint) in sources.chain(configs) {
            items.insert(path.clone(), Item { mode: 0o644, content: Content::Blob(file, fingerprint) });
        }
        // zc.buildout makes these folders when they are missing, which a read-only cache would not let it.
        for folder in ["cmmi", "dist"] {
            let prefix = format!("{DOWNLOAD_CACHE}/{folder}/");
            if !items.keys().any(|path: &RelPath| path.as_str().starts_with(&prefix)) {
                let path = own(prefix.trim_end_matches('/'));
                items.insert(path, Item { mode: 0o755, content: Content::EmptyFolder });
            }
        }
        for installer in self.installers {
            let path = installer_path(installer);
            items.insert(path, Item { mode: 0o755, content: Content::Disk(installer.path.clone()) });
        }
        if let Some(text) = &self.user_defaults {
            let content = Content::Memory(text.clone());
            items.insert(own(CONFIG_DEFAULTS), Item { mode: 0o644, content });
        }
        let manifest = self.manifest(BTreeMap::new());
        let inventory = manifest.inventory(self.licences);
        for (path, document) in [(SPDX, spdx(&inventory)), (CYCLONEDX, cyclonedx(&inventory))] {
            items.insert(own(path), Item { mode: 0o644, content: Content::Memory(document) });
        }
        for (path, text) in self.licence_files() {
            items.insert(path, Item { mode: 0o644, content: Content::Memory(text.clone().into_bytes()) });
        }
        if let Some(text) = &self.contract {
            items.insert(own(CONTRACT), Item { mode: 0o644, content: Content::Memory(text.clone()) });
        }
        let script = install_script(self.name, self.version).into_bytes();
        items.insert(own(INSTALL), Item { mode: 0o755, content: Content::Memory(script) });
        let lock = self.lock.to_text().into_bytes();
        items.insert(own(LOCK), Item { mode: 0o644, content: Content::Memory(lock) });
        let readme = readme(&manifest).into_bytes();
        items.insert(own(README), Item { mode: 0o644, content: Content::Memory(readme) });
        items
    }

    /// Names of the licences whose texts are in a source.
    fn licence_names(&self, key: &SourceKey) -> Vec<String> {
        let texts = self.licences.get(key).into_iter().flatten();
        let names: BTreeSet<String> = texts.map(|licence| licence.name().to_string()).collect();
        names.into_iter().collect()
    }

    /// The licence texts, each below the name of its source's file.
    fn licence_files(&self) -> impl Iterator<Item = (RelPath, &String)> {
        self.licences.iter().flat_map(|(key, texts)| {
            // Of two sources whose files have one name, digests tell which is which.
            let name = file_name(key.as_str());
            let is_only = self.licences.keys().filter(|other| file_name(other.as_str()) == name).count() == 1;
            let folder = if is_only { name.to_owned() } else { format!("{name}-{}", &key.id()[..16]) };
            // The archive's own folder, if it has one, says nothing.
            let top = texts.first().and_then(|first| Some(first.path.split_once('/')?.0.to_owned() + "/"));
            let top = top.filter(|top| texts.iter().all(|licence| licence.path.starts_with(top))).unwrap_or_default();
            texts.iter().filter_map(move |licence| {
                let path = licence.path.strip_prefix(&top).unwrap_or(&licence.path);
                Some((RelPath::new(format!("{LICENCES}/{folder}/{path}")).ok()?, &licence.text))
            })
        })
    }

    pub(super) fn manifest(&self, entries: BTreeMap<RelPath, EntryRecord>) -> Manifest {
        let parts = self.plan.parts.iter().map(|part| PartRecord {
            name: part.name.clone(),
            recipe: part.recipe.clone(),
            sources: part.sources.iter().filter_map(|source| source.key()).collect(),
            python: part.python.as_ref().and_then(|wants| wants.version.clone()),
        });
        let sources = self.sources.iter().map(|source| SourceRecord {
            key: source.key.clone(),
            sha256: source.fingerprint.sha256,
            md5: source.fingerprint.md5,
            size: source.fingerprint.size,
            path: source.bundle_path.clone(),
            parts: source.parts.clone(),
            licences: self.licence_names(&source.key),
        });
        let configs = self.configs.iter().map(|config| ConfigRecord {
            key: config.key.clone(),
            sha256: config.fingerprint.sha256,
            size: config.fingerprint.size,
            path: config.bundle_path.clone(),
        });
        let installers = self.installers.iter().map(|installer| InstallerRecord {
            target: installer.target.clone(),
            path: installer_path(installer),
            needs: match &installer.linkage {
                Linkage::Static => None,
                Linkage::Dynamic(library) => Some(library.clone()),
            },
        });
        Manifest {
            format: FORMAT,
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            hardtack: env!("CARGO_PKG_VERSION").to_owned(),
            config: self.config.clone(),
            prefix: self.prefix.to_owned(),
            epoch: self.epoch.0,
            epoch_source: self.epoch.1,
            commit: self.commit.clone(),
            dirty: self.dirty,
            facts: self.facts.clone(),
            overrides: self.overrides.to_vec(),
            conditions: self.conditions.to_vec(),
            plan: self.plan_digest,
            parts: parts.collect(),
            sources: sources.collect(),
            configs: configs.collect(),
            installers: installers.collect(),
            entries,
        }
    }
}

fn installer_path(installer: &Installer) -> RelPath {
    RelPath::new(format!("{OWN}/bin/{}/hardtack", installer.target)).expect("targets are plain names")
}
