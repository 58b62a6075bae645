//! What a condition's expression says about given facts.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::super::facts::{Fact, Facts, PathKind};
use super::{Comparison, Expr};

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Bool(bool),
    Text(String),
    Number(u64),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    /// A marker variable: compared by PEP 508's rules with a string.
    Marker {
        text: String,
        version: bool,
    },
    /// `sys.version_info`.
    VersionInfo,
    /// `platform.freedesktop_os_release()`.
    OsRelease,
    /// A field the operating system's description does not have.
    None,
}

pub(super) fn holds(
    expression: &Expr,
    facts: &mut Facts,
    path_kind: &dyn Fn(&str) -> PathKind,
) -> Result<(bool, BTreeSet<Fact>), String> {
    let (read, bound) = (BTreeSet::new(), Vec::new());
    let mut evaluation = Evaluation { facts, path_kind, read, bound, marker: false, python: false };
    let value = evaluation.eval(expression)?;
    if evaluation.marker && evaluation.python {
        return Err("it mixes a marker such as `python_version` with a name such as `linux`".to_owned());
    }
    Ok((truth(&value), evaluation.read))
}

struct Evaluation<'a> {
    facts: &'a mut Facts,
    path_kind: &'a dyn Fn(&str) -> PathKind,
    read: BTreeSet<Fact>,
    /// The names of `for`, innermost last.
    bound: Vec<(String, Value)>,
    marker: bool,
    python: bool,
}

