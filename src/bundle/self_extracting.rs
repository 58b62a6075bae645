//! A bundle that unpacks itself: a script of the plainest shell, and the bundle's own bytes after it.

use std::fs::File;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::write::{Written, write_sidecar};
use crate::archive::Encoding;
use crate::base::{HashingWriter, IoContext, TEMPORARY, publish};

/// What its name ends in.
pub const RUN_ENDING: &str = ".run";
/// Characters that the length of the script is given, so that it hangs on nothing but the texts in it.
const HEADER_DIGITS: usize = 8;

/// What a bundle is that is to unpack itself.
pub struct SelfExtracting<'a> {
    /// Name and version of the release.
    pub name: (&'a str, &'a str),
    /// The bundle that was written.
    pub bundle: &'a Written,
    /// The signature of its `SHA256SUMS`, for what checks it once it is unpacked.
    pub signature: Option<&'a str>,
    /// How it is compressed; zstd is not to be had everywhere.
    pub encoding: Encoding,
}

impl SelfExtracting<'_> {
    /// Writes it to `output`, and its digest beside it.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn write(&self, output: &Utf8Path) -> Result<Written, Error> {
        let script = self.script(output.file_name().unwrap_or_default());
        let folder = output.parent().filter(|folder| *folder != "").unwrap_or(Utf8Path::new("."));
        let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).at("create a file in", folder)?;
        let mut bundle = File::open(&self.bundle.path).at("open", &self.bundle.path)?;
        let mut hashing = HashingWriter::new(file);
        hashing.write_all(script.as_bytes()).at("write", output)?;
        io::copy(&mut bundle, &mut hashing).at("write", output)?;
        let (file, sha256, size) = hashing.finish();
        publish(file, output, 0o755)?;
        write_sidecar(output, &sha256)?;
        Ok(Written { path: output.to_owned(), sha256, size, ..self.bundle.clone() })
    }

    fn script(&self, file: &str) -> String {
        let decompress = match self.encoding {
            Encoding::Gzip => "gzip -dc",
            Encoding::Zstd => "zstd -dc",
            Encoding::Plain => "cat",
        };
        // Kibibytes, as df has them, and as much again for folders and blocks that are not full.
        let unpacked = (self.bundle.unpacked >> 10) + (self.bundle.unpacked >> 14) + 1024;
        let text = include_str!("self_extracting.sh")
            .replace("@NAME@", self.name.0)
            .replace("@VERSION@", self.name.1)
            .replace("@FILE@", file)
            .replace("@SIZE@", &self.bundle.size.to_string())
            .replace("@UNPACKED@", &unpacked.to_string())
            .replace("@SHA256@", &self.bundle.sha256.to_string())
            .replace("@DECOMPRESS@", decompress);
        // Lines of base64 and a comment that begins with a word: none of them ends the text in the shell.
        let signature = self.signature.map_or_else(
            || "\t:".to_owned(),
            |text| format!("\tcat >\"$1/$name/SHA256SUMS.minisig\" <<'@END'\n{}\n@END", text.trim_end()),
        );
        let text = text.replace("@SIGNATURE@", &signature);
        let header = text.len() - "@HEADER@".len() + HEADER_DIGITS;
        // Blanks at the end of a value are none of it.
        text.replace("@HEADER@", &format!("{header:<HEADER_DIGITS$}"))
    }

    /// The name of the file beside a bundle.
    pub fn beside(bundle: &Utf8Path) -> Utf8PathBuf {
        let name = bundle.as_str();
        let endings = [Encoding::Gzip, Encoding::Zstd, Encoding::Plain].map(|encoding| encoding.ending());
        let stem = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
        format!("{stem}{RUN_ENDING}").into()
    }
}
