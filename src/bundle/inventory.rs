//! What a bundle is made of, as bills of materials and provenance tell it.

use super::licences::Licences;
use super::manifest::Manifest;
use super::named::{file_name, named};
use crate::attest::provenance;
use crate::attest::sbom::{Component, Inventory};

impl Manifest {
    /// The sources, with these licence texts.
    pub(super) fn inventory(&self, licences: &Licences) -> Inventory {
        let components = self.sources.iter().map(|source| {
            let key = source.key.as_str();
            let (name, version) = named(key);
            Component {
                name: name.rsplit('/').next().unwrap_or_default().trim_end_matches(".git").to_owned(),
                version,
                url: Some(key.to_owned()).filter(|_| key.contains("://")),
                file_name: file_name(key).to_owned(),
                sha256: source.sha256,
                md5: source.md5,
                parts: source.parts.clone(),
                licences: licences.get(&source.key).cloned().unwrap_or_default(),
            }
        });
        Inventory {
            name: self.name.clone(),
            version: self.version.clone(),
            hardtack: self.hardtack.clone(),
            epoch: self.epoch,
            components: components.collect(),
        }
    }

    /// Where the bundle comes from: the predicate of SLSA's provenance.
    pub fn provenance(&self) -> serde_json::Value {
        let external = serde_json::json!({
            "name": self.name, "version": self.version, "config": self.config, "set": self.overrides,
            "plan": { "sha256": self.plan }, "epoch": self.epoch,
        });
        provenance(&self.inventory(&Licences::new()), &external, self.commit.as_deref())
    }
}
