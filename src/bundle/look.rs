//! What a project file is by its content, where that decides whether it is packed.

use std::fs::File;
use std::io::Read;

use camino::Utf8Path;

use super::error::Error;
use super::framing::Trailer;
use crate::base::{IoContext, RelPath};

/// Files are looked at up to here. No key is longer.
const LOOKED_AT: u64 = 1 << 20;

/// What a look at a file told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A file like any other.
    Plain,
    /// It looks like a key or a credential.
    Secret,
    /// git-lfs has not fetched it.
    LfsPointer,
    /// A bundle.
    Bundle,
}

/// Names under which programs keep credentials.
const SECRET_NAMES: [&str; 12] = [
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    ".env",
    ".htpasswd",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".pgpass",
];
/// Endings of key stores, which hold private keys and little else.
const SECRET_ENDINGS: [&str; 5] = ["p12", "pfx", "jks", "keystore", "kdbx"];

/// Looks at the file at `full`, whose path in the project is `path`.
pub(super) fn look_inside(full: &Utf8Path, path: &RelPath) -> Result<Look, Error> {
    let path: &Utf8Path = path.as_ref();
    if SECRET_NAMES.contains(&path.file_name().unwrap_or_default())
        || path.extension().is_some_and(|ending| SECRET_ENDINGS.contains(&ending))
    {
        return Ok(Look::Secret);
    }
    let mut file = File::open(full).at("open", full)?;
    let mut head = Vec::new();
    (&mut file).take(LOOKED_AT).read_to_end(&mut head).at("read", full)?;
    if head.starts_with(b"version https://git-lfs.") {
        return Ok(Look::LfsPointer);
    }
    if may_be_a_tar(&head) && Trailer::read(&file).at("read", full)?.trailer.is_ok() {
        return Ok(Look::Bundle);
    }
    let private = head.split(|byte| *byte == b'\n').any(|line| is_key_line(line.trim_ascii_end()));
    Ok(if private { Look::Secret } else { Look::Plain })
}

/// PEM keys of all kinds, OpenSSH's, OpenPGP's, minisign's and PuTTY's.
fn is_key_line(line: &[u8]) -> bool {
    let has = |text: &[u8]| line.windows(text.len()).any(|window| window == text);
    line.starts_with(b"-----BEGIN ") && has(b"PRIVATE KEY") && line.ends_with(b"-----")
        || line.starts_with(b"untrusted comment:") && has(b"secret key")
        || line.starts_with(b"PuTTY-User-Key-File-")
}

/// Whether a file starts as bundles do: only of those is the end looked at.
fn may_be_a_tar(head: &[u8]) -> bool {
    head.starts_with(b"\x1f\x8b") || head.starts_with(b"\x28\xb5\x2f\xfd") || head.get(257..262) == Some(b"ustar")
}
