//! Bills of materials: what a release is made of, in the two forms that others read.
//!
//! Both are made of one [`Inventory`] and depend on nothing else, so that the same release has the same ones.

mod cyclonedx;
mod licence;
mod spdx;

use crate::base::{Epoch, Md5, Sha256};

pub use cyclonedx::cyclonedx;
pub use licence::{Licence, LicenceName};
pub use spdx::spdx;

/// What a release is made of.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The hardtack that packed it.
    pub hardtack: String,
    /// The time that its files have.
    pub epoch: Epoch,
    /// Its sources.
    pub components: Vec<Component>,
}

/// One source.
#[derive(Debug, Clone)]
pub struct Component {
    /// What it is, as its name tells.
    pub name: String,
    /// Its version, as far as its name tells.
    pub version: Option<String>,
    /// Where it comes from; none for a file of the machine that packed it.
    pub url: Option<String>,
    /// The name of its file.
    pub file_name: String,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// MD5 of its bytes, where the config declares it.
    pub md5: Option<Md5>,
    /// The parts that are made of it.
    pub parts: Vec<String>,
    /// The licence texts in it.
    pub licences: Vec<Licence>,
}

impl Inventory {
    /// A number that no other inventory has (RFC 9562, version 8), made of all that is in this one.
    fn uuid(&self) -> String {
        let mut text = format!("{}\0{}\0{}\0{}\0", self.name, self.version, self.hardtack, self.epoch);
        for component in &self.components {
            text += &format!("{}\0{}\0", component.url.as_deref().unwrap_or(&component.file_name), component.sha256);
            component.licences.iter().for_each(|licence| text += &format!("{}\0", licence.id()));
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::of(text).as_bytes()[..16]);
        bytes[6] = 0x80 | bytes[6] & 0x0f;
        bytes[8] = 0x80 | bytes[8] & 0x3f;
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl Component {
    /// The package URL (package-url/purl-spec): of a Python distribution its own, else a generic one that says which bytes.
    pub(super) fn purl(&self) -> String {
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, UNRESERVED).to_string();
        let version = self.version.as_ref().map(|version| format!("@{}", encode(version))).unwrap_or_default();
        if self.file_name.ends_with(".whl") {
            return format!("pkg:pypi/{}{version}", encode(&self.name.to_lowercase().replace(['_', '.'], "-")));
        }
        let place = match &self.url {
            Some(url) if url.starts_with("git+") => format!("&vcs_url={}", encode(url)),
            Some(url) => format!("&download_url={}", encode(url)),
            None => String::new(),
        };
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        format!("pkg:generic/{}{version}?checksum=sha256:{}{place}", encode(name), self.sha256)
    }
}

/// What stays as it is in a package URL.
const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
