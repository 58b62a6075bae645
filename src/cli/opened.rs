//! A bundle to be looked at: its file, the folder it was unpacked to, or its manifest alone. Opened once for all that is to
//! be told of it.

use camino::{Utf8Path, Utf8PathBuf};

use super::context::Context;
use super::error::Report;
use crate::bundle::{Bundle, CONTRACT, Manifest, Rest, UnpackedBundle, is_bundle_folder};
use crate::install::contract::Contract;

/// What was opened.
pub(super) enum Opened {
    File(Box<Bundle>),
    Folder(Box<UnpackedBundle>),
    /// `manifest.json`, taken out of its bundle.
    Manifest(Box<Manifest>),
}

impl Opened {
    pub(super) fn open(context: &Context<'_>, path: &Utf8Path) -> Result<Self, Report> {
        let path = context.real_path(path);
        Ok(if path.file_name() == Some("manifest.json") {
            Self::Manifest(Box::new(Manifest::read(&path)?))
        } else if is_bundle_folder(&path) {
            Self::Folder(Box::new(UnpackedBundle::open(&path)?))
        } else {
            Self::File(Box::new(Bundle::open(&path)?))
        })
    }

    pub(super) fn manifest(&self) -> &Manifest {
        match self {
            Self::File(bundle) => bundle.manifest(),
            Self::Folder(bundle) => bundle.manifest(),
            Self::Manifest(manifest) => manifest,
        }
    }

    /// Where the files are that a bundle's file has not itself.
    pub(super) fn rest(&self) -> Option<&Rest> {
        match self {
            Self::File(bundle) => bundle.rest(),
            Self::Folder(_) | Self::Manifest(_) => None,
        }
    }

    /// What its builds use of their machine, if that is known.
    pub(super) fn contract(&self) -> Result<Option<Contract>, Report> {
        Ok(match self {
            Self::File(bundle) => {
                let text = bundle.read(CONTRACT)?.map(|text| String::from_utf8_lossy(&text).into_owned());
                text.map(|text| Contract::parse(&text, bundle.path())).transpose()?
            }
            Self::Folder(bundle) => Contract::read(&bundle.folder().join(CONTRACT))?,
            Self::Manifest(_) => None,
        })
    }

    /// The bundle's file, where that is what was opened.
    pub(super) fn file(&self) -> Option<Utf8PathBuf> {
        match self {
            Self::File(bundle) => Some(bundle.path().to_owned()),
            Self::Folder(_) | Self::Manifest(_) => None,
        }
    }
}
