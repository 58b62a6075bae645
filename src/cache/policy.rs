//! What may be in the shared cache, decided by one pure function.

use crate::base::Wanted;

/// The switches the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// `[cache] enabled`, and not `--no-cache`.
    pub enabled: bool,
}

/// Whether a source may be read from and written to the shared cache, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub allowed: bool,
    /// The rule that gave it.
    pub reason: &'static str,
}

/// Decides about one source. A configured `download-cache` and a bundle take everything and do not ask.
pub fn decide(policy: Policy, wanted: &Wanted) -> Decision {
    if !policy.enabled {
        return Decision { allowed: false, reason: "caching is off" };
    }
    if wanted.local {
        return Decision { allowed: false, reason: "it is a file on this machine" };
    }
    Decision { allowed: true, reason: "nothing speaks against it" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Expected, SourceKey};

    #[test]
    fn the_switch_comes_first_and_local_files_stay_out() {
        let wanted = |local| Wanted {
            key: SourceKey::url("http://host.example/x"),
            view: None,
            file_name: "x".into(),
            expected: Expected::default(),
            local,
        };
        assert_eq!(decide(Policy { enabled: false }, &wanted(false)).reason, "caching is off");
        assert!(!decide(Policy { enabled: true }, &wanted(true)).allowed);
        assert!(decide(Policy { enabled: true }, &wanted(false)).allowed);
    }
}
