//! `hardtack bundle --media DIR`: everything that is carried to the site side by side, and a page that goes with it.

use camino::{Utf8Path, Utf8PathBuf};

use super::context::Context;
use super::error::Report;
use crate::archive::Encoding;
use crate::base::{IoContext, Sha256, fingerprint_file, write_atomic};
use crate::bundle::{Written, sidecar};
use crate::signature::{PublicKey, signature_of};

/// The page.
const PAGE: &str = "TRANSFER.txt";

/// What was written for a release.
pub(super) struct Media<'m> {
    pub(super) name: &'m str,
    pub(super) version: &'m str,
    pub(super) bundle: &'m Written,
    /// The bundle that unpacks itself.
    pub(super) run: Option<&'m Written>,
    pub(super) encoding: Encoding,
    /// The machines it has installers for.
    pub(super) targets: Vec<String>,
    /// Whose signatures are beside.
    pub(super) key: Option<PublicKey>,
    /// What else was written about the bundle.
    pub(super) papers: Vec<Utf8PathBuf>,
}

impl Media<'_> {
    /// Writes the page beside the bundle. It says nothing of when and where it was made, so that the same release has the
    /// same page.
    pub(super) fn write_page(&self, context: &Context<'_>) -> Result<Utf8PathBuf, Report> {
        let folder = self.bundle.path.parent().unwrap_or(&context.folder);
        let page = folder.join(PAGE);
        write_atomic(&page, self.page()?.as_bytes(), 0o644)?;
        Ok(page)
    }

    fn page(&self) -> Result<String, Report> {
        let Self { name, version, .. } = self;
        let mut text = format!(
            "{name} {version}\n\nWhat is carried, and how it is known on the other side that it arrived whole.\n\n"
        );
        for file in self.written() {
            text += &line(&file.path, &file.sha256, file.size);
            let signature = self.key.as_ref().map(|_| signature_of(&file.path));
            for beside in std::iter::once(sidecar(&file.path)).chain(signature) {
                let print = fingerprint_file(&beside)?;
                text += &line(&beside, &print.sha256, print.size);
            }
        }
        for paper in &self.papers {
            let print = fingerprint_file(paper)?;
            text += &line(paper, &print.sha256, print.size);
        }
        text += "\nCheck it:\n\n";
        for file in self.written() {
            text += &format!("  sha256sum -c {}\n", base(&sidecar(&file.path)));
        }
        if let Some(key) = &self.key {
            for file in self.written() {
                text += &format!("  minisign -V -P {} -m {}\n", key.to_text(), base(&file.path));
            }
            text +=
                "\nA key that came with what it signs proves nothing: compare it with the one that came another way.\n";
        }
        // Read over a telephone, in fours.
        let bundle = base(&self.bundle.path);
        let digest = self.bundle.sha256.to_string();
        let fours: Vec<&str> = digest.as_bytes().chunks(4).flat_map(std::str::from_utf8).collect();
        text += &format!("\nTo be read to whoever has it from another place, the SHA-256 of {}:\n\n", bundle);
        for line in fours.chunks(8) {
            text += &format!("  {}\n", line.join(" "));
        }
        text += &format!("\nInstall it:\n\n  hardtack install {} DEST\n", bundle);
        if !self.targets.is_empty() {
            let unpack = match self.encoding {
                Encoding::Gzip => format!("tar xzf {}", bundle),
                Encoding::Zstd => format!("zstd -dc {} | tar xf -", bundle),
                Encoding::Plain => format!("tar xf {}", bundle),
            };
            text += &format!(
                "\nWithout hardtack there, on {}:\n\n  {unpack} && {name}-{version}/install DEST\n",
                self.targets.join(", ")
            );
        }
        if let Some(run) = self.run {
            text += &format!("  sh {} DEST\n", base(&run.path));
        }
        Ok(text)
    }

    /// What was written, the bundle first.
    fn written(&self) -> impl Iterator<Item = &Written> {
        std::iter::once(self.bundle).chain(self.run)
    }
}

/// A file that is carried.
fn line(path: &Utf8Path, sha256: &Sha256, size: u64) -> String {
    format!("{sha256}  {size:>13}  {}\n", base(path))
}

fn base(path: &Utf8Path) -> &str {
    path.file_name().unwrap_or_default()
}

/// Waits until all of it is on the medium: sticks are pulled out early.
pub(super) fn flush(folder: &Utf8Path) -> Result<(), Report> {
    let file = std::fs::File::open(folder).at("open", folder)?;
    Ok(rustix::fs::syncfs(&file).map_err(std::io::Error::from).at("flush", folder)?)
}
