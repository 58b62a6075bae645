//! The conditions of one build: which are as in every first build, and what the others are instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::thread::CpuSet;
use serde::{Deserialize, Serialize};

use super::condition::{Aid, Condition};
use super::processes;

/// The build folder below the folder for temporary files, and that of a build in another place.
pub const BUILD_FOLDERS: [&str; 2] = ["build", "another-place/deeper/build"];
/// The home folder, likewise.
pub const HOMES: [&str; 2] = ["home", "another-home"];
/// The host name builds see, the same everywhere, and another.
pub const HOSTS: [&str; 2] = ["hardtack", "another-host"];
/// The other domain name.
pub const DOMAIN: &str = "another.domain";
/// The other user.
pub const USER: &str = "another-user";
/// Another's number, if that is not this one's.
const USER_NUMBERS: [u32; 2] = [4711, 4712];
/// A variable that nothing asks for.
pub const MARKER: (&str, &str) = ("HARDTACK_ANOTHER", "another-variable");
/// A folder at the end of PATH that is not there.
pub const FOLDER_IN_PATH: &str = "/nonexistent/another-path";
/// The time zone of every build.
pub const TIMEZONE: &str = "UTC";
/// The locale of every build.
pub const LOCALE: &str = "C.UTF-8";
/// What the kernel's files say of another.
pub const KERNEL: &str = "2.6.39";
/// Another processor's name.
pub const PROCESSOR: &str = "Another Processor";
/// What a terminal is called.
pub const TERMINAL: &str = "xterm-256color";
/// How far the clock is moved: 398 days, so that year, month, day and weekday are others, and some hours, minutes and seconds.
pub const SECONDS: i64 = 398 * 86_400 + 6 * 3600 + 13 * 60 + 7;
/// The library that moves the clock and turns folders round, below the folder for temporary files.
const LIBRARY: &str = "hardtack-conditions.so";
/// The other locale, likewise.
const LOCALES: &str = "hardtack-locales";
/// So many processes come before the step's own.
const PROCESSES: u32 = 307;

/// The conditions of one build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Conditions {
    /// Those that are not what they are in a first build.
    pub varied: BTreeSet<Condition>,
    /// What it does without.
    pub without: BTreeSet<Aid>,
    /// What varying takes.
    pub kit: Kit,
}

/// What varying takes and machines do not have by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kit {
    /// A folder with the libraries that move the clock and turn folders round.
    pub libraries: Option<Utf8PathBuf>,
    /// Another locale.
    pub locale: Option<OtherLocale>,
    /// Another time zone.
    pub timezone: OtherTimezone,
}

/// A time zone in which it is another day, as long as the morning or the afternoon lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherTimezone {
    /// 13 hours and 37 minutes ahead: tomorrow, where it is afternoon in UTC.
    #[default]
    Ahead,
    /// 12 hours and 37 minutes behind: yesterday, where it is morning.
    Behind,
}

impl OtherTimezone {
    /// Its name.
    pub const NAME: &str = "HTK";

    /// The one for builds that begin now.
    pub fn of(now: jiff::Timestamp) -> Self {
        if now.as_second().rem_euclid(86_400) < 43_200 { Self::Behind } else { Self::Ahead }
    }

    /// What TZ is for it (POSIX, 8.3: the sign says how much must be added to come to UTC).
    pub fn variable(self) -> &'static str {
        match self {
            Self::Ahead => "HTK-13:37",
            Self::Behind => "HTK+12:37",
        }
    }

    /// How far it is from UTC, as dates have it.
    pub fn offset(self) -> &'static str {
        match self {
            Self::Ahead => "+1337",
            Self::Behind => "-1237",
        }
    }
}

/// A locale that differs from [`LOCALE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OtherLocale {
    /// Its name.
    pub name: String,
    /// The folder that it is in, if it is not the machine's.
    pub folder: Option<Utf8PathBuf>,
}

impl Kit {
    /// The library for a clock that is moved or not, and folders that are listed backwards or not.
    pub fn library(folder: &Utf8Path, moved: bool, backwards: bool) -> Utf8PathBuf {
        folder.join(format!("{}{}.so", u8::from(moved), u8::from(backwards)))
    }
}

impl Conditions {
    /// Whether one is not what it is in a first build.
    pub fn has(&self, condition: Condition) -> bool {
        self.varied.contains(&condition)
    }

    /// The first of two values, or the second where the condition is varied.
    fn pick<T: Copy>(&self, condition: Condition, values: [T; 2]) -> T {
        values[usize::from(self.has(condition))]
    }

