//! Section conditions, `[section : expression]`.
//!
//! The original evaluates a PEP 508 marker, or any Python at all. Here the expressions found in real configs are
//! supported, and everything else is refused with its text: names such as `linux` and `python3`, `sys.version_info`,
//! `sys.platform`, `os.name`, `platform.machine()`, `platform.system()`, `platform.release()`,
//! `platform.freedesktop_os_release()`, PEP 508 markers, `os.path.exists('/…')` and its kin, `int(…)`, `.split(…)`,
//! comparisons, `not`, `and`, `or`, parentheses, strings, numbers, tuples, lists and `[… for … in …]`.

mod eval;
mod parse;

use std::collections::BTreeSet;

use super::error::ErrorKind;
use super::facts::{ConditionRecord, Fact, Facts, PathKind};

/// A parsed condition; whether it holds depends on [`Facts`].
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) text: String,
    expression: Expr,
}

/// A node of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Expr {
    Bool(bool),
    Text(String),
    Number(u64),
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    /// `[item for name in of]`
    Each {
        item: Box<Expr>,
        name: String,
        of: Box<Expr>,
    },
    /// A bare name: one of buildout's (`linux`) or a marker's (`python_version`).
    Name(String),
    /// `value.name`
    Attribute(Box<Expr>, String),
    /// `value(arguments)`
    Call(Box<Expr>, Vec<Expr>),
    /// `value[index]`
    Index(Box<Expr>, Box<Expr>),
    /// `value[:end]`
    Head(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// `a < b <= c`: the first operand and what it is compared with in turn.
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    /// `~=`, for versions only.
    Compatible,
}

impl Condition {
    /// Reads an expression; `\x23` and `\x3b` stand for `#` and `;`, which a header cannot hold.
    ///
    /// # Errors
    /// [`ErrorKind::Condition`] for everything outside the supported language.
    pub(super) fn parse(text: &str) -> Result<Self, ErrorKind> {
        let source = text.replace(r"\x23", "#").replace(r"\x3b", ";");
        let refuse = |reason| ErrorKind::Condition { expression: text.to_owned(), reason };
        let expression = parse::parse(&source).map_err(refuse)?;
        Ok(Self { text: text.to_owned(), expression })
    }

    /// Whether the condition holds, and the facts that were looked at to tell. `path_kind` is asked for paths that the
    /// facts do not know yet.
    ///
    /// # Errors
    /// [`ErrorKind::Condition`] where a name is unknown or values of different kinds are compared.
    pub(super) fn holds(
        &self,
        facts: &mut Facts,
        path_kind: &dyn Fn(&str) -> PathKind,
    ) -> Result<(bool, BTreeSet<Fact>), ErrorKind> {
        eval::holds(&self.expression, facts, path_kind)
            .map_err(|reason| ErrorKind::Condition { expression: self.text.clone(), reason })
    }
}

