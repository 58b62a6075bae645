//! What builds may have caught of their conditions.

use crate::install::sandbox::{
    BUILD_FOLDERS, Condition, DOMAIN, FOLDER_IN_PATH, HOMES, HOSTS, KERNEL, LOCALE, MARKER, OtherTimezone, PROCESSOR,
    TEMPORARY, TERMINAL, TIMEZONE, USER,
};
use crate::install::varying::Varied;

/// What it was in the first build and in the second, in words that may stand in what they made.
pub(super) fn values_of(varied: &Varied, timezone: OtherTimezone) -> Vec<(Condition, [String; 2])> {
    let owned = |values: [&str; 2]| values.map(str::to_owned);
    let pairs = match varied.condition {
        Condition::Path => vec![owned(BUILD_FOLDERS).map(|folder| format!("{TEMPORARY}/{folder}"))],
        Condition::Home => vec![owned(HOMES).map(|folder| format!("{TEMPORARY}/{folder}"))],
        Condition::Host => vec![owned(HOSTS), owned(["", DOMAIN])],
        Condition::User => vec![owned(["", USER]), [varied.first.clone(), varied.second.clone()]],
        Condition::Environment => vec![owned(["", MARKER.1])],
        Condition::ExecPath => vec![owned(["", FOLDER_IN_PATH])],
        Condition::Timezone => {
            vec![owned([TIMEZONE, OtherTimezone::NAME]), owned(["+0000", timezone.offset()])]
        }
        Condition::Locale => {
            let name = varied.second.split(':').next().unwrap_or_default();
            vec![owned([LOCALE, name])]
        }
        Condition::Terminal => vec![owned(["", TERMINAL])],
        Condition::Kernel => vec![[varied.first.clone(), varied.second.clone()], owned(["", KERNEL])],
        Condition::Hardware => {
            let number = |text: &str| text.split_whitespace().nth(1).unwrap_or_default().to_owned();
            vec![owned(["", PROCESSOR]), [number(&varied.first), number(&varied.second)]]
        }
        Condition::Time | Condition::Umask | Condition::Cpus | Condition::Jobs | Condition::FileOrder => Vec::new(),
        Condition::Aslr | Condition::Processes => Vec::new(),
    };
    pairs.into_iter().map(|values| (varied.condition, values)).collect()
}
