//! Where a step may write at level `seccomp`, which has no mounts of its own to say so: Landlock (landlock(7)), where the
//! kernel has it.

use camino::Utf8PathBuf;
use landlock::{
    ABI, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    path_beneath_rules,
};

use super::walls::{Doing, WallError};

/// What builds write to that is no file of theirs.
const DEVICES: [&str; 8] =
    ["/dev/full", "/dev/null", "/dev/ptmx", "/dev/pts", "/dev/random", "/dev/shm", "/dev/tty", "/dev/zero"];
/// Where programs look for room that do not know TMPDIR.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Rules that are made and not in force yet.
pub(super) struct Confinement(RulesetCreated);

impl Confinement {
    /// Rules that allow a step to write below these folders, and to what every program has.
    ///
    /// # Errors
    /// Why this kernel cannot enforce them.
    pub(super) fn to(folders: &[Utf8PathBuf]) -> Result<Self, String> {
        let rules = || -> Result<RulesetCreated, RulesetError> {
            // Before the second version nothing could be moved from one folder to another.
            let needed = AccessFs::from_write(ABI::V2);
            let wanted = AccessFs::from_write(ABI::V3);
            let ruleset = Ruleset::default()
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(needed)?
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(wanted)?
                .create()?;
            let everywhere = DEVICES.iter().chain(&TEMPORARY).copied();
            ruleset.add_rules(path_beneath_rules(everywhere.chain(folders.iter().map(|path| path.as_str())), wanted))
        };
        rules().map(Self).map_err(|error| match error {
            RulesetError::HandleAccesses(_) => "this kernel has no Landlock, or one before Linux 5.19".to_owned(),
            other => format!("Landlock: {other}"),
        })
    }

    /// Puts them in force for this process and all it starts.
    pub(super) fn enforce(self) -> Result<(), WallError> {
        self.0.restrict_self().map(|_| ()).map_err(std::io::Error::other).doing("confining writes with Landlock")
    }
}