impl Evaluation<'_> {
    fn read(&mut self, fact: Fact) -> String {
        let value = self.facts.value(&fact);
        self.read.insert(fact);
        value
    }

    fn eval(&mut self, expression: &Expr) -> Result<Value, String> {
        Ok(match expression {
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Number(number) => Value::Number(*number),
            Expr::Tuple(items) => Value::Tuple(items.iter().map(|item| self.eval(item)).collect::<Result<_, _>>()?),
            Expr::List(items) => Value::List(items.iter().map(|item| self.eval(item)).collect::<Result<_, _>>()?),
            Expr::Each { item, name, of } => {
                let of = self.eval(of)?;
                let items = self.sequence(&of).ok_or("`for` goes through lists and tuples only")?;
                let each = items.into_iter().map(|value| {
                    self.bound.push((name.clone(), value));
                    let result = self.eval(item);
                    self.bound.pop();
                    result
                });
                Value::List(each.collect::<Result<_, _>>()?)
            }
            Expr::Name(name) => self.name(name)?,
            Expr::Not(inner) => Value::Bool(!truth(&self.eval(inner)?)),
            Expr::And(left, right) => match self.eval(left)? {
                value if truth(&value) => self.eval(right)?,
                value => value,
            },
            Expr::Or(left, right) => match self.eval(left)? {
                value if truth(&value) => value,
                _ => self.eval(right)?,
            },
            Expr::Compare(first, rest) => {
                let mut left = self.eval(first)?;
                for (comparison, right) in rest {
                    let right = self.eval(right)?;
                    if !self.compare(&left, *comparison, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Value::Bool(true)
            }
            Expr::Attribute(value, name) => self.attribute(value, name)?,
            Expr::Call(function, arguments) => self.call(function, arguments)?,
            Expr::Index(value, index) => {
                let value = self.eval(value)?;
                let index = self.eval(index)?;
                self.index(&value, &index)?
            }
            Expr::Head(value, end) => {
                let value = self.eval(value)?;
                match (self.sequence(&value), self.eval(end)?) {
                    (Some(items), Value::Number(end)) => {
                        let head = items.into_iter().take(end as usize).collect();
                        if matches!(value, Value::List(_)) { Value::List(head) } else { Value::Tuple(head) }
                    }
                    _ => return Err("`[:n]` is supported for `sys.version_info` and tuples only".to_owned()),
                }
            }
        })
    }

    /// The names buildout gives to expressions, and those of PEP 508.
    fn name(&mut self, name: &str) -> Result<Value, String> {
        if let Some((_, value)) = self.bound.iter().rfind(|(bound, _)| bound == name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.marker(name) {
            self.marker = true;
            return Ok(value);
        }
        let value = match name {
            "linux" => self.read(Fact::Platform).contains("linux"),
            "windows" => self.read(Fact::Platform).contains("win32"),
            "cygwin" => self.read(Fact::Platform).contains("cygwin"),
            "solaris" => self.read(Fact::Platform).contains("sunos"),
            "macosx" => self.read(Fact::Platform).contains("darwin"),
            "posix" => self.read(Fact::Platform) != "win32",
            "cpython" => true,
            "pypy" | "jython" | "ironpython" => false,
            "bits64" => pointer_bits(&self.read(Fact::Machine)) == 64,
            "bits32" => pointer_bits(&self.read(Fact::Machine)) == 32,
            "little_endian" => !big_endian(&self.read(Fact::Machine)),
            "big_endian" => big_endian(&self.read(Fact::Machine)),
            _ => match python_name(name) {
                Some((major, minor)) => {
                    self.read(Fact::Python);
                    let python = self.facts.python;
                    python.major == major && minor.is_none_or(|minor| python.minor == minor)
                }
                None => return Err(format!("`{name}` is not a name that conditions know")),
            },
        };
        self.python = true;
        Ok(Value::Bool(value))
    }

    fn marker(&mut self, name: &str) -> Option<Value> {
        let version = |text| Some(Value::Marker { text, version: true });
        let text = |text: String| Some(Value::Marker { text, version: false });
        match name {
            "python_version" => {
                self.read(Fact::Python);
                version(self.facts.python.short())
            }
            "python_full_version" | "implementation_version" => version(self.read(Fact::Python)),
            "sys_platform" => text(self.read(Fact::Platform)),
            "platform_machine" => text(self.read(Fact::Machine)),
            "platform_system" => text(system(&self.read(Fact::Platform)).to_owned()),
            "os_name" => text(os_name(&self.read(Fact::Platform)).to_owned()),
            "platform_python_implementation" => text("CPython".to_owned()),
            "implementation_name" => text("cpython".to_owned()),
            _ => None,
        }
    }

    fn attribute(&mut self, value: &Expr, name: &str) -> Result<Value, String> {
        if let Expr::Name(module) = value {
            self.python = true;
            return match (module.as_str(), name) {
                ("sys", "version_info") => Ok(Value::VersionInfo),
                ("sys", "platform") => Ok(Value::Text(self.read(Fact::Platform))),
                ("os", "name") => Ok(Value::Text(os_name(&self.read(Fact::Platform)).to_owned())),
                ("sys" | "os" | "platform" | "re", _) => Err(format!("`{module}.{name}` is not supported")),
                _ => Err(format!("`{module}` is not a name that conditions know")),
            };
        }
        let value = self.eval(value)?;
        let index = ["major", "minor", "micro"].iter().position(|field| *field == name);
        match (self.sequence(&value), index) {
            (Some(items), Some(index)) if value == Value::VersionInfo => Ok(items[index].clone()),
            _ => Err(format!("`.{name}` is not supported here")),
        }
    }

    fn call(&mut self, function: &Expr, arguments: &[Expr]) -> Result<Value, String> {
        let Expr::Attribute(owner, name) = function else {
            return match function {
                Expr::Name(name) if name == "int" => self.int(arguments),
                Expr::Name(name) => Err(format!("`{name}` is not a name that conditions know")),
                _ => Err("this call is not supported".to_owned()),
            };
        };
        if matches!(&**owner, Expr::Name(module) if module == "platform") {
            self.python = true;
            return match (name.as_str(), arguments.len()) {
                ("machine", 0) => Ok(Value::Text(self.read(Fact::Machine))),
                ("system", 0) => Ok(Value::Text(system(&self.read(Fact::Platform)).to_owned())),
                ("python_version", 0) => Ok(Value::Text(self.read(Fact::Python))),
                ("release", 0) => Ok(Value::Text(self.read(Fact::KernelRelease))),
                ("freedesktop_os_release", 0) => Ok(Value::OsRelease),
                _ => Err(format!("`platform.{name}` is not supported")),
            };
        }
        if let Expr::Attribute(module, path) = &**owner
            && path == "path"
            && matches!(&**module, Expr::Name(module) if module == "os")
        {
            self.python = true;
            return match arguments {
                [Expr::Text(path)] => self.path(name, path),
                _ => Err(format!("`os.path.{name}` is supported for a literal path only")),
            };
        }
        if let Expr::Name(module) = &**owner
            && matches!(module.as_str(), "os" | "sys" | "re")
        {
            return Err(format!("`{module}.{name}` is not supported"));
        }
        let owner = self.eval(owner)?;
        let arguments: Vec<Value> = arguments.iter().map(|item| self.eval(item)).collect::<Result<_, _>>()?;
        match (&owner, name.as_str(), arguments.as_slice()) {
            (Value::Text(text), "startswith", [Value::Text(start)]) => Ok(Value::Bool(text.starts_with(start))),
            (Value::Text(text), "endswith", [Value::Text(end)]) => Ok(Value::Bool(text.ends_with(end))),
            (Value::Text(text), "split", [Value::Text(sign)]) if !sign.is_empty() => {
                Ok(Value::List(text.split(sign.as_str()).map(|part| Value::Text(part.to_owned())).collect()))
            }
            (Value::Text(text), "lower", []) => Ok(Value::Text(text.to_lowercase())),
            (Value::OsRelease, "get", [Value::Text(field)]) => Ok(self.os_release(field)),
            (Value::OsRelease, "get", [Value::Text(field), default]) => match self.os_release(field) {
                Value::None => Ok(default.clone()),
                value => Ok(value),
            },
            _ => Err(format!("`.{name}(…)` is not supported here")),
        }
    }

    /// `int(…)` of a number, or of a text that is one.
    fn int(&mut self, arguments: &[Expr]) -> Result<Value, String> {
        self.python = true;
        let [argument] = arguments else { return Err("`int` takes one value".to_owned()) };
        match self.eval(argument)? {
            Value::Number(number) => Ok(Value::Number(number)),
            Value::Text(text) => match text.trim().parse() {
                Ok(number) => Ok(Value::Number(number)),
                Err(_) => Err(format!("`int` needs a whole number, not `{text}`")),
            },
            _ => Err("`int` takes a text".to_owned()),
        }
    }

    /// A question about the machine's files; the answer becomes one of the facts.
    fn path(&mut self, question: &str, path: &str) -> Result<Value, String> {
        if !path.starts_with('/') {
            return Err(format!("`os.path.{question}` needs an absolute path"));
        }
        let path_kind = self.path_kind;
        let kind = *self.facts.paths.entry(path.to_owned()).or_insert_with(|| path_kind(path));
        self.read.insert(Fact::Path(path.to_owned()));
        match question {
            "exists" => Ok(Value::Bool(kind != PathKind::Missing)),
            "isdir" => Ok(Value::Bool(kind == PathKind::Folder)),
            "isfile" => Ok(Value::Bool(kind == PathKind::File)),
            _ => Err(format!("`os.path.{question}` is not supported")),
        }
    }

    fn os_release(&mut self, field: &str) -> Value {
        self.read.insert(Fact::OsRelease(field.to_owned()));
        self.facts.os_release.get(field).map_or(Value::None, |value| Value::Text(value.clone()))
    }

    fn index(&mut self, value: &Value, index: &Value) -> Result<Value, String> {
        match (value, index) {
            (Value::OsRelease, Value::Text(field)) => match self.os_release(field) {
                Value::None => Err(format!("this system's os-release has no field `{field}`")),
                value => Ok(value),
            },
            (_, Value::Number(index)) => {
                let items = self.sequence(value).ok_or("`[n]` is not supported here")?;
                items.get(*index as usize).cloned().ok_or_else(|| format!("index {index} is out of range"))
            }
            _ => Err("this subscript is not supported".to_owned()),
        }
    }

    fn sequence(&mut self, value: &Value) -> Option<Vec<Value>> {
        match value {
            Value::Tuple(items) | Value::List(items) => Some(items.clone()),
            Value::VersionInfo => {
                self.read(Fact::Python);
                let python = self.facts.python;
                Some([python.major, python.minor, python.micro].map(|number| Value::Number(number.into())).to_vec())
            }
            _ => None,
        }
    }

    fn compare(&mut self, left: &Value, comparison: Comparison, right: &Value) -> Result<bool, String> {
        use Comparison::*;
        match (left, right) {
            (Value::Marker { text, version }, Value::Text(other)) => {
                return compare_marker(text, comparison, other, *version);
            }
            (Value::Text(other), Value::Marker { text, version }) => {
                return compare_marker(other, comparison, text, *version);
            }
            _ => {}
        }
        let order = |evaluation: &mut Self| evaluation.order(left, right);
        match comparison {
            Equal => Ok(order(self)? == Some(Ordering::Equal)),
            NotEqual => Ok(order(self)? != Some(Ordering::Equal)),
            In => self.contains(right, left),
            NotIn => Ok(!self.contains(right, left)?),
            Compatible => Err("`~=` compares versions only".to_owned()),
            Less | LessOrEqual | Greater | GreaterOrEqual => {
                let order = order(self)?.ok_or("values of different kinds cannot be compared")?;
                Ok(ordered(order, comparison))
            }
        }
    }

    /// How two values of one kind are ordered; `None` for values of different kinds.
    fn order(&mut self, left: &Value, right: &Value) -> Result<Option<Ordering>, String> {
        // In Python, a list never equals a tuple.
        if matches!(left, Value::List(_)) != matches!(right, Value::List(_)) {
            return Ok(None);
        }
        if let (Some(left), Some(right)) = (self.sequence(left), self.sequence(right)) {
            for (left, right) in left.iter().zip(&right) {
                match self.order(left, right)? {
                    Some(Ordering::Equal) => {}
                    decided => return Ok(decided),
                }
            }
            return Ok(Some(left.len().cmp(&right.len())));
        }
        Ok(match (left, right) {
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
            (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
            (Value::None, Value::None) => Some(Ordering::Equal),
            _ => None,
        })
    }

    fn contains(&mut self, container: &Value, item: &Value) -> Result<bool, String> {
        match (container, item) {
            (Value::Text(text), Value::Text(part)) => Ok(text.contains(part.as_str())),
            (Value::OsRelease, Value::Text(field)) => Ok(self.os_release(field) != Value::None),
            (Value::Tuple(items) | Value::List(items), _) => {
                for candidate in items {
                    if self.order(candidate, item)? == Some(Ordering::Equal) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err("`in` is not supported between these values".to_owned()),
        }
    }
}

/// PEP 508: versions are compared as versions where both sides are some, everything else as text.
fn compare_marker(left: &str, comparison: Comparison, right: &str, version: bool) -> Result<bool, String> {
    use Comparison::*;
    match comparison {
        In => return Ok(right.contains(left)),
        NotIn => return Ok(!right.contains(left)),
        _ => {}
    }
    if version {
        if let (Equal | NotEqual, Some(prefix)) = (comparison, right.strip_suffix(".*")) {
            let matches = left == prefix || left.starts_with(&format!("{prefix}."));
            return Ok(matches == (comparison == Equal));
        }
        if let (Some(left), Some(right)) = (release(left), release(right)) {
            if comparison == Compatible {
                let family = right.len().saturating_sub(1);
                let same = family > 0 && left.iter().chain([&0; 3]).zip(&right[..family]).all(|(a, b)| a == b);
                return Ok(same && compare_releases(&left, &right).is_ge());
            }
            return Ok(ordered(compare_releases(&left, &right), comparison));
        }
    }
    // Texts that are no versions have no order in PEP 508, as the original's library reads it.
    match comparison {
        Compatible => Err("`~=` compares versions only".to_owned()),
        Less | Greater => Ok(false),
        LessOrEqual | GreaterOrEqual => Ok(left == right),
        _ => Ok(ordered(left.cmp(right), comparison)),
    }
}

fn ordered(order: Ordering, comparison: Comparison) -> bool {
    use Comparison::*;
    match comparison {
        Equal => order.is_eq(),
        NotEqual => order.is_ne(),
        Less => order.is_lt(),
        LessOrEqual => order.is_le(),
        Greater => order.is_gt(),
        GreaterOrEqual => order.is_ge(),
        In | NotIn | Compatible => false,
    }
}

fn release(text: &str) -> Option<Vec<u64>> {
    text.trim().split('.').map(|number| number.parse().ok()).collect()
}

/// Missing numbers count as zero.
fn compare_releases(left: &[u64], right: &[u64]) -> Ordering {
    let at = |numbers: &[u64], index: usize| numbers.get(index).copied().unwrap_or(0);
    let length = left.len().max(right.len());
    (0..length)
        .map(|index| at(left, index).cmp(&at(right, index)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Text(text) | Value::Marker { text, .. } => !text.is_empty(),
        Value::Number(number) => *number != 0,
        Value::Tuple(items) | Value::List(items) => !items.is_empty(),
        Value::VersionInfo | Value::OsRelease => true,
        Value::None => false,
    }
}

/// `python3` or `python311`, for the versions buildout has names for.
fn python_name(name: &str) -> Option<(u32, Option<u32>)> {
    let digits = name.strip_prefix("python").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    let (major, minor) = digits.split_at_checked(1)?;
    let minor: Option<u32> = if minor.is_empty() { None } else { Some(minor.parse().ok()?) };
    match (major, minor) {
        ("2", None) => Some((2, None)),
        ("3", None) => Some((3, None)),
        ("2", Some(4..=7)) => Some((2, minor)),
        ("3", Some(0..=19)) if digits.len() == 2 || !digits.starts_with("30") => Some((3, minor)),
        _ => None,
    }
}

fn system(platform: &str) -> &str {
    match platform {
        "linux" => "Linux",
        "darwin" => "Darwin",
        "win32" => "Windows",
        other => other,
    }
}

fn os_name(platform: &str) -> &'static str {
    if platform == "win32" { "nt" } else { "posix" }
}

fn pointer_bits(machine: &str) -> u32 {
    let narrow = machine.starts_with("arm") && machine != "arm64"
        || matches!(machine, "i386" | "i486" | "i586" | "i686" | "mips" | "mipsel" | "ppc" | "riscv32");
    if narrow { 32 } else { 64 }
}

fn big_endian(machine: &str) -> bool {
    matches!(machine, "s390x" | "ppc" | "ppc64" | "mips" | "mips64" | "sparc64")
}
