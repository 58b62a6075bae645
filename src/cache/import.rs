//! Taking over what others have: by copy, hashed on the way, and worth only what can be proved of it.

use super::error::Error;
use super::event::Event;
use super::foreign::{Foreign, ForeignCache};
use super::ledger::Word;
use super::policy::Policy;
use super::staged::Staged;
use super::store::Cache;
use super::views::Unfit;
use crate::base::{Expected, Sha256, SourceKey, View, Wanted, redact};

/// What was imported.
#[derive(Debug, Default)]
pub struct Imported {
    /// The sources, with the digests of their bytes.
    pub taken: Vec<(SourceKey, Sha256)>,
    /// What was not taken, and why: a source or a file.
    pub left: Vec<(String, String)>,
}

impl Cache {
    /// Imports what another cache has. It answers only requests whose SHA-256 it matches, unless `trust` says that it is
    /// what it claims to be. What `policy` keeps out of a shared cache is left.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn import(
        &self,
        foreign: ForeignCache,
        trust: bool,
        policy: &Policy,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Imported, Error> {
        let mut imported = Imported::default();
        let left = foreign.left.into_iter().map(|(path, reason)| (path.into_string(), reason));
        imported.left.extend(left);
        self.prepare()?;
        for file in foreign.files {
            let wanted = policy.classified(wanted(&file));
            let rule = self.rule(policy, &wanted)?;
            if !rule.allows() {
                imported.left.push((file.key.to_string(), rule.reason().to_owned()));
                continue;
            }
            match self.import_one(&file, &wanted, trust, observe) {
                Ok(sha256) => imported.taken.push((file.key, sha256)),
                Err(Failed::Unfit(reason)) => imported.left.push((file.key.to_string(), reason)),
                Err(Failed::Cache(error)) => return Err(error),
            }
        }
        Ok(imported)
    }

    fn import_one(
        &self,
        file: &Foreign,
        wanted: &Wanted,
        trust: bool,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Sha256, Failed> {
        let mut staged = Staged::anonymous(&self.layout)?;
        match file.bytes.copy_to(&mut staged) {
            Ok(()) => {}
            Err(Unfit::NoPlace(reason)) => return Err(Failed::Unfit(reason)),
            Err(Unfit::Io(error)) => return Err(Error::Io(error).into()),
        }
        let word = if trust { Word::Trusted } else { Word::Stranger };
        let hit = match self.publish(staged, wanted, file.version.clone(), word, observe) {
            Err(Error::WrongDigest { mismatch, .. }) => return Err(Failed::Unfit(mismatch.to_string())),
            other => other?,
        };
        Ok(hit.fingerprint.sha256)
    }
}

enum Failed {
    Unfit(String),
    Cache(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Cache(error)
    }
}

fn wanted(file: &Foreign) -> Wanted {
    let url = file.url.as_ref().filter(|url| redact(url) == **url && url.contains("://"));
    let name = file.key.as_str().split(['?', '#']).next().unwrap_or_default();
    Wanted {
        key: file.key.clone(),
        views: url.map(|url| View::Cmmi(url.clone())).into_iter().collect(),
        file_name: name.rsplit(['/', ':']).next().unwrap_or_default().to_owned(),
        expected: Expected { sha256: file.sha256, md5: None },
        local: file.key.is_local(),
        index: false,
        secret: file.url.as_ref().is_some_and(|url| redact(url) != *url),
    }
}
