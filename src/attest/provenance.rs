//! Where a bundle comes from: SLSA provenance, v1.

use serde_json::{Value, json};

use super::sbom::Inventory;

/// What the predicate of its statement is called.
pub const PROVENANCE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// What kind of build packing a bundle is: the project, its config and assignments, the sources; nothing else gets in.
const BUILD_TYPE: &str = "urn:hardtack:bundle:v1";
const BUILDER: &str = "urn:hardtack";

/// The predicate of a bundle made of these sources. It says nothing of when: the same input has the same provenance.
pub fn provenance(inventory: &Inventory, external: &Value, commit: Option<&str>) -> Value {
    let sources = inventory.components.iter().map(|component| {
        let uri = component.url.clone().unwrap_or_else(|| component.purl());
        json!({ "uri": uri, "name": component.file_name, "digest": { "sha256": component.sha256 } })
    });
    let project = commit.map(|commit| json!({ "name": "project", "digest": { "gitCommit": commit } }));
    let dependencies: Vec<Value> = project.into_iter().chain(sources).collect();
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": external,
            "internalParameters": {},
            "resolvedDependencies": dependencies,
        },
        "runDetails": { "builder": { "id": BUILDER, "version": { "hardtack": inventory.hardtack } } },
    })
}