    /// The folder that is built in, below that for temporary files.
    pub fn build_folder(&self) -> &'static str {
        self.pick(Condition::Path, BUILD_FOLDERS)
    }

    /// The home folder, likewise.
    pub fn home(&self) -> &'static str {
        self.pick(Condition::Home, HOMES)
    }

    /// The host name.
    pub(super) fn host(&self) -> &'static str {
        self.pick(Condition::Host, HOSTS)
    }

    /// The domain name, if there is one.
    pub(super) fn domain(&self) -> Option<&'static str> {
        self.pick(Condition::Host, [None, Some(DOMAIN)])
    }

    /// The mask of new files' modes.
    pub(super) fn umask(&self) -> u32 {
        self.pick(Condition::Umask, [0o022, 0o002])
    }

    /// The number that a user gets in place of this one.
    pub(super) fn user(&self, own: u32) -> u32 {
        match self.has(Condition::User) {
            true => other_user(own),
            false => own,
        }
    }

    /// What goes into the folder for temporary files before a build: pairs of where it is and what it is to be there.
    pub fn equipment(&self) -> Vec<(Utf8PathBuf, &'static str)> {
        let (moved, backwards) = (self.has(Condition::Time), self.has(Condition::FileOrder));
        let library =
            self.kit.libraries.iter().map(|folder| (Kit::library(folder, moved, backwards), LIBRARY)).collect();
        let folder = self.kit.locale.as_ref().and_then(|locale| locale.folder.clone());
        let locale = folder.filter(|_| self.has(Condition::Locale)).map(|folder| (folder, LOCALES));
        [library, Vec::from_iter(locale)].concat()
    }

    /// Changes the variables of a step that has `temporary` as its folder for temporary files.
    pub fn apply(&self, environment: &mut BTreeMap<String, String>, temporary: &Utf8Path) {
        let mut set = |name: &str, value: String| drop(environment.insert(name.to_owned(), value));
        if self.has(Condition::Timezone) {
            set("TZ", self.kit.timezone.variable().to_owned());
        }
        if let Some(locale) = self.kit.locale.as_ref().filter(|_| self.has(Condition::Locale)) {
            for name in ["LC_ALL", "LANG", "LANGUAGE"] {
                set(name, locale.name.clone());
            }
            if locale.folder.is_some() {
                set("LOCPATH", temporary.join(LOCALES).into_string());
            }
        }
        if self.has(Condition::Environment) {
            set(MARKER.0, MARKER.1.to_owned());
        }
        if self.has(Condition::Terminal) {
            for (name, value) in [("TERM", TERMINAL), ("COLUMNS", "132"), ("LINES", "43")] {
                set(name, value.to_owned());
            }
        }
        if self.has(Condition::ExecPath)
            && let Some(path) = environment.get_mut("PATH")
        {
            *path += &format!(":{FOLDER_IN_PATH}");
        }
        if self.without.contains(&Aid::Epoch) {
            environment.remove("SOURCE_DATE_EPOCH");
        }
    }

    /// Sees to it that a step loads the library, whatever else it is to load. For last, when all variables are known.
    pub fn preload(&self, environment: &mut BTreeMap<String, String>, temporary: &Utf8Path) {
        if self.kit.libraries.is_some() {
            let others = environment.get("LD_PRELOAD").map(|others| format!(" {others}")).unwrap_or_default();
            environment.insert("LD_PRELOAD".to_owned(), format!("{}{others}", temporary.join(LIBRARY)));
        }
    }

    /// Files of the machine that have another text, read where they are now.
    pub(super) fn altered_files(&self) -> Vec<(&'static str, String)> {
        let mut altered = Vec::new();
        let mut alter = |path: &'static str, change: &dyn Fn(String) -> String| {
            // What is not there is not read by builds either.
            altered.extend(fs::read_to_string(path).ok().map(|text| (path, change(text))));
        };
        if self.has(Condition::User) {
            // In its namespace, this process is the other one already.
            let number = rustix::process::getuid().as_raw();
            alter("/etc/passwd", &|text| text + &format!("{USER}:x:{number}:{number}:Another:/tmp:/bin/sh\n"));
            alter("/etc/group", &|text| text + &format!("{USER}:x:{number}:\n"));
        }
        if self.has(Condition::Kernel) {
            alter("/proc/version", &|_| format!("Linux version {KERNEL} (another@another-host) #1 SMP\n"));
            alter("/proc/sys/kernel/osrelease", &|_| format!("{KERNEL}\n"));
        }
        if self.has(Condition::Hardware) {
            alter("/proc/cpuinfo", &other_processors);
            alter("/proc/meminfo", &other_memory);
        }
        altered
    }

    /// Sets what this process hands on to the step. What cannot be set stays as it is: whoever varies looks what came of it.
    pub(super) fn take_effect(&self) {
        // SAFETY: personality takes a number and changes flags of this process alone.
        let personality = |flags: libc::c_int| unsafe { libc::personality(flags as libc::c_ulong) };
        // Of <linux/personality.h>, where libc's crate has none.
        const UNAME26: libc::c_int = 0x0002_0000;
        let now = personality(-1);
        if now >= 0 {
            let kernel = if self.has(Condition::Kernel) { UNAME26 } else { 0 };
            let fixed = if self.has(Condition::Aslr) { 0 } else { libc::ADDR_NO_RANDOMIZE };
            personality(now | kernel | fixed);
        }
        if self.has(Condition::Cpus)
            && let Ok(all) = rustix::thread::sched_getaffinity(None)
            && let Some(first) = (0..CpuSet::MAX_CPU).find(|index| all.is_set(*index))
        {
            let mut one = CpuSet::new();
            one.set(first);
            let _ = rustix::thread::sched_setaffinity(None, &one);
        }
    }

    /// Lets numbers of processes pass by, in the first process of a new namespace of them.
    pub(super) fn use_up_numbers(&self) {
        if self.has(Condition::Processes) {
            processes::use_up_numbers(PROCESSES);
        }
    }
}

