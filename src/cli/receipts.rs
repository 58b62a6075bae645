//! Receipts beside bundles: who says that a bundle was rehearsed.

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use serde_json::json;

use super::collection::shown;
use super::context::Context;
use super::error::Report;
use super::trust;
use crate::attest::{Envelope, Signed, Statement, Subject};
use crate::base::{IoContext, Sha256, sha256_file, write_atomic};
use crate::install::{RECEIPT_TYPE, Receipt};
use crate::report::plural;
use crate::signature::{PublicKey, SecretKey};

/// Where the receipt of a bundle is.
pub(super) fn receipt_of(bundle: &Utf8Path) -> Utf8PathBuf {
    format!("{bundle}.receipt.json").into()
}

/// Whether there is a receipt that somebody signed.
pub(super) fn is_signed(path: &Utf8Path) -> bool {
    let opened = std::fs::read(path).ok().and_then(|text| Envelope::open(&text, &[]).ok());
    opened.is_some_and(|opened| opened.signed != Signed::No)
}

/// Where the provenance of a bundle is.
pub(super) fn provenance_of(bundle: &Utf8Path) -> Utf8PathBuf {
    format!("{bundle}.provenance.json").into()
}

/// Writes the receipt of a bundle of this digest beside it, in an envelope with a signature if there is a key for one.
pub(super) fn write(
    context: &Context<'_>,
    (bundle, sha256): (&Utf8Path, Sha256),
    receipt: &Receipt,
    key: Option<&SecretKey>,
) -> Result<Utf8PathBuf, Report> {
    let subject = Subject::new(bundle.file_name().unwrap_or_default(), sha256);
    let path = receipt_of(bundle);
    write_statement(context, &path, &Statement::new(vec![subject], RECEIPT_TYPE, receipt), key)?;
    Ok(path)
}

/// Writes a statement, in an envelope with a signature if there is a key for one.
pub(super) fn write_statement<P: Serialize>(
    context: &Context<'_>,
    path: &Utf8Path,
    statement: &Statement<P>,
    key: Option<&SecretKey>,
) -> Result<(), Report> {
    let text = match key {
        Some(key) => Envelope::seal(&statement.to_text(), key)?.to_text(),
        None => statement.to_text(),
    };
    write_atomic(path, &text, 0o644)?;
    let signed = key.map_or_else(|| "not signed".to_owned(), |key| format!("signed with key {}", key.id()));
    context.console.say(format!("{}: {signed}", shown(context, path)));
    Ok(())
}

/// A receipt, and whose it is.
pub(super) struct Read {
    pub(super) receipt: Receipt,
    pub(super) signed: Signed,
    /// The bundles that it is of.
    subjects: Vec<Sha256>,
}

/// Reads a receipt; why it is none is in words.
pub(super) fn read(context: &Context<'_>, path: &Utf8Path, keys: &[PublicKey]) -> Result<Result<Read, String>, Report> {
    let text = std::fs::read(path).at("read", path)?;
    Ok(open(&text, keys).map_err(|reason| format!("`{}` {reason}", shown(context, path))))
}

/// The receipt in a text; why it has none, in words.
fn open(text: &[u8], keys: &[PublicKey]) -> Result<Read, String> {
    let opened = Envelope::open(text, keys).map_err(|reason| format!("is no receipt: {reason}"))?;
    // What it says is shown to people.
    if has_control(&opened.statement) {
        return Err("has control characters in its texts".to_owned());
    }
    let statement: Statement<Receipt> =
        serde_json::from_slice(&opened.statement).map_err(|error| format!("is no receipt: {error}"))?;
    if !statement.is_of(RECEIPT_TYPE) {
        return Err("says something else".to_owned());
    }
    match opened.signed {
        Signed::Wrong(key) => Err(format!("is not what key {key} signed")),
        signed => {
            let subjects = statement.subject.iter().map(|subject| subject.digest.sha256).collect();
            Ok(Read { receipt: statement.predicate, signed, subjects })
        }
    }
}

