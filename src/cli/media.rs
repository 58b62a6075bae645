//! `hardtack bundle --media DIR`: everything that is carried to the site side by side, and a page that goes with it.

use camino::{Utf8Path, Utf8PathBuf};

use super::context::Context;
use super::error::Report;
use crate::archive::Encoding;
use crate::base::{IoContext, fingerprint_file, write_atomic};
use crate::signature::PublicKey;

/// The page.
const PAGE: &str = "TRANSFER.txt";

/// What was written for a release.
pub(super) struct Media<'m> {
    pub(super) name: &'m str,
    pub(super) version: &'m str,
    pub(super) bundle: &'m Utf8Path,
    /// The bundle that unpacks itself.
    pub(super) run: Option<&'m Utf8Path>,
    pub(super) encoding: Encoding,
    /// The machines it has installers for.
    pub(super) targets: Vec<String>,
    /// Whose signatures are beside.
    pub(super) key: Option<PublicKey>,
}

impl Media<'_> {
    /// Writes the page beside the bundle. It says nothing of when and where it was made, so that the same release has the
    /// same page.
    pub(super) fn write_page(&self, context: &Context<'_>) -> Result<Utf8PathBuf, Report> {
        let folder = self.bundle.parent().unwrap_or(&context.folder);
        let page = folder.join(PAGE);
        write_atomic(&page, self.page()?.as_bytes(), 0o644)?;
        Ok(page)
    }

    fn page(&self) -> Result<String, Report> {
        let Self { name, version, .. } = self;
        let mut text = format!(
            "{name} {version}\n\nWhat is carried, and how it is known on the other side that it arrived whole.\n\n"
        );
        let mut sums = Vec::new();
        for file in self.files() {
            let print = fingerprint_file(&file)?;
            let name = file.file_name().unwrap_or_default();
            text += &format!("{}  {:>13}  {name}\n", print.sha256, print.size);
            sums.push(print.sha256.to_string());
        }
        text += "\nCheck it:\n\n";
        for file in self.signed() {
            text += &format!("  sha256sum -c {}.sha256\n", base(file));
        }
        if let Some(key) = &self.key {
            for file in self.signed() {
                text += &format!("  minisign -V -P {} -m {}\n", key.to_text(), base(file));
            }
            text +=
                "\nA key that came with what it signs proves nothing: compare it with the one that came another way.\n";
        }
        // Read over a telephone, in fours.
        let digest = sums.first().cloned().unwrap_or_default();
        let fours: Vec<&str> = digest.as_bytes().chunks(4).flat_map(std::str::from_utf8).collect();
        text +=
            &format!("\nTo be read to whoever has it from another place, the SHA-256 of {}:\n\n", base(self.bundle));
        for line in fours.chunks(8) {
            text += &format!("  {}\n", line.join(" "));
        }
        text += &format!("\nInstall it:\n\n  hardtack install {} DEST\n", base(self.bundle));
        if !self.targets.is_empty() {
            let unpack = match self.encoding {
                Encoding::Gzip => format!("tar xzf {}", base(self.bundle)),
                Encoding::Zstd => format!("zstd -dc {} | tar xf -", base(self.bundle)),
                Encoding::Plain => format!("tar xf {}", base(self.bundle)),
            };
            text += &format!(
                "\nWithout hardtack there, on {}:\n\n  {unpack} && {name}-{version}/install DEST\n",
                self.targets.join(", ")
            );
        }
        if let Some(run) = self.run {
            text += &format!("  sh {} DEST\n", base(run));
        }
        Ok(text)
    }

    /// What a digest or a signature is of.
    fn signed(&self) -> impl Iterator<Item = &Utf8Path> {
        std::iter::once(self.bundle).chain(self.run)
    }

    /// Everything that is carried, the bundle first.
    fn files(&self) -> Vec<Utf8PathBuf> {
        let beside = |file: &Utf8Path, ending: &str| Utf8PathBuf::from(format!("{file}{ending}"));
        let all = self.signed().flat_map(|file| ["", ".sha256", ".minisig"].map(|ending| beside(file, ending)));
        // Signatures only where it was signed just now: an older one is of other bytes.
        let wanted = |file: &Utf8PathBuf| self.key.is_some() || file.extension() != Some("minisig");
        all.filter(wanted).collect()
    }
}

fn base(path: &Utf8Path) -> &str {
    path.file_name().unwrap_or_default()
}

/// Waits until all of it is on the medium: sticks are pulled out early.
pub(super) fn flush(folder: &Utf8Path) -> Result<(), Report> {
    let file = std::fs::File::open(folder).at("open", folder)?;
    Ok(rustix::fs::syncfs(&file).map_err(std::io::Error::from).at("flush", folder)?)
}
