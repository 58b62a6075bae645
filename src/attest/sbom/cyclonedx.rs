//! CycloneDX 1.6, as JSON.

use serde_json::{Value, json};

use super::{Component, Inventory, LicenceName};

/// The document for an inventory.
pub fn cyclonedx(inventory: &Inventory) -> Vec<u8> {
    let Inventory { name, version, hardtack, epoch, components } = inventory;
    let references: Vec<String> = (1..=components.len()).map(|number| format!("source-{number}")).collect();
    let listed = components.iter().zip(&references).map(|(component, reference)| entry(component, reference));
    let mut dependencies = vec![json!({ "ref": "release", "dependsOn": references })];
    dependencies.extend(references.iter().map(|reference| json!({ "ref": reference })));
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", inventory.uuid()),
        "version": 1,
        "metadata": {
            "timestamp": epoch.to_string(),
            "tools": { "components": [{ "type": "application", "name": "hardtack", "version": hardtack }] },
            "component": { "type": "application", "bom-ref": "release", "name": name, "version": version },
        },
        "components": listed.collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    super::super::text_of(&document)
}

fn entry(component: &Component, reference: &str) -> Value {
    let mut hashes = vec![json!({ "alg": "SHA-256", "content": component.sha256 })];
    hashes.extend(component.md5.map(|md5| json!({ "alg": "MD5", "content": md5 })));
    let mut entry = json!({
        "type": "library",
        "bom-ref": reference,
        "name": component.name,
        "purl": component.purl(),
        "hashes": hashes,
        "properties": [{ "name": "hardtack:parts", "value": component.parts.join(", ") }],
    });
    if let Some(version) = &component.version {
        entry["version"] = json!(version);
    }
    if let Some(url) = &component.url {
        entry["externalReferences"] = json!([{ "type": "distribution", "url": url, "hashes": hashes }]);
    }
    let mut licences: Vec<Value> = Vec::new();
    for licence in &component.licences {
        let value = match licence.name() {
            LicenceName::Spdx(id) => json!({ "license": { "id": id } }),
            // The texts lie beside, in the bundle.
            name => json!({ "license": { "name": format!("{name}, in {}", licence.path) } }),
        };
        if !licences.contains(&value) {
            licences.push(value);
        }
    }
    if !licences.is_empty() {
        entry["licenses"] = json!(licences);
    }
    entry
}