/// What is known of a bundle's rehearsal.
pub(super) enum Rehearsed {
    /// An unpacked bundle has no receipt.
    Unknown,
    /// Nobody says that there was one.
    Never,
    /// There is a receipt, and it says nothing of these bytes.
    Useless(String),
    /// It was rehearsed, says somebody.
    Says(Box<Receipt>, Signed),
}

impl Rehearsed {
    /// Looks at the receipt beside a bundle's file, if there is a file.
    pub(super) fn of(context: &Context<'_>, bundle: Option<&Utf8Path>, pubkeys: &[String]) -> Result<Self, Report> {
        let Some(bundle) = bundle else { return Ok(Self::Unknown) };
        let path = receipt_of(bundle);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::Never),
            text => text.at("read", &path)?,
        };
        let keys = trust::keys(context, pubkeys)?;
        let name = shown(context, &path);
        let read = match open(&text, &keys) {
            Ok(read) => read,
            Err(reason) => return Ok(Self::Useless(format!("`{name}` {reason}"))),
        };
        if !read.subjects.contains(&sha256_file(bundle)?) {
            return Ok(Self::Useless(format!("`{name}` is of another bundle, with other bytes")));
        }
        Ok(Self::Says(Box::new(read.receipt), read.signed))
    }

    /// A line or two.
    pub(super) fn words(&self) -> String {
        let (receipt, signed) = match self {
            Self::Unknown => return String::new(),
            Self::Never | Self::Useless(_) => return "NOT REHEARSED\n".to_owned(),
            Self::Says(receipt, signed) => (receipt, signed),
        };
        let whose = match signed {
            Signed::By(key) => format!("the receipt is signed by key {key}, which is trusted"),
            Signed::Unknown(key) => format!("the receipt is signed with key {key}, which nobody here trusts"),
            Signed::No | Signed::Wrong(_) => "the receipt is not signed".to_owned(),
        };
        let reused = receipt.parts.iter().filter(|part| part.reused).count();
        let reused = if reused == 0 { String::new() } else { format!(", {} taken over", plural(reused, "part")) };
        let attempts: usize = receipt.parts.iter().map(|part| part.attempts.len()).sum();
        let attempts = if attempts == 0 { String::new() } else { format!(", {}", plural(attempts, "network attempt")) };
        let when = receipt.finished.strftime("%Y-%m-%d %H:%M UTC");
        // Whose it is comes before all that it says itself.
        format!("rehearsed; {whose}\n  on {when}, {}{reused}{attempts}\n", receipt.machine.system)
    }

    /// Says loudly what nobody should overlook.
    pub(super) fn warn(&self, context: &Context<'_>) {
        match self {
            Self::Never => {
                context.console.warn("nobody has rehearsed this bundle: hardtack rehearse builds it as the site will")
            }
            Self::Useless(reason) => context.console.warn(format!("{reason}; the bundle counts as not rehearsed")),
            Self::Unknown | Self::Says(..) => {}
        }
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Unknown => serde_json::Value::Null,
            Self::Never => json!({ "rehearsed": false }),
            Self::Useless(reason) => json!({ "rehearsed": false, "reason": reason }),
            Self::Says(receipt, signed) => {
                let (signer, trusted) = match signed {
                    Signed::By(key) => (Some(key.to_string()), true),
                    Signed::Unknown(key) | Signed::Wrong(key) => (Some(key.clone()), false),
                    Signed::No => (None, false),
                };
                json!({ "rehearsed": true, "signer": signer, "trusted": trusted, "receipt": receipt })
            }
        }
    }
}

/// Whether a text of a statement has control characters.
fn has_control(statement: &[u8]) -> bool {
    fn within(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::String(text) => text.contains(char::is_control),
            serde_json::Value::Array(values) => values.iter().any(within),
            serde_json::Value::Object(fields) => {
                fields.iter().any(|(name, value)| name.contains(char::is_control) || within(value))
            }
            _ => false,
        }
    }
    serde_json::from_slice(statement).is_ok_and(|value| within(&value))
}
