//! Bills of materials, provenance and receipts, as the validators of others see them.

use std::process::Command;

use crate::debian::tarballs;
use crate::peers::{Scene, have, kept, skipped, succeeded};

/// What checks the papers of a bundle that was unpacked to `app-1.0`, with the validators' own libraries.
const CHECK: &str = "
import base64, json
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope

cyclonedx = JsonStrictValidator(SchemaVersion.V1_6)
wrong = cyclonedx.validate_str(open('app-1.0/.hardtack/sbom.cdx.json').read())
assert wrong is None, wrong
assert cyclonedx.validate_str('{\"bomFormat\": \"CycloneDX\"}') is not None
key = Ed25519PublicKey.from_public_bytes(base64.b64decode(open('own.pub').read().splitlines()[1])[10:])
for kind in ['provenance', 'receipt']:
    envelope = Envelope.from_dict(json.load(open(f'app-1.0.tar.gz.{kind}.json')))
    [signature] = envelope.signatures.values()
    key.verify(bytes.fromhex(signature.signature), envelope.pae())
    text = envelope.payload.decode()
    Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()
    if kind == 'provenance':
        json_format.ParseDict(json.loads(text)['predicate'], provenance_pb2.Provenance())
print('valid')
";

/// A Python with the validators, if the registry gives them.
fn validators() -> Option<std::path::PathBuf> {
    if !have("python3") {
        return None;
    }
    let folder = kept("validators");
    let python = folder.join("bin/python");
    if folder.join("complete").is_file() {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output().expect("python3 runs");
    let packages =
        ["spdx-tools", "cyclonedx-python-lib[json-validation]", "in-toto-attestation", "securesystemslib[crypto]"];
    let got = Command::new(&python).args(["-m", "pip", "install", "-q"]).args(packages).output();
    match got {
        Ok(got) if made.status.success() && got.status.success() => {
            std::fs::write(folder.join("complete"), "").expect("writes");
            Some(python)
        }
        got => {
            let why = got.map(|got| String::from_utf8_lossy(&got.stderr).into_owned()).unwrap_or_default();
            skipped(&format!("pip gives no validators: {why}"));
            None
        }
    }
}

#[test]
fn independent_validators_find_nothing_wrong() {
    let Some(python) = validators() else { return };
    let Some((folder, files)) = tarballs(&["hello", "zlib"]) else { return };
    let scene = Scene::new();
    let part =
        |name: &str| format!("[{name}]\nrecipe = zc.recipe.cmmi\nurl = {}\n", folder.join(&files[name]).display());
    let config = format!(
        "[buildout]\nparts = zlib hello\n[hardtack]\nname = app\nversion = 1.0\n{}{}",
        part("zlib"),
        part("hello")
    );
    scene.write("app/buildout.cfg", config);
    succeeded(scene.hardtack(&["keygen", "--no-password", "-o", "own.key"]));
    let bundle = ["bundle", "app", "--installer", "none", "--provenance", "--rehearse", "--sign", "own.key"];
    let made = scene.hardtack(&bundle);
    if made.status.code() == Some(4) && String::from_utf8_lossy(&made.stderr).contains("no-isolation") {
        return skipped("level `full` is not to be had here");
    }
    succeeded(made);
    succeeded(scene.command("tar").args(["xzf", "app-1.0.tar.gz"]).output().expect("tar runs"));
    let spdx = python.with_file_name("pyspdxtools");
    let check = |file: &str| scene.command(&spdx).args(["-i", file]).output().expect("pyspdxtools runs");
    succeeded(check("app-1.0/.hardtack/sbom.spdx.json"));
    scene.write("wrong.spdx.json", "{\"spdxVersion\": \"SPDX-2.3\"}");
    assert!(!check("wrong.spdx.json").status.success());
    let valid = succeeded(scene.command(&python).args(["-c", CHECK]).output().expect("python runs"));
    assert_eq!(valid, "valid\n");
    // What is unpacked first is checked with the tools of every machine.
    if have("minisign") {
        let script = "minisign -q -V -p own.pub -m app-1.0/SHA256SUMS -x app-1.0.tar.gz.SHA256SUMS.minisig \
                      && cd app-1.0 && sha256sum --quiet -c SHA256SUMS";
        succeeded(scene.command("sh").args(["-c", script]).output().expect("sh runs"));
    }
}
