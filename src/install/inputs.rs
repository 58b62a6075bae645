//! What goes into a part, as one digest: the same digest, the same files.

use std::collections::BTreeMap;

use super::error::Error;
use super::source::SourceFile;
use crate::base::{Epoch, Sha256};
use crate::recipes::{Plan, Source};

/// Counted up when the same plan comes to other files than before, so that everything is built anew.
const ENGINE: u32 = 1;

/// The digest of everything that goes into each part of `plan`, those it uses included. `file` finds a source's bytes.
pub(super) fn inputs(
    plan: &Plan,
    epoch: Epoch,
    environment: &BTreeMap<String, String>,
    file: &dyn Fn(&Source) -> Result<SourceFile, Error>,
) -> Result<BTreeMap<String, Sha256>, Error> {
    let mut inputs: BTreeMap<String, Sha256> = BTreeMap::new();
    for part in &plan.parts {
        let mut text = format!("engine {ENGINE}\npart {}\nepoch {}\n", part.digest(), epoch.seconds());
        for source in &part.sources {
            text += &format!("source {}\n", file(source)?.fingerprint.sha256);
        }
        for used in &part.uses {
            if let Some(input) = inputs.get(used) {
                text += &format!("uses {used} {input}\n");
            }
        }
        for (name, value) in environment {
            text += &format!("environment {name}={value}\n");
        }
        inputs.insert(part.name.clone(), Sha256::of(text));
    }
    Ok(inputs)
}
