//! Bills of materials, licence texts and provenance.

use crate::server::Server;
use crate::support::{Member, Scene, archive};

const MIT: &str = "Copyright A. N. Author\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of \
                   this.\nThe above copyright notice and this permission notice shall be included.\nTHE SOFTWARE IS PROVIDED \
                   \"AS IS\", WITHOUT WARRANTY OF ANY KIND.\n";

/// A bundle of a source with two licences, one of them known.
fn bundled(scene: &Scene, server: &Server) -> String {
    let file = |path, text| Member { path, text, executable: false };
    let source = archive(&[
        file("foo-1.2/LICENSE", MIT),
        file("foo-1.2/COPYING.own", "Ask before you copy.\u{7}\n"),
        file("foo-1.2/license.c", "int x;\n"),
        file("foo-1.2/a/b/c/COPYING", "too deep\n"),
        file("foo-1.2/data", "x\n"),
    ]);
    let url = server.file("/foo-1.2.tar.gz", source);
    scene.project("app", "foo", &format!("[foo]\nrecipe = hardtack:copy\nurl = {url}\n"));
    scene.hardtack("bundle app --installer none --provenance").ok();
    let tar = std::process::Command::new("tar").args(["xzf", "app-1.0.tar.gz"]).current_dir(scene.path("")).status();
    assert!(tar.expect("tar runs").success());
    url
}

fn json(scene: &Scene, path: &str) -> serde_json::Value {
    serde_json::from_str(&scene.read(path)).expect("JSON")
}

#[test]
fn a_bundle_says_what_it_is_made_of_in_both_forms_and_has_the_licence_texts() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = bundled(&scene, &server);
    let texts = "app-1.0/.hardtack/licenses";
    assert_eq!(scene.tree(texts), ["foo-1.2.tar.gz/COPYING.own", "foo-1.2.tar.gz/LICENSE"]);
    assert_eq!(scene.read(format!("{texts}/foo-1.2.tar.gz/LICENSE")), MIT);
    let sha256 = &json(&scene, "app-1.0/.hardtack/manifest.json")["sources"][0]["sha256"];

    let spdx = json(&scene, "app-1.0/.hardtack/sbom.spdx.json");
    let package = &spdx["packages"][1];
    assert_eq!((&package["name"], &package["versionInfo"]), (&"foo".into(), &"1.2".into()));
    assert_eq!(
        (&package["downloadLocation"], &package["checksums"][0]["checksumValue"]),
        (&url.as_str().into(), sha256)
    );
    let extracted = &spdx["hasExtractedLicensingInfos"][0];
    assert_eq!(extracted["extractedText"], "Ask before you copy.\n");
    let reference = extracted["licenseId"].as_str().expect("an identifier");
    assert_eq!(package["licenseDeclared"], format!("{reference} AND MIT").as_str());

    let cyclonedx = json(&scene, "app-1.0/.hardtack/sbom.cdx.json");
    let component = &cyclonedx["components"][0];
    assert_eq!((&component["name"], &component["version"]), (&"foo".into(), &"1.2".into()));
    assert_eq!(
        (&component["hashes"][0]["content"], &component["externalReferences"][0]["url"]),
        (sha256, &url.as_str().into())
    );
    assert!(component["licenses"].as_array().expect("a list").contains(&serde_json::json!({"license": {"id": "MIT"}})));
    let told = scene.hardtack("inspect app-1.0.tar.gz").ok().stdout;
    assert!(told.contains("foo-1.2.tar.gz  [MIT; another text]\n"), "{told}");
}

#[test]
fn provenance_says_what_a_bundle_was_made_of_and_hangs_on_nothing_else() {
    let (scene, server) = (Scene::new(), Server::start());
    let url = bundled(&scene, &server);
    let statement = scene.read("app-1.0.tar.gz.provenance.json");
    let provenance = json(&scene, "app-1.0.tar.gz.provenance.json");
    assert_eq!(provenance["predicateType"], "https://slsa.dev/provenance/v1");
    assert_eq!(provenance["subject"][0]["digest"]["sha256"], &scene.read("app-1.0.tar.gz.sha256")[..64]);
    let definition = &provenance["predicate"]["buildDefinition"];
    assert_eq!(definition["resolvedDependencies"][0]["uri"], url.as_str());
    assert_eq!(definition["externalParameters"]["config"], "buildout.cfg");
    scene.hardtack("bundle app --installer none --provenance").ok();
    assert_eq!(scene.read("app-1.0.tar.gz.provenance.json"), statement);
    // With a key it is in an envelope, which says so.
    scene.hardtack("keygen -o own.key --no-password").ok();
    scene.hardtack("bundle app --installer none --provenance --sign own.key").ok();
    let envelope = json(&scene, "app-1.0.tar.gz.provenance.json");
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let payload = data_encoding::BASE64.decode(envelope["payload"].as_str().expect("text").as_bytes()).expect("base64");
    assert_eq!(String::from_utf8(payload).expect("UTF-8"), statement);
}
