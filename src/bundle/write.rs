//! Writing a bundle.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::collect::CollectedSource;
use super::configs::CollectedConfig;
use super::error::Error;
use super::framing::{Index, Trailer};
use super::installer::{Installer, Linkage};
use super::layout::{CONFIG_DEFAULTS, DOWNLOAD_CACHE, INDEX, INSTALL, LOCK, MANIFEST, OWN, README, SUMS};
use super::manifest::{
    ConfigRecord, EntryRecord, EpochSource, FORMAT, InstallerRecord, Manifest, PartRecord, RecordKind, SourceRecord,
};
use super::project::{FileKind, ProjectFile};
use super::script::{install_script, readme};
use crate::archive::{GzipMembers, TarEntry, TarKind, TarWriter, encode_entry, padding};
use crate::base::{
    Epoch, Fingerprint, HashingReader, HashingWriter, IoContext, RelPath, Sha256, TEMPORARY, create_dir_all,
    write_atomic,
};
use crate::config::{ConditionRecord, Facts, Override};
use crate::lock::Lock;
use crate::recipes::Plan;

/// Bytes of a file that decide whether deflating it is worth it.
const HEAD: usize = 64 << 10;

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

struct Item<'a> {
    mode: u32,
    content: Content<'a>,
}

/// Writes the bundle to `output`, and its digest beside it as `output.sha256`. Both appear when they are whole.
///
/// # Errors
/// When a file cannot be read or written, or changes while it is packed.
pub fn write(pack: &Pack<'_>, output: &Utf8Path) -> Result<Written, Error> {
    let folder = match output.parent() {
        Some(folder) if folder != "" => folder,
        _ => Utf8Path::new("."),
    };
    create_dir_all(folder)?;
    let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).at("create a file in", folder)?;
    let (root, items) = (format!("{}-{}", pack.name, pack.version), pack.items());
    let hashing = HashingWriter::new(BufWriter::with_capacity(1 << 20, file));
    let mut writer = Writer { tar: TarWriter::new(GzipMembers::new(hashing)), root, epoch: pack.epoch.0, output };

    let mut entries = BTreeMap::new();
    let mut offsets = Vec::new();
    for (path, item) in &items {
        offsets.push((path.clone(), writer.tar.offset()));
        let kind = writer.append(path, item)?;
        entries.insert(path.clone(), EntryRecord { mode: item.mode, kind });
    }
    writer.tar.stream().cut().at("write", output)?;
    let index = Index::new(writer.tar.stream().members(), offsets);
    let manifest = pack.manifest(entries);
    let tail = writer.tail(&manifest, &index)?;
    let count = manifest.entries.len();

    let members = writer.tar.into_stream();
    let (tail_offset, tail_content_offset) = (members.offset(), members.content_offset());
    let trailer = Trailer { tail_offset, tail_content_offset, tail_sha256: Sha256::of(&tail) };
    let finished = (|| {
        let mut hashing = members.finish()?;
        hashing.write_all(&tail)?;
        hashing.write_all(&trailer.to_bytes())?;
        let (buffered, sha256, size) = hashing.finish();
        Ok((buffered.into_inner().map_err(io::IntoInnerError::into_error)?, sha256, size))
    })();
    let (file, sha256, size) = finished.at("write", output)?;
    crate::base::publish(file, output, 0o644)?;
    let name = output.file_name().unwrap_or_default();
    write_atomic(&sidecar(output), format!("{sha256}  {name}\n").as_bytes(), 0o644)?;
    Ok(Written { path: output.to_owned(), sha256, size, entries: count })
}

/// The file with the bundle's digest, as `sha256sum -c` reads it.
fn sidecar(output: &Utf8Path) -> Utf8PathBuf {
    format!("{output}.sha256").into()
}

struct Writer<'a, W: Write> {
    tar: TarWriter<GzipMembers<W>>,
    root: String,
    epoch: Epoch,
    output: &'a Utf8Path,
}