fn other_user(own: u32) -> u32 {
    USER_NUMBERS.into_iter().find(|number| *number != own).unwrap_or(own)
}

/// Processors of another make. What they can do stays, for programs do it.
fn other_processors(text: String) -> String {
    let other = |line: &str| match line.split_once(':') {
        Some((name, _)) if name.trim() == "model name" => format!("{name}: {PROCESSOR} @ 1.37GHz\n"),
        Some((name, _)) if name.trim() == "cpu MHz" => format!("{name}: 1370.000\n"),
        Some((name, _)) if name.trim() == "bogomips" => format!("{name}: 2740.00\n"),
        _ => format!("{line}\n"),
    };
    // Not all architectures name their processors.
    let named = "another processor\t: yes\n".to_owned();
    text.lines().map(other).collect::<String>() + &named
}

/// Half as much memory again, and a kilobyte.
fn other_memory(text: String) -> String {
    let other = |line: &str| match line.split_once(':') {
        Some(("MemTotal", rest)) => {
            let kilobytes: u64 = rest.trim().trim_end_matches(" kB").parse().unwrap_or_default();
            format!("MemTotal:       {} kB\n", kilobytes * 3 / 2 + 1)
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_varied_is_other() {
        let mut environment = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
        let before = environment.clone();
        Conditions::default().apply(&mut environment, "/tmp".into());
        assert_eq!(environment, before);
        let all = Conditions { varied: Condition::ALL.into(), ..Conditions::default() };
        all.apply(&mut environment, "/tmp".into());
        assert_eq!(environment["PATH"], "/bin:/nonexistent/another-path");
        assert_eq!(environment["TZ"], "HTK-13:37");
        assert!(!environment.contains_key("LC_ALL"), "there is no other locale");
        assert_eq!(all.build_folder(), "another-place/deeper/build");
    }

    #[test]
    fn the_clock_is_moved_by_another_year_month_day_and_weekday() {
        use jiff::{Timestamp, ToSpan};
        for day in 0..800_i64 {
            let now = Timestamp::UNIX_EPOCH + (24 * (19_000 + day)).hours();
            let then = now + SECONDS.seconds();
            let [now, then] = [now, then].map(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
            assert_ne!((now.year(), now.month(), now.day()).0, then.year());
            assert_ne!(now.month(), then.month(), "{now}");
            assert_ne!(now.day(), then.day(), "{now}");
            assert_ne!(now.weekday(), then.weekday());
        }
    }

    #[test]
    fn another_machine_has_another_processor_and_more_memory() {
        let text = other_processors("processor\t: 0\nmodel name\t: Known\nflags\t: sse\n".to_owned());
        assert!(text.contains("Another Processor") && text.contains("flags\t: sse\n") && !text.contains("Known"));
        assert_eq!(other_memory("MemTotal:       1000 kB\nX: 1\n".to_owned()), "MemTotal:       1501 kB\nX: 1\n");
    }
}
