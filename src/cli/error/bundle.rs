//! Errors of making and reading bundles.

use super::sources::failures;
use super::{DIGEST, ENVIRONMENT, MISSING, Report, USAGE};
use crate::bundle::{Error, Rest};

impl From<Error> for Report {
    fn from(error: Error) -> Self {
        let of = |exit, code| Self::of(exit, code, &error);
        match error {
            Error::Io(error) => error.into(),
            Error::Config(error) => error.into(),
            Error::Cache(error) => error.into(),
            Error::Lock(error) => error.into(),
            Error::Sources(list) => failures(list),
            Error::Unnamed(_) => of(USAGE, "unnamed"),
            Error::Setting { place, ref option, ref reason } => {
                let mut report = Self::new(USAGE, "config-value", format!("option `hardtack:{option}`: {reason}"));
                report.places.extend(place.map(|place| *place));
                report
            }
            Error::Git { ref folder, ref reason } if reason.contains("dubious ownership") => {
                of(ENVIRONMENT, "git-failed")
                    .hint(format!("if you trust it: git config --global --add safe.directory {folder}"))
            }
            Error::Git { .. } => of(ENVIRONMENT, "git-failed")
                .hint("the folder is in a git repository, so git says which files belong to the project"),
            Error::Dirty(_) => of(USAGE, "uncommitted-changes")
                .hint("commit them, or pack them as they are with --allow-dirty; it is recorded in the bundle"),
            Error::TooWide { .. } => {
                of(USAGE, "project-too-wide").hint("move it into the project, or put both into one git repository")
            }
            Error::LfsPointer { .. } => of(USAGE, "lfs-pointer").hint("run git lfs pull first"),
            Error::Changed { .. } => Self::of(ENVIRONMENT, "changed", &error)
                .hint("wait until nothing writes to it, then run the command again"),
            Error::Unpackable { .. } => {
                of(USAGE, "unpackable").hint("keep it out with an `exclude` pattern in section [hardtack]")
            }
            Error::Reserved { .. } => {
                of(USAGE, "reserved-name").hint("rename it, or keep it out with `exclude` in section [hardtack]")
            }
            Error::ReservedLocation { .. } => of(USAGE, "reserved-name").hint("give it another `location`"),
            Error::Installer { .. } => of(USAGE, "installer"),
            Error::NotABundle { .. } => {
                of(DIGEST, "not-a-bundle").hint("was it copied whole? compare with the digest in its .sha256 file")
            }
            Error::Newer { .. } => {
                of(ENVIRONMENT, "bundle-newer").hint("use the hardtack inside the bundle: ./install")
            }
            Error::Damaged { .. } | Error::Framing { .. } | Error::UnpackedDamaged { .. } => {
                of(DIGEST, "bundle-damaged").hint("copy it again from where it came from")
            }
            Error::NoVolume { .. } => of(USAGE, "volume-too-small").hint("choose larger volumes"),
            Error::Lacks { rest: Rest::Since { ref name, ref version, .. }, .. } => of(MISSING, "incomplete")
                .hint(format!("name the bundle of {name} {version}, unpacked or not: --base FILE; or --base cache")),
            Error::Lacks { rest: Rest::Volumes { .. }, .. } => {
                of(MISSING, "incomplete").hint("put all volumes into one folder, or name the others: --base FILE")
            }
            Error::Manifest { .. } => of(DIGEST, "bundle-malformed"),
        }
    }
}
