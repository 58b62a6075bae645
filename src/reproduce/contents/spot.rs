//! What a difference is, and what is known against it.

use serde::Serialize;

use super::view::View;
use crate::install::sandbox::Condition;

/// One difference, at its depth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Spot {
    /// Members that it is in, from the outermost; none where it is in the file itself.
    pub inside: Vec<String>,
    /// What it is.
    pub what: What,
    /// The section of a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Where it is in the first file, member or section, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// What the first has there.
    pub first: View,
    /// What the second has there.
    pub second: View,
}

/// What an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Of ar(1).
    Ar,
    /// Of tar(1).
    Tar,
    /// Zip, also by the name of jar or wheel.
    Zip,
}

/// What a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// What a condition was, such as the build path.
    Value(Condition),
    /// A date, as `__DATE__` writes it.
    CompiledDate,
    /// A date, otherwise written.
    Date,
    /// A time of day.
    TimeOfDay,
    /// Seconds since 1970, in digits or in bytes.
    Seconds,
    /// Another number.
    Number,
    /// The same lines in another order.
    LineOrder,
    /// Members of an archive in another order.
    MemberOrder,
    /// Members have other times.
    MemberTimes(Kind),
    /// Members have other owners.
    MemberOwners(Kind),
    /// Members have other modes.
    MemberModes(Kind),
    /// The header of a gzip file has another time.
    GzipTime,
    /// The header of a gzip file has another file name.
    GzipName,
    /// The same contents, otherwise compressed.
    Compression,
    /// The time of the source in a compiled Python module.
    PycTime,
    /// A program's build ID: a digest of the program before it was stripped.
    BuildId,
    /// Only the first has it.
    OnlyFirst,
    /// Only the second has it.
    OnlySecond,
    /// Lines of a text.
    Lines,
    /// Bytes that nothing more is known of.
    Bytes,
    /// There are more differences than are told.
    More,
}

impl What {
    /// It follows from other differences where there are some.
    pub fn follows(self) -> bool {
        self == Self::BuildId
    }

    /// The conditions that it may come from, as far as that can be told from the bytes.
    pub fn suspects(self) -> Vec<Condition> {
        match self {
            Self::Value(condition) => vec![condition],
            Self::CompiledDate | Self::Date => vec![Condition::Time, Condition::Timezone],
            Self::TimeOfDay | Self::Seconds => vec![Condition::Time],
            Self::MemberOrder | Self::LineOrder => vec![Condition::FileOrder, Condition::Jobs, Condition::Locale],
            Self::Number => vec![Condition::Processes, Condition::Aslr],
            Self::MemberModes(_) => vec![Condition::Umask],
            Self::BuildId => vec![Condition::Path],
            _ => Vec::new(),
        }
    }

    /// What can be done about it; nothing where that depends.
    pub fn fix(self) -> Option<&'static str> {
        Some(match self {
            Self::Value(Condition::Path) => {
                "add -ffile-prefix-map=\"$PWD\"=. to CFLAGS and CXXFLAGS; installations build at one path everywhere"
            }
            Self::CompiledDate => "compilers take __DATE__ from SOURCE_DATE_EPOCH, which installations set",
            Self::Date | Self::TimeOfDay | Self::Seconds => {
                "write the time of SOURCE_DATE_EPOCH instead, which installations set, or none"
            }
            Self::Value(Condition::Timezone) => "write times in UTC; installations set TZ=UTC",
            Self::Value(Condition::Locale) => "run it with LC_ALL=C; installations set C.UTF-8",
            Self::Value(Condition::Host | Condition::User | Condition::Kernel | Condition::Hardware) => {
                "leave out who built it, and where"
            }
            Self::Value(Condition::Home | Condition::Environment | Condition::ExecPath | Condition::Terminal) => {
                "leave the environment out of what is installed"
            }
            Self::MemberTimes(Kind::Ar) | Self::MemberOwners(Kind::Ar) | Self::MemberModes(Kind::Ar) => {
                "use ar with D, as in ARFLAGS=crD; installations take this out of static libraries"
            }
            Self::MemberTimes(Kind::Tar) | Self::MemberOwners(Kind::Tar) | Self::MemberModes(Kind::Tar) => {
                "tar --mtime=@$SOURCE_DATE_EPOCH --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw,a-s"
            }
            Self::MemberTimes(Kind::Zip) => "touch -d @$SOURCE_DATE_EPOCH what is packed, and TZ=UTC zip -X",
            Self::MemberOwners(Kind::Zip) | Self::MemberModes(Kind::Zip) => "chmod what is packed, and zip -X",
            Self::GzipTime | Self::GzipName => "gzip -n",
            Self::PycTime => "compile Python with --invalidation-mode unchecked-hash, or set the sources' times before",
            Self::BuildId => {
                "what was stripped differs: add -ffile-prefix-map=\"$PWD\"=. to CFLAGS, or compile without -g"
            }
            _ => return None,
        })
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(Condition::Path) => f.write_str("the build path"),
            Self::Value(condition) => f.write_str(condition.meaning()),
            Self::CompiledDate => f.write_str("a date as __DATE__ writes it"),
            Self::Date => f.write_str("a date"),
            Self::TimeOfDay => f.write_str("a time of day"),
            Self::Seconds => f.write_str("seconds since 1970"),
            Self::Number => f.write_str("a number"),
            Self::LineOrder => f.write_str("the same lines in another order"),
            Self::MemberOrder => f.write_str("members in another order"),
            Self::MemberTimes(_) => f.write_str("member times"),
            Self::MemberOwners(_) => f.write_str("member owners"),
            Self::MemberModes(_) => f.write_str("member modes"),
            Self::GzipTime => f.write_str("header time"),
            Self::GzipName => f.write_str("header name"),
            Self::Compression => f.write_str("the same, compressed otherwise"),
            Self::PycTime => f.write_str("the time of its source"),
            Self::BuildId => f.write_str("the build ID, of what was stripped"),
            Self::OnlyFirst => f.write_str("only the first has it"),
            Self::OnlySecond => f.write_str("only the second has it"),
            Self::Lines => f.write_str("other lines"),
            Self::Bytes => f.write_str("other bytes"),
            Self::More => f.write_str("and more differences"),
        }
    }
}
