//! README's first command.

use std::path::Path;
use std::process::Command;

use crate::peers::{Scene, succeeded};

#[test]
fn the_quickstart_does_the_whole_job() {
    let scene = Scene::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart.sh");
    let output = Command::new("sh").arg(script).env("TMPDIR", scene.path("")).output().expect("sh starts");
    let said = succeeded(output);
    assert!(
        said.contains("Hello from ") && said.contains("/installed/parts/hello, built without a network."),
        "{said}"
    );
}
