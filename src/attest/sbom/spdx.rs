//! SPDX 2.3, as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Component, Inventory, LicenceName};

/// What nobody says anything of.
const NOTHING: &str = "NOASSERTION";
const RELEASE: &str = "SPDXRef-Release";

/// The document for an inventory.
pub fn spdx(inventory: &Inventory) -> Vec<u8> {
    let Inventory { name, version, hardtack, epoch, components } = inventory;
    let mut packages = vec![json!({
        "SPDXID": RELEASE, "name": name, "versionInfo": version, "downloadLocation": NOTHING, "filesAnalyzed": false,
        "licenseConcluded": NOTHING, "licenseDeclared": NOTHING, "copyrightText": NOTHING,
        "primaryPackagePurpose": "APPLICATION",
    })];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", RELEASE)];
    let mut texts: BTreeMap<String, Value> = BTreeMap::new();
    for (index, component) in components.iter().enumerate() {
        let id = format!("SPDXRef-Source-{}", index + 1);
        relationships.push(relationship(RELEASE, "CONTAINS", &id));
        packages.push(package(component, &id));
        for licence in &component.licences {
            if !matches!(licence.name(), LicenceName::Spdx(_)) {
                let reference = reference(&licence.id());
                texts.entry(reference.clone()).or_insert_with(|| {
                    json!({
                        "licenseId": reference, "name": licence.name().to_string(), "extractedText": licence.text,
                        "comment": format!("found in {} of {}", licence.path, component.file_name),
                    })
                });
            }
        }
    }
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("{name}-{version}"),
        "documentNamespace": format!("https://spdx.org/spdxdocs/{name}-{version}-{}", inventory.uuid()),
        "creationInfo": { "created": epoch.to_string(), "creators": [format!("Tool: hardtack-{hardtack}")] },
        "packages": packages,
        "relationships": relationships,
    });
    if !texts.is_empty() {
        document["hasExtractedLicensingInfos"] = texts.into_values().collect();
    }
    super::super::text_of(&document)
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn package(component: &Component, id: &str) -> Value {
    let mut checksums = vec![json!({ "algorithm": "SHA256", "checksumValue": component.sha256 })];
    checksums.extend(component.md5.map(|md5| json!({ "algorithm": "MD5", "checksumValue": md5 })));
    let mut declared: Vec<String> = component
        .licences
        .iter()
        .map(|licence| match licence.name() {
            LicenceName::Spdx(id) => id.to_owned(),
            LicenceName::Titled(_) | LicenceName::Unknown => reference(&licence.id()),
        })
        .collect();
    declared.sort();
    declared.dedup();
    let declared = if declared.is_empty() { NOTHING.to_owned() } else { declared.join(" AND ") };
    let mut package = json!({
        "SPDXID": id,
        "name": component.name,
        "packageFileName": component.file_name,
        "downloadLocation": component.url.as_deref().unwrap_or(NOTHING),
        "filesAnalyzed": false,
        "checksums": checksums,
        "licenseConcluded": NOTHING,
        "licenseDeclared": declared,
        "copyrightText": NOTHING,
        "primaryPackagePurpose": "SOURCE",
        "comment": format!("for {}", component.parts.join(", ")),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": component.purl(),
        }],
    });
    if let Some(version) = &component.version {
        package["versionInfo"] = json!(version);
    }
    package
}

fn reference(id: &str) -> String {
    format!("LicenseRef-{id}")
}
