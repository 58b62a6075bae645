//! Errors of the config language and of plans.

use super::{Item, Report, USAGE};
use crate::config::{self, ErrorKind};
use crate::recipes;

impl From<config::Error> for Report {
    fn from(error: config::Error) -> Self {
        let (code, hints) = describe(&error.kind);
        let mut report = match *error.kind {
            ErrorKind::Io(io) => return io.into(),
            kind => Self::of(USAGE, code, &kind),
        };
        report.places = error.places;
        hints.into_iter().fold(report, Self::hint)
    }
}

/// Code and hints of a config error.
pub(in crate::cli) fn describe(kind: &ErrorKind) -> (&'static str, Vec<String>) {
    let mean = |name: &Option<String>| name.iter().map(|name| format!("did you mean `{name}`?")).collect();
    let say = |hint: &str| vec![hint.to_owned()];
    match kind {
        ErrorKind::Syntax { .. } => ("config-syntax", Vec::new()),
        ErrorKind::NoSection { .. } => ("config-no-section", say("a config starts with a header such as [buildout]")),
        ErrorKind::NotUtf8 { .. } => ("config-encoding", say("save the file as UTF-8")),
        ErrorKind::ByteOrderMark { .. } => ("config-encoding", say("save the file as UTF-8 without a byte order mark")),
        ErrorKind::Condition { .. } => (
            "config-condition",
            say("supported are names such as linux and python3, sys.version_info, sys.platform, platform.machine(), \
                 PEP 508 markers, comparisons, not, and, or"),
        ),
        ErrorKind::Read { .. } => ("config-not-found", Vec::new()),
        ErrorKind::ExtendsCycle { .. } => ("config-extends-cycle", Vec::new()),
        ErrorKind::ExtendedBy => ("config-extended-by", say("let the other file extend this one")),
        ErrorKind::TooManyFiles { .. } | ErrorKind::ChainTooLong { .. } => ("config-too-many-files", Vec::new()),
        ErrorKind::NoMacro { similar, .. } => ("config-no-section", mean(similar)),
        ErrorKind::MacroCycle { .. } => ("config-macro-cycle", Vec::new()),
        ErrorKind::BadSubstitution { .. } => {
            ("config-substitution", say("a reference is ${section:option}; write $${ for a literal ${"))
        }
        ErrorKind::NoSuchSection { similar, .. } => ("config-no-section", mean(similar)),
        ErrorKind::NoSuchOption { similar, .. } => ("config-no-option", mean(similar)),
        ErrorKind::SubstitutionCycle { .. } => ("config-substitution-cycle", Vec::new()),
        ErrorKind::TooDeep { .. } | ErrorKind::TooLong { .. } | ErrorKind::TooLarge { .. } => {
            ("config-limit", Vec::new())
        }
        ErrorKind::NotBool { .. } | ErrorKind::BadSetting { .. } => ("config-value", Vec::new()),
        ErrorKind::Recipe { .. } => ("config-recipe", Vec::new()),
        ErrorKind::RemoteRelative { .. } => ("config-value", say("give an absolute path, or set it in a local file")),
        ErrorKind::EarlyReference { .. } => ("config-value", say("write the folder itself")),
        ErrorKind::BadOverride { .. } => ("usage", Vec::new()),
        ErrorKind::Io(_) => ("io", Vec::new()),
    }
}

impl From<recipes::Error> for Report {
    fn from(error: recipes::Error) -> Self {
        match error {
            recipes::Error::Config(error) => error.into(),
            recipes::Error::Problems(problems) => {
                let message = recipes::Error::Problems(problems.clone()).to_string();
                let mut report = Self::new(USAGE, "unsupported", message);
                if let [only] = problems.as_slice() {
                    report.places.extend(only.place.clone());
                    report.hints.extend(only.hint.clone());
                } else {
                    report.items = problems
                        .into_iter()
                        .map(|problem| Item { message: problem.message, place: problem.place, hint: problem.hint })
                        .collect();
                }
                report
            }
        }
    }
}