impl<W: Write> Writer<'_, W> {
    fn append(&mut self, path: &RelPath, item: &Item<'_>) -> Result<RecordKind, Error> {
        match &item.content {
            Content::Symlink(target) => {
                self.put(path, TarKind::Symlink(target), item.mode, &mut io::empty())?;
                Ok(RecordKind::Symlink { target: target.clone() })
            }
            Content::EmptyFolder => {
                self.put(path, TarKind::Folder, item.mode, &mut io::empty())?;
                Ok(RecordKind::Folder)
            }
            Content::Memory(bytes) => {
                self.put(path, TarKind::File(bytes.len() as u64), item.mode, &mut &bytes[..])?;
                Ok(RecordKind::File { size: bytes.len() as u64, sha256: Sha256::of(bytes) })
            }
            Content::Disk(file) => self.put_file(path, file, item.mode),
            Content::Blob(file, fingerprint) => {
                let kind = self.put_file(path, file, item.mode)?;
                if kind != (RecordKind::File { size: fingerprint.size, sha256: fingerprint.sha256 }) {
                    let reason = "its bytes changed while it was packed".to_owned();
                    return Err(Error::Unpackable { path: (*file).to_owned(), reason });
                }
                Ok(kind)
            }
        }
    }

    fn put_file(&mut self, path: &RelPath, from: &Utf8Path, mode: u32) -> Result<RecordKind, Error> {
        let mut file = File::open(from).at("open", from)?;
        let size = file.metadata().at("inspect", from)?.len();
        let mut head = Vec::with_capacity(HEAD);
        (&mut file).take(HEAD as u64).read_to_end(&mut head).at("read", from)?;
        file.rewind().at("read", from)?;
        let mut reader = HashingReader::new(file);
        self.put_announced(path, size, mode, &head, &mut reader).at("pack", from)?;
        let (sha256, read) = reader.drain().at("read", from)?;
        if read != size {
            let reason = "its length changed while it was packed".to_owned();
            return Err(Error::Unpackable { path: from.to_owned(), reason });
        }
        Ok(RecordKind::File { size, sha256 })
    }

    fn put_announced(
        &mut self,
        path: &RelPath,
        size: u64,
        mode: u32,
        head: &[u8],
        reader: &mut dyn Read,
    ) -> io::Result<()> {
        let path = format!("{}/{path}", self.root);
        let entry = TarEntry { path: &path, kind: TarKind::File(size), mode, mtime: self.epoch };
        self.tar.append_with(&entry, reader, |members| members.announce(size, head))
    }

    fn put(&mut self, path: &RelPath, kind: TarKind<'_>, mode: u32, content: &mut dyn Read) -> Result<(), Error> {
        let path = format!("{}/{path}", self.root);
        let entry = TarEntry { path: &path, kind, mode, mtime: self.epoch };
        Ok(self.tar.append(&entry, content).at("write", self.output)?)
    }

    /// Manifest, index and sums, as gzip members of their own.
    fn tail(&self, manifest: &Manifest, index: &Index) -> Result<Vec<u8>, Error> {
        let content = tail_content(manifest, &manifest.to_text(), &index.to_text());
        let mut members = GzipMembers::new(Vec::new());
        members.write_all(&content).at("write", self.output)?;
        Ok(members.finish().at("write", self.output)?)
    }
}

/// The tar entries of the tail.
pub(super) fn tail_content(manifest: &Manifest, manifest_text: &[u8], index_text: &[u8]) -> Vec<u8> {
    let sums = sums(manifest, manifest_text, index_text);
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
pub(super) fn sums(manifest: &Manifest, manifest_text: &[u8], index_text: &[u8]) -> String {
    let files = manifest.entries.iter().filter_map(|(path, entry)| match &entry.kind {
        RecordKind::File { sha256, .. } => Some(format!("{sha256}  {path}\n")),
        _ => None,
    });
    let own = [(MANIFEST, manifest_text), (INDEX, index_text)];
    let own = own.iter().map(|(path, text)| format!("{}  {path}\n", Sha256::of(text)));
    files.chain(own).collect()
}

impl Pack<'_> {
    /// All entries but those of the tail, by path.
    fn items(&self) -> BTreeMap<RelPath, Item<'_>> {
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
        let script = install_script(self.name, self.version).into_bytes();
        items.insert(own(INSTALL), Item { mode: 0o755, content: Content::Memory(script) });
        let lock = self.lock.to_text().into_bytes();
        items.insert(own(LOCK), Item { mode: 0o644, content: Content::Memory(lock) });
        let readme = readme(&self.manifest(BTreeMap::new())).into_bytes();
        items.insert(own(README), Item { mode: 0o644, content: Content::Memory(readme) });
        items
    }

    fn manifest(&self, entries: BTreeMap<RelPath, EntryRecord>) -> Manifest {
        let parts = self.plan.parts.iter().map(|part| PartRecord {
            name: part.name.clone(),
            recipe: part.recipe.clone(),
            sources: part.sources.iter().filter_map(|source| source.key()).collect(),
        });
        let sources = self.sources.iter().map(|source| SourceRecord {
            key: source.key.clone(),
            sha256: source.fingerprint.sha256,
            md5: source.fingerprint.md5,
            size: source.fingerprint.size,
            path: source.bundle_path.clone(),
            parts: source.parts.clone(),
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