impl ConditionRecord {
    /// Whether the condition holds for other facts, which must have the answers for all paths it asks about; `None` where
    /// that cannot be told.
    pub fn holds_for(&self, facts: &Facts) -> Option<bool> {
        let expression = self.condition.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?.1;
        let condition = Condition::parse(expression.trim()).ok()?;
        condition.holds(&mut facts.clone(), &|_| PathKind::Missing).ok().map(|(holds, _)| holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::facts::PythonVersion;

    fn facts() -> Facts {
        Facts {
            machine: "x86_64".into(),
            platform: "linux".into(),
            python: PythonVersion { major: 3, minor: 11, micro: 7 },
            os_release: [("ID", "debian"), ("VERSION_ID", "12")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            paths: Default::default(),
            kernel_release: Some("6.1.0-18-amd64".to_owned()),
        }
    }

    fn path_kind(path: &str) -> PathKind {
        if path == "/etc/here" { PathKind::File } else { PathKind::Missing }
    }

    fn holds(text: &str) -> Result<bool, String> {
        let condition = Condition::parse(text).map_err(|error| error.to_string())?;
        condition.holds(&mut facts(), &path_kind).map(|(holds, _)| holds).map_err(|error| error.to_string())
    }

    #[test]
    fn conditions_of_real_configs_mean_what_python_says() {
        for (text, expected) in [
            ("linux", true),
            ("not linux", false),
            ("python3 and (windows or posix)", true),
            ("python311", true),
            ("python27", false),
            ("bits64 and little_endian", true),
            ("sys.version_info < (3,11)", false),
            ("sys.version_info >= (3, 11)", true),
            ("sys.version_info[:2] == (3, 11)", true),
            ("sys.version_info[0] == 3", true),
            ("sys.version_info.minor > 9", true),
            ("(3, 8) <= sys.version_info < (3, 12)", true),
            ("platform.machine() == 'x86_64'", true),
            ("platform.machine() in ('aarch64', \"arm64\")", false),
            ("platform.machine() not in ['i686']", true),
            ("platform.freedesktop_os_release()['ID'] == 'debian'", true),
            ("platform.freedesktop_os_release().get('NONE') == 'x'", false),
            ("platform.system() == 'Linux'", true),
            ("sys.platform.startswith('lin')", true),
            ("sys.platform == 'win32' or True", true),
            ("python_version < \"3.9\"", false),
            ("python_version >= '3.9' and platform_system == 'Linux'", true),
            ("'3.9' <= python_version", true),
            ("python_version == '3.*'", true),
            ("python_version ~= '3.10'", true),
            ("platform_machine != 'aarch64'", true),
            ("int(platform.freedesktop_os_release()['VERSION_ID']) < 12", false),
            ("int(platform.freedesktop_os_release()['VERSION_ID']) <= 12 and linux", true),
            ("[int(q) for q in platform.release().split(\".\")[:2]]<[4,14]", false),
            ("[int(part) for part in '4.9.1'.split('.')[:2]] < [4, 14]", true),
            ("sys.version_info[:2] != [3, 11]", true),
            ("sys_platform >= 'darwin' or sys_platform < 'z'", false),
            ("sys_platform >= 'linux' and sys_platform <= 'linux'", true),
            ("python_version >= '3.*'", false),
            ("os.path.exists('/etc/here') and os.path.isfile('/etc/here')", true),
            ("os.path.isdir('/etc/here') or os.path.exists('/etc/nowhere')", false),
            ("os.path.isdir('/nowhere') and os.access('/x', os.R_OK) and 'x' in open('/x').read()", false),
        ] {
            assert_eq!(holds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_text() {
        for (text, reason) in [
            ("open('/etc/passwd')", "`open` is not a name"),
            ("'x' in open('/x').read()", "`open` is not a name"),
            ("linux +", "unexpected `+`"),
            ("not", "unexpected end"),
            ("__import__('os').system('x')", "`__import__` is not a name"),
            ("sys.version_info < '3'", "cannot be compared"),
            ("python_version > '3.9' and linux", "mixes a marker"),
            ("sys.version_info < (3", "`)` is missing"),
            ("'abc", "string does not end"),
            ("extra == 'x'", "`extra` is not a name"),
            ("1 < 'a'", "cannot be compared"),
            ("os.access('/x', os.R_OK)", "`os.access` is not supported"),
            ("os.path.exists('relative')", "absolute path"),
            ("int('x') < 1", "`int` needs a whole number, not `x`"),
            ("(1, 2) < [1, 2]", "cannot be compared"),
            ("[q for q in 3]", "goes through lists"),
            ("[q for q in (1, 2)", "`]` is missing"),
            ("q", "`q` is not a name"),
        ] {
            let error = holds(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn only_facts_that_were_needed_are_recorded() {
        let condition = Condition::parse("linux or platform.machine() == 'x'").expect("parses");
        let (holds, read) = condition.holds(&mut facts(), &path_kind).expect("holds");
        assert!(holds);
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [Fact::Platform]);
    }

    #[test]
    fn deep_nesting_is_refused_instead_of_overflowing_the_stack() {
        let text = format!("{}linux{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(holds(&text).expect_err("too deep").contains("nested too deep"));
        assert!(holds(&"not ".repeat(100_000)).expect_err("too deep").contains("nested too deep"));
    }
}
